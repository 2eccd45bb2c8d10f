/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of priors, as `make calibrate` measured and printed it on AMD EPYC (2 cores).
 * Beside each row: by what factor the fit was off, median and 95th percentile, for CPU
 * seconds and for bytes of memory. */
#include "predict/internal.h"

const double prior_calibration_s = 0.00201;

const struct prior prior_table[PRIOR_COUNT] = {
    /* 1.17, 1.62; 1.19, 1.48 */
    [OP_READ] = {"read",
                 {[F_ONE] = 0.000109,
                  [F_RECORDS_IN] = 3.84e-08,
                  [F_BYTES_IN] = 2.97e-10,
                  [F_BYTES_OUT] = 9.46e-10,
                  [F_PACKED_BYTES] = 2.96e-09},
                 {[F_ONE] = 1.5e+06, [F_BATCH_BYTES] = 1.07, [F_QUEUED] = 1.39}},
    /* 1.23, 2.64; 1.00, 1.00 */
    [OP_WRITE] = {"write",
                  {[F_ONE] = 0.000641,
                   [F_RECORDS_IN] = 2.27e-08,
                   [F_BYTES_IN] = 2.83e-09,
                   [F_PACKED_BYTES] = 3.31e-08},
                  {[F_ONE] = 4.1e+03}},
    /* 1.10, 4.85; 1.38, 2.49 */
    [OP_FILTER] = {"filter",
                   {[F_ONE] = 2e-05,
                    [F_RECORDS_OUT] = 1.03e-08,
                    [F_BYTES_OUT] = 1.13e-10,
                    [F_EVALS] = 5.43e-09,
                    [F_JQ_EVALS] = 2.87e-06},
                   {[F_ONE] = 2.3e+04, [F_BATCH_BYTES] = 0.601, [F_QUEUED] = 1.99}},
    /* 1.24, 2.43; 1.28, 2.39 */
    [OP_DERIVE] = {"derive",
                   {[F_ONE] = 4.03e-05, [F_EVALS] = 1.33e-08, [F_JQ_EVALS] = 2.17e-06},
                   {[F_ONE] = 2.42e+04, [F_BATCH_BYTES] = 0.0486, [F_QUEUED] = 0.133}},
    /* 1.13, 1.43; 1.00, 1.00 */
    [OP_SELECT] = {"select", {[F_ONE] = 3.95e-06, [F_RECORDS_IN] = 2.48e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.15, 1.95; 1.00, 1.00 */
    [OP_RENAME] = {"rename", {[F_ONE] = 4.63e-06, [F_RECORDS_IN] = 1.46e-09}, {0}},
    /* 1.18, 1.45; 1.20, 1.87 */
    [OP_JOIN] = {"join",
                 {[F_ONE] = 3.16e-05,
                  [F_RECORDS_IN] = 2.12e-08,
                  [F_RECORDS_OUT] = 4.95e-09,
                  [F_BYTES_OUT] = 1.85e-09,
                  [F_BYTES_RIGHT] = 1.32e-09,
                  [F_MISSES] = 1.18e-08},
                 {[F_ONE] = 7.87e+04,
                  [F_RECORDS_RIGHT] = 22,
                  [F_BYTES_RIGHT] = 1.28,
                  [F_BATCH_BYTES] = 1.93}},
    /* 1.14, 1.47; 1.08, 1.63 */
    [OP_AGGREGATE] = {"aggregate",
                      {[F_ONE] = 3.51e-05,
                       [F_RECORDS_IN] = 1.98e-08,
                       [F_RECORDS_OUT] = 3.12e-08,
                       [F_EVALS] = 2.49e-08,
                       [F_STATES] = 7.51e-10,
                       [F_MISSES] = 1.27e-07,
                       [F_VALUES] = 6.75e-08},
                      {[F_ONE] = 1.27e+04,
                       [F_BYTES_OUT] = 1.16,
                       [F_STATES] = 10.2,
                       [F_WIDE] = 2.25e+03,
                       [F_VALUES] = 32.1}},
    /* 1.43, 2.75; 1.17, 2.07 */
    [OP_SORT] =
        {"sort",
         {[F_COMPARES] = 1.98e-08},
         {[F_ONE] = 1.46e+04, [F_RECORDS_IN] = 89.9, [F_BYTES_IN] = 0.885, [F_BATCH_BYTES] = 0.36}},
    /* 1.15, 1.33; 1.04, 1.19 */
    [OP_DISTINCT] = {"distinct",
                     {[F_ONE] = 3.72e-05, [F_RECORDS_IN] = 3.22e-08, [F_MISSES] = 1.56e-08},
                     {[F_ONE] = 3.34e+04, [F_RECORDS_OUT] = 26.5, [F_BATCH_BYTES] = 1.22}},
    /* 1.15, 1.31; 1.00, 1.00 */
    [OP_UNION] = {"union", {[F_ONE] = 6.57e-06, [F_RECORDS_IN] = 3.98e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.07, 1.28; 1.00, 1.00 */
    [OP_LIMIT] = {"limit", {[F_ONE] = 5.84e-06, [F_RECORDS_OUT] = 4.35e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.04, 1.12; 1.78, 1.81 */
    [OP_COMMAND] = {"command", {[F_ONE] = 0.00826, [F_BYTES_IN] = 4.18e-08}, {[F_ONE] = 2.17e+06}},
    /* 1.41, 1.78; 1.42, 1.48 */
    [PRIOR_READ_JSONL] = {"read_jsonl",
                          {[F_ONE] = 0.000303, [F_RECORDS_IN] = 4.43e-07},
                          {[F_ONE] = 1.09e+06, [F_BATCH_BYTES] = 8.19}},
    /* 1.15, 1.37; 1.00, 1.00 */
    [PRIOR_WRITE_JSONL] = {"write_jsonl",
                           {[F_ONE] = 0.000564, [F_RECORDS_IN] = 2.7e-07},
                           {[F_ONE] = 4.1e+03}},
};
