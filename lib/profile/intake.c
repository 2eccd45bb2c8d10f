/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes on their way to the reader. See intake.h. */
#include "profile/intake.h"

#include <errno.h>
#include <unistd.h>

#include "os/os.h"

/* A longer first line of a file that is followed is not looked for in the files after it. */
#define HEADER_MAX ((size_t)64 << 10)
#define REST_BYTES ((size_t)64 << 10)

static const struct profile_intake plain;

bool intake_open(struct intake *it, const char *path, const struct profile_intake *o,
                 struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    *it = (struct intake){.o = o ? o : &plain, .path = path, .fd = -1};
    it->header = BUF_INIT(HEADER_MAX);
    it->held = BUF_INIT(HEADER_MAX + 1);
    if (it->o->stop != NULL && !is_stdin) {
        it->follow = follow_open(path, it->o->stop, err);
        return it->follow != NULL;
    }
    it->fd = is_stdin ? STDIN_FILENO : fd_open_input(path, err);
    it->own = !is_stdin;
    if (it->fd < 0)
        return false;
    if (fstat(it->fd, &it->before) != 0)
        it->before = (struct stat){0};
    return true;
}

void intake_close(struct intake *it)
{
    if (it->own && it->fd >= 0)
        close(it->fd);
    follow_close(it->follow);
    buf_release(&it->header);
    buf_release(&it->held);
}

/* What was read goes through the tap first. */
static enum input_got pass(struct intake *it, const char *p, size_t n, struct err *err)
{
    it->bytes += n;
    if (it->o->tap == NULL || it->o->tap(it->o->tap_ctx, p, n, err))
        return INPUT_BYTES;
    it->untapped = true;
    return INPUT_ERROR;
}

static enum input_got read_fd(struct intake *it, char *to, size_t cap, size_t *got, struct err *err)
{
    struct quoted q;
    ssize_t n;
    do
        n = read(it->fd, to, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        it->ended = true;
        err_errno(err, ERR_ENV, "cannot read '%s'", it->own ? quote_str(&q, it->path) : "stdin");
        return INPUT_ERROR;
    }
    *got = (size_t)n;
    it->ended = n == 0;
    return n == 0 ? INPUT_END : pass(it, to, *got, err);
}

/* -- following -- */

/* The first line is kept, when it may be a header. */
static void keep_header(struct intake *it, const char *p, size_t n)
{
    if (it->bytes == 0)
        it->text = (unsigned char)p[0] != 0x1f && (unsigned char)p[0] != 0x28;
    if (it->header_whole || it->o->no_header || it->header.len == HEADER_MAX)
        return;
    const char *end = memchr(p, '\n', n);
    size_t len = end ? (size_t)(end - p) + 1 : n;
    if (len > HEADER_MAX - it->header.len)
        len = HEADER_MAX - it->header.len;
    buf_add(&it->header, p, len);
    it->header_whole = it->header.len > 0 && it->header.p[it->header.len - 1] == '\n' &&
                       it->header.p[0] != '{' && it->header.p[0] != '[';
}

static void hold(struct intake *it, const char *p, size_t n)
{
    buf_add(&it->held, p, n);
}

/* What looked like the header, and is not. */
static void give_matched(struct intake *it)
{
    hold(it, it->header.p, it->matched);
    it->checking = false;
    it->matched = 0;
}

/* Another file begins: the line before it is whole, and a header is not data. */
static void begin_file(struct intake *it)
{
    if (it->checking)
        give_matched(it);
    if (!it->text)
        return;
    char last = it->held.len > 0 ? it->held.p[it->held.len - 1] : it->last;
    if (it->bytes > 0 && last != '\n')
        hold(it, "\n", 1);
    it->checking = it->header_whole;
}

static void was_truncated(struct intake *it)
{
    if (it->truncations++ == 0)
        it->truncated_at = it->bytes;
    begin_file(it);
}

/* At most the rest of the header is read, and compared. */
static enum input_got check_header(struct intake *it, struct err *err)
{
    char bytes[4096];
    size_t want = it->header.len - it->matched, got;
    if (want > sizeof(bytes))
        want = sizeof(bytes);
    switch (follow_read(it->follow, bytes, want, &got, err)) {
    case FOLLOW_BYTES:
        if (pass(it, bytes, got, err) == INPUT_ERROR)
            return INPUT_ERROR;
        if (memcmp(bytes, it->header.p + it->matched, got) != 0) {
            give_matched(it);
            hold(it, bytes, got);
        } else if ((it->matched += got) == it->header.len) {
            it->checking = false;
            it->matched = 0;
        }
        return INPUT_BYTES;
    case FOLLOW_TRUNCATED:
        was_truncated(it);
        return INPUT_BYTES;
    case FOLLOW_NEXT:
        begin_file(it);
        return INPUT_BYTES;
    case FOLLOW_PAUSE:
        return INPUT_PAUSE;
    case FOLLOW_END:
        give_matched(it);
        return INPUT_BYTES; /* it will be said again */
    case FOLLOW_ERROR:
        break;
    }
    return INPUT_ERROR;
}

static enum input_got give_held(struct intake *it, char *to, size_t cap, size_t *got)
{
    size_t n = it->held.len - it->held_at;
    *got = n < cap ? n : cap;
    memcpy(to, it->held.p + it->held_at, *got);
    it->held_at += *got;
    it->last = to[*got - 1];
    if (it->held_at == it->held.len) {
        buf_clear(&it->held);
        it->held_at = 0;
    }
    return INPUT_BYTES;
}

/* Everything that came has been delivered. */
static enum input_got rest(struct intake *it, struct err *err)
{
    if (!it->busy && it->idle != NULL && !it->idle(it->idle_ctx, err))
        return INPUT_ERROR;
    it->busy = false;
    return INPUT_PAUSE;
}

static enum input_got read_followed(struct intake *it, char *to, size_t cap, size_t *got,
                                    struct err *err)
{
    for (;;) {
        enum input_got what;
        if (it->held.len > it->held_at)
            return give_held(it, to, cap, got);
        if (it->checking) {
            what = check_header(it, err);
            if (what == INPUT_PAUSE)
                return rest(it, err);
            if (what == INPUT_ERROR)
                return what;
            continue;
        }
        switch (follow_read(it->follow, to, cap, got, err)) {
        case FOLLOW_BYTES:
            keep_header(it, to, *got);
            it->last = to[*got - 1];
            it->busy = true;
            return pass(it, to, *got, err);
        case FOLLOW_TRUNCATED:
            was_truncated(it);
            continue;
        case FOLLOW_NEXT:
            begin_file(it);
            continue;
        case FOLLOW_PAUSE:
            return rest(it, err);
        case FOLLOW_END:
            it->ended = true;
            return INPUT_END;
        case FOLLOW_ERROR:
            return INPUT_ERROR;
        }
    }
}

enum input_got intake_read(void *intake, char *to, size_t cap, size_t *got, struct err *err)
{
    struct intake *it = intake;
    *got = 0;
    return it->follow ? read_followed(it, to, cap, got, err) : read_fd(it, to, cap, got, err);
}

bool intake_rest(struct intake *it, struct err *err)
{
    char bytes[REST_BYTES];
    size_t got;
    enum input_got what = INPUT_BYTES;
    if (it->o->tap == NULL || it->untapped)
        return true;
    while (!it->ended && what != INPUT_END && what != INPUT_ERROR)
        what = intake_read(it, bytes, sizeof(bytes), &got, err);
    return what != INPUT_ERROR;
}

uint64_t intake_changes(const struct intake *it, struct buf *reason, uint64_t *at)
{
    struct stat now;
    *at = it->truncated_at;
    if (it->follow != NULL && it->truncations > 0)
        buf_adds(reason,
                 "the file was truncated while it was followed (what was not read is lost)");
    if (it->follow != NULL)
        return it->truncations;
    *at = it->bytes;
    if (!S_ISREG(it->before.st_mode) || fstat(it->fd, &now) != 0)
        return 0;
    if (now.st_size != it->before.st_size)
        buf_addf(reason, "the file changed while it was read: %lld bytes at first, %lld at the end",
                 (long long)it->before.st_size, (long long)now.st_size);
    else if (now.st_mtim.tv_sec != it->before.st_mtim.tv_sec ||
             now.st_mtim.tv_nsec != it->before.st_mtim.tv_nsec)
        buf_adds(reason, "the file was written to while it was read");
    return reason->len > 0;
}
