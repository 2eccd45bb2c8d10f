/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of priors, as `make calibrate` measured and printed it on AMD EPYC (2 cores).
 * Beside each row: by what factor the fit was off, median and 95th percentile, for CPU
 * seconds and for bytes of memory. */
#include "predict/internal.h"

const double prior_calibration_s = 0.00159;

const struct prior prior_table[PRIOR_COUNT] = {
    /* 1.12, 1.44; 1.19, 1.48 */
    [OP_READ] = {"read",
                 {[F_ONE] = 9.6e-05,
                  [F_RECORDS_IN] = 4.05e-08,
                  [F_BYTES_IN] = 1.46e-10,
                  [F_BYTES_OUT] = 8.47e-10,
                  [F_PACKED_BYTES] = 2.45e-09},
                 {[F_ONE] = 1.5e+06, [F_BATCH_BYTES] = 1.07, [F_QUEUED] = 1.39}},
    /* 1.17, 2.63; 1.00, 1.00 */
    [OP_WRITE] = {"write",
                  {[F_ONE] = 0.000495,
                   [F_RECORDS_IN] = 2.81e-08,
                   [F_BYTES_IN] = 2.09e-09,
                   [F_PACKED_BYTES] = 3.01e-08},
                  {[F_ONE] = 4.1e+03}},
    /* 1.16, 3.89; 1.38, 2.49 */
    [OP_FILTER] = {"filter",
                   {[F_ONE] = 1.32e-05,
                    [F_RECORDS_OUT] = 1.69e-08,
                    [F_BYTES_OUT] = 2.58e-11,
                    [F_EVALS] = 3.31e-09,
                    [F_JQ_EVALS] = 2.5e-06,
                    [F_JQ_PROGRAMS] = 3.78e-05},
                   {[F_ONE] = 2.3e+04, [F_BATCH_BYTES] = 0.601, [F_QUEUED] = 1.99}},
    /* 1.20, 2.71; 1.28, 2.39 */
    [OP_DERIVE] = {"derive",
                   {[F_ONE] = 3.14e-05, [F_EVALS] = 9.16e-09, [F_JQ_EVALS] = 1.88e-06},
                   {[F_ONE] = 2.42e+04, [F_BATCH_BYTES] = 0.0486, [F_QUEUED] = 0.133}},
    /* 1.09, 1.48; 1.00, 1.00 */
    [OP_SELECT] = {"select", {[F_ONE] = 2.91e-06, [F_RECORDS_IN] = 2.04e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.20, 2.61; 1.00, 1.00 */
    [OP_RENAME] = {"rename", {[F_ONE] = 4.1e-06, [F_RECORDS_IN] = 1.19e-09}, {0}},
    /* 1.19, 1.84; 1.19, 2.12 */
    [OP_JOIN] = {"join",
                 {[F_ONE] = 3.99e-05,
                  [F_RECORDS_IN] = 9.32e-09,
                  [F_RECORDS_OUT] = 1.3e-08,
                  [F_BYTES_OUT] = 8.32e-10,
                  [F_BYTES_RIGHT] = 1.18e-09,
                  [F_MISSES] = 1.2e-08},
                 {[F_ONE] = 8.23e+04,
                  [F_RECORDS_RIGHT] = 28.4,
                  [F_BYTES_RIGHT] = 0.899,
                  [F_BATCH_BYTES] = 2.48}},
    /* 1.16, 1.67; 1.08, 1.43 */
    [OP_AGGREGATE] = {"aggregate",
                      {[F_ONE] = 2.03e-05,
                       [F_RECORDS_IN] = 9.91e-09,
                       [F_RECORDS_OUT] = 5.83e-08,
                       [F_EVALS] = 2.59e-08,
                       [F_MISSES] = 6.71e-08,
                       [F_VALUES] = 4.13e-08},
                      {[F_ONE] = 2.94e+04,
                       [F_RECORDS_OUT] = 11.6,
                       [F_BYTES_OUT] = 2.21,
                       [F_WIDE] = 2.1e+03,
                       [F_VALUES] = 31.3}},
    /* 1.49, 2.67; 1.14, 2.40 */
    [OP_SORT] =
        {"sort",
         {[F_ONE] = 1.86e-05, [F_COMPARES] = 1.49e-08, [F_MISSES] = 2.95e-09},
         {[F_ONE] = 8.23e+04, [F_RECORDS_IN] = 86, [F_BYTES_IN] = 0.913, [F_BATCH_BYTES] = 0.165}},
    /* 1.08, 1.28; 1.04, 1.19 */
    [OP_DISTINCT] = {"distinct",
                     {[F_ONE] = 2.77e-05,
                      [F_RECORDS_IN] = 3.09e-08,
                      [F_RECORDS_OUT] = 8.14e-09,
                      [F_MISSES] = 8.99e-09},
                     {[F_ONE] = 3.34e+04, [F_RECORDS_OUT] = 26.5, [F_BATCH_BYTES] = 1.22}},
    /* 1.03, 1.04; 1.00, 1.00 */
    [OP_UNION] = {"union", {[F_ONE] = 5.97e-06, [F_RECORDS_IN] = 2.96e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.03, 1.04; 1.00, 1.00 */
    [OP_LIMIT] = {"limit", {[F_ONE] = 6.26e-06, [F_RECORDS_OUT] = 3.18e-09}, {[F_ONE] = 4.1e+03}},
    /* 1.09, 1.18; 1.46, 1.49 */
    [OP_COMMAND] = {"command",
                    {[F_ONE] = 0.00609, [F_BYTES_IN] = 3.38e-08, [F_BYTES_OUT] = 2.08e-23},
                    {[F_ONE] = 2.61e+06}},
    /* 1.28, 1.48; 1.42, 1.48 */
    [PRIOR_READ_JSONL] = {"read_jsonl",
                          {[F_ONE] = 0.000282, [F_RECORDS_IN] = 3.84e-07},
                          {[F_ONE] = 1.09e+06, [F_BATCH_BYTES] = 8.19}},
    /* 1.10, 1.72; 1.00, 1.00 */
    [PRIOR_WRITE_JSONL] = {"write_jsonl",
                           {[F_ONE] = 0.000457, [F_RECORDS_IN] = 1.84e-07, [F_BYTES_IN] = 6.73e-10},
                           {[F_ONE] = 4.1e+03}},
};
