/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: pipes, ends, trees, what they used; and the machine. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "os/intern.h"
#include "os/os.h"
#include "tests/unit/suite.h"

static void start(struct proc *p, struct proc_opts o)
{
    struct err err = ERR_INIT;
    ck_assert_msg(proc_start(p, &o, &err), "%s", err.text);
}

/* Reads a pipe to its end. */
static void read_end(int *fd, char *out, size_t size)
{
    size_t n = 0;
    ssize_t got;
    while ((got = read(*fd, out + n, size - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = '\0';
    close(*fd);
    *fd = -1;
}

/* One number from a command's stdout, without waiting for its end. */
static pid_t read_pid(struct proc *p)
{
    char text[32];
    size_t n = 0;
    while (n < sizeof(text) - 1 && read(p->out, text + n, 1) == 1 && text[n] != '\n')
        n++;
    text[n] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

static bool gone_within(pid_t pid, double seconds)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    for (double until = clock_wall() + seconds; clock_wall() < until; usleep(2000)) {
        /* A zombie is dead; who inherits it may take its time. */
        if (!sys_read(path, text, sizeof(text)) || strstr(text, ") Z "))
            return true;
    }
    return false;
}

static int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

START_TEST(a_command_talks_through_its_pipes_and_gives_its_status)
{
    struct proc p;
    char text[100];
    int status;
    start(&p, (struct proc_opts){.command = "tr a-z A-Z; echo warn >&2; exit 7",
                                 .pipe_in = true,
                                 .pipe_out = true,
                                 .pipe_err = true});
    ck_assert_int_eq(write(p.in, "hello\n", 6), 6);
    close(p.in);
    p.in = -1;
    read_end(&p.out, text, sizeof(text));
    ck_assert_str_eq(text, "HELLO\n");
    read_end(&p.err_fd, text, sizeof(text));
    ck_assert_str_eq(text, "warn\n");
    ck_assert(proc_wait(&p, -1, &status));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    status = 0;
    ck_assert(proc_wait(&p, 0, &status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    proc_end(&p, 1);
}
END_TEST

START_TEST(without_pipes_stdin_is_empty_and_stdout_goes_to_stderr)
{
    struct proc p;
    int status;
    char text[64];
    start(&p, (struct proc_opts){.command = "cat; echo to-out", .pipe_err = true});
    ck_assert_int_eq(p.in, -1);
    ck_assert_int_eq(p.out, -1);
    read_end(&p.err_fd, text, sizeof(text));
    ck_assert_str_eq(text, "to-out\n");
    ck_assert(proc_wait(&p, -1, &status));
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(folder_and_environment_are_given)
{
    static const char *const env[] = {"FORELINE_TEST_A=new", "FORELINE_TEST_B=b c", NULL};
    struct proc p;
    char text[200];
    setenv("FORELINE_TEST_A", "old", 1);
    setenv("FORELINE_TEST_AB", "kept", 1);
    start(&p, (struct proc_opts){.command = "pwd; env | grep FORELINE_TEST_ | sort",
                                 .dir = "/usr/bin/..",
                                 .env = env,
                                 .pipe_out = true});
    read_end(&p.out, text, sizeof(text));
    ck_assert_str_eq(text,
                     "/usr\nFORELINE_TEST_A=new\nFORELINE_TEST_AB=kept\nFORELINE_TEST_B=b c\n");
    proc_end(&p, 1);
}
END_TEST

START_TEST(a_missing_folder_is_an_error_and_nothing_runs)
{
    struct proc p;
    struct err err = ERR_INIT;
    struct proc_opts o = {.command = "echo x", .dir = "/no/such", .pipe_out = true};
    guard_fd();
    int before = open_fds();
    ck_assert(!proc_start(&p, &o, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    ck_assert_str_eq(err.text, "cannot enter folder '/no/such': No such file or directory");
    ck_assert_int_eq(open_fds(), before);
    proc_end(&p, 0);
}
END_TEST

START_TEST(a_command_has_a_session_of_its_own_and_default_signals)
{
    struct proc p;
    char text[400];
    signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    start(&p, (struct proc_opts){.command = "sed -n 's/^SigBlk://p; s/^SigIgn://p' "
                                            "/proc/self/status; cut -d' ' -f6 /proc/self/stat",
                                 .pipe_out = true});
    long leader = p.pid;
    read_end(&p.out, text, sizeof(text));
    char *at = text;
    unsigned long long blocked = strtoull(at, &at, 16), ignored = strtoull(at, &at, 16);
    long session = strtol(at, &at, 10);
    /* The C library keeps two real-time signals to itself and lets nobody change them. */
    ck_assert_uint_eq(blocked & 0x7fffffff, 0);
    ck_assert_uint_eq(ignored & 0x7fffffff, 0);
    ck_assert_int_eq(session, leader);
    proc_end(&p, 1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
END_TEST

static void assert_not_in(const char *text, int fd)
{
    char path[64], link[100];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    ck_assert_int_gt(n, 0);
    link[n] = '\0';
    ck_assert_msg(!strstr(text, link), "%s in %s", link, text);
}

START_TEST(no_descriptor_leaks_to_a_command_or_stays_here)
{
    struct proc p, q;
    char text[4000];
    int guard = guard_fd();
    ck_assert_int_ge(guard, 0);
    int before = open_fds();
    start(&q, (struct proc_opts){.command = "cat", .pipe_in = true, .pipe_out = true});
    start(&p, (struct proc_opts){.command = "ls -l /proc/self/fd/",
                                 .pipe_in = true,
                                 .pipe_out = true,
                                 .pipe_err = true});
    int in = p.in;
    read_end(&p.out, text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "1 -> pipe:"));
    ck_assert_int_ge(in, 3);
    assert_not_in(text, q.in);
    assert_not_in(text, q.out);
    assert_not_in(text, guard);
    proc_end(&p, 1);
    proc_end(&q, 1);
    ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(pipes_work_when_our_own_standard_streams_are_closed)
{
    pid_t pid = fork();
    if (pid == 0) {
        close(0);
        close(1);
        close(2);
        struct proc p;
        struct proc_opts o = {
            .command = "cat; echo err >&2", .pipe_in = true, .pipe_out = true, .pipe_err = true};
        if (!proc_start(&p, &o, NULL) || write(p.in, "ab", 2) != 2)
            _exit(1);
        close(p.in);
        p.in = -1;
        char out[16], err[16];
        read_end(&p.out, out, sizeof(out));
        read_end(&p.err_fd, err, sizeof(err));
        proc_end(&p, 1);
        _exit(strcmp(out, "ab") == 0 && strcmp(err, "err\n") == 0 ? 0 : 2);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(waiting_has_an_end_when_the_command_has_none)
{
    struct proc p;
    start(&p, (struct proc_opts){.command = "sleep 100"});
    double t = clock_wall();
    ck_assert(!proc_wait(&p, 0, NULL));
    ck_assert(!proc_wait(&p, 0.1, NULL));
    ck_assert(clock_wall() - t >= 0.1);
    pid_t pid = p.pid;
    proc_end(&p, 5);
    ck_assert(WIFSIGNALED(p.status));
    ck_assert_int_eq(WTERMSIG(p.status), SIGTERM);
    ck_assert_int_eq(p.pid, 0);
    ck_assert(gone_within(pid, 1));
}
END_TEST

START_TEST(a_process_that_ignores_term_is_killed_after_the_grace)
{
    struct proc p;
    start(&p, (struct proc_opts){.command = "trap '' TERM; echo $$; while :; do sleep 0.01; done",
                                 .pipe_out = true});
    ck_assert_int_eq(read_pid(&p), p.pid);
    double t = clock_wall();
    proc_end(&p, 0.2);
    ck_assert(clock_wall() - t >= 0.2);
    ck_assert(WIFSIGNALED(p.status));
    ck_assert_int_eq(WTERMSIG(p.status), SIGKILL);
}
END_TEST

START_TEST(a_grandchild_dies_with_the_group)
{
    struct proc p;
    start(&p, (struct proc_opts){
                  .command =
                      "trap '' TERM; (sh -c 'echo $$; trap \"\" TERM; exec sleep 100'; :) & wait",
                  .pipe_out = true});
    pid_t grandchild = read_pid(&p);
    ck_assert_int_gt(grandchild, 1);
    ck_assert_int_eq(kill(grandchild, 0), 0);
    proc_end(&p, 0.05);
    ck_assert(gone_within(grandchild, 2));
}
END_TEST

START_TEST(what_a_command_leaves_behind_in_its_group_is_killed)
{
    struct proc p;
    int status;
    start(&p, (struct proc_opts){.command = "sleep 100 & echo $!", .pipe_out = true});
    pid_t left = read_pid(&p);
    ck_assert(proc_wait(&p, 5, &status));
    ck_assert_int_eq(status, 0);
    ck_assert(gone_within(left, 2));
    proc_end(&p, 0);
}
END_TEST

START_TEST(one_that_left_the_session_is_still_found_at_the_end)
{
    struct proc p;
    start(&p,
          (struct proc_opts){.command = "trap '' TERM; setsid sh -c 'echo $$; exec sleep 100' & "
                                        "while :; do sleep 0.01; done",
                             .pipe_out = true});
    pid_t away = read_pid(&p);
    proc_sample(&p);
    proc_end(&p, 0.05);
    ck_assert(gone_within(away, 2));
}
END_TEST

START_TEST(commands_die_with_us_even_by_kill_9)
{
    int up[2];
    ck_assert_int_eq(pipe(up), 0);
    pid_t us = fork();
    if (us == 0) {
        struct proc a, b;
        struct proc_opts o = {.command = "sh -c 'echo $$; exec sleep 100'; :", .pipe_out = true};
        if (!proc_start(&a, &o, NULL) || !proc_start(&b, &o, NULL))
            _exit(1);
        pid_t pids[4] = {a.pid, b.pid, read_pid(&a), read_pid(&b)};
        if (write(up[1], pids, sizeof(pids)) != (ssize_t)sizeof(pids))
            _exit(1);
        for (;;)
            pause();
    }
    pid_t pids[4];
    ck_assert_int_eq(read(up[0], pids, sizeof(pids)), sizeof(pids));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(kill(pids[i], 0), 0);
    kill(us, SIGKILL);
    ck_assert_int_eq(waitpid(us, NULL, 0), us);
    for (int i = 0; i < 4; i++)
        ck_assert_msg(gone_within(pids[i], 3), "process %d of 4 lives on", i);
    close(up[0]);
    close(up[1]);
}
END_TEST

static void *start_in_thread(void *p)
{
    start(p, (struct proc_opts){.command = "sleep 0.3; echo done", .pipe_out = true});
    return NULL;
}

START_TEST(a_command_survives_the_thread_that_started_it)
{
    struct proc p;
    pthread_t thread;
    char text[32];
    ck_assert_int_eq(pthread_create(&thread, NULL, start_in_thread, &p), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    read_end(&p.out, text, sizeof(text));
    ck_assert_str_eq(text, "done\n");
    ck_assert(proc_wait(&p, -1, NULL));
    ck_assert_int_eq(p.status, 0);
}
END_TEST

START_TEST(a_signal_reaches_all_commands_that_run)
{
    struct proc p[40];
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        start(&p[i], (struct proc_opts){.command = "exec sleep 100"});
    proc_signal_all(SIGINT);
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        ck_assert(proc_wait(&p[i], 10, NULL));
        ck_assert(WIFSIGNALED(p[i].status));
        ck_assert_int_eq(WTERMSIG(p[i].status), SIGINT);
    }
}
END_TEST

/* This program again, spinning until it has used that much CPU. */
#define BURN_S 0.3
static char *burn;

START_TEST(cpu_of_the_whole_tree_is_counted_once)
{
    struct proc p;
    /* In the foreground, and two in the background that the shell waits for: in its account. */
    char *three = xasprintf("%s; %s & %s & wait", burn, burn, burn);
    start(&p, (struct proc_opts){.command = three});
    ck_assert(proc_wait(&p, -1, NULL));
    ck_assert_msg(p.usage.cpu_s >= 3 * BURN_S, "%g s", p.usage.cpu_s);
    ck_assert_msg(p.usage.cpu_s < 5 * BURN_S, "%g s", p.usage.cpu_s);
    ck_assert(p.usage.wall_s >= BURN_S);
    free(three);
    /* One that nobody waits for, seen by sampling. */
    char *with_pipe =
        xasprintf("p=$TMPDIR/os_proc.$$; mkfifo \"$p\"; exec 3<>\"$p\"; rm \"$p\"; (%s; echo >&3; "
                  "exec sleep 100) & read x <&3; sleep 0.3",
                  burn);
    start(&p, (struct proc_opts){.command = with_pipe});
    ck_assert(proc_wait(&p, -1, NULL));
    ck_assert_msg(p.usage.cpu_s >= 0.9 * BURN_S, "%g s", p.usage.cpu_s);
    ck_assert_msg(p.usage.cpu_s < 2 * BURN_S, "%g s", p.usage.cpu_s);
    free(with_pipe);
}
END_TEST

/* This program again: 40 MB that are held until so many hold theirs, and a moment longer. */
#define HOLD_BYTES ((size_t)40 << 20)
static char *hold;

static int hold_until(const char *folder, int want)
{
    char *p = xmalloc(HOLD_BYTES), *mine = xasprintf("%s/%ld", folder, (long)getpid());
    memset(p, 1, HOLD_BYTES);
    int fd = open(mine, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (int there = 0; there < want; usleep(5000)) {
        DIR *d = opendir(folder);
        there = -2; /* . and .. */
        while (d && readdir(d))
            there++;
        closedir(d);
    }
    usleep(700000);
    close(fd);
    free(mine);
    free(p);
    return 0;
}

static uint64_t peak_of(int n)
{
    char folder[300];
    snprintf(folder, sizeof(folder), "%s/os_hold.XXXXXX", getenv("TMPDIR"));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *one = xasprintf("%s '%s' %d", hold, folder, n);
    char *all = n == 1 ? xasprintf("%s; rm -r '%s'", one, folder)
                       : xasprintf("%s & %s & wait; rm -r '%s'", one, one, folder);
    struct proc p;
    start(&p, (struct proc_opts){.command = all});
    ck_assert(proc_wait(&p, -1, NULL));
    ck_assert_int_eq(p.status, 0);
    free(all);
    free(one);
    return p.usage.peak_bytes;
}

START_TEST(peak_memory_is_the_sum_over_the_tree)
{
    uint64_t one = peak_of(1), two = peak_of(2);
    ck_assert_uint_ge(one, HOLD_BYTES);
    ck_assert_uint_ge(two, 2 * HOLD_BYTES);
    ck_assert_uint_lt(two, one + HOLD_BYTES + HOLD_BYTES / 2);
}
END_TEST

START_TEST(our_own_size_is_not_taken_for_the_commands)
{
    size_t size = 200 << 20;
    char *big = xmalloc(size);
    memset(big, 1, size);
    struct proc p;
    start(&p, (struct proc_opts){.command = ":"});
    ck_assert(proc_wait(&p, -1, NULL));
    ck_assert_uint_lt(p.usage.peak_bytes, 50u << 20);
    free(big);
}
END_TEST

START_TEST(bytes_read_and_written_are_counted)
{
    struct proc p;
    start(&p, (struct proc_opts){.command = "head -c 5000000 /dev/zero | cat >/dev/null; :"});
    ck_assert(proc_wait(&p, -1, NULL));
    /* head reads 5 MB and writes it, cat does so again. */
    ck_assert_uint_ge(p.usage.read_bytes, 10000000);
    ck_assert_uint_lt(p.usage.read_bytes, 11000000);
    ck_assert_uint_ge(p.usage.write_bytes, 10000000);
    ck_assert_uint_lt(p.usage.write_bytes, 11000000);
}
END_TEST

START_TEST(this_machine_is_described)
{
    struct machine m;
    machine_read(&m);
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    ck_assert_int_ge(m.cores, 1);
    ck_assert_int_le(m.cores, CPU_COUNT(&set));
    ck_assert(m.memory_bytes > 1e7);
    ck_assert(m.available_bytes > 0 && m.available_bytes <= m.memory_bytes);
    ck_assert(m.load1 >= 0);
    ck_assert_str_ne(m.host, "");
}
END_TEST

/* A made-up /proc and /sys under TMPDIR. */
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

static void make_root(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof(root), "%s/os_root.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(root));
    put("/proc/meminfo",
        "MemTotal:       8000000 kB\nMemFree: 1 kB\nMemAvailable:    6000000 kB\n");
    put("/proc/loadavg", "1.50 1.00 0.50 2/300 12345\n");
    put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU @ 1 GHz\nflags: x\n");
}

static void remove_root(void)
{
    char *cmd = xasprintf("rm -rf '%s'", root);
    ck_assert_int_eq(system(cmd), 0);
    free(cmd);
}

START_TEST(limits_of_cgroup_version_2_hold_up_to_the_root)
{
    struct machine m;
    make_root();
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/memory.max", "1048576000\n");
    put("/sys/fs/cgroup/a/memory.current", "548576000\n");
    put("/sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 100000000\n");
    machine_read_at(&m, root);
    ck_assert_int_eq(m.cores, 1);
    ck_assert(fabs(m.memory_bytes - 1048576000.0) < 1);
    ck_assert(fabs(m.available_bytes - 600000000.0) < 1);
    ck_assert(fabs(m.load1 - 1.5) < 1e-9);
    ck_assert_str_eq(m.cpu, "Test CPU @ 1 GHz");
    remove_root();
}
END_TEST

START_TEST(limits_of_cgroup_version_1_hold_even_when_only_the_top_is_mounted)
{
    struct machine m;
    make_root();
    put("/proc/self/cgroup",
        "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "500000000\n");
    machine_read_at(&m, root);
    ck_assert_int_eq(m.cores, 1);
    ck_assert(fabs(m.memory_bytes - 2e9) < 1);
    ck_assert(fabs(m.available_bytes - 1.5e9) < 1);
    remove_root();
}
END_TEST

START_TEST(no_limit_leaves_the_machine_as_it_is)
{
    struct machine m;
    make_root();
    put("/proc/self/cgroup", "5:memory:/\n4:cpu:/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    machine_read_at(&m, root);
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
    ck_assert_int_eq(m.cores, CPU_COUNT(&set));
    ck_assert(fabs(m.memory_bytes - 8000000.0 * 1024) < 1);
    ck_assert(fabs(m.available_bytes - 6000000.0 * 1024) < 1);
    remove_root();
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "burn") == 0) {
        while (clock_process() < BURN_S)
            ;
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "hold") == 0)
        return hold_until(argv[2], (int)strtol(argv[3], NULL, 10));
    char exe[4096];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (len < 0)
        return 1;
    exe[len] = '\0';
    burn = xasprintf("'%s' burn", exe);
    hold = xasprintf("'%s' hold", exe);
    if (!getenv("TMPDIR"))
        setenv("TMPDIR", "/tmp", 1);
    const struct unit_case cases[] = {
        {a_command_talks_through_its_pipes_and_gives_its_status, 0},
        {without_pipes_stdin_is_empty_and_stdout_goes_to_stderr, 0},
        {folder_and_environment_are_given, 0},
        {a_missing_folder_is_an_error_and_nothing_runs, 0},
        {a_command_has_a_session_of_its_own_and_default_signals, 0},
        {no_descriptor_leaks_to_a_command_or_stays_here, 0},
        {pipes_work_when_our_own_standard_streams_are_closed, 0},
        {waiting_has_an_end_when_the_command_has_none, 0},
        {a_process_that_ignores_term_is_killed_after_the_grace, 0},
        {a_grandchild_dies_with_the_group, 0},
        {what_a_command_leaves_behind_in_its_group_is_killed, 0},
        {one_that_left_the_session_is_still_found_at_the_end, 0},
        {commands_die_with_us_even_by_kill_9, 0},
        {a_command_survives_the_thread_that_started_it, 0},
        {a_signal_reaches_all_commands_that_run, 0},
        {cpu_of_the_whole_tree_is_counted_once, 0},
        {peak_memory_is_the_sum_over_the_tree, 0},
        {our_own_size_is_not_taken_for_the_commands, 0},
        {bytes_read_and_written_are_counted, 0},
        {this_machine_is_described, 0},
        {limits_of_cgroup_version_2_hold_up_to_the_root, 0},
        {limits_of_cgroup_version_1_hold_even_when_only_the_top_is_mounted, 0},
        {no_limit_leaves_the_machine_as_it_is, 0}};
    int status = unit_run("os_proc", NULL, NULL, cases, ARRAY_LEN(cases));
    free(burn);
    free(hold);
    return status;
}
