/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OPENLINEAGE_URL: run events go there as well. */
#include <stdlib.h>

#include "http/sender.h"
#include "tools/etl-run.h"

#define PATIENCE_S 2.0 /* at the end, for what still waits */
#define STOPPED_S 0.5  /* the same after a signal */

static const char *value_of(const char *name, const char *none)
{
    const char *v = getenv(name);
    return v && *v ? v : none;
}

void events_open(struct app *app)
{
    const char *url = value_of("OPENLINEAGE_URL", NULL);
    const char *off = value_of("OPENLINEAGE_DISABLED", "");
    if (!url || strcmp(off, "true") == 0 || strcmp(off, "1") == 0)
        return;
    const char *end = value_of("OPENLINEAGE_ENDPOINT", "api/v1/lineage");
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    while (*end == '/')
        end++;
    struct http_options o = {
        .url = arena_printf(&app->mem, "%.*s/%s", (int)len, url, end),
        .bearer = value_of("OPENLINEAGE_API_KEY", NULL),
    };
    struct err err = ERR_INIT;
    app->events = http_sender_new(&o, &err);
    if (!app->events)
        cli_warn("OPENLINEAGE_URL: %s: run events are not sent", err.text);
}

void events_send(void *ctx, struct slice line)
{
    struct app *app = ctx;
    if (app->events)
        http_sender_post(app->events, slice_trim(line));
}

void events_close(struct app *app, bool stopped)
{
    struct http_report r;
    if (!app->events)
        return;
    http_sender_end(app->events, stopped ? STOPPED_S : PATIENCE_S, &r);
    app->events = NULL;
    if (r.unsent)
        cli_warn("%llu of %llu run events were not sent to OPENLINEAGE_URL: %s",
                 (unsigned long long)r.unsent, (unsigned long long)(r.sent + r.unsent), r.why);
}
