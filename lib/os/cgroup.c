/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control groups for commands. See cgroup.h. What this process may use itself is read in machine.c.
 */
#define _GNU_SOURCE
#include "os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/intern.h"

#define TEXT_MAX 65536
#define NAME "foreline-"
#define SELF NAME "self-"
#define PERIOD_US 100000.0    /* of a share of processors: the kernel's own default */
#define LEAST_QUOTA_US 1000.0 /* below it the kernel refuses */
#define TASKS_SHARE 0.15
#define PATIENCE_S 2.0 /* until what was killed is gone */

enum { MEMORY, CPU, PIDS };
struct cgroup {
    int version;
    char *dir[CGROUP_FOLDERS]; /* but the first NULL when there is none or it is the same */
    int lock[CGROUP_FOLDERS];  /* descriptors of the folders */
};

/* -- small files -- */

static char *read_text(const char *root, const char *dir, const char *name)
{
    char *path = xasprintf("%s%s/%s", root, dir, name), *text = xmalloc(TEXT_MAX);
    if (!sys_read(path, text, TEXT_MAX)) {
        free(text);
        text = NULL;
    }
    free(path);
    return text;
}

static bool write_text(const char *dir, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    free(path);
    if (fd < 0)
        return false;
    size_t n = strlen(text);
    bool ok = write(fd, text, n) == (ssize_t)n;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static bool write_number(const char *dir, const char *name, double v)
{
    char text[40];
    snprintf(text, sizeof(text), "%.0f", v);
    return write_text(dir, name, text);
}

/* The number behind `name` and a blank at the start of a line; 0 when there is none. */
static uint64_t number_of(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, n) == 0 && at[n] == ' ')
            return strtoull(at + n + 1, NULL, 10);
    }
    return 0;
}

static bool has_word(const char *list, const char *word, const char *between)
{
    size_t n = strlen(word);
    for (const char *at = list; at && *at;) {
        size_t len = strcspn(at, between);
        if (len == n && strncmp(at, word, n) == 0)
            return true;
        at += len + (at[len] != '\0');
    }
    return false;
}

/* -- where this process is -- */

/* The group in the hierarchy of `controller` (NULL: version 2), from the text of /proc/self/cgroup:
 * lines "4:cpu,cpuacct:/a" and "0::/a". free() */
static char *group_of(const char *text, const char *controller)
{
    for (const char *at = text; at && *at; at += *at == '\n') {
        const char *end = at + strcspn(at, "\n"), *list = memchr(at, ':', (size_t)(end - at));
        const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
        at = end;
        if (!path)
            continue;
        char *names = xstrndup(list + 1, (size_t)(path - list - 1));
        bool is = controller ? has_word(names, controller, ",") : *names == '\0';
        free(names);
        if (is)
            return xstrndup(path + 1, (size_t)(end - path - 1));
    }
    return NULL;
}

/* A path of mountinfo: \040 is a blank. */
static char *unescape(const char *s, size_t len)
{
    char *out = xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\\' && i + 3 < len && s[i + 1] >= '0' && s[i + 1] <= '3') {
            out[n++] = (char)((s[i + 1] - '0') * 64 + (s[i + 2] - '0') * 8 + (s[i + 3] - '0'));
            i += 3;
        } else {
            out[n++] = s[i];
        }
    }
    out[n] = '\0';
    return out;
}

/* The field after `n` others of a line that ends at `end`. */
static struct slice field_of(const char *line, const char *end, int n)
{
    for (; n > 0 && line < end; n--) {
        line += strcspn(line, " \n");
        line += line < end;
    }
    return slice_of(line, line < end ? strcspn(line, " \n") : 0);
}

/* Where `group` of this hierarchy is seen; NULL when it is not, or only something beside or below
 * it (a container with a part of the tree). Lines are "36 35 98:0 ROOT PLACE OPTIONS … - TYPE
 * SOURCE OPTIONS" (proc(5)). free() */
static char *folder_of(const char *mounts, const char *group, const char *controller)
{
    for (const char *at = mounts; group && at && *at; at += *at == '\n') {
        const char *line = at, *end = at + strcspn(at, "\n"), *dash = strstr(at, " - ");
        at = end;
        if (!dash || dash >= end)
            continue;
        struct slice type = field_of(dash + 3, end, 0), super = field_of(dash + 3, end, 2);
        if (!slice_is(type, controller ? "cgroup" : "cgroup2"))
            continue;
        char *options = xstrndup(super.p, super.len);
        bool mine = !controller || has_word(options, controller, ",");
        free(options);
        if (!mine)
            continue;
        struct slice r = field_of(line, end, 3), m = field_of(line, end, 4);
        char *top = unescape(r.p, r.len), *place = unescape(m.p, m.len), *found = NULL;
        size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
        if (strncmp(group, top, n) == 0 && (group[n] == '/' || group[n] == '\0'))
            found = xasprintf("%s%s", place, strcmp(group + n, "/") == 0 ? "" : group + n);
        free(top);
        free(place);
        if (found)
            return found;
    }
    return NULL;
}

void cgroup_find_at(const char *root, struct cgroup_place *out)
{
    *out = (struct cgroup_place){0};
    char *groups = read_text(root, "/proc/self", "cgroup");
    char *mounts = read_text(root, "/proc/self", "mountinfo");
    char *two = group_of(groups, NULL);
    char *dir = folder_of(mounts, two, NULL);
    char *controllers = dir ? read_text(root, dir, "cgroup.controllers") : NULL;
    if (controllers && has_word(controllers, "memory", " \n")) {
        *out = (struct cgroup_place){2, dir, xstrdup(dir), xstrdup(dir)};
        dir = NULL;
    } else {
        char *memory = group_of(groups, "memory"), *cpu = group_of(groups, "cpu");
        char *pids = group_of(groups, "pids");
        out->memory = folder_of(mounts, memory, "memory");
        out->cpu = folder_of(mounts, cpu, "cpu");
        out->pids = folder_of(mounts, pids, "pids");
        out->version = out->memory ? 1 : 0;
        free(pids);
        free(memory);
        free(cpu);
    }
    free(controllers);
    free(dir);
    free(two);
    free(mounts);
    free(groups);
}

void cgroup_place_release(struct cgroup_place *p)
{
    free(p->memory);
    free(p->cpu);
    free(p->pids);
    *p = (struct cgroup_place){0};
}

/* -- version 2: a group with processes has no groups with controllers below it -- */

static bool is_ours(pid_t pid)
{
    char path[64], text[1024], state;
    int ppid;
    if (pid == getpid())
        return true;
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    const char *at = sys_read(path, text, sizeof(text)) ? strrchr(text, ')') : NULL;
    return !at || (sscanf(at + 1, " %c %d", &state, &ppid) == 2 && ppid == getpid());
}

/* Moves all that are in `from` to `to`; false when one is not ours. */
static bool move_all(const char *from, const char *to)
{
    char *pids = read_text("", from, "cgroup.procs");
    bool ok = pids != NULL;
    char *end;
    for (const char *at = pids; ok && *at; at = end + (*end == '\n')) {
        long pid = strtol(at, &end, 10);
        ok = end != at && is_ours((pid_t)pid);
    }
    for (const char *at = pids; ok && *at; at = end + (*end == '\n')) {
        long pid = strtol(at, &end, 10);
        ok = write_number(to, "cgroup.procs", (double)pid) || errno == ESRCH;
    }
    free(pids);
    return ok;
}

char *cgroup_v2_parent(const char *dir, const char *controller)
{
    const char *name = strrchr(dir, '/');
    if (name && strncmp(name + 1, SELF, strlen(SELF)) == 0)
        return xstrndup(dir, (size_t)(name - dir)); /* we moved here before */
    char *has = read_text("", dir, "cgroup.subtree_control");
    bool ready = has && has_word(has, controller, " \n");
    free(has);
    if (ready)
        return xstrdup(dir);
    char *self = xasprintf("%s/" SELF "%ld", dir, (long)getpid());
    char *wanted = xasprintf("+%s", controller);
    bool ok = access(dir, W_OK) == 0 && mkdir(self, 0755) == 0;
    if (ok) {
        ok = move_all(dir, self) && write_text(dir, "cgroup.subtree_control", wanted);
        if (ok) { /* these are done without */
            write_text(dir, "cgroup.subtree_control", "+cpu");
            write_text(dir, "cgroup.subtree_control", "+pids");
        }
        if (!ok) {
            move_all(self, dir);
            rmdir(self);
        }
    }
    free(wanted);
    free(self);
    return ok ? xstrdup(dir) : NULL;
}

/* -- ends -- */

static bool kill_listed(const char *dir)
{
    char *pids = read_text("", dir, "cgroup.procs"), *end;
    bool some = false;
    for (const char *at = pids; at && *at; at = end + (*end == '\n')) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        some = true;
        if (pid > 1)
            kill((pid_t)pid, SIGKILL);
    }
    free(pids);
    return some;
}

static void rest(void)
{
    struct timespec ts = {0, 1000000};
    nanosleep(&ts, NULL);
}

static void kill_all(const char *dir)
{
    write_text(dir, "cgroup.kill", "1"); /* version 2, Linux 5.14: all at once */
    kill_listed(dir);
    /* Who is at its limit dies slowly: each looks for memory to free, in vain, before it goes
     * (2,500 processes in 60 s here). */
    write_text(dir, "memory.max", "max");
    write_text(dir, "memory.memsw.limit_in_bytes", "-1");
    write_text(dir, "memory.limit_in_bytes", "-1");
    for (double until = clock_wall() + PATIENCE_S; kill_listed(dir) && clock_wall() < until;)
        rest();
}

static void remove_folder(const char *dir)
{
    for (double until = clock_wall() + PATIENCE_S;
         rmdir(dir) != 0 && errno == EBUSY && clock_wall() < until;)
        rest();
}

void cgroup_sweep(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        bool self = strncmp(e->d_name, SELF, strlen(SELF)) == 0;
        if (strncmp(e->d_name, NAME, strlen(NAME)) != 0)
            continue;
        char *end;
        long pid = strtol(e->d_name + strlen(self ? SELF : NAME), &end, 10);
        if (pid <= 1 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        /* The number could be one of another namespace: the lock is the owner's word. */
        char *path = xasprintf("%s/%s", dir, e->d_name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (!self)
                kill_all(path);
            rmdir(path);
        }
        if (fd >= 0)
            close(fd);
        free(path);
    }
    if (d)
        closedir(d);
}

/* -- one group -- */

static char *make_folder(const char *parent, int *lock)
{
    static atomic_uint serial;
    cgroup_sweep(parent);
    char *dir =
        xasprintf("%s/" NAME "%ld-%u", parent, (long)getpid(), atomic_fetch_add(&serial, 1));
    *lock = -1;
    if (mkdir(dir, 0755) == 0) {
        *lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0)
            return dir;
        rmdir(dir);
    }
    int why = errno;
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
    free(dir);
    errno = why;
    return NULL;
}

bool cgroup_set_memory(struct cgroup *g, uint64_t bytes)
{
    if (g->version == 2) {
        bool ok = write_number(g->dir[MEMORY], "memory.max", (double)bytes);
        write_text(g->dir[MEMORY], "memory.swap.max", "0"); /* where there is swap to count */
        return ok;
    }
    /* The limit with swap may never be below the one without: the one that grows goes first. */
    write_number(g->dir[MEMORY], "memory.memsw.limit_in_bytes", (double)bytes);
    bool ok = write_number(g->dir[MEMORY], "memory.limit_in_bytes", (double)bytes);
    write_number(g->dir[MEMORY], "memory.memsw.limit_in_bytes", (double)bytes);
    return ok;
}

static void set_cpu(struct cgroup *g, double cores)
{
    double quota = fmax(cores * PERIOD_US, LEAST_QUOTA_US);
    char text[64];
    if (g->version == 2) {
        snprintf(text, sizeof(text), "%.0f %.0f", quota, PERIOD_US);
        write_text(g->dir[MEMORY], "cpu.max", text);
    } else if (g->dir[CPU]) {
        write_number(g->dir[CPU], "cpu.cfs_period_us", PERIOD_US);
        write_number(g->dir[CPU], "cpu.cfs_quota_us", quota);
    }
}

static double kernel_limit(const char *path)
{
    char text[32];
    return sys_read(path, text, sizeof(text)) ? (double)strtoull(text, NULL, 10) : INFINITY;
}

static void set_pids(struct cgroup *g)
{
    const char *dir = g->version == 2 ? g->dir[MEMORY] : g->dir[PIDS];
    double most = fmin(kernel_limit("/proc/sys/kernel/pid_max"),
                       kernel_limit("/proc/sys/kernel/threads-max"));
    if (dir && isfinite(most))
        write_number(dir, "pids.max", floor(most * TASKS_SHARE));
}

struct cgroup *cgroup_new(const struct cgroup_limits *l, char **why)
{
    struct cgroup_place place;
    cgroup_find_at("", &place);
    char *parent = place.version == 2   ? cgroup_v2_parent(place.memory, "memory")
                   : place.version == 1 ? xstrdup(place.memory)
                                        : NULL;
    struct cgroup *g = xcalloc(1, sizeof(*g));
    *g = (struct cgroup){place.version, {NULL}, {-1, -1, -1}};
    *why = NULL;
    if (!place.version)
        *why = xstrdup("no control group that limits memory is seen here");
    else if (!parent)
        *why = xasprintf("other processes are in the control group '%s' too", place.memory);
    else if (!(g->dir[MEMORY] = make_folder(parent, &g->lock[MEMORY])))
        *why = xasprintf("cannot make a control group in '%s': %s", parent, strerror(errno));
    else if (l->memory_bytes && !cgroup_set_memory(g, l->memory_bytes))
        *why = xasprintf("cannot limit the memory of '%s': %s", g->dir[MEMORY], strerror(errno));
    /* Also without a share: the group's processes together get as much as this one alone, so that
     * thousands of them do not keep it from ending them. */
    if (!*why && g->version == 1 && place.cpu && strcmp(place.cpu, place.memory) != 0)
        g->dir[CPU] = make_folder(place.cpu, &g->lock[CPU]);
    if (!*why && l->cpu_cores > 0)
        set_cpu(g, l->cpu_cores);
    if (!*why && g->version == 1 && place.pids && strcmp(place.pids, place.memory) != 0)
        g->dir[PIDS] = make_folder(place.pids, &g->lock[PIDS]);
    free(parent);
    cgroup_place_release(&place);
    if (*why) {
        cgroup_free(g);
        return NULL;
    }
    if (g->version == 2)
        write_text(g->dir[MEMORY], "memory.oom.group", "1"); /* all of it or nothing */
    set_pids(g);
    return g;
}

void cgroup_kill(struct cgroup *g)
{
    if (g->dir[MEMORY])
        kill_all(g->dir[MEMORY]);
}

void cgroup_free(struct cgroup *g)
{
    if (!g)
        return;
    for (int i = 0; i < CGROUP_FOLDERS; i++) {
        if (g->dir[i]) {
            kill_all(g->dir[i]);
            remove_folder(g->dir[i]);
        }
        if (g->lock[i] >= 0)
            close(g->lock[i]);
        free(g->dir[i]);
    }
    free(g);
}

const char *cgroup_path(const struct cgroup *g)
{
    return g->dir[MEMORY];
}

void cgroup_join_fds(const struct cgroup *g, int fds[CGROUP_FOLDERS])
{
    for (int i = 0; i < CGROUP_FOLDERS; i++) {
        fds[i] = -1;
        if (!g->dir[i])
            continue;
        char *path = xasprintf("%s/cgroup.procs", g->dir[i]);
        fds[i] = open(path, O_WRONLY | O_CLOEXEC);
        free(path);
    }
}

void cgroup_read(const struct cgroup *g, struct cgroup_usage *out)
{
    bool two = g->version == 2;
    *out = (struct cgroup_usage){0, 0, NAN};
    char *now = read_text("", g->dir[MEMORY], two ? "memory.current" : "memory.usage_in_bytes");
    char *stat = read_text("", g->dir[MEMORY], "memory.stat");
    char *events = read_text("", g->dir[MEMORY], two ? "memory.events" : "memory.oom_control");
    char *cpu = two ? read_text("", g->dir[MEMORY], "cpu.stat") : NULL;
    uint64_t all = now ? strtoull(now, NULL, 10) : 0;
    uint64_t file = number_of(stat, two ? "file" : "total_cache");
    uint64_t shm = number_of(stat, two ? "shmem" : "total_shmem"); /* cannot be read again */
    file = file > shm ? file - shm : 0;
    out->memory_bytes = all > file ? all - file : 0;
    out->oom_kills = number_of(events, "oom_kill");
    if (cpu)
        out->cpu_s = (double)number_of(cpu, "usage_usec") * 1e-6;
    free(cpu);
    free(events);
    free(stat);
    free(now);
}
