/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a sample of clusters to the whole: totals, means and numbers of groups, with 95 % intervals.
 * Plain numbers in and out; NAN where there is too little to say anything.
 *
 * A frame is one input and how it was drawn: its clusters ("units": blocks of a file, or parts of
 * the range of a hash) come in pairs, so that the variance of a total is told by the differences
 * within the pairs, whatever the order of the input is (Cochran 1977, sections 5.3 and 11.3). Of
 * each unit a size x is known (bytes or records), and of the whole input as well: totals are ratio
 * estimates, one per frame (Cochran 1977, section 6.10), the residuals y - R x taking the place of
 * y. Degrees of freedom after Satterthwaite 1946, as in interval.h.
 *
 * What records were made of those of a unit (by filters, joins with inputs that are read whole, …)
 * belongs to that unit. Units of all frames are numbered together: frame times ESTIMATE_UNITS plus
 * unit. What comes from inputs that are read whole is certain, and is given apart as `whole`. */
#ifndef FORELINE_ESTIMATE_H
#define FORELINE_ESTIMATE_H

#include "sketch/interval.h"

/* Pairs of blocks beyond are added to those before, which leaves the variance as it is. */
#define ESTIMATE_UNITS 256

struct estimate_frame {
    double x[ESTIMATE_UNITS]; /* of each unit; unused ones 0 */
    double x_all;             /* of the whole input */
    double fraction;          /* of it, what was drawn: that any record is in the sample */
    double records;           /* that were drawn; 0: not known */
    double x_sum, dx2, dx4;   /* by estimate_frame_ready */
    size_t pairs;
};
/* When all x are there. */
void estimate_frame_ready(struct estimate_frame *f);

/* Sums over the records of one unit. */
struct estimate_cell {
    uint32_t unit;
    double n; /* values */
    double y; /* their sum */
};
struct estimate {
    double value;
    struct interval within; /* 95 % */
};
#define ESTIMATE_NONE ((struct estimate){(double)NAN, {(double)NAN, (double)NAN}})

/* The total of y. `f`: all frames (NULL: nothing was sampled). Cells ascend by unit. `positive`: no
 * value is negative, its variance grows with it, and the interval is that of a score (Wilson 1927,
 * here of a Poisson total with the dispersion that the pairs show), which holds for few records
 * too; else Student's t. */
struct estimate estimate_total(const struct estimate_frame *f, const struct estimate_cell *cells,
                               size_t n, double whole, bool positive);
/* The same of n, the number of values; of what is a share of the records of a frame the variance
 * grows and falls as that of a share does. */
struct estimate estimate_count(const struct estimate_frame *f, const struct estimate_cell *cells,
                               size_t n, double whole);
/* The mean: y over n, combined over frames; t. Without interval when fewer than two units have
 * values. */
struct estimate estimate_mean(const struct estimate_frame *f, const struct estimate_cell *cells,
                              size_t n, double whole_y, double whole_n);

/* How many groups there are, when `seen` were met, of them `once` in one unit only and `twice` in
 * two, of `units` that are the share `fraction` of all.
 *
 * The estimate is Chao's lower bound for sampling without replacement (Chao & Lin 2012, Biometrics
 * 68, after Chao 1987), by units and not by records, which often stand together (Chaudhuri, Das &
 * Srivastava 2004). It is exact when every group is in one unit, and when all were met. The bounds:
 * what was met, and what was met more than once plus once / fraction (Charikar et al. 2000, section
 * 4; groups not met are expected to be at most once * (1 - fraction) / fraction), with once at the
 * upper end of what chance may have made of it. They hold more often than 95 %. */
struct estimate estimate_groups(double seen, double once, double twice, double units,
                                double fraction);

#endif
