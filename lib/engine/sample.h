/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sampling mode: runs a pipeline on a part of its input, publishes nothing, and tells what the run
 * on all of it would take and what it would write, with 95 % intervals.
 *
 * Which inputs are sampled, and how:
 * - by blocks: random blocks of a plain file, so that the rest is not read (table/blocks.h);
 * - by records: each record by a hash of its number, for what cannot be sought (compressed files,
 *   standard input, fifos, Latin-1, UTF-16); all is read;
 * - by key: each record by a hash of one column, so that inputs that are joined on it have the same
 *   keys in the sample (universe sampling: Chaudhuri, Motwani & Narasayya 1999; Vengerov et al.
 *   2015); all is read. A record whose key is null goes by its number: it joins with nothing;
 * - whole: what is small beside the largest input, or too small to say anything.
 * The largest input goes first. A further one that would be joined with it in a way that a sample
 * does not survive (a pair is in the sample only if both are; a record has no partner because that
 * was not drawn) is read whole when small, else both go by the key they are joined on, also through
 * stages that pass it on. What one class of keys cannot serve is read whole. Where
 * the key turns out to have few values, or one with very many records, nothing is told.
 *
 * What the stages give then:
 * - exact: only inputs that are whole stand before it;
 * - a sample: every record is in it with one probability, and belongs to the unit (block, or part
 *   of the hash's range) of the input that was drawn; a hidden column carries it;
 * - estimates: the groups of an aggregate over a sample. Its counts, sums and means are of all
 *   records, with intervals, and pass through what follows as if they were exact: a filter, a sort
 *   or a limit behind it chooses by them;
 * - nothing: groups counted over groups, the first records of a sample, and whatever else a sample
 *   does not tell. It is null, and `why` says why. Commands are not run (their output on a sample
 *   says little, and what they would read is not published), nor what needs them.
 *
 * Totals are ratio estimates over units (sketch/estimate.h). min and max: the bound that is seen.
 * distinct: at least what is seen. stddev and quantile: of the sample, without interval. first and
 * last are null.
 *
 * How it works: the pipeline is made anew with stages beside the user's that tag, count and collect
 * (sample_rewrite.c, sample_ops.c), and runs in the same engine as any other. */
#ifndef FORELINE_ENGINE_SAMPLE_H
#define FORELINE_ENGINE_SAMPLE_H

#include "engine/engine.h"
#include "engine/run.h"

#define SAMPLE_RATE_DEFAULT 0.01

struct sampling_opts {
    double rate; /* in (0, 1] */
    uint64_t seed;
    const struct rec_plan *plan;                   /* or NULL */
    const struct rec_execution_profile *predicted; /* or NULL: for the completion */
    const struct rec_profile *profiles;            /* of the chain, for types */
    size_t nprofiles;
    struct engine_opts engine; /* as for any run; nothing is published all the same */
};
struct sample_result {
    struct engine_result engine; /* of the user's stages, in their order; what the sample took */
    struct rec_execution_profile profile; /* what all would take */
    struct rec_estimate *outputs;         /* one per write, in the order of the file */
    uint32_t noutputs;
};
/* `p` is loaded, and bound here. Everything lives in `a`. Errors as engine_run. */
bool sample_pipeline(struct pipeline *p, const struct sampling_opts *o, struct arena *a,
                     struct sample_result *out, struct err *err);
/* The same, and emits the records: execution_profile, an estimate per write, and the completion,
 * which tells what the sample took. There are no run events, and the store does not hear of it. */
bool run_sample(struct pipeline *p, const struct run_opts *o, double rate, uint64_t seed,
                struct arena *a, struct run_result *out, struct sample_result *sample,
                struct err *err);

#endif
