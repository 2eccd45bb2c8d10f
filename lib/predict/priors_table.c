/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of priors, as `make calibrate` measured and printed it. Seconds, bytes. */
#include "predict/internal.h"

const double prior_calibration_s = 0.0030;

const struct prior prior_table[PRIOR_COUNT] = {
    [OP_READ] = {"read",
                 {[F_ONE] = 2e-4, [F_BYTES_IN] = 5e-9, [F_PACKED_BYTES] = 4e-9},
                 {[F_ONE] = 2.5e6}},
    [OP_WRITE] = {"write",
                  {[F_ONE] = 1e-3, [F_BYTES_IN] = 4e-9, [F_PACKED_BYTES] = 3e-8},
                  {[F_ONE] = 1e5}},
    [OP_FILTER] = {"filter",
                   {[F_ONE] = 2e-5, [F_EVALS] = 5e-9, [F_JQ_EVALS] = 3e-6, [F_JQ_PROGRAMS] = 0.012},
                   {[F_ONE] = 1e5}},
    [OP_DERIVE] = {"derive",
                   {[F_ONE] = 2e-5, [F_EVALS] = 1e-8, [F_JQ_EVALS] = 3e-6, [F_JQ_PROGRAMS] = 0.012},
                   {[F_ONE] = 1e5}},
    [OP_SELECT] = {"select", {[F_ONE] = 1e-5, [F_RECORDS_IN] = 1e-10}, {[F_ONE] = 1e4}},
    [OP_RENAME] = {"rename", {[F_ONE] = 1e-5, [F_RECORDS_IN] = 1e-10}, {[F_ONE] = 1e4}},
    [OP_JOIN] =
        {"join",
         {[F_ONE] = 5e-5, [F_RECORDS_IN] = 5e-8, [F_RECORDS_OUT] = 5e-8, [F_RECORDS_RIGHT] = 1e-7},
         {[F_ONE] = 2e5, [F_RECORDS_RIGHT] = 50, [F_BYTES_RIGHT] = 1.5}},
    [OP_AGGREGATE] =
        {"aggregate",
         {[F_ONE] = 5e-5, [F_RECORDS_IN] = 5e-8, [F_EVALS] = 1e-8, [F_RECORDS_OUT] = 2e-7},
         {[F_ONE] = 2e5, [F_RECORDS_OUT] = 200}},
    [OP_SORT] = {"sort",
                 {[F_ONE] = 5e-5, [F_RECORDS_IN] = 5e-8, [F_COMPARES] = 1e-8},
                 {[F_ONE] = 2e5, [F_RECORDS_IN] = 40, [F_BYTES_IN] = 2}},
    [OP_DISTINCT] = {"distinct",
                     {[F_ONE] = 5e-5, [F_RECORDS_IN] = 5e-8, [F_RECORDS_OUT] = 1e-7},
                     {[F_ONE] = 2e5, [F_RECORDS_OUT] = 60, [F_BYTES_OUT] = 1.5}},
    [OP_UNION] = {"union", {[F_ONE] = 1e-5, [F_RECORDS_IN] = 1e-9}, {[F_ONE] = 1e4}},
    [OP_LIMIT] = {"limit", {[F_ONE] = 1e-5, [F_RECORDS_OUT] = 1e-9}, {[F_ONE] = 1e4}},
    [OP_COMMAND] = {"command",
                    {[F_ONE] = 3e-3, [F_BYTES_IN] = 1e-8, [F_BYTES_OUT] = 1e-8},
                    {[F_ONE] = 4e6}},
    [PRIOR_READ_JSONL] = {"read_jsonl",
                          {[F_ONE] = 2e-4, [F_BYTES_IN] = 8e-9, [F_PACKED_BYTES] = 4e-9},
                          {[F_ONE] = 2.5e6}},
    [PRIOR_WRITE_JSONL] = {"write_jsonl",
                           {[F_ONE] = 1e-3, [F_BYTES_IN] = 6e-9, [F_PACKED_BYTES] = 3e-8},
                           {[F_ONE] = 1e5}},
};
