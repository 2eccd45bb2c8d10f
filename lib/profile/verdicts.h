/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What --fail-on asks of a profile, as verdicts with reasons that a person understands. Everything
 * in the verdicts lives in `a`, in the records, or is a literal. */
#ifndef FORELINE_VERDICTS_H
#define FORELINE_VERDICTS_H

#include "profile/drift.h"
#include "profile/expect.h"

/* data_quality_score is at least `least`. Without records there is no score, and that is ok. */
void verdict_quality(const struct rec_profile *p, double least, struct arena *a,
                     struct rec_verdict *out);
/* The columns and types of `base` hold all there is (profile_schema_changes). base NULL: nothing is
 * known of the dataset, which is ok and said: a first run must pass. */
void verdict_schema(const struct rec_profile *base, const struct rec_profile *p, struct arena *a,
                    struct rec_verdict *out);
/* No column has drifted. drift NULL: nothing to compare with, ok likewise. */
void verdict_drift(const struct rec_drift *drift, struct arena *a, struct rec_verdict *out);

/* The data keeps to the schema; a reason for each rule and column that it breaks. */
void verdict_expect(struct expect_run *run, struct arena *a, struct rec_verdict *out);
/* The same as issues of the record, behind those it has: rules expect_minimum and the like. */
void expect_issues(struct expect_run *run, struct arena *a, struct rec_profile *p);

/* "its mean moved by 0.31 standard deviations (from … )": how a column has drifted, in words, one
 * clause for each figure, behind `out`. Nothing when it has not. */
void drift_words(const struct rec_drift_column *c, struct buf *out);

#endif
