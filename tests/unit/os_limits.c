/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands may use, and what they leave behind: control groups, the watcher, affinity, strays.
 * Groups are made for real where this machine lets us. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "os/cgroup.h"
#include "os/intern.h"
#include "os/os.h"
#include "tests/unit/suite.h"

#define MB ((uint64_t)1 << 20)

/* -- where groups could be made: made-up /proc and /sys -- */

static char root[300];

static void put(const char *path, const char *text)
{
    char full[600];
    snprintf(full, sizeof(full), "%s%s", root, path);
    char *d = path_dirname(full);
    ck_assert(dir_make_all(d, NULL));
    free(d);
    FILE *f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static void make_root(const char *groups, const char *mounts)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%s/os_limits.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    put("/proc/self/cgroup", groups);
    put("/proc/self/mountinfo", mounts);
}

/* The place is this one; removes the root. */
static void expect_place(int version, const char *memory, const char *cpu)
{
    struct cgroup_place p;
    cgroup_find_at(root, &p);
    ck_assert_int_eq(p.version, version);
    ck_assert_str_eq(p.memory ? p.memory : "none", memory);
    ck_assert_str_eq(p.cpu ? p.cpu : "none", cpu);
    cgroup_place_release(&p);
    char *cmd = xasprintf("rm -rf '%s'", root);
    ck_assert_int_eq(system(cmd), 0);
    free(cmd);
}

START_TEST(version_2_is_found_by_its_controllers)
{
    make_root("0::/user.slice/run-1.scope\n",
              "25 30 0:23 / /proc rw shared:5 - proc proc rw\n"
              "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 master:1 - cgroup2 cgroup2 "
              "rw,nsdelegate\n");
    put("/sys/fs/cgroup/user.slice/run-1.scope/cgroup.controllers", "cpu io memory pids\n");
    expect_place(2, "/sys/fs/cgroup/user.slice/run-1.scope",
                 "/sys/fs/cgroup/user.slice/run-1.scope");
}
END_TEST

START_TEST(version_1_has_a_folder_for_each_controller)
{
    make_root("9:memory:/docker/a\n4:cpu,cpuacct:/docker/b\n1:name=systemd:/x\n0::/\n",
              "33 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
              "34 32 0:30 /docker/a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
              "38 32 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n");
    expect_place(1, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct/docker/b");
}
END_TEST

START_TEST(a_group_outside_of_what_is_mounted_is_no_place)
{
    make_root("9:memory:/docker/abc\n",
              "34 32 0:30 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
    expect_place(0, "none", "none");
}
END_TEST

START_TEST(odd_letters_of_a_mount_are_understood)
{
    make_root("0::/a b\n", "35 24 0:30 / /sys/fs/c\\040g rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/c g/a b/cgroup.controllers", "memory");
    expect_place(2, "/sys/fs/c g/a b", "/sys/fs/c g/a b");
}
END_TEST

START_TEST(without_any_control_group_there_is_no_place)
{
    make_root("", "25 30 0:23 / /proc rw - proc proc rw\n");
    expect_place(0, "none", "none");
    make_root("garbage\n0:\n::\n5:memory\n", "garbage\n - cgroup2\n1 2 3 4 5 6 - cgroup a\n");
    expect_place(0, "none", "none");
}
END_TEST

/* -- for real -- */

static void start(struct proc *p, struct proc_opts o)
{
    struct err err = ERR_INIT;
    ck_assert_msg(proc_start(p, &o, &err), "%s", err.text);
}

static bool is_gone(pid_t pid, double seconds)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    for (double until = clock_wall() + seconds; clock_wall() < until; usleep(2000)) {
        if (!sys_read(path, text, sizeof(text)) || strstr(text, ") Z "))
            return true;
    }
    return false;
}

static pid_t read_pid(struct proc *p)
{
    char text[32];
    size_t n = 0;
    while (n < sizeof(text) - 1 && read(p->out, text + n, 1) == 1 && text[n] != '\n')
        n++;
    text[n] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

/* This program again: fills `mb` MB, `step` at a time with a rest between, and holds them: 0.2 s,
 * or as a fourth argument says. */
static char *fill;

_Noreturn static void fill_memory(int mb, int step, int rest_us, int hold_us)
{
    for (int i = 0; i < mb; i += step) {
        char *p = xmalloc((size_t)step * MB);
        memset(p, 1, (size_t)step * MB);
        usleep((useconds_t)rest_us);
    }
    usleep((useconds_t)hold_us);
    _exit(0); /* what it holds is no leak */
}

/* A group of our own, or NULL and the reason said. */
static struct cgroup *group_for_test(uint64_t memory)
{
    char *why;
    struct cgroup_limits l = {memory, 0};
    struct cgroup *g = cgroup_new(&l, &why);
    if (!g)
        fprintf(stderr, "# not tried: %s\n", why);
    free(why);
    return g;
}

START_TEST(a_group_is_made_and_leaves_nothing)
{
    struct cgroup *g = group_for_test(64 * MB);
    if (!g)
        return;
    char *path = xstrdup(cgroup_path(g));
    ck_assert(path_exists(path));
    ck_assert(cgroup_set_memory(g, 128 * MB));
    ck_assert(cgroup_set_memory(g, 32 * MB));
    cgroup_free(g);
    ck_assert(!path_exists(path));
    free(path);
}
END_TEST

START_TEST(the_kernel_keeps_a_hard_limit_for_the_tree_together)
{
    struct cgroup *g = group_for_test(64 * MB);
    bool groups = g != NULL;
    cgroup_free(g);
    struct proc p;
    /* Two children, neither beyond the limit alone. */
    char *cmd = xasprintf("%s 40 1 0 5000000 & %s 40 1 0 5000000 & wait; exit 0", fill, fill);
    start(&p, (struct proc_opts){.command = cmd, .memory_limit = 64 * MB, .memory_hard = true});
    ck_assert_str_eq(proc_limited_by(&p), groups ? "cgroup" : "watched");
    char *path = groups ? xstrdup(cgroup_path(p.group)) : NULL;
    ck_assert(proc_wait(&p, 10, NULL));
    ck_assert(p.usage.out_of_memory);
    ck_assert_uint_ge(p.usage.peak_bytes, 50 * MB);
    ck_assert(!path || !path_exists(path));
    free(path);
    free(cmd);
}
END_TEST

START_TEST(below_its_limit_a_command_is_left_alone)
{
    struct proc p;
    char *cmd = xasprintf("%s 30 10 0", fill);
    start(&p, (struct proc_opts){.command = cmd, .memory_limit = 100 * MB, .memory_hard = true});
    ck_assert(proc_wait(&p, 10, NULL));
    ck_assert_int_eq(p.status, 0);
    ck_assert(!p.usage.out_of_memory);
    start(&p, (struct proc_opts){.command = cmd, .memory_limit = 100 * MB});
    ck_assert(proc_wait(&p, 10, NULL));
    ck_assert_int_eq(p.status, 0);
    ck_assert(!p.usage.out_of_memory);
    free(cmd);
}
END_TEST

START_TEST(the_watcher_ends_a_tree_that_is_beyond_its_limit)
{
    struct proc p;
    char *cmd = xasprintf("(%s 400 4 5000; :) & (%s 400 4 5000; :) & wait; exit 0", fill, fill);
    start(&p, (struct proc_opts){.command = cmd, .memory_limit = 100 * MB});
    ck_assert_str_eq(proc_limited_by(&p), "watched");
    ck_assert(proc_wait(&p, 20, NULL));
    ck_assert(p.usage.out_of_memory);
    ck_assert_uint_gt(p.usage.peak_bytes, 100 * MB);
    ck_assert_uint_lt(p.usage.peak_bytes, 500 * MB);
    ck_assert(WIFSIGNALED(p.status) && WTERMSIG(p.status) == SIGKILL);
    free(cmd);
}
END_TEST

static uint64_t more_once(void *ctx, uint64_t now)
{
    int *asked = ctx;
    ck_assert_uint_gt(now, 50 * MB);
    return ++*asked == 1 ? 300 * MB : 0;
}

START_TEST(a_watched_tree_goes_on_when_it_may_have_more)
{
    struct proc p;
    int asked = 0;
    char *cmd = xasprintf("%s 150 5 3000", fill);
    struct proc_opts o = {
        .command = cmd, .memory_limit = 50 * MB, .memory_more = more_once, .ctx = &asked};
    start(&p, o);
    ck_assert(proc_wait(&p, 20, NULL));
    ck_assert_int_eq(p.status, 0);
    ck_assert_int_eq(asked, 1);
    ck_assert_uint_eq(p.limit_bytes, 300 * MB);
    ck_assert(!p.usage.out_of_memory);
    free(cmd);
    asked = 0;
    cmd = xasprintf("%s 600 5 1000 5000000", fill);
    o.command = cmd;
    start(&p, o);
    ck_assert(proc_wait(&p, 20, NULL));
    ck_assert(p.usage.out_of_memory);
    ck_assert_int_eq(asked, 2);
    free(cmd);
}
END_TEST

START_TEST(mapped_files_do_not_count_as_held)
{
    const char *tmp = getenv("TMPDIR");
    char path[300];
    snprintf(path, sizeof(path), "%s/os_limits_map.XXXXXX", tmp ? tmp : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    char *data = xcalloc(1, 60 * MB);
    ck_assert(fd_write_all(fd, data, 60 * MB, path, NULL));
    free(data);
    close(fd);
    struct proc p;
    char *cmd = xasprintf("%s map '%s'", fill, path);
    start(&p, (struct proc_opts){.command = cmd, .memory_limit = 40 * MB});
    ck_assert(proc_wait(&p, 20, NULL));
    ck_assert_int_eq(p.status, 0);
    ck_assert(!p.usage.out_of_memory);
    free(cmd);
    unlink(path);
}
END_TEST

START_TEST(processors_are_given_by_affinity)
{
    struct proc p;
    cpu_set_t set;
    char text[64];
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    start(&p, (struct proc_opts){.command = "nproc", .pipe_out = true, .cpu_cores = 1});
    ssize_t n = read(p.out, text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text, "1\n");
    proc_end(&p, 1);
    start(&p, (struct proc_opts){.command = "nproc", .pipe_out = true, .cpu_cores = 1000});
    ck_assert_int_gt(n = read(p.out, text, sizeof(text) - 1), 0);
    text[n] = '\0';
    ck_assert_int_eq(strtol(text, NULL, 10), CPU_COUNT(&set));
    proc_end(&p, 1);
}
END_TEST

START_TEST(a_daemon_does_not_outlive_its_command)
{
    struct proc p;
    /* Double fork, a session of its own, no parent, closed descriptors. */
    start(&p,
          (struct proc_opts){.command = "(setsid sh -c '(setsid sh -c \"echo \\$\\$; exec sleep "
                                        "100 >/dev/null\" &) ; :' & ) ; sleep 0.1",
                             .pipe_out = true});
    pid_t daemon = read_pid(&p);
    ck_assert_int_gt(daemon, 1);
    ck_assert_int_eq(kill(daemon, 0), 0);
    ck_assert(proc_wait(&p, 5, NULL));
    ck_assert_int_eq(p.status, 0);
    ck_assert(is_gone(daemon, 1));
    proc_end(&p, 0);
}
END_TEST

START_TEST(strays_of_one_command_are_not_those_of_another)
{
    struct proc a, b;
    const char *daemon = "setsid sh -c 'echo $$; exec sleep 100' & sleep 0.1; read x; exit 0";
    start(&a, (struct proc_opts){.command = daemon, .pipe_in = true, .pipe_out = true});
    start(&b, (struct proc_opts){.command = daemon, .pipe_in = true, .pipe_out = true});
    pid_t of_a = read_pid(&a), of_b = read_pid(&b);
    close(a.in);
    a.in = -1;
    ck_assert(proc_wait(&a, 5, NULL));
    ck_assert(is_gone(of_a, 1));
    ck_assert_int_eq(kill(of_b, 0), 0);
    proc_end(&a, 0);
    proc_end(&b, 0.1);
    ck_assert(is_gone(of_b, 1));
}
END_TEST

START_TEST(after_kill_9_neither_group_nor_daemon_is_left)
{
    int up[2];
    ck_assert_int_eq(pipe(up), 0);
    pid_t us = fork();
    if (us == 0) {
        struct proc p;
        struct proc_opts o = {.command = "setsid sh -c 'echo $$; exec sleep 100' & sleep 100",
                              .pipe_out = true,
                              .memory_limit = 500 * MB,
                              .memory_hard = true};
        if (!proc_start(&p, &o, NULL))
            _exit(1);
        char text[400] = {0};
        snprintf(text, sizeof(text), "%ld %s", (long)read_pid(&p),
                 p.group ? cgroup_path(p.group) : "");
        if (write(up[1], text, sizeof(text)) != (ssize_t)sizeof(text))
            _exit(1);
        for (;;)
            pause();
    }
    char text[400];
    ck_assert_int_eq(read(up[0], text, sizeof(text)), sizeof(text));
    char *path;
    pid_t daemon = (pid_t)strtol(text, &path, 10);
    ck_assert_int_eq(kill(daemon, 0), 0);
    kill(us, SIGKILL);
    ck_assert_int_eq(waitpid(us, NULL, 0), us);
    ck_assert(is_gone(daemon, 3));
    for (int i = 0; i < 3000 && path[1] && path_exists(path + 1); i++)
        usleep(1000);
    ck_assert(!path[1] || !path_exists(path + 1));
    close(up[0]);
    close(up[1]);
}
END_TEST

START_TEST(groups_of_the_dead_are_swept_those_of_the_living_are_not)
{
    struct cgroup *g = group_for_test(64 * MB);
    if (!g)
        return;
    char *parent = path_dirname(cgroup_path(g));
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(dead, NULL, 0), dead);
    char *left = xasprintf("%s/foreline-%ld-0", parent, (long)dead);
    char *locked = xasprintf("%s/foreline-%ld-1", parent, (long)dead);
    ck_assert_int_eq(mkdir(left, 0755), 0);
    ck_assert_int_eq(mkdir(locked, 0755), 0);
    int lock = open(locked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(flock(lock, LOCK_EX), 0);
    pid_t inside = fork();
    if (inside == 0) {
        char *procs = xasprintf("%s/cgroup.procs", left);
        int fd = open(procs, O_WRONLY);
        if (write(fd, "0", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    usleep(50000);
    cgroup_sweep(parent);
    ck_assert(!path_exists(left));
    ck_assert(path_exists(locked));
    ck_assert(path_exists(cgroup_path(g)));
    int status;
    ck_assert_int_eq(waitpid(inside, &status, 0), inside);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(lock);
    cgroup_sweep(parent);
    ck_assert(!path_exists(locked));
    free(left);
    free(locked);
    free(parent);
    cgroup_free(g);
}
END_TEST

START_TEST(a_group_that_cannot_be_delegated_is_left_as_it_was)
{
    const char *tmp = getenv("TMPDIR");
    char dir[300];
    snprintf(dir, sizeof(dir), "%s/os_limits_v2.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    /* No control group at all: nobody can be moved. */
    ck_assert_ptr_null(cgroup_v2_parent(dir, "memory"));
    ck_assert_int_eq(rmdir(dir), 0);
    /* With the controller on, groups go right below; from the group we moved to, beside it. */
    snprintf(root, sizeof(root), "%s", dir);
    put("/cgroup.subtree_control", "cpu memory\n");
    char *parent = cgroup_v2_parent(dir, "memory");
    ck_assert_str_eq(parent, dir);
    free(parent);
    char *self = xasprintf("%s/foreline-self-7", dir);
    parent = cgroup_v2_parent(self, "memory");
    ck_assert_str_eq(parent, dir);
    free(parent);
    free(self);
    char *cmd = xasprintf("rm -r '%s'", dir);
    ck_assert_int_eq(system(cmd), 0);
    free(cmd);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc >= 4)
        fill_memory((int)strtol(argv[1], NULL, 10), (int)strtol(argv[2], NULL, 10),
                    (int)strtol(argv[3], NULL, 10),
                    argc == 5 ? (int)strtol(argv[4], NULL, 10) : 200000);
    if (argc == 3) { /* map FILE: reads it through a mapping */
        int fd = open(argv[2], O_RDONLY);
        char *p = mmap(NULL, 60 * MB, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
        usleep(300000);
        return p == MAP_FAILED;
    }
    char exe[4096];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (len < 0)
        return 1;
    exe[len] = '\0';
    fill = xasprintf("'%s'", exe);
    if (!getenv("TMPDIR"))
        setenv("TMPDIR", "/tmp", 1);
    const struct unit_case cases[] = {{version_2_is_found_by_its_controllers, 0},
                                      {version_1_has_a_folder_for_each_controller, 0},
                                      {a_group_outside_of_what_is_mounted_is_no_place, 0},
                                      {odd_letters_of_a_mount_are_understood, 0},
                                      {without_any_control_group_there_is_no_place, 0},
                                      {a_group_is_made_and_leaves_nothing, 0},
                                      {the_kernel_keeps_a_hard_limit_for_the_tree_together, 0},
                                      {below_its_limit_a_command_is_left_alone, 0},
                                      {the_watcher_ends_a_tree_that_is_beyond_its_limit, 0},
                                      {a_watched_tree_goes_on_when_it_may_have_more, 0},
                                      {mapped_files_do_not_count_as_held, 0},
                                      {processors_are_given_by_affinity, 0},
                                      {a_daemon_does_not_outlive_its_command, 0},
                                      {strays_of_one_command_are_not_those_of_another, 0},
                                      {after_kill_9_neither_group_nor_daemon_is_left, 0},
                                      {groups_of_the_dead_are_swept_those_of_the_living_are_not, 0},
                                      {a_group_that_cannot_be_delegated_is_left_as_it_was, 0}};
    int status = unit_run("os_limits", NULL, NULL, cases, ARRAY_LEN(cases));
    free(fill);
    return status;
}
