/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A library for LD_PRELOAD that makes system calls fail by file name, for the fault tests. It
 * breaks the program under test from outside: the program has no hooks of its own. `make check`
 * builds it as tests/fault/preload.so. Not for programs linked with sanitizers (their runtime must
 * come first: such tests skip when LD_PRELOAD cannot work) and not for static ones.
 *
 *   FORELINE_FAULT="CALL:PATTERN:COUNT:ERROR[,…]"  LD_PRELOAD=$builddir/tests/fault/preload.so
 * etl-run …
 *
 *   CALL     write (write, pwrite, writev; stdio streams that fopen opened, not stdout itself),
 * read (read, pread, readv, such streams), fsync (fsync, fdatasync), rename (renameat too), open
 * (every form; also creating), unlink, close, ftruncate, mmap PATTERN  fnmatch(3) against the whole
 * path and against its last part; for calls on a descriptor the path it was opened with as the
 * kernel knows it (/proc/self/fd: a pipe is "pipe:[…]"); rename matches either name. "*" matches
 * all. Without colons and commas. COUNT    3: the third matching call and no other fails; 3+: the
 * third and all after it; 0 or +: every one. Counted per rule and process. ERROR    an errno by
 * name (ENOSPC, EIO, EACCES, ENOENT, EMFILE, EINTR, EAGAIN, ENOMEM, EROFS, EDQUOT, EXDEV, EPERM,
 * EBADF), SHORT (write and read do half of what was asked, at least one byte), or KILL (the process
 * gets SIGKILL right before the call).
 *
 * Examples: "write:*.csv*:3:ENOSPC" (the disk fills at the third write; the temporary file of an
 * output out.csv is called .out.csv.foreline-XXXXXXXX.tmp), "fsync:*:1:EIO", "rename:*:1:KILL",
 * "write:*:0:SHORT".
 *
 * FORELINE_FAULT_LOG=FILE gets one line per injected fault, so that a test can assert that its
 * fault really happened: "write PATH ENOSPC".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define RULES_MAX 16
#define SHORT_COUNT (-1)
#define KILL_NOW (-2)

struct rule {
    char call[16], pattern[256];
    int count;   /* 0: every one */
    bool onward; /* count and all after */
    int error;
    char error_name[16];
    atomic_int seen;
};
static struct rule rules[RULES_MAX];
static int rule_count;
static char log_path[PATH_MAX];

static const struct {
    const char *name;
    int value;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},           {"EACCES", EACCES}, {"ENOENT", ENOENT},
              {"EMFILE", EMFILE}, {"EINTR", EINTR},       {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM},
              {"EROFS", EROFS},   {"EDQUOT", EDQUOT},     {"EXDEV", EXDEV},   {"EPERM", EPERM},
              {"EBADF", EBADF},   {"SHORT", SHORT_COUNT}, {"KILL", KILL_NOW}};

/* A test whose rule has a slip must not pass for want of a fault. */
static void bad_rule(const char *text)
{
    fprintf(stderr, "preload.so: bad FORELINE_FAULT rule '%s'\n", text);
    _exit(126);
}

static void parse_rule(char *text)
{
    static const char *const calls[] = {"write",  "read",  "fsync",     "rename", "open",
                                        "unlink", "close", "ftruncate", "mmap"};
    char *copy = strdup(text), *save = NULL;
    char *call = strtok_r(copy, ":", &save), *pattern = strtok_r(NULL, ":", &save);
    char *count = strtok_r(NULL, ":", &save), *error = strtok_r(NULL, ":", &save);
    if (!error || strtok_r(NULL, ":", &save) || rule_count == RULES_MAX)
        bad_rule(text);
    struct rule *r = &rules[rule_count++];
    bool known = false;
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        known |= strcmp(call, calls[i]) == 0;
    if (!known || strlen(pattern) >= sizeof(r->pattern))
        bad_rule(text);
    snprintf(r->call, sizeof(r->call), "%s", call);
    snprintf(r->pattern, sizeof(r->pattern), "%s", pattern);
    char *end;
    r->count = (int)strtol(count, &end, 10);
    r->onward = *end == '+';
    if ((*end && strcmp(end, "+") != 0) || r->count < 0)
        bad_rule(text);
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        if (strcmp(error, errors[i].name) == 0)
            r->error = errors[i].value;
    if (r->error == 0)
        bad_rule(text);
    snprintf(r->error_name, sizeof(r->error_name), "%s", error);
    free(copy);
}

__attribute__((constructor)) static void read_rules(void)
{
    const char *log = getenv("FORELINE_FAULT_LOG"), *text = getenv("FORELINE_FAULT");
    snprintf(log_path, sizeof(log_path), "%s", log ? log : "");
    if (!text)
        return;
    char *copy = strdup(text), *save = NULL;
    for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save))
        parse_rule(one);
    free(copy);
}

/* Through the kernel directly: our own open and write are the ones that fail. */
static void log_fault(const struct rule *r, const char *path)
{
    if (!log_path[0])
        return;
    char line[PATH_MAX + 64];
    int n = snprintf(line, sizeof(line), "%s %s %s\n", r->call, path, r->error_name);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                          0666);
    if (fd >= 0 && n > 0)
        syscall(SYS_write, fd, line, (size_t)n);
    if (fd >= 0)
        syscall(SYS_close, fd);
}

static bool matches(const struct rule *r, const char *path)
{
    const char *slash = strrchr(path, '/');
    return fnmatch(r->pattern, path, 0) == 0 || (slash && fnmatch(r->pattern, slash + 1, 0) == 0);
}

/* 0, or the fault for this call: an errno or SHORT_COUNT. KILL does not return. */
static int fault(const char *call, const char *path, const char *path2)
{
    for (int i = 0; i < rule_count; i++) {
        struct rule *r = &rules[i];
        if (strcmp(r->call, call) != 0 || !(matches(r, path) || (path2 && matches(r, path2))))
            continue;
        int seen = atomic_fetch_add(&r->seen, 1) + 1;
        if (r->count == 0 || seen == r->count || (r->onward && seen > r->count)) {
            log_fault(r, path);
            if (r->error == KILL_NOW)
                kill(getpid(), SIGKILL);
            return r->error;
        }
    }
    return 0;
}

static int fault_fd(const char *call, int fd)
{
    if (rule_count == 0)
        return 0;
    int kept = errno;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    int f = fault(call, path, NULL);
    errno = kept;
    return f;
}

static size_t half(size_t n)
{
    return n > 1 ? n / 2 : n;
}

#define FAIL_IF(f)       \
    do {                 \
        if ((f) > 0) {   \
            errno = (f); \
            return -1;   \
        }                \
    } while (0)

ssize_t write(int fd, const void *p, size_t n)
{
    int f = fault_fd("write", fd);
    FAIL_IF(f);
    return syscall(SYS_write, fd, p, f == SHORT_COUNT ? half(n) : n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    int f = fault_fd("write", fd);
    FAIL_IF(f);
    return syscall(SYS_pwrite64, fd, p, f == SHORT_COUNT ? half(n) : n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    int f = fault_fd("write", fd);
    FAIL_IF(f);
    return syscall(SYS_pwrite64, fd, p, f == SHORT_COUNT ? half(n) : n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    int f = fault_fd("write", fd);
    FAIL_IF(f);
    if (f == SHORT_COUNT && n > 0)
        return syscall(SYS_write, fd, v[0].iov_base, half(v[0].iov_len));
    return syscall(SYS_writev, fd, v, n);
}

ssize_t read(int fd, void *p, size_t n)
{
    int f = fault_fd("read", fd);
    FAIL_IF(f);
    return syscall(SYS_read, fd, p, f == SHORT_COUNT ? half(n) : n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    int f = fault_fd("read", fd);
    FAIL_IF(f);
    return syscall(SYS_pread64, fd, p, f == SHORT_COUNT ? half(n) : n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    int f = fault_fd("read", fd);
    FAIL_IF(f);
    return syscall(SYS_pread64, fd, p, f == SHORT_COUNT ? half(n) : n, at);
}

ssize_t readv(int fd, const struct iovec *v, int n)
{
    int f = fault_fd("read", fd);
    FAIL_IF(f);
    if (f == SHORT_COUNT && n > 0)
        return syscall(SYS_read, fd, v[0].iov_base, half(v[0].iov_len));
    return syscall(SYS_readv, fd, v, n);
}

int fsync(int fd)
{
    int f = fault_fd("fsync", fd);
    FAIL_IF(f);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    int f = fault_fd("fsync", fd);
    FAIL_IF(f);
    return (int)syscall(SYS_fdatasync, fd);
}

int close(int fd)
{
    int f = fault_fd("close", fd);
    if (f > 0)
        syscall(SYS_close, fd); /* as the kernel does: closed also when it fails */
    FAIL_IF(f);
    return (int)syscall(SYS_close, fd);
}

int ftruncate(int fd, off_t size)
{
    int f = fault_fd("ftruncate", fd);
    FAIL_IF(f);
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    int f = fault_fd("ftruncate", fd);
    FAIL_IF(f);
    return (int)syscall(SYS_ftruncate, fd, size);
}

int rename(const char *from, const char *to)
{
    int f = fault("rename", from, to);
    FAIL_IF(f);
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    int f = fault("rename", from, to);
    FAIL_IF(f);
    return (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
}

int unlink(const char *path)
{
    int f = fault("unlink", path, NULL);
    FAIL_IF(f);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int dir, const char *path, int flags)
{
    int f = fault("unlink", path, NULL);
    FAIL_IF(f);
    return (int)syscall(SYS_unlinkat, dir, path, flags);
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

static int open_it(int dir, const char *path, int flags, mode_t mode)
{
    int f = fault("open", path, NULL);
    FAIL_IF(f);
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define OPEN_BODY(dir)                \
    va_list ap;                       \
    va_start(ap, flags);              \
    mode_t mode = mode_of(flags, ap); \
    va_end(ap);                       \
    return open_it(dir, path, flags, mode)

int open(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

int open64(const char *path, int flags, ...)
{
    OPEN_BODY(AT_FDCWD);
}

int openat(int dir, const char *path, int flags, ...)
{
    OPEN_BODY(dir);
}

int openat64(int dir, const char *path, int flags, ...)
{
    OPEN_BODY(dir);
}

/* With FORTIFY the compiler calls these when there is no mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

int __open_2(const char *path, int flags)
{
    return open_it(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
    return open_it(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags)
{
    return open_it(dir, path, flags, 0);
}

int __openat64_2(int dir, const char *path, int flags)
{
    return open_it(dir, path, flags, 0);
}

/* stdio opens and writes inside libc, past the symbols above: streams that a rule could concern go
 * through cookies (fopencookie(3)), which do call them. fileno() does not work on those. */
struct stream {
    int fd;
};

static ssize_t stream_read(void *cookie, char *p, size_t n)
{
    return read(((struct stream *)cookie)->fd, p, n);
}

static ssize_t stream_write(void *cookie, const char *p, size_t n)
{
    ssize_t w = write(((struct stream *)cookie)->fd, p, n);
    return w < 0 ? 0 : w; /* fopencookie(3): 0 is the error */
}

static int stream_seek(void *cookie, off64_t *at, int whence)
{
    off64_t to = lseek64(((struct stream *)cookie)->fd, *at, whence);
    if (to < 0)
        return -1;
    *at = to;
    return 0;
}

static int stream_close(void *cookie)
{
    int r = close(((struct stream *)cookie)->fd);
    free(cookie);
    return r;
}

static bool stream_concerned(const char *path)
{
    for (int i = 0; i < rule_count; i++) {
        const char *call = rules[i].call;
        bool does = strcmp(call, "read") == 0 || strcmp(call, "write") == 0 ||
                    strcmp(call, "close") == 0 || strcmp(call, "open") == 0;
        if (does && matches(&rules[i], path))
            return true;
    }
    return false;
}

static FILE *open_stream(const char *path, const char *mode)
{
    if (!stream_concerned(path)) {
        FILE *(*real)(const char *, const char *);
        void *sym = dlsym(RTLD_NEXT, "fopen");
        memcpy(&real, &sym, sizeof(real));
        return real(path, mode);
    }
    int flags = strchr(mode, '+') ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
    flags |= mode[0] == 'w' ? O_CREAT | O_TRUNC : mode[0] == 'a' ? O_CREAT | O_APPEND : 0;
    flags |= (strchr(mode, 'e') ? O_CLOEXEC : 0) | (strchr(mode, 'x') ? O_EXCL : 0);
    int fd = open_it(AT_FDCWD, path, flags, 0666);
    if (fd < 0)
        return NULL;
    struct stream *s = malloc(sizeof(*s));
    if (!s)
        return NULL;
    s->fd = fd;
    char plain[3] = {mode[0], strchr(mode, '+') ? '+' : '\0', '\0'};
    return fopencookie(
        s, plain, (cookie_io_functions_t){stream_read, stream_write, stream_seek, stream_close});
}

FILE *fopen(const char *path, const char *mode)
{
    return open_stream(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return open_stream(path, mode);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    int f = fd >= 0 ? fault_fd("mmap", fd) : 0;
    if (f > 0) {
        errno = f;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}
