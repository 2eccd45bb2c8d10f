/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A profile from random blocks of a file: which are read, and what they say of all records, with
 * intervals from the variance between blocks (sketch/interval.h). The blocks are read twice: once
 * for the profile, once more, when the medians are known, for the sums of each block. Internal to
 * profile/.
 */
#ifndef FORELINE_SAMPLE_H
#define FORELINE_SAMPLE_H

#include "profile/profile.h"
#include "table/blocks.h"

struct sample {
    const char *path;
    struct blocks blocks;    /* `n` 0: the file is too small, all is to be read */
    struct reader_opts opts; /* with the dialect as found in the file */
    uint64_t seed;
};
/* Looks at the beginning of the file, and draws. Errors as blocks_open and reader_open. */
bool sample_open(struct sample *s, const char *path, const struct reader_opts *opts, double rate,
                 uint64_t seed, struct err *err);
void sample_close(struct sample *s);
/* Makes of the record of the profile `state` of the blocks one of the file: estimates and
 * intervals; what the blocks cannot know (lines, positions) becomes unknown. */
bool sample_finish(struct sample *s, const struct profile *state, struct rec_profile *p,
                   struct arena *a, struct err *err);

#endif
