/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which processes belong to a command, and what they use, by looking at /proc now and then. What
 * lives and dies between two looks is not seen here; the CPU of it is in the leader's own figures
 * once waited for. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "os/intern.h"

/* One process as its /proc/PID/stat (proc(5)) has it. */
struct pstat {
    pid_t pid, ppid, pgrp, session;
    char state;
    unsigned long long start; /* clock ticks since boot: with the pid, an identity */
    unsigned long ticks;      /* own CPU and that of children it waited for */
    long rss_pages;
};
struct member {
    struct pstat s;
    uint64_t read_bytes, write_bytes;
    bool alive, orphan; /* orphan: nobody in the tree can wait for it */
};
struct proc_tree {
    pid_t leader;
    struct member *m;
    size_t len, cap;
    double tick_s;
    uint64_t page_bytes;
    bool grouped; /* a control group counts its memory */
    /* Of orphans that are gone: nobody's account has them. */
    uint64_t gone_ticks, gone_read, gone_written;
};

struct proc_tree *proc_tree_new(pid_t leader)
{
    struct proc_tree *t = xcalloc(1, sizeof(*t));
    t->leader = leader;
    long hz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
    t->tick_s = 1.0 / (double)(hz > 0 ? hz : 100);
    t->page_bytes = (uint64_t)(page > 0 ? page : 4096);
    return t;
}

void proc_tree_set_grouped(struct proc_tree *t)
{
    t->grouped = true;
}

void proc_tree_free(struct proc_tree *t)
{
    if (t)
        free(t->m);
    free(t);
}

static bool read_stat(pid_t pid, struct pstat *s)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    if (!sys_read(path, text, sizeof(text)))
        return false;
    /* The name in parentheses may hold anything, also parentheses: look from the right. */
    const char *at = strrchr(text, ')');
    int ppid, pgrp, session;
    unsigned long ut, st;
    long cut, cst;
    if (!at ||
        sscanf(at + 1,
               " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %*d %*d %llu "
               "%*u %ld",
               &s->state, &ppid, &pgrp, &session, &ut, &st, &cut, &cst, &s->start,
               &s->rss_pages) != 10)
        return false;
    s->pid = pid;
    s->ppid = ppid;
    s->pgrp = pgrp;
    s->session = session;
    s->ticks = ut + st + (unsigned long)(cut + cst);
    return true;
}

static struct member *find(const struct proc_tree *t, pid_t pid)
{
    for (size_t i = 0; i < t->len; i++)
        if (t->m[i].s.pid == pid)
            return &t->m[i];
    return NULL;
}

static void take(struct proc_tree *t, const struct pstat *s)
{
    struct member *m = find(t, s->pid);
    if (m && m->s.start != s->start) {
        /* The number was given to another process: what is known of the first one stays on the
         * books under no number. */
        m->s.pid = 0;
        m->alive = false;
        m = NULL;
    }
    if (!m) {
        if (t->len == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 16;
            t->m = xreallocarray(t->m, t->cap, sizeof(*t->m));
        }
        m = &t->m[t->len++];
        *m = (struct member){0};
    }
    m->s = *s;
    m->alive = true;
}

/* Who is gone needs no place: a command may start millions. */
static void forget_gone(struct proc_tree *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->len; i++) {
        const struct member *m = &t->m[i];
        if (m->alive) {
            t->m[n++] = *m;
        } else if (m->orphan) {
            t->gone_ticks += m->s.ticks;
            t->gone_read += m->read_bytes;
            t->gone_written += m->write_bytes;
        }
    }
    t->len = n;
}

/* All processes that belong: of the leader's session or group, known from before, or children of
 * one that belongs (found by going round until nothing is added: trees are shallow). */
static void take_all(struct proc_tree *t)
{
    DIR *d = opendir("/proc");
    struct pstat *rest = NULL;
    size_t n = 0, cap = 0;
    if (!d)
        return;
    for (size_t i = 0; i < t->len; i++)
        t->m[i].alive = false;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        struct pstat s;
        if (e->d_name[0] < '1' || e->d_name[0] > '9')
            continue;
        if (!read_stat((pid_t)strtol(e->d_name, NULL, 10), &s))
            continue;
        struct member *known = find(t, s.pid);
        if (s.pid == t->leader || s.session == t->leader || s.pgrp == t->leader ||
            (known && known->s.start == s.start)) {
            take(t, &s);
            continue;
        }
        if (n == cap) {
            cap = cap ? cap * 2 : 128;
            rest = xreallocarray(rest, cap, sizeof(*rest));
        }
        rest[n++] = s;
    }
    closedir(d);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n; i++) {
            const struct member *parent = rest[i].pid ? find(t, rest[i].ppid) : NULL;
            if (parent && parent->alive) {
                take(t, &rest[i]);
                rest[i].pid = 0;
                more = true;
            }
        }
    }
    free(rest);
    for (size_t i = 0; i < t->len; i++) {
        struct member *m = &t->m[i];
        if (m->alive && m->s.pid != t->leader) {
            const struct member *parent = find(t, m->s.ppid);
            m->orphan = !parent || !parent->alive;
        }
    }
    forget_gone(t);
}

static void read_io(struct member *m)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%ld/io", (long)m->s.pid);
    unsigned long long rd, wr;
    if (sys_read(path, text, sizeof(text)) &&
        sscanf(text, "rchar: %llu wchar: %llu", &rd, &wr) == 2) {
        m->read_bytes = rd;
        m->write_bytes = wr;
    }
}

static uint64_t rollup_field(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? (uint64_t)strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* Memory with shared pages counted once; 0 when the kernel does not say. `held`: without pages of
 * files (since Linux 5.4 it tells them apart). */
static uint64_t read_pss(pid_t pid, bool held)
{
    char path[64], text[2048];
    snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", (long)pid);
    if (!sys_read(path, text, sizeof(text)))
        return 0;
    if (held && strstr(text, "\nPss_Anon:"))
        return rollup_field(text, "\nPss_Anon:") + rollup_field(text, "\nPss_Shmem:");
    return rollup_field(text, "\nPss:");
}

static uint64_t sum_pss(const struct proc_tree *t, bool held)
{
    uint64_t pss = 0;
    for (size_t i = 0; i < t->len; i++) {
        const struct member *m = &t->m[i];
        if (m->alive && m->s.state != 'Z') {
            uint64_t one = read_pss(m->s.pid, held);
            struct pstat now;
            if (!one && read_stat(m->s.pid, &now) && now.rss_pages > 0) /* not since it ended */
                one = (uint64_t)now.rss_pages * t->page_bytes;
            pss += one;
        }
    }
    return pss;
}

uint64_t proc_tree_held(const struct proc_tree *t)
{
    return sum_pss(t, true);
}

/* The children of a process, as its main thread has them (CONFIG_PROC_CHILDREN; else none). */
static void take_children(struct proc_tree *t, pid_t pid)
{
    char path[64], text[4096], *end;
    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    if (!sys_read(path, text, sizeof(text)))
        return;
    for (char *at = text;; at = end) {
        struct pstat s;
        long child = strtol(at, &end, 10);
        if (end == at)
            break;
        if (!find(t, (pid_t)child) && read_stat((pid_t)child, &s))
            take(t, &s);
    }
}

uint64_t proc_tree_glance(struct proc_tree *t)
{
    uint64_t rss = 0;
    struct pstat s;
    if (!t->len && read_stat(t->leader, &s))
        take(t, &s);
    for (size_t i = 0; i < t->len; i++) { /* grows as children come */
        char path[64], text[128];
        unsigned long long size, pages;
        if (!t->m[i].alive)
            continue;
        take_children(t, t->m[i].s.pid);
        snprintf(path, sizeof(path), "/proc/%ld/statm", (long)t->m[i].s.pid);
        if (sys_read(path, text, sizeof(text)) && sscanf(text, "%llu %llu", &size, &pages) == 2)
            rss += pages * t->page_bytes;
    }
    return rss;
}

void proc_tree_sample(struct proc_tree *t, struct proc_usage *u)
{
    take_all(t);
    uint64_t rss = 0, reads = t->gone_read, writes = t->gone_written;
    size_t live = 0;
    for (size_t i = 0; i < t->len; i++) {
        struct member *m = &t->m[i];
        if (m->alive) {
            read_io(m);
            live += m->s.state != 'Z';
            rss += (uint64_t)(m->s.rss_pages > 0 ? m->s.rss_pages : 0) * t->page_bytes;
        }
        /* The I/O of a process that was waited for is in its parent's account from then on. */
        reads += m->read_bytes;
        writes += m->write_bytes;
    }
    /* Pages that several share are counted several times in RSS; PSS costs a walk over all pages,
     * so it is asked for only when it could matter (PSS <= RSS). */
    if (live > 1 && t->grouped)
        rss = u->now_bytes; /* and a walk would wait for who is at the limit and looks for room */
    else if (live > 1 && rss > u->peak_bytes)
        rss = sum_pss(t, false);
    u->now_bytes = rss;
    if (rss > u->peak_bytes)
        u->peak_bytes = rss;
    if (reads > u->read_bytes)
        u->read_bytes = reads;
    if (writes > u->write_bytes)
        u->write_bytes = writes;
}

double proc_tree_orphan_cpu(const struct proc_tree *t)
{
    double ticks = (double)t->gone_ticks;
    for (size_t i = 0; i < t->len; i++)
        if (t->m[i].orphan || (t->m[i].alive && t->m[i].s.pid != t->leader))
            ticks += (double)t->m[i].s.ticks;
    return ticks * t->tick_s;
}

void proc_tree_signal(const struct proc_tree *t, int sig)
{
    for (size_t i = 0; i < t->len; i++) {
        const struct member *m = &t->m[i];
        struct pstat now;
        if (m->alive && m->s.pid != t->leader && read_stat(m->s.pid, &now) &&
            now.start == m->s.start)
            kill(m->s.pid, sig);
    }
}
