/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a command. See logtail.h. */
#include "engine/logtail.h"

#include "os/os.h"

#define LAST_LINES 10
#define LAST_BYTES 2048u
#define WAIT_S 1.0

void logtail_init(struct logtail *l, const struct engine_opts *o, const char *stage)
{
    *l = (struct logtail){.o = o, .stage = stage, .handed = clock_wall()};
    l->pending = BUF_INIT(BUF_UNBOUNDED);
    l->tail = BUF_INIT(BUF_UNBOUNDED);
    l->held = BUF_INIT(BUF_UNBOUNDED);
}

void logtail_hide(struct logtail *l, const struct text_list *secrets)
{
    l->secrets = secrets;
}

static void hand_on(struct logtail *l, struct buf *b)
{
    if (b->len && l->o->log)
        l->o->log(l->o->ctx, l->stage, buf_slice(b));
    buf_clear(b);
    l->handed = clock_wall();
}

void logtail_tick(struct logtail *l)
{
    if (l->pending.len && l->total < LOG_HEAD && clock_wall() - l->handed >= WAIT_S)
        hand_on(l, &l->pending);
}

static void add(struct logtail *l, struct slice text)
{
    if (l->total < LOG_HEAD) {
        size_t room = (size_t)(LOG_HEAD - l->total);
        size_t n = text.len < room ? text.len : room;
        buf_add(&l->pending, text.p, n);
        if (l->pending.len >= LOG_STEP)
            hand_on(l, &l->pending);
        buf_add(&l->tail, text.p, n); /* for its last words */
        l->total += n;
        text = slice_of(text.p + n, text.len - n);
        if (l->total >= LOG_HEAD) {
            hand_on(l, &l->pending);
            buf_clear(&l->tail); /* from here on the tail is what the head has not */
        }
    }
    if (text.len == 0)
        return;
    l->total += text.len;
    buf_add(&l->tail, text.p, text.len);
    if (l->tail.len > 2 * LOG_TAIL)
        buf_consume(&l->tail, l->tail.len - LOG_TAIL);
}

/* How much of `s` is the longest secret that it begins with; `*may_be`: with more text it could
 * begin with a longer one. */
static size_t secret_at(const struct logtail *l, struct slice s, bool *may_be)
{
    size_t longest = 0;
    *may_be = false;
    for (uint32_t i = 0; i < l->secrets->n; i++) {
        const char *secret = l->secrets->items[i];
        if (secret[0] != s.p[0])
            continue;
        size_t len = strlen(secret), n = len < s.len ? len : s.len;
        if (memcmp(secret, s.p, n) != 0)
            continue;
        if (n < len)
            *may_be = true;
        else if (len > longest)
            longest = len;
    }
    return longest;
}

/* Hands on what is held, up to what more text could make a secret of (`last`: no more comes). */
static void release_held(struct logtail *l, bool last)
{
    struct slice s = buf_slice(&l->held);
    size_t at = 0, said = 0;
    while (at < s.len) {
        bool may_be;
        size_t n = secret_at(l, slice_of(s.p + at, s.len - at), &may_be);
        if (may_be && !last)
            break;
        if (n) {
            add(l, slice_of(s.p + said, at - said));
            add(l, slice_str("***"));
            said = at + n;
        }
        at += n ? n : 1;
    }
    add(l, slice_of(s.p + said, at - said));
    buf_consume(&l->held, at);
}

void logtail_add(struct logtail *l, struct slice text)
{
    if (!l->secrets || l->secrets->n == 0) {
        add(l, text);
        return;
    }
    buf_add(&l->held, text.p, text.len);
    release_held(l, false);
}

void logtail_end(struct logtail *l)
{
    if (l->ended)
        return;
    l->ended = true;
    if (l->held.len)
        release_held(l, true);
    buf_release(&l->held);
    if (l->total > LOG_HEAD) {
        if (l->tail.len > LOG_TAIL)
            buf_consume(&l->tail, l->tail.len - LOG_TAIL);
        uint64_t lost = l->total - LOG_HEAD - l->tail.len;
        if (lost) {
            buf_addf(&l->pending, "\n[%llu bytes left out]\n", (unsigned long long)lost);
            hand_on(l, &l->pending);
        }
        hand_on(l, &l->tail);
    }
    hand_on(l, &l->pending);
    buf_release(&l->pending);
    buf_release(&l->tail);
}

const char *logtail_last(const struct logtail *l)
{
    struct slice s = buf_slice(&l->tail);
    while (s.len && (s.p[s.len - 1] == '\n' || s.p[s.len - 1] == '\r'))
        s.len--;
    size_t at = s.len;
    for (int lines = 0; at > 0 && s.len - at < LAST_BYTES; at--) {
        if (s.p[at - 1] == '\n' && ++lines == LAST_LINES)
            break;
    }
    return s.len ? s.p + at : "";
}
