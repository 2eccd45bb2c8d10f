/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a profile to a Table Schema that the data keeps to: a first draft for profile/expect.h. */
#ifndef FORELINE_TABLE_SCHEMA_H
#define FORELINE_TABLE_SCHEMA_H

#include "rec/rec.h"

/* Types, `required` where nothing is missing, `unique` where that is known exactly, neither for a
 * sample; no more, as bounds of data that comes later are not known. `json`: of JSON lines. With
 * newline. */
void profile_table_schema(const struct rec_profile *p, bool json, struct buf *out);

#endif
