/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a command. See logtail.h. */
#include "engine/logtail.h"

#define LAST_LINES 10
#define LAST_BYTES 2048u

void logtail_init(struct logtail *l, const struct engine_opts *o, const char *stage)
{
    *l = (struct logtail){.o = o, .stage = stage};
    l->pending = BUF_INIT(BUF_UNBOUNDED);
    l->tail = BUF_INIT(BUF_UNBOUNDED);
}

static void hand_on(struct logtail *l, struct buf *b)
{
    if (b->len && l->o->log)
        l->o->log(l->o->ctx, l->stage, buf_slice(b));
    buf_clear(b);
}

void logtail_add(struct logtail *l, struct slice text)
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

void logtail_end(struct logtail *l)
{
    if (l->ended)
        return;
    l->ended = true;
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
