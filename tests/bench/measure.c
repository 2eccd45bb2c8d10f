/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs one command and says what it used: `measure REPORT CMD ARG…` writes
 * {"cpu_s":…,"wall_s":…,"peak_bytes":…} to the file REPORT and ends as the command did. The peak is
 * the largest resident set of one process of the command. A program of its own, since a process
 * inherits the peak of the one that forked it: a large parent (the script that drives the benches)
 * would hide how little a small tool needs. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval tv)
{
    return (double)tv.tv_sec + (double)tv.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measure REPORT CMD ARG...\n");
        return 2;
    }
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid_t pid = fork();
    if (pid < 0) {
        perror("measure: fork");
        return 125;
    }
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    struct rusage ru;
    int status;
    while (wait4(pid, &status, 0, &ru) < 0)
        if (errno != EINTR)
            return 125;
    clock_gettime(CLOCK_MONOTONIC, &to);
    FILE *f = fopen(argv[1], "w");
    if (!f) {
        perror("measure: report");
        return 125;
    }
    fprintf(f, "{\"cpu_s\":%.6f,\"wall_s\":%.6f,\"peak_bytes\":%ld}\n",
            seconds(ru.ru_utime) + seconds(ru.ru_stime),
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9,
            ru.ru_maxrss * 1024L);
    if (fclose(f) != 0)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
