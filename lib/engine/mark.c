/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Marks of files. See mark.h. */
#include "engine/mark.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

static void hash_file(struct mark *m)
{
    struct buf text = BUF_INIT(MARK_HASH_BYTES + 1);
    struct err ignored = ERR_INIT;
    if (file_read_all(m->path, MARK_HASH_BYTES, &text, &ignored)) {
        struct sha256 h;
        sha256_init(&h);
        sha256_add(&h, buf_str(&text), text.len);
        sha256_hex(&h, m->sha256);
    }
    buf_release(&text);
}

void mark_take(struct mark *m, const char *path)
{
    struct stat st;
    *m = (struct mark){.path = path, .kind = MARK_STREAM};
    if (strcmp(path, "-") == 0)
        return;
    if (stat(path, &st) != 0) {
        m->kind = MARK_ABSENT;
        return;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return;
    m->kind = MARK_FILE;
    m->size = S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
    m->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    m->inode = (int64_t)st.st_ino;
    if (S_ISREG(st.st_mode) && st.st_size <= MARK_HASH_BYTES)
        hash_file(m);
}

bool mark_holds(const struct mark *then, const struct mark *now)
{
    if (then->kind != now->kind || then->kind == MARK_STREAM)
        return false;
    if (then->kind == MARK_ABSENT)
        return true;
    if (then->sha256[0] && now->sha256[0])
        return strcmp(then->sha256, now->sha256) == 0;
    return then->size == now->size && then->mtime_ns == now->mtime_ns && then->inode == now->inode;
}

const char *mark_change(struct arena *a, const struct mark *then, const struct mark *now)
{
    if (now->kind == MARK_STREAM || then->kind == MARK_STREAM)
        return "it is a stream, which cannot be compared";
    if (now->kind == MARK_ABSENT)
        return "it is gone";
    if (then->kind == MARK_ABSENT)
        return "it was not there";
    if (then->size != now->size)
        return arena_printf(a, "size %lld -> %lld", (long long)then->size, (long long)now->size);
    if (then->sha256[0] && now->sha256[0])
        return "its content";
    return then->mtime_ns != now->mtime_ns ? "its time" : "another file has its name";
}

void mark_write(struct jw *w, const struct mark *m)
{
    jw_obj(w);
    jw_kstr(w, "path", m->path);
    if (m->kind == MARK_STREAM)
        jw_kbool(w, "stream", true);
    if (m->kind == MARK_FILE) {
        jw_kint(w, "size", m->size);
        jw_kint(w, "mtime_ns", m->mtime_ns);
        jw_kint(w, "inode", m->inode);
        if (m->sha256[0])
            jw_kstr(w, "sha256", m->sha256);
    }
    jw_end_obj(w);
}

void mark_read(const struct json *v, struct mark *out)
{
    *out = (struct mark){.path = json_str(v, "path", NULL)};
    if (json_bool(v, "stream", false))
        out->kind = MARK_STREAM;
    else if (json_get(v, "size"))
        out->kind = MARK_FILE;
    out->size = json_int(v, "size", -1);
    out->mtime_ns = json_int(v, "mtime_ns", -1);
    out->inode = json_int(v, "inode", -1);
    snprintf(out->sha256, sizeof(out->sha256), "%s", json_str(v, "sha256", ""));
}

void marks_write(struct jw *w, const char *key, const struct marks *m)
{
    jw_key(w, key);
    jw_arr(w);
    for (uint32_t i = 0; i < m->n; i++)
        mark_write(w, &m->items[i]);
    jw_end_arr(w);
}

void marks_read(struct arena *a, const struct json *v, struct marks *out)
{
    out->n = json_is(v, JSON_ARRAY) ? (uint32_t)json_len(v) : 0;
    out->items = ARENA_ARRAY(a, struct mark, out->n);
    for (uint32_t i = 0; i < out->n; i++)
        mark_read(json_at(v, i), &out->items[i]);
}
