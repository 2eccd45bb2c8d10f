/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intervals that hold the truth of all records in 95 of 100 samples: of records drawn one by one,
 * and of blocks of records (clusters). Plain numbers in and out; NAN where there is too little to
 * say anything.
 *
 * Of records: the mean by Student's t, its skewness taken out by a cubic transform, so that the
 * truth is as often above as below (Hall 1992, "On the removal of skewness by transformation",
 * J. R. Statist. Soc. B 54), and made wider for skewness and long tails that a sample shows too
 * little of (Hall 1992, "The bootstrap and Edgeworth expansion", section 2.6), a rate by Wilson
 * 1927, a quantile by the order statistics around it (binomial, by the normal approximation). All
 * with the finite population correction 1 - n/N (Cochran 1977, section 2.6).
 *
 * Of blocks: every stratum (a stretch of the file) gives two blocks, drawn without replacement, and
 * the variance of the sums is that between the two, whatever the order of the file is (Cochran
 * 1977, sections 5.3 and 11.3). Rates and means are combined ratio estimates (Cochran 1977, section
 * 6.11): the residuals y - R x take the place of the values. Degrees of freedom after Satterthwaite
 * 1946, as Johnson & Rust 1992 have it. A rate's interval is Wilson's with the number of records
 * that would say as much if they had been drawn one by one (Korn & Graubard 1998; Dean & Pagano
 * 2015). The median's is Woodruff's (1952): the interval of the share below it, read from the
 * quantiles. */
#ifndef FORELINE_INTERVAL_H
#define FORELINE_INTERVAL_H

#include "base/base.h"

struct interval {
    double lo, hi;
};
#define INTERVAL_NONE ((struct interval){(double)NAN, (double)NAN})

/* The quantile of Student's t that 97.5 % lie below; df > 0, may be infinite (Hill 1970, algorithm
 * 396; exact for df 1 and 2; else within 0.1 %, under test). */
double interval_t(double df);
/* Of n of `all` records, n <= all. */
struct interval interval_mean(double n, double all, double mean, double stddev, double skewness,
                              double kurtosis);
/* k of n have it. */
struct interval interval_rate(double k, double n, double all);
/* Shares of the sorted sample between which the quantile p of all lies. */
struct interval interval_quantile(double p, double n, double all);

/* Degrees of freedom of a sum of n squares of differences between two, whose squares have the sum
 * `fourths`. */
double interval_freedom(double squares, double fourths, double n);

/* Two sums of one block: y per x is asked for. */
struct interval_block {
    double y, x;
};
struct interval_ratio {
    double ratio, se, df; /* of y per x */
    double x;             /* in all blocks */
};
/* Blocks in the order of the file, two of each stratum; fraction: of all blocks, what was read. */
struct interval_ratio interval_blocks(const struct interval_block *b, size_t n, double fraction);
struct interval interval_block_mean(const struct interval_ratio *r);
/* `blocks`: how many there were. */
struct interval interval_block_rate(const struct interval_ratio *r, double blocks, double fraction);
/* The sum of y over the whole file, of which a block is `fraction` / n: *total and its interval,
 * not below what was seen. */
struct interval interval_block_total(const struct interval_block *b, size_t n, double fraction,
                                     double *total);

#endif
