/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces that several records share: figures, per-stage figures, lists of strings. Not public:
 * callers outside rec/ use rec.h. */
#ifndef FORELINE_REC_FIGURES_H
#define FORELINE_REC_FIGURES_H

#include "rec/rec.h"

#define REC_FIGURE_UNKNOWN ((struct rec_figure){NAN, NAN})

/* A number (then p50 == p95), {"p50":…,"p95":…}, or anything else, which is unknown. */
struct rec_figure rec_figure_read(const struct json *obj, const char *name);
/* {"p50":…,"p95":…}, or null when both are unknown. */
void rec_figure_write(struct jw *w, const char *name, struct rec_figure f);

/* `id`, `operation` and the nine figures. false when `id` is missing. */
bool rec_stage_figures_read(const struct json *v, struct rec_stage_figures *out, struct err *err);
/* The members, without braces: predicted ones as objects, measured ones as plain numbers. */
void rec_stage_figures_write(struct jw *w, const struct rec_stage_figures *s, bool measured);

/* The strings of an array; what is not a string is left out. */
const char *const *rec_strings_read(struct arena *a, const struct json *arr, uint32_t *n);
void rec_strings_write(struct jw *w, const char *name, const char *const *items, uint32_t n);

/* Is `v` an object with a non-empty string `name`? Else false: "RECORD without 'NAME'". */
bool rec_require_string(const struct json *v, const char *record, const char *name,
                        const char **out, struct err *err);
void rec_open(struct jw *w, struct buf *out, const char *kind);
void rec_close(struct jw *w);

#endif
