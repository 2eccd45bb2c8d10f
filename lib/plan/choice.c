/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice of algorithms. See choice.h. A join's come from what each costs by record: */
#include "plan/choice.h"

#include <math.h>

#include "base/num.h"

#define GB 1073741824.0

/* CPU seconds of a join stage for each record, fitted by least squares of relative errors to what
 * `tests/bench/eval-join --points 72 --seed 7 --verbose` prints of joins above 3,000 records, by
 * kind of key (dense integers, sparse ones, text), which is not known here: the means, rounded so
 * that the left side is kept when the right one has about twice its records, where it pays by each
 * kind but dense integers (4 times). Nested loops are not among them: no point was theirs. */
#define KEEP_S 55e-9       /* a right record kept and put into the table: 25, 53, 104 */
#define PASS_S 12e-9       /* a left record looked up: 9, 11, 20 */
#define KEEP_LEFT_S 85e-9  /* a left record kept, and taken out again: 44, 90, 119 */
#define PASS_RIGHT_S 20e-9 /* a right record looked up: 17, 10, 57 */
/* 200,000 records against 2 to 200,000, integer keys. */
#define MERGE_LEFT_S 9e-9 /* merged, both sides in order */
#define MERGE_RIGHT_S 28e-9
/* Of table and vectors of a kept record, beside its bytes. */
#define KEPT_BYTES 48.0
#define MATCH_BYTES 4.0 /* of a right one that has a match, when the left side is kept */

struct side {
    double records, bytes;
};

void choice_standard(const struct stage *s, struct choice *out)
{
    *out = (struct choice){NULL, NULL, NULL};
    if (s->op == OP_JOIN || s->op == OP_AGGREGATE || s->op == OP_DISTINCT)
        out->algorithm = "hash";
    else if (s->op == OP_SORT)
        out->algorithm = "merge";
}

static struct side side_of(const struct stage *s, uint32_t input,
                           const struct rec_stage_figures *const *figures)
{
    const struct rec_stage_figures *f = figures[s->inputs[input]];
    return f ? (struct side){f->records_out.p50, f->bytes_out.p50} : (struct side){NAN, NAN};
}

static double kept_bytes(struct side s)
{
    return s.records * KEPT_BYTES + (s.bytes >= 0 ? s.bytes : 0);
}

/* Built left: the left side, and right records that have a match. */
static double kept_left_bytes(const struct side *left, const struct side *right,
                              const struct rec_stage_figures *own)
{
    double matched = own ? fmin(own->records_out.p50, right->records) : 0;
    double each = right->records > 0 && right->bytes >= 0 ? right->bytes / right->records : 0;
    double matched_bytes = matched > 0 ? matched * (each + MATCH_BYTES) : 0;
    return kept_bytes(*left) + matched_bytes;
}

/* Does a sort stage put this side into the order of the keys? */
static bool in_order(struct arena *a, const struct pipeline *p, const struct stage *s,
                     uint32_t input)
{
    const char **names = ARENA_ARRAY(a, const char *, s->u.join.n);
    for (uint32_t k = 0; k < s->u.join.n; k++)
        names[k] = input ? s->u.join.on[k].right : s->u.join.on[k].left;
    return pipeline_is_sorted_by(p, &p->stages[s->inputs[input]], names, s->u.join.n);
}

static const char *text_ms(struct arena *a, double s)
{
    return arena_printf(a, "%.3g ms", s * 1e3);
}

static void choose_join(struct arena *a, const struct pipeline *p, const struct stage *s,
                        const struct rec_stage_figures *const *figures,
                        const struct rec_stage_figures *own, double limit, struct choice *out)
{
    struct side left = side_of(s, 0, figures), right = side_of(s, 1, figures);
    struct quoted q;
    out->algorithm = "hash";
    out->build = "right";
    if (!(left.records >= 0) || !(right.records >= 0))
        return;
    bool right_fits = !(kept_bytes(right) > limit),
         left_fits = !(kept_left_bytes(&left, &right, own) > limit);
    double build_right = right.records * KEEP_S + left.records * PASS_S;
    double build_left = left.records * KEEP_LEFT_S + right.records * PASS_RIGHT_S;
    double merge = left.records * MERGE_LEFT_S + right.records * MERGE_RIGHT_S;
    quote_str(&q, s->id);
    if (!right_fits && !left_fits) {
        out->algorithm = "external";
        out->build = NULL;
        out->why = arena_printf(a, "%s: external, as neither side (%.3g and %.3g bytes) fits %.3g",
                                q.s, kept_left_bytes(&left, &right, own), kept_bytes(right), limit);
        return;
    }
    if (right_fits && merge < build_right && (merge < build_left || !left_fits) &&
        in_order(a, p, s, 0) && in_order(a, p, s, 1)) {
        out->algorithm = "sort_merge";
        out->build = NULL;
        out->why = arena_printf(a,
                                "%s: sort_merge, as both sides are sorted by the keys: %s, a "
                                "hash table %s",
                                q.s, text_ms(a, merge), text_ms(a, build_right));
        return;
    }
    if (left_fits && (build_left < build_right || !right_fits))
        out->build = "left";
    out->why = arena_printf(a,
                            "%s: hash, built of the %s side (%.6g records left, %.6g right): %s, "
                            "of the other %s",
                            q.s, out->build, left.records, right.records,
                            text_ms(a, out->build[0] == 'l' ? build_left : build_right),
                            text_ms(a, out->build[0] == 'l' ? build_right : build_left));
}

void choice_optimized(struct arena *a, const struct pipeline *p, uint32_t stage,
                      const struct rec_stage_figures *const *figures, double limit_gb,
                      struct choice *out)
{
    const struct stage *s = &p->stages[stage];
    const struct rec_stage_figures *f = figures[stage];
    double limit = limit_gb > 0 ? limit_gb * GB : INFINITY;
    struct quoted q;
    choice_standard(s, out);
    if (s->op == OP_JOIN) {
        choose_join(a, p, s, figures, f, limit, out);
        return;
    }
    if (s->op == OP_AGGREGATE && s->u.aggregate.by.n) {
        const char **names = ARENA_ARRAY(a, const char *, s->u.aggregate.by.n);
        for (uint32_t k = 0; k < s->u.aggregate.by.n; k++)
            names[k] = s->u.aggregate.by.items[k];
        if (pipeline_is_sorted_by(p, &p->stages[s->inputs[0]], names, s->u.aggregate.by.n)) {
            out->algorithm = "sorted";
            out->why = arena_printf(a, "%s: sorted, as its input is sorted by the keys",
                                    quote_str(&q, s->id));
            return;
        }
    }
    if (out->algorithm && f && f->peak_memory_bytes.p50 > limit) {
        out->algorithm = "external";
        out->why = arena_printf(a, "%s: external, as it would hold %.3g bytes and may hold %.3g",
                                quote_str(&q, s->id), f->peak_memory_bytes.p50, limit);
    }
}
