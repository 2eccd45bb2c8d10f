/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a stage's work costs by the table of priors (priors_table.c). */
#include <math.h>

#include "predict/internal.h"

unsigned prior_row_of(const struct stage *s)
{
    if (s->op == OP_READ) {
        enum format f = s->u.read.opts.format;
        if (f == FORMAT_AUTO && s->u.read.paths.n > 0)
            f = format_of_path(s->u.read.paths.items[0]);
        return f == FORMAT_JSONL ? PRIOR_READ_JSONL : OP_READ;
    }
    if (s->op == OP_WRITE) {
        enum format f = s->u.write.format;
        if (f == FORMAT_AUTO && s->u.write.path)
            f = format_of_path(s->u.write.path);
        return f == FORMAT_JSONL ? PRIOR_WRITE_JSONL : OP_WRITE;
    }
    /* What a database takes is nobody's to measure here: about what a command does. */
    return s->op == OP_SQL ? OP_COMMAND : s->op;
}

static double sum(const double *k, const struct work *w)
{
    double v = 0;
    for (unsigned i = 0; i < F_COUNT; i++) {
        if (k[i] > 0)
            v += k[i] * w->f[i];
    }
    return v;
}

double prior_cpu_s(unsigned row, const struct work *w)
{
    return sum(prior_table[row].cpu_s, w);
}

double prior_memory_bytes(unsigned row, const struct work *w)
{
    return sum(prior_table[row].memory_bytes, w);
}
