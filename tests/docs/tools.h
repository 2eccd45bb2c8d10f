/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tools that exist, for the generator of documents. A new tool adds its header, its line here
 * and its opts file in tests/docs/local.mk.
 */
#ifndef FORELINE_DOCS_TOOLS_H
#define FORELINE_DOCS_TOOLS_H

#include "cli/cli.h"
#include "tools/etl-profile.h"
#include "tools/etl-predict.h"
#include "tools/etl-plan.h"
#include "tools/etl-run.h"
#include "tools/etl-lineage.h"

/* In the order of the chain. */
static const struct tool *const docs_tools[] = {
    &etl_profile_tool, &etl_predict_tool, &etl_plan_tool, &etl_run_tool, &etl_lineage_tool, NULL,
};

#endif
