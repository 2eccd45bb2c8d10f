/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that appear whole, whole reads, paths, locks, clocks. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "os/os.h"
#include "tests/unit/suite.h"

static char dir[300];

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof(dir), "%s/os_files.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(dir);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void assert_holds(const char *path, const char *text)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    ck_assert_msg(file_read_all(path, 1 << 20, &b, &err), "%s", err.text);
    ck_assert_str_eq(buf_str(&b), text);
    buf_release(&b);
}

/* Files of the folder that nobody asked for. */
static int leftovers(void)
{
    int n = 0;
    DIR *d = opendir(".");
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strstr(e->d_name, ".foreline-") != NULL;
    closedir(d);
    return n;
}

static void write_atomically(const char *path, const char *text)
{
    struct atomic_file f;
    struct err err = ERR_INIT;
    ck_assert_msg(atomic_open(&f, path, &err), "%s", err.text);
    ck_assert_msg(atomic_write(&f, text, strlen(text), &err), "%s", err.text);
    ck_assert_uint_eq(f.bytes, strlen(text));
    ck_assert_msg(atomic_commit(&f, &err), "%s", err.text);
    ck_assert_int_eq(f.fd, -1);
}

START_TEST(an_atomic_file_appears_at_commit_and_not_before)
{
    struct atomic_file f;
    struct err err = ERR_INIT;
    put("out", "old");
    ck_assert(atomic_open(&f, "out", &err));
    ck_assert(atomic_write(&f, "new", 3, &err));
    assert_holds("out", "old");
    ck_assert(atomic_ready(&f, &err));
    assert_holds("out", "old");
    ck_assert_int_eq(leftovers(), 1);
    ck_assert(atomic_commit(&f, &err));
    assert_holds("out", "new");
    ck_assert_int_eq(leftovers(), 0);
}
END_TEST

START_TEST(an_aborted_file_leaves_no_trace)
{
    struct atomic_file f = ATOMIC_FILE_INIT;
    struct err err = ERR_INIT;
    atomic_abort(&f);
    ck_assert(atomic_open(&f, "out", &err));
    ck_assert(atomic_write(&f, "x", 1, &err));
    atomic_abort(&f);
    ck_assert(!path_exists("out"));
    ck_assert_int_eq(leftovers(), 0);
    atomic_abort(&f);
    ck_assert(atomic_open(&f, "out", &err));
    ck_assert(atomic_ready(&f, &err));
    atomic_abort(&f);
    ck_assert(!path_exists("out"));
    ck_assert_int_eq(leftovers(), 0);
}
END_TEST

START_TEST(a_symbolic_link_is_followed_even_when_it_dangles)
{
    struct stat st;
    put("real", "old");
    ck_assert_int_eq(symlink("real", "link"), 0);
    ck_assert_int_eq(symlink("link", "link2"), 0);
    write_atomically("link2", "new");
    assert_holds("real", "new");
    ck_assert_int_eq(lstat("link2", &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    ck_assert_int_eq(symlink("not-yet", "dangling"), 0);
    write_atomically("dangling", "made");
    assert_holds("not-yet", "made");
    struct atomic_file f;
    struct err err = ERR_INIT;
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    ck_assert(!atomic_open(&f, "loop", &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
}
END_TEST

START_TEST(the_mode_of_an_existing_file_is_kept_and_a_new_one_follows_umask)
{
    struct stat st;
    umask(027);
    put("old", "x");
    ck_assert_int_eq(chmod("old", 0601), 0);
    write_atomically("old", "y");
    ck_assert_int_eq(stat("old", &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0601);
    write_atomically("new", "y");
    ck_assert_int_eq(stat("new", &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(the_owner_of_an_existing_file_is_kept_by_root)
{
    struct stat st;
    put("old", "x");
    uid_t uid = geteuid() == 0 ? 12345 : geteuid();
    ck_assert_int_eq(chown("old", uid, (gid_t)-1), 0);
    write_atomically("old", "y");
    ck_assert_int_eq(stat("old", &st), 0);
    ck_assert_int_eq(st.st_uid, uid);
}
END_TEST

START_TEST(devices_and_fifos_are_written_directly)
{
    write_atomically("/dev/null", "gone");
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    ck_assert(S_ISCHR(st.st_mode));
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    int rd = open("fifo", O_RDONLY | O_NONBLOCK);
    ck_assert_int_ge(rd, 0);
    write_atomically("fifo", "through");
    char text[32] = "";
    ck_assert_int_eq(read(rd, text, sizeof(text)), 7);
    ck_assert_str_eq(text, "through");
    close(rd);
}
END_TEST

START_TEST(dev_stdout_goes_on_where_stdout_is)
{
    int kept = dup(STDOUT_FILENO);
    int fd = open("redirected", O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "head ", 5), 5);
    dup2(fd, STDOUT_FILENO);
    write_atomically("/dev/stdout", "tail");
    dup2(kept, STDOUT_FILENO);
    close(fd);
    close(kept);
    assert_holds("redirected", "head tail");
}
END_TEST

START_TEST(a_full_disk_is_an_error_that_names_the_path)
{
    struct atomic_file f;
    struct err err = ERR_INIT;
    ck_assert(atomic_open(&f, "/dev/full", &err));
    ck_assert(!atomic_write(&f, "x", 1, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    ck_assert_str_eq(err.text, "cannot write to '/dev/full': No space left on device");
    atomic_abort(&f);
}
END_TEST

START_TEST(what_cannot_be_written_is_refused_at_open)
{
    struct atomic_file f;
    struct err err = ERR_INIT;
    ck_assert(!atomic_open(&f, "no/such/folder/x", &err));
    ck_assert_str_eq(err.text, "cannot create 'no/such/folder/x': No such file or directory");
    ck_assert(!atomic_open(&f, ".", &err));
    ck_assert_str_eq(err.text, "cannot write to '.': Is a directory");
    ck_assert(!atomic_open(&f, "", &err));
    atomic_abort(&f);
}
END_TEST

START_TEST(the_longest_possible_name_can_be_written)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    write_atomically(name, "x");
    assert_holds(name, "x");
}
END_TEST

/* A child that has an atomic file open and is killed. */
static void die_while_writing(void)
{
    int up[2];
    ck_assert_int_eq(pipe(up), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct atomic_file f;
        if (!atomic_open(&f, "out", NULL) || !atomic_write(&f, "half", 4, NULL) ||
            write(up[1], "!", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char c;
    ck_assert_int_eq(read(up[0], &c, 1), 1);
    close(up[0]);
    close(up[1]);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(after_kill_9_the_old_file_stands_and_a_sweep_cleans_up)
{
    put("out", "old");
    die_while_writing();
    assert_holds("out", "old");
    ck_assert_int_eq(leftovers(), 1);
    atomic_sweep(".");
    ck_assert_int_eq(leftovers(), 0);
    assert_holds("out", "old");
}
END_TEST

START_TEST(a_sweep_spares_files_in_work_and_strangers)
{
    struct atomic_file f, r;
    struct err err = ERR_INIT;
    put(".x.foreline-abc.tmp", "someone else's");
    put(".out.abcdefgh.tmp", "someone else's");
    ck_assert(atomic_open(&f, "a", &err));
    ck_assert(atomic_open(&r, "b", &err));
    ck_assert(atomic_ready(&r, &err));
    atomic_sweep(".");
    atomic_sweep("no-such-folder");
    ck_assert_int_eq(leftovers(), 3);
    ck_assert(path_exists(".out.abcdefgh.tmp"));
    ck_assert(atomic_commit(&f, &err));
    ck_assert(atomic_commit(&r, &err));
    ck_assert(path_exists("a") && path_exists("b"));
}
END_TEST

START_TEST(what_was_ready_can_be_left_and_adopted)
{
    struct err err = ERR_INIT;
    struct atomic_file f, g = ATOMIC_FILE_INIT, h;
    put("out", "old");
    ck_assert(atomic_open(&f, "out", &err) && atomic_write(&f, "new", 3, &err) &&
              atomic_ready(&f, &err));
    char *hidden = xstrdup(f.tmp);
    ck_assert(!atomic_adopt(&g, "out", hidden, &err));
    ck_assert_int_eq(err.kind, ERR_AGAIN); /* its owner lives */
    atomic_leave(&f);
    ck_assert(atomic_adopt(&g, "out", hidden, &err));
    atomic_sweep(".");
    ck_assert(path_exists(hidden)); /* it is not swept */
    ck_assert(!atomic_adopt(&h, "out", hidden, &err));
    assert_holds("out", "old");
    ck_assert_msg(atomic_commit(&g, &err), "%s", err.text);
    assert_holds("out", "new");
    ck_assert(!atomic_adopt(&g, "out", hidden, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    ck_assert_int_eq(leftovers(), 0);
    free(hidden);
}
END_TEST

START_TEST(the_build_of_a_program_has_a_name_that_stays)
{
    char a[BUILD_ID_TEXT], b[BUILD_ID_TEXT];
    os_build_id(a);
    os_build_id(b);
    ck_assert_str_eq(a, b);
    ck_assert_uint_ge(strlen(a), 8);
}
END_TEST

START_TEST(a_signal_handler_unlinks_what_is_open_but_a_forked_child_does_not)
{
    struct atomic_file f[40];
    struct err err = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(f); i++) {
        char name[20];
        snprintf(name, sizeof(name), "out%zu", i);
        ck_assert(atomic_open(&f[i], name, &err));
    }
    pid_t pid = fork();
    if (pid == 0) {
        atomic_unlink_all();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(leftovers(), 40);
    atomic_unlink_all();
    ck_assert_int_eq(leftovers(), 0);
    ck_assert(!atomic_commit(&f[0], &err));
    for (size_t i = 0; i < ARRAY_LEN(f); i++)
        atomic_abort(&f[i]);
    ck_assert(!path_exists("out0"));
}
END_TEST

START_TEST(descriptors_of_files_and_locks_do_not_reach_commands)
{
    struct atomic_file f;
    struct file_lock l;
    struct err err = ERR_INIT;
    ck_assert(atomic_open(&f, "out", &err));
    ck_assert(lock_take(&l, "lock", false, &err));
    ck_assert_int_ne(fcntl(f.fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert(atomic_ready(&f, &err));
    ck_assert_int_ne(fcntl(f.fd, F_GETFD) & FD_CLOEXEC, 0);
    atomic_abort(&f);
    lock_release(&l);
    lock_release(&l);
}
END_TEST

START_TEST(a_lock_is_held_against_another_process_and_ends_with_it)
{
    int up[2];
    ck_assert_int_eq(pipe(up), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct file_lock l;
        if (!lock_take(&l, "lock", false, NULL) || write(up[1], "!", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char c;
    ck_assert_int_eq(read(up[0], &c, 1), 1);
    struct file_lock l;
    struct err err = ERR_INIT;
    ck_assert(!lock_take(&l, "lock", false, &err));
    ck_assert_int_eq(err.kind, ERR_AGAIN);
    char want[80];
    snprintf(want, sizeof(want), "cannot lock 'lock': process %ld holds it", (long)pid);
    ck_assert_str_eq(err.text, want);
    kill(pid, SIGKILL);
    ck_assert(lock_take(&l, "lock", true, &err)); /* waits for the end of it */
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    lock_release(&l);
    ck_assert(lock_take(&l, "lock", false, &err));
    lock_release(&l);
    close(up[0]);
    close(up[1]);
}
END_TEST

START_TEST(a_lock_that_cannot_be_opened_is_an_error)
{
    struct file_lock l;
    struct err err = ERR_INIT;
    ck_assert(!lock_take(&l, "no/folder/lock", false, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    ck_assert_str_eq(err.text, "cannot open the lock 'no/folder/lock': No such file or directory");
    ck_assert_int_eq(l.fd, -1);
}
END_TEST

START_TEST(a_whole_file_is_read_up_to_a_maximum)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    put("f", "12345");
    ck_assert(file_read_all("f", 5, &b, &err));
    ck_assert_str_eq(buf_str(&b), "12345");
    buf_clear(&b);
    ck_assert(!file_read_all("f", 4, &b, &err));
    ck_assert_int_eq(err.kind, ERR_DATA);
    ck_assert_str_eq(err.text, "cannot read 'f': larger than 4 bytes");
    buf_release(&b);
    struct buf small = BUF_INIT(3);
    ck_assert(!file_read_all("f", 100, &small, &err));
    ck_assert_int_eq(err.kind, ERR_DATA);
    buf_release(&small);
    ck_assert(!file_read_all(".", 100, &b, &err));
    ck_assert_str_eq(err.text, "cannot read '.': Is a directory");
    ck_assert(!file_read_all("none", 100, &b, &err));
    ck_assert_str_eq(err.text, "cannot open 'none': No such file or directory");
    put("empty", "");
    ck_assert(file_read_all("empty", 0, &b, &err));
    ck_assert_uint_eq(b.len, 0);
    ck_assert(file_read_all("/proc/self/status", 1 << 20, &b, &err)); /* has size 0 for stat */
    ck_assert_uint_gt(b.len, 100);
    buf_release(&b);
}
END_TEST

static void assert_absolute(const char *path, const char *base, const char *want)
{
    char *got = path_absolute(path, base);
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(paths_become_absolute_and_clean_without_the_file_system)
{
    assert_absolute("/a//b/./c/../d/", NULL, "/a/b/d");
    assert_absolute("x", "/base", "/base/x");
    assert_absolute("../x", "/base/y/", "/base/x");
    assert_absolute("../../../x", "/base", "/x");
    assert_absolute("/", "/base", "/");
    assert_absolute("..", "/a", "/");
    assert_absolute("...", "/a", "/a/...");
    assert_absolute("", "/a", "/a");
    char *cwd = getcwd(NULL, 0), *want = xasprintf("%s/sub/f", cwd);
    assert_absolute("f", "sub", want);
    free(want);
    want = xasprintf("%s/f", cwd);
    assert_absolute("f", NULL, want);
    free(want);
    free(cwd);
}
END_TEST

START_TEST(the_folder_of_a_path_is_what_dirname_says)
{
    static const char *const cases[][2] = {{"a", "."},    {"a/b", "a"}, {"/a", "/"},
                                           {"/", "/"},    {"//a", "/"}, {"a//b", "a"},
                                           {"a/b/", "a"}, {"", "."},    {"/a/b/c", "/a/b"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = path_dirname(cases[i][0]);
        ck_assert_str_eq(got, cases[i][1]);
        free(got);
    }
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
    struct err err = ERR_INIT;
    ck_assert(dir_make_all("a/b//c/", &err));
    ck_assert(path_exists("a/b/c"));
    ck_assert(dir_make_all("a/b/c", &err));
    ck_assert(dir_make_all("/", &err));
    put("file", "");
    ck_assert(!dir_make_all("file/sub", &err));
    ck_assert_str_eq(err.text, "cannot make folder 'file': Not a directory");
    rmdir("a/b/c");
    rmdir("a/b");
    rmdir("a");
}
END_TEST

START_TEST(a_scratch_folder_goes_with_all_that_is_in_it_but_not_while_it_is_in_use)
{
    struct scratch_folder f, g;
    struct err err = ERR_INIT;
    ck_assert_int_eq(setenv("FORELINE_TMPDIR", dir, 1), 0);
    put("kept", "k");
    ck_assert(scratch_folder_make(&f, "unit", &err));
    ck_assert(scratch_folder_make(&g, "unit", &err));
    ck_assert_str_ne(f.path, g.path);
    char *sub = xasprintf("%s/a/b", f.path), *file = xasprintf("%s/c", sub);
    char *link = xasprintf("%s/link", f.path);
    ck_assert(dir_make_all(sub, &err));
    put(file, "x");
    ck_assert_int_eq(symlink(dir, link), 0);
    ck_assert_int_eq(chmod(sub, 0), 0);
    scratch_folder_sweep("unit"); /* both are in use */
    ck_assert(path_exists(f.path) && path_exists(g.path));
    scratch_folder_remove(&f);
    ck_assert_ptr_null(f.path);
    ck_assert(!path_exists(link) && path_exists("kept"));
    /* Its owner is killed. */
    close(g.fd);
    scratch_folder_sweep("uni");
    ck_assert(path_exists(g.path));
    scratch_folder_sweep("unit");
    ck_assert(!path_exists(g.path));
    free(g.path);
    free(sub);
    free(file);
    free(link);
    ck_assert_int_eq(setenv("FORELINE_TMPDIR", "/nonexistent", 1), 0);
    ck_assert(!scratch_folder_make(&f, "unit", &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    scratch_folder_remove(&f);
    unsetenv("FORELINE_TMPDIR");
}
END_TEST

START_TEST(clocks_advance_with_what_they_measure)
{
    double wall = clock_wall(), thread = clock_thread(), process = clock_process();
    volatile double x = 1;
    while (clock_thread() - thread < 0.02)
        x = x * 1.0000001;
    ck_assert(clock_wall() - wall >= 0.019);
    ck_assert(clock_process() - process >= 0.019);
    thread = clock_thread();
    usleep(50000);
    ck_assert(clock_thread() - thread < 0.04);
}
END_TEST

START_TEST(peak_memory_is_our_own)
{
    uint64_t before = process_peak_bytes();
    ck_assert_uint_gt(before, 100000);
    size_t size = 64 << 20;
    char *p = xmalloc(size);
    memset(p, 1, size);
    ck_assert_uint_gt(process_peak_bytes(), before + size / 2);
    free(p);
}
END_TEST

START_TEST(entropy_differs_each_time)
{
    unsigned char a[16] = {0}, b[16] = {0};
    ck_assert(os_entropy(a, sizeof(a)));
    ck_assert(os_entropy(b, sizeof(b)));
    ck_assert(memcmp(a, b, sizeof(a)) != 0);
}
END_TEST

UNIT_MAIN_WITH(
    "os_files", setup, teardown, {an_atomic_file_appears_at_commit_and_not_before, 0},
    {an_aborted_file_leaves_no_trace, 0}, {what_was_ready_can_be_left_and_adopted, 0},
    {the_build_of_a_program_has_a_name_that_stays, 0},
    {a_symbolic_link_is_followed_even_when_it_dangles, 0},
    {the_mode_of_an_existing_file_is_kept_and_a_new_one_follows_umask, 0},
    {the_owner_of_an_existing_file_is_kept_by_root, 0}, {devices_and_fifos_are_written_directly, 0},
    {dev_stdout_goes_on_where_stdout_is, 0}, {a_full_disk_is_an_error_that_names_the_path, 0},
    {what_cannot_be_written_is_refused_at_open, 0}, {the_longest_possible_name_can_be_written, 0},
    {after_kill_9_the_old_file_stands_and_a_sweep_cleans_up, 0},
    {a_sweep_spares_files_in_work_and_strangers, 0},
    {a_signal_handler_unlinks_what_is_open_but_a_forked_child_does_not, 0},
    {descriptors_of_files_and_locks_do_not_reach_commands, 0},
    {a_lock_is_held_against_another_process_and_ends_with_it, 0},
    {a_lock_that_cannot_be_opened_is_an_error, 0}, {a_whole_file_is_read_up_to_a_maximum, 0},
    {paths_become_absolute_and_clean_without_the_file_system, 0},
    {the_folder_of_a_path_is_what_dirname_says, 0}, {folders_are_made_with_their_parents, 0},
    {a_scratch_folder_goes_with_all_that_is_in_it_but_not_while_it_is_in_use, 0},
    {clocks_advance_with_what_they_measure, 0}, {peak_memory_is_our_own, 0},
    {entropy_differs_each_time, 0})
