/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clocks for durations, our own peak memory, and true randomness for names. Not here: the time of
 * day, which is base/instant.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "base/num.h"
#include "os/intern.h"

static double read_clock(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        return 0;
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double clock_wall(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double clock_thread(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double clock_process(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t process_peak_bytes(void)
{
    /* getrusage's ru_maxrss starts, after an exec, with the size of who called it (a shell, a test
     * runner); VmHWM belongs to this image alone. */
    char text[8192];
    if (sys_read("/proc/self/status", text, sizeof(text))) {
        const char *at = strstr(text, "\nVmHWM:");
        if (at)
            return (uint64_t)strtoull(at + 7, NULL, 10) * 1024;
    }
    struct rusage ru;
    return getrusage(RUSAGE_SELF, &ru) == 0 ? (uint64_t)ru.ru_maxrss * 1024 : 0;
}

bool os_entropy(void *p, size_t n)
{
    char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}
