/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this machine lets us use: processors by affinity and cgroup quota, memory by RAM and cgroup
 * limit (cgroups(7), both versions). Not a benchmark: how fast it is, plan/ finds out. */
#define _GNU_SOURCE
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "os/intern.h"

#define TEXT_MAX 65536

static char *read_text(const char *root, const char *path)
{
    char *full = xasprintf("%s%s", root, path);
    char *text = xmalloc(TEXT_MAX);
    if (!sys_read(full, text, TEXT_MAX)) {
        free(text);
        text = NULL;
    }
    free(full);
    return text;
}

/* A lone number in a file; what is not one ("max") is NAN. */
static double read_number(const char *root, const char *path)
{
    char *text = read_text(root, path);
    double v = NAN;
    if (text) {
        char *end;
        v = (double)strtoll(text, &end, 10);
        if (end == text)
            v = NAN;
    }
    free(text);
    return v;
}

/* The value of "NAME   123" or "NAME: 123 kB" in a text of such lines; NAN. */
static double field(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, n) == 0 && (at[n] == ':' || at[n] == ' ')) {
            char *end;
            double v = (double)strtoll(at + n + 1, &end, 10);
            return strncmp(end, " kB", 3) == 0 ? v * 1024 : v;
        }
    }
    return NAN;
}

struct limits {
    double cores;        /* INFINITY: none */
    double memory, used; /* of the tightest cgroup; INFINITY and 0: none */
};

static void take_memory(struct limits *l, double limit, double current, double cache)
{
    if (isnan(limit) || limit <= 0 || limit >= l->memory)
        return;
    /* Inactive page cache is given back when somebody needs the room. */
    double used = isnan(current) ? 0 : current - (isnan(cache) ? 0 : cache);
    l->memory = limit;
    l->used = used > 0 ? used : 0;
}

static double read_inactive(const char *root, const char *dir, const char *name)
{
    char *path = xasprintf("%s/memory.stat", dir);
    char *text = read_text(root, path);
    double v = text ? field(text, name) : NAN;
    free(text);
    free(path);
    return v;
}

static void take_v2(struct limits *l, const char *root, const char *dir)
{
    char *path = xasprintf("%s/cpu.max", dir);
    char *text = read_text(root, path);
    double quota, period;
    if (text && sscanf(text, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0 &&
        quota / period < l->cores)
        l->cores = quota / period;
    free(text);
    free(path);
    char *max = xasprintf("%s/memory.max", dir), *cur = xasprintf("%s/memory.current", dir);
    take_memory(l, read_number(root, max), read_number(root, cur),
                read_inactive(root, dir, "inactive_file"));
    free(max);
    free(cur);
}

static void take_v1(struct limits *l, const char *root, const char *dir)
{
    char *quota = xasprintf("%s/cpu.cfs_quota_us", dir);
    char *period = xasprintf("%s/cpu.cfs_period_us", dir);
    double q = read_number(root, quota), p = read_number(root, period);
    if (q > 0 && p > 0 && q / p < l->cores)
        l->cores = q / p;
    free(quota);
    free(period);
    char *max = xasprintf("%s/memory.limit_in_bytes", dir);
    char *cur = xasprintf("%s/memory.usage_in_bytes", dir);
    take_memory(l, read_number(root, max), read_number(root, cur),
                read_inactive(root, dir, "total_inactive_file"));
    free(max);
    free(cur);
}

/* A limit of any cgroup above ours holds too. In a container the path is often the host's, of which
 * nothing is mounted but the top: those folders do not exist and say nothing. */
static void walk_up(struct limits *l, const char *root, const char *mount, const char *path,
                    void (*take)(struct limits *, const char *, const char *))
{
    char *dir = xasprintf("%s%s", mount, path);
    size_t stop = strlen(mount);
    for (;;) {
        size_t n = strlen(dir);
        while (n > stop && dir[n - 1] == '/')
            dir[--n] = '\0';
        take(l, root, dir);
        if (n <= stop)
            break;
        while (n > stop && dir[n - 1] != '/')
            n--;
        dir[n] = '\0';
    }
    free(dir);
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        if (len == n && strncmp(at, word, n) == 0)
            return true;
        at += len;
        at += *at == ',';
    }
    return false;
}

static void read_cgroups(struct limits *l, const char *root)
{
    *l = (struct limits){INFINITY, INFINITY, 0};
    char *text = read_text(root, "/proc/self/cgroup");
    char *save = NULL;
    /* "0::/a/b" is version 2; "4:cpu,cpuacct:/a/b" is version 1. */
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(line, ':');
        char *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        list++;
        if (*list == '\0') {
            walk_up(l, root, "/sys/fs/cgroup", path, take_v2);
            walk_up(l, root, "/sys/fs/cgroup/unified", path, take_v2);
        } else if (has_word(list, "cpu")) {
            walk_up(l, root, "/sys/fs/cgroup/cpu", path, take_v1);
        } else if (has_word(list, "memory")) {
            walk_up(l, root, "/sys/fs/cgroup/memory", path, take_v1);
        }
    }
    free(text);
}

static int affinity_cores(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int cores = online > 0 ? (int)online : 1;
    /* The mask of a machine with very many processors does not fit cpu_set_t. */
    for (int size = 1024; size <= 65536; size *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)size);
        size_t bytes = CPU_ALLOC_SIZE((size_t)size);
        if (!set)
            break;
        int r = sched_getaffinity(0, bytes, set);
        if (r == 0)
            cores = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (r == 0)
            break;
    }
    return cores > 0 ? cores : 1;
}

static void copy_text(char *out, size_t size, const char *text, size_t len)
{
    size_t n = len < size - 1 ? len : size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

static void read_cpu_name(struct machine *m, const char *root)
{
    char *text = read_text(root, "/proc/cpuinfo");
    const char *at = text ? strstr(text, "model name") : NULL;
    at = at ? strchr(at, ':') : NULL;
    if (at) {
        at += strspn(at, ": \t");
        copy_text(m->cpu, sizeof(m->cpu), at, strcspn(at, "\n"));
    }
    free(text);
}

static int cores_within(const struct limits *l)
{
    int cores = affinity_cores();
    /* Half a core of quota beyond a whole one is not a core to plan with. */
    if (l->cores < cores)
        cores = l->cores < 1 ? 1 : (int)l->cores;
    return cores;
}

void machine_read_at(struct machine *m, const char *root)
{
    memset(m, 0, sizeof(*m));
    struct limits l;
    read_cgroups(&l, root);
    m->cores = cores_within(&l);
    char *text = read_text(root, "/proc/meminfo");
    double total = text ? field(text, "MemTotal") : NAN;
    double avail = text ? field(text, "MemAvailable") : NAN;
    free(text);
    m->memory_bytes = isnan(total) ? 0 : total;
    m->available_bytes = isnan(avail) ? m->memory_bytes : avail;
    if (l.memory < m->memory_bytes || (m->memory_bytes <= 0 && isfinite(l.memory)))
        m->memory_bytes = l.memory;
    if (isfinite(l.memory)) {
        double left = l.memory > l.used ? l.memory - l.used : 0;
        if (left < m->available_bytes)
            m->available_bytes = left;
    }
    text = read_text(root, "/proc/loadavg");
    if (!text || sscanf(text, "%lf", &m->load1) != 1)
        m->load1 = 0;
    free(text);
    read_cpu_name(m, root);
    if (gethostname(m->host, sizeof(m->host) - 1) != 0)
        m->host[0] = '\0';
}

int machine_cores(void)
{
    struct limits l;
    read_cgroups(&l, "");
    return cores_within(&l);
}

void machine_read(struct machine *m)
{
    machine_read_at(m, "");
}
