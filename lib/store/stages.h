/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside store/ only: the stages of a run, written with it. */
#ifndef FORELINE_STORE_STAGES_H
#define FORELINE_STORE_STAGES_H

#include "store/internal.h"

/* Replaces the stages of a run. Within the caller's transaction. */
bool store_stages_put(struct store *s, const char *run_id, const struct store_stage *stages,
                      size_t n, struct err *err);

#endif
