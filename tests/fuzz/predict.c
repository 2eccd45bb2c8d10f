/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prediction and planning: any text as a filter's condition gives a share; any execution_profile
 * that can be read is planned or refused, in order and without time running backwards. */
#include <math.h>

#include "fuzz.h"
#include "plan/plan.h"
#include "predict/internal.h"

#define INPUT_MAX 8192

static void one_condition(const char *where)
{
    static const struct rec_top top[] = {{{"a", 1}, 5, 0}};
    static const struct rec_column columns[] = {
        {.name = "x",
         .type = TYPE_INTEGER,
         .records = 10,
         .nulls = 2,
         .distinct = 8,
         .min = {"1", 1},
         .max = {"9", 1},
         .quantiles = {1, 2, 3, NAN, 6, 8, 9}},
        {.name = "s", .type = TYPE_STRING, .records = 10, .distinct = 3, .top = top, .ntop = 1}};
    struct flow_column flow[] = {{"x", &columns[0], 9}, {"s", &columns[1], 4}, {"n", NULL, 9}};
    const struct flow in = {.columns = flow, .ncolumns = 3};
    bool guessed;
    double share = selectivity_of(where, &in, &guessed);
    if (!(share >= 0 && share <= 1))
        BUG("a share of %g", share);
}

static void one_profile(const char *text, size_t size)
{
    static const struct rec_environment e = {.id = "e",
                                             .kind = "local",
                                             .cpu_cores = 2,
                                             .memory_gb = 4,
                                             .gpus = NAN,
                                             .available_cores = 1,
                                             .available_memory_gb = 2,
                                             .available_gpus = NAN,
                                             .price_usd_per_hour = 1,
                                             .startup_s = NAN,
                                             .speed = NAN};
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct json *v;
    struct rec_execution_profile x;
    struct plan_result r;
    const struct plan_options o = {.now_us = 0, .deadline_us = 1000000};
    if (json_parse(&a, slice_of(text, size), 0, &v, &err) &&
        rec_execution_profile_read(&a, v, &x, &err) && plan_pipeline(&a, &x, &e, 1, &o, &r, &err)) {
        struct buf out = BUF_INIT(BUF_UNBOUNDED);
        double last = 0;
        for (uint32_t i = 0; r.ok && i < r.plan.nstages; i++) {
            const struct rec_plan_stage *s = &r.plan.stages[i];
            if (s->order != i || s->start_s < last || s->end_s < s->start_s)
                BUG("stage %u is out of order", i);
            last = isnan(s->start_s) ? last : s->start_s;
        }
        if (!r.ok && r.verdict.nreasons == 0)
            BUG("refused without a reason");
        if (r.ok)
            rec_plan_write(&out, &r.plan);
        buf_release(&out);
    }
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    char *text = xstrndup((const char *)data, size);
    if (size > 0 && data[0] == '{')
        one_profile((const char *)data, size);
    else
        one_condition(text);
    free(text);
    return 0;
}
