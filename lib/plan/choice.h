/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which algorithm an operation is to have, by predicted sizes. */
#ifndef FORELINE_PLAN_CHOICE_H
#define FORELINE_PLAN_CHOICE_H

#include "pipeline/pipeline.h"

struct choice {
    const char *algorithm; /* NULL: there is no choice */
    const char *build;     /* of a hash join: "left", "right"; else NULL */
    const char *why;       /* in figures; NULL when there was nothing to decide */
};
/* The one fixed algorithm per operation of mode `standard`. */
void choice_standard(const struct stage *s, struct choice *out);
/* figures: per stage of the pipeline, NULL where unknown. limit_gb: memory the stage may hold for
 * certain; NAN: no such limit. Strings in `a`. */
void choice_optimized(struct arena *a, const struct pipeline *p, uint32_t stage,
                      const struct rec_stage_figures *const *figures, double limit_gb,
                      struct choice *out);

#endif
