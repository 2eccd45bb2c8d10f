/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte strings in, the same in the order of their bytes out: in memory up to a limit, in sorted
 * runs in one scratch file beyond (external merge sort, Knuth volume 3, 5.4.1). Internal to
 * lib/compare. */
#ifndef FORELINE_COMPARE_SORTER_H
#define FORELINE_COMPARE_SORTER_H

#include "base/base.h"

struct sorter;
struct sorter *sorter_new(size_t memory_bytes);
void sorter_free(struct sorter *s);
bool sorter_add(struct sorter *s, struct slice item, struct err *err);
/* Once, behind the last item. */
bool sorter_rewind(struct sorter *s, struct err *err);
/* The next item, valid until the next call; p NULL at the end. */
bool sorter_next(struct sorter *s, struct slice *out, struct err *err);
uint64_t sorter_spilled_bytes(const struct sorter *s);

#endif
