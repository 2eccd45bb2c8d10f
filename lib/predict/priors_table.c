/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of priors, as `make calibrate` measured and printed it on AMD EPYC (2 cores).
 * Beside each row: by what factor the fit was off, median and 95th percentile, for CPU
 * seconds and for bytes of memory. */
#include "predict/internal.h"

const double prior_calibration_s = 0.00164;

const struct prior prior_table[PRIOR_COUNT] = {
    /* 1.20, 1.57; 1.20, 1.48 */
    [OP_READ] = {"read",
                 {[F_ONE] = 0.000138,
                  [F_RECORDS_IN] = 4.76e-08,
                  [F_BYTES_IN] = 1.54e-10,
                  [F_BYTES_OUT] = 8.79e-10,
                  [F_PACKED_BYTES] = 2.85e-09},
                 {[F_ONE] = 1.51e+06, [F_BATCH_BYTES] = 1.11}},
    /* 1.23, 3.04; 1.00, 1.00 */
    [OP_WRITE] = {"write",
                  {[F_ONE] = 0.000689,
                   [F_RECORDS_IN] = 2.75e-08,
                   [F_BYTES_IN] = 2.48e-09,
                   [F_PACKED_BYTES] = 3.51e-08},
                  {[F_ONE] = 4.1e+03}},
    /* 1.14, 1.53; 1.45, 2.58 */
    [OP_FILTER] = {"filter",
                   {[F_ONE] = 1.76e-05,
                    [F_RECORDS_OUT] = 1.58e-08,
                    [F_BYTES_OUT] = 4.64e-11,
                    [F_EVALS] = 3.56e-09,
                    [F_JQ_EVALS] = 3.24e-06},
                   {[F_ONE] = 2.37e+04, [F_BATCH_BYTES] = 0.603}},
    /* 1.21, 2.70; 1.86, 2.30 */
    [OP_DERIVE] = {"derive",
                   {[F_ONE] = 4.36e-05, [F_EVALS] = 1.08e-08, [F_JQ_EVALS] = 2.36e-06},
                   {[F_ONE] = 3.26e+04, [F_BATCH_BYTES] = 0.00398}},
    /* 1.11, 1.32; 1.00, 1.00 */
    [OP_SELECT] = {"select", {[F_ONE] = 4.94e-06, [F_RECORDS_IN] = 2.57e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.25, 1.93; 1.00, 1.00 */
    [OP_RENAME] = {"rename", {[F_ONE] = 3.13e-06, [F_RECORDS_IN] = 2.5e-09}, {0}},
    /* 1.25, 1.42; 1.29, 2.36 */
    [OP_JOIN] = {"join",
                 {[F_ONE] = 3.69e-05,
                  [F_RECORDS_IN] = 1.15e-08,
                  [F_BYTES_OUT] = 3.95e-09,
                  [F_BYTES_RIGHT] = 1.1e-09,
                  [F_MISSES] = 6.58e-09},
                 {[F_ONE] = 7.32e+04,
                  [F_RECORDS_RIGHT] = 29.4,
                  [F_BYTES_RIGHT] = 1.02,
                  [F_BATCH_BYTES] = 2.88}},
    /* 1.20, 1.89; 1.03, 1.30 */
    [OP_AGGREGATE] = {"aggregate",
                      {[F_ONE] = 2.9e-05,
                       [F_RECORDS_IN] = 1.24e-08,
                       [F_RECORDS_OUT] = 5.1e-08,
                       [F_EVALS] = 2.72e-08,
                       [F_MISSES] = 1.55e-07},
                      {[F_ONE] = 2.64e+04, [F_RECORDS_OUT] = 92.9, [F_WIDE] = 2.12e+03}},
    /* 1.46, 3.23; 1.14, 2.40 */
    [OP_SORT] =
        {"sort",
         {[F_ONE] = 3.38e-05, [F_COMPARES] = 1.56e-08},
         {[F_ONE] = 8.23e+04, [F_RECORDS_IN] = 86, [F_BYTES_IN] = 0.913, [F_BATCH_BYTES] = 0.165}},
    /* 1.13, 1.46; 1.04, 1.19 */
    [OP_DISTINCT] = {"distinct",
                     {[F_ONE] = 4.44e-05,
                      [F_RECORDS_IN] = 3.02e-08,
                      [F_BYTES_IN] = 1e-10,
                      [F_RECORDS_OUT] = 1.63e-08,
                      [F_MISSES] = 1.66e-08},
                     {[F_ONE] = 3.34e+04, [F_RECORDS_OUT] = 26.5, [F_BATCH_BYTES] = 1.22}},
    /* 1.08, 1.17; 1.00, 1.00 */
    [OP_UNION] = {"union", {[F_ONE] = 7.31e-06, [F_RECORDS_IN] = 3.63e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.08, 1.21; 1.00, 1.00 */
    [OP_LIMIT] = {"limit", {[F_ONE] = 6.1e-06, [F_RECORDS_OUT] = 4.05e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.21, 1.21; 1.67, 1.69 */
    [OP_COMMAND] = {"command",
                    {[F_ONE] = 0.0102, [F_BYTES_IN] = 2.92e-08, [F_BYTES_OUT] = 5.3e-25},
                    {[F_ONE] = 2.33e+06}},
    /* 1.09, 1.59; 1.42, 1.48 */
    [PRIOR_READ_JSONL] = {"read_jsonl",
                          {[F_ONE] = 0.000574, [F_RECORDS_IN] = 4.04e-07},
                          {[F_ONE] = 1.09e+06, [F_BATCH_BYTES] = 8.19}},
    /* 1.15, 1.40; 1.00, 1.00 */
    [PRIOR_WRITE_JSONL] = {"write_jsonl",
                           {[F_ONE] = 0.000583, [F_RECORDS_IN] = 2.84e-07},
                           {[F_ONE] = 4.1e+03}},
};
