/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instants as microseconds since 1970-01-01T00:00:00Z, dates as days; text forms of both. */
#ifndef FORELINE_INSTANT_H
#define FORELINE_INSTANT_H

#include "base/base.h"

#define US_PER_S INT64_C(1000000)
/* Now, or what FORELINE_NOW (RFC 3339) or instant_fix() says: the one clock for records. */
int64_t instant_now(void);
void instant_fix(int64_t us);

/* Proleptic Gregorian (algorithms after Hinnant 2013, "chrono-compatible low-level date
 * algorithms"). */
int64_t days_from_civil(int64_t y, int m, int d);
void civil_from_days(int64_t days, int64_t *y, int *m, int *d);

/* ISO 8601 calendar date YYYY-MM-DD, valid on the calendar. */
bool date_parse(struct slice s, int64_t *days);
/* ISO 8601 date and time: YYYY-MM-DD, 'T' or one blank, HH:MM[:SS[.fraction]], then nothing (UTC),
 * Z, or ±HH[:]MM. A leap second :60 is read as :59. */
bool timestamp_parse(struct slice s, int64_t *us);

#define INSTANT_TEXT 40
/* RFC 3339 in UTC; fraction only when there is one (milliseconds or microseconds). */
void instant_format(char out[INSTANT_TEXT], int64_t us);
bool instant_parse(struct slice s, int64_t *us);

/* DUR of contracts.md section 4: 90, 90s, 5m, 2h, 1d, 250ms; seconds out. */
bool duration_parse(const char *s, double *seconds);
/* "1.2 s", "350 ms", "2 h 05 min": for people. */
void duration_format(char out[INSTANT_TEXT], double seconds);
/* TIME of contracts.md: "06:00" (the next such moment, UTC) or RFC 3339. */
bool time_parse(const char *s, int64_t now_us, int64_t *us);

#endif
