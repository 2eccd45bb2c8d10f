/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What etl-profile asks of the store and leaves in it. A store that fails is a warning: the profile
 * is there all the same. */
#include "base/instant.h"
#include "profile/evolution.h"
#include "profile/image.h"
#include "tools/etl-profile.h"

/* Profiles without records say nothing of a schema, and nameless ones cannot be found again. */
static bool is_known(const struct store *s, const struct rec_profile *r)
{
    return s != NULL && r->dataset != NULL && r->records > 0;
}

void etl_profile_consult(struct store *s, struct arena *a, struct rec_profile *r)
{
    struct err err = ERR_INIT;
    struct store_schema *history;
    size_t n;
    if (!is_known(s, r))
        return;
    if (store_schemas(s, a, r->dataset, &history, &n, &err))
        r->schema_evolution_probability = profile_evolution(history, n, r, instant_now());
    else
        cli_warn("%s", err.text);
}

/* Of tables with thousands of columns the image is not kept: some 10 kB each. */
#define IMAGE_MAX ((size_t)16 << 20)

void etl_profile_remember(struct store *s, const struct profile *p, const struct rec_profile *r,
                          struct slice line)
{
    struct err err = ERR_INIT;
    struct buf image = BUF_INIT(IMAGE_MAX);
    if (!is_known(s, r))
        return;
    profile_image_write(&image, p, true);
    if (image.overflow)
        buf_clear(&image);
    bool ok = store_begin_relaxed(s, &err);
    if (ok) {
        ok = store_profile_add(s, r, slice_of(line.p, line.len - 1), &err) &&
             store_profile_image_set(s, r->dataset, buf_slice(&image), &err);
        if (ok)
            ok = store_commit(s, &err);
        else
            store_rollback(s);
    }
    if (!ok)
        cli_warn("%s", err.text);
    buf_release(&image);
}

bool etl_profile_last(struct store *s, struct arena *a, const char *dataset,
                      const struct rec_profile **record, struct profile **state, struct err *err)
{
    struct err e = ERR_INIT;
    struct slice line = SLICE_NULL, image = SLICE_NULL;
    struct json *v;
    struct quoted q;
    struct rec_profile *p = ARENA_NEW(a, struct rec_profile);
    *state = NULL;
    *record = p;
    if (s == NULL || dataset == NULL)
        return false;
    if (!store_profile_last(s, a, dataset, &line, err) || line.len == 0)
        return false;
    if (!json_parse(a, line, 0, &v, err) || !rec_profile_read(a, v, p, err)) {
        err->kind = ERR_ENV; /* the data is not what is bad */
        return err_prefix(err, "the last profile of '%s' in the store: ", quote_str(&q, dataset));
    }
    if (!store_profile_image(s, a, dataset, &image, &e) ||
        (image.len > 0 && (*state = profile_image_read(image, &e)) == NULL))
        cli_warn("the sketches of '%s' in the store: %s", quote_str(&q, dataset),
                 e.text); /* the record serves, too */
    if (*state != NULL)
        drift_base_record(*state, dataset, p->partition, a, p);
    return true;
}
