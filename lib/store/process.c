/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is the process that began a run still there? A pid alone lies: pids are reused, other hosts and
 * containers have their own. So a process is its host, boot, pid namespace, pid and start time.
 * Reads /proc; without it nobody is ever called gone but those whose pid is free.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/num.h"
#include "store/internal.h"

/* Up to size-1 bytes of a small file, NUL-terminated; false when it cannot be read. */
static bool read_small(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

/* Field 22 of /proc/PID/stat, behind the command name in parentheses (which may hold anything);
 * 0 for a process that has ended and only waits for its parent, -1 when there is none to see. */
static int64_t process_start(int64_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    if (!read_small(path, text, sizeof(text)))
        return -1;
    const char *p = strrchr(text, ')');
    if (p && (strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0))
        return 0;
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return -1;
    p++;
    int64_t ticks;
    return num_parse_int(slice_of(p, strcspn(p, " \n")), &ticks) ? ticks : -1;
}

static void boot_read(char out[96])
{
    char boot[64] = "", space[32] = "";
    if (read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)))
        boot[strcspn(boot, "\n")] = '\0';
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
    space[n > 0 ? n : 0] = '\0';
    snprintf(out, 96, "%.60s %.30s", boot, space);
}

void store_process_read(struct store_process *p, int64_t pid)
{
    if (gethostname(p->host, sizeof(p->host)))
        p->host[0] = '\0';
    p->host[sizeof(p->host) - 1] = '\0';
    boot_read(p->boot);
    p->start = process_start(pid);
}

bool store_process_gone(const char *host, const char *boot, int64_t pid, int64_t start)
{
    if (!host || !boot || pid <= 0)
        return false;
    struct store_process now;
    store_process_read(&now, pid);
    if (strcmp(now.host, host) != 0)
        return false;
    if (strcmp(now.boot, boot) != 0) {
        /* Another boot: gone. The same boot in another pid namespace: nobody can tell from here. */
        size_t id = strcspn(boot, " ");
        return id > 0 && strncmp(now.boot, boot, id + 1) != 0;
    }
    if (now.start < 0)
        return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
    return start >= 0 && now.start != start;
}
