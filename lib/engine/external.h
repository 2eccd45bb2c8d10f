/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An aggregate that may not hold all its groups: they are written to parts by the hash of their key
 * (tally_spill), each part is read back and counted up by itself, again in parts where it does not
 * fit, and the results are put into the order of the input (Graefe 1993, "Query evaluation
 * techniques for large databases", section 4.2). The results are those without a limit, byte for
 * byte. */
#ifndef FORELINE_ENGINE_EXTERNAL_H
#define FORELINE_ENGINE_EXTERNAL_H

#include "engine/op.h"
#include "engine/tally.h"

/* Emits the groups of all these parts (of the same number and level) in the order of the input. The
 * runs are gone then. */
bool external_finish(struct oper *op, struct lane *lane, struct spill *spill,
                     const struct tally_spec *spec, struct parts **parts, uint32_t n,
                     struct err *err);

#endif
