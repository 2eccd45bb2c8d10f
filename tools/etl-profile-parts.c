/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What --window, --slide, --time, --lateness, --partition-by and --max-partitions ask for. */
#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "tools/etl-profile.h"

/* A plain number counts records, a number with a unit is time. */
static bool parse_extent(const char *option, const char *text, uint64_t *records, int64_t *us)
{
    struct quoted q;
    int64_t n;
    double seconds;
    if (num_parse_int(slice_str(text), &n)) {
        *records = n > 0 ? (uint64_t)n : 0;
        if (n > 0)
            return true;
    } else if (duration_parse(text, &seconds) && seconds >= 1e-6 && seconds < 1e11) {
        *us = (int64_t)round(seconds * 1e6);
        return true;
    }
    cli_usage("option '%s': '%s' is neither a number of records (10000) nor a time (30s, 5m)",
              option, quote_str(&q, text));
    return false;
}

static bool parse_slide(const char *text, struct profile_parts *p)
{
    p->slide = p->window;
    p->slide_us = p->window_us;
    if (text == NULL)
        return true;
    uint64_t records = 0;
    int64_t us = 0;
    if (!parse_extent("--slide", text, &records, &us))
        return false;
    if ((records > 0) != (p->window > 0)) {
        cli_usage("option '--slide': must count what '--window' counts, records or time");
        return false;
    }
    uint64_t window = p->window > 0 ? p->window : (uint64_t)p->window_us;
    uint64_t slide = p->window > 0 ? records : (uint64_t)us;
    if (window % slide != 0) {
        cli_usage("option '--slide': the window must be a multiple of it");
        return false;
    }
    if (window / slide > PROFILE_PANES_MAX) {
        cli_usage("option '--slide': the window is more than %d times as long", PROFILE_PANES_MAX);
        return false;
    }
    p->slide = records;
    p->slide_us = us;
    return true;
}

bool etl_profile_parts(const struct etl_profile_opts *o, struct profile_parts *out)
{
    const char *lost = NULL;
    *out = (struct profile_parts){.time = o->time,
                                  .by = o->partition_by,
                                  .max_partitions = (uint32_t)o->max_partitions,
                                  .lateness_us = (int64_t)round(o->lateness * 1e6)};
    if (o->window != NULL && (!parse_extent("--window", o->window, &out->window, &out->window_us) ||
                              !parse_slide(o->slide, out)))
        return false;
    if (o->window == NULL && o->slide != NULL)
        lost = "option '--slide' needs '--window'";
    else if (out->window_us == 0 && o->time != NULL)
        lost = "option '--time' needs '--window' with a time (30s, 5m)";
    else if (out->window_us == 0 && o->lateness > 0)
        lost = "option '--lateness' needs '--window' with a time (30s, 5m)";
    if (lost != NULL)
        cli_usage("%s", lost);
    return lost == NULL;
}
