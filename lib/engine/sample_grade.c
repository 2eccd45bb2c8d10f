/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each stage gives when its inputs are sampled in one way or another: see sample.h. */
#include "engine/sample_int.h"

#include <string.h>

static const struct stage *stage_at(const struct sample_run *r, uint32_t i)
{
    return &r->p->stages[i];
}

static bool is_set(const struct stage *s, const char *column)
{
    for (uint32_t k = 0; k < s->u.derive.n; k++) {
        if (strcmp(s->u.derive.set[k].name, column) == 0)
            return true;
    }
    return false;
}

static int class_through_join(const struct sample_run *r, const struct stage *s, const char *column)
{
    const struct schema *left = &stage_at(r, s->inputs[0])->schema;
    if (schema_find(left, slice_str(column)) < 0)
        return s->u.join.type == JOIN_INNER ? sample_class_of(r, s->inputs[1], column) : -1;
    int cls = sample_class_of(r, s->inputs[0], column);
    for (uint32_t k = 0; cls < 0 && k < s->u.join.n && s->u.join.type == JOIN_INNER; k++) {
        if (strcmp(s->u.join.on[k].left, column) == 0)
            cls = sample_class_of(r, s->inputs[1], s->u.join.on[k].right);
    }
    return cls;
}

int sample_class_of(const struct sample_run *r, uint32_t stage, const char *column)
{
    const struct stage *s = stage_at(r, stage);
    int cls = -1;
    switch (s->op) {
    case OP_READ: {
        const struct sample_source *src = &r->sources[r->source_of[stage]];
        bool is = src->method == SAMPLE_KEY && strcmp(src->key, column) == 0;
        return is ? (int)src->cls : -1;
    }
    case OP_FILTER:
    case OP_SELECT:
    case OP_SORT:
        return sample_class_of(r, s->inputs[0], column);
    case OP_DERIVE:
        return is_set(s, column) ? -1 : sample_class_of(r, s->inputs[0], column);
    case OP_RENAME:
        for (uint32_t k = 0; k < s->u.rename.from.n; k++) {
            if (strcmp(s->u.rename.to.items[k], column) == 0)
                return sample_class_of(r, s->inputs[0], s->u.rename.from.items[k]);
        }
        return sample_class_of(r, s->inputs[0], column);
    case OP_JOIN:
        return class_through_join(r, s, column);
    case OP_UNION:
        for (uint32_t k = 0; k < s->ninputs; k++) {
            int c = sample_class_of(r, s->inputs[k], column);
            if (c < 0 || (k > 0 && c != cls))
                return -1;
            cls = c;
        }
        return cls;
    default:
        return -1;
    }
}

/* Do both sides have the same keys in the sample? */
static bool keys_agree(const struct sample_run *r, const struct stage *s)
{
    for (uint32_t k = 0; k < s->u.join.n; k++) {
        int left = sample_class_of(r, s->inputs[0], s->u.join.on[k].left);
        if (left >= 0 && left == sample_class_of(r, s->inputs[1], s->u.join.on[k].right))
            return true;
    }
    return false;
}

static void nothing(struct sample_stage *out, const char *why)
{
    out->grade = GRADE_NOTHING;
    out->why = why;
}

static void grade_join(struct sample_run *r, const struct stage *s, struct sample_stage *out)
{
    const struct sample_stage *left = &r->stages[s->inputs[0]], *right = &r->stages[s->inputs[1]];
    bool inner = s->u.join.type == JOIN_INNER;
    if (right->grade == GRADE_EXACT && left->grade <= GRADE_ESTIMATE) {
        out->grade = left->grade;
    } else if (left->grade == GRADE_SAMPLE && right->grade == GRADE_SAMPLE && keys_agree(r, s)) {
        out->grade = GRADE_SAMPLE;
    } else if (left->grade == GRADE_EXACT && inner &&
               (right->grade == GRADE_SAMPLE || right->grade == GRADE_ESTIMATE)) {
        out->grade = right->grade;
    } else if (left->grade <= GRADE_SAMPLE && right->grade <= GRADE_SAMPLE) {
        nothing(out, inner ? "a pair would be in the sample only if both its records are"
                           : "a record may have no partner only because that was not drawn");
        out->by_join = true;
    } else {
        nothing(out, left->why    ? left->why
                     : right->why ? right->why
                                  : "it joins a sample with groups of a sample");
    }
}

static void grade_union(struct sample_run *r, const struct stage *s, struct sample_stage *out)
{
    enum sample_grade worst = GRADE_EXACT;
    bool sample = false;
    for (uint32_t k = 0; k < s->ninputs; k++) {
        const struct sample_stage *in = &r->stages[s->inputs[k]];
        sample |= in->grade == GRADE_SAMPLE;
        if (in->grade > worst) {
            worst = in->grade;
            out->why = in->why;
            out->by_join = false;
        }
    }
    out->grade = worst;
    if (worst == GRADE_ESTIMATE && sample)
        nothing(out, "it puts records of a sample beside groups of a sample");
    if (worst == GRADE_SEEN)
        out->grade = GRADE_NOTHING;
}

static void grade_keeper(const struct stage *s, const struct sample_stage *in,
                         struct sample_stage *out)
{
    bool aggregate = s->op == OP_AGGREGATE;
    if (in->grade == GRADE_EXACT)
        out->grade = GRADE_EXACT;
    else if (in->grade == GRADE_SAMPLE && aggregate)
        out->grade = GRADE_ESTIMATE;
    else if (in->grade == GRADE_SAMPLE)
        out->grade = GRADE_SEEN;
    else
        nothing(out, in->grade == GRADE_NOTHING ? in->why
                     : aggregate ? "it aggregates groups, of which a sample shows only some"
                                 : "it compares groups, of which a sample shows only some");
    if (out->grade == GRADE_SEEN)
        out->why = "records that differ, of which a sample shows only some";
}

static void grade_stage(struct sample_run *r, uint32_t i)
{
    const struct stage *s = stage_at(r, i);
    struct sample_stage *out = &r->stages[i];
    *out = (struct sample_stage){.tally = -1, .groups = -1};
    const struct sample_stage *in = s->ninputs ? &r->stages[s->inputs[0]] : NULL;
    for (uint32_t k = 0; k < s->ninputs; k++) {
        const struct sample_stage *from = &r->stages[s->inputs[k]];
        out->aggregated |= from->aggregated;
        if (from->grade == GRADE_ABSENT && out->grade != GRADE_ABSENT)
            *out = (struct sample_stage){GRADE_ABSENT, .why = from->why, .tally = -1, .groups = -1};
    }
    out->aggregated |= s->op == OP_AGGREGATE;
    if (out->grade == GRADE_ABSENT)
        return;
    switch (s->op) {
    case OP_READ:
        out->grade = GRADE_SAMPLE;
        if (r->sources[r->source_of[i]].method == SAMPLE_WHOLE)
            out->grade = GRADE_EXACT;
        if (s->u.read.from_stage) {
            out->grade = GRADE_ABSENT;
            out->why = "it reads what a stage before it would write, and nothing is published";
        }
        break;
    case OP_COMMAND:
    case OP_SQL:
        out->grade = GRADE_ABSENT;
        out->why = "commands and statements are not run on a sample";
        break;
    case OP_JOIN:
        grade_join(r, s, out);
        break;
    case OP_UNION:
        grade_union(r, s, out);
        break;
    case OP_AGGREGATE:
    case OP_DISTINCT:
        grade_keeper(s, in, out);
        break;
    case OP_LIMIT:
        out->grade = in->grade;
        out->why = in->why;
        if (in->grade == GRADE_SAMPLE || in->grade == GRADE_SEEN)
            nothing(out, "the first records of a sample are not the first of all");
        break;
    default:
        out->grade = in->grade;
        out->why = in->why;
    }
}

uint32_t sample_grade(struct sample_run *r)
{
    uint32_t lost = 0;
    for (uint32_t k = 0; k < r->p->nstages; k++) {
        uint32_t i = r->p->order[k];
        grade_stage(r, i);
        lost += r->stages[i].by_join;
    }
    return lost;
}
