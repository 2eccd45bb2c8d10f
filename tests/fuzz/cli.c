/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line: words, one on a line behind a first line that is the configuration file. What
 * is refused is refused with status 2, 4 or 0 (help), never with a crash.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/cli_internal.h"
#include "tests/unit/cli_sample.h"

#define WORDS 32

/* A file without a name, as no test should leave one behind. */
static const char *config_file(const char *text, size_t n)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        char name[] = "/tmp/foreline-fuzz-cli.XXXXXX";

        fd = mkstemp(name);
        unlink(name);
        snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, text, n, 0) != (ssize_t)n)
        BUG("cannot write %s", path);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sample_opts values = SAMPLE_OPTS_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    char *argv[WORDS + 4], **operands = NULL, *p, *next;
    int argc = 0, status = -1;
    size_t noperands = 0;

    buf_add(&text, data, size);
    p = text.len > 0 ? text.p : NULL;
    next = p != NULL ? memchr(p, '\n', text.len) : NULL;
    argv[argc++] = (char *)(uintptr_t) "etl-sample";
    if (next != NULL) {
        argv[argc++] = (char *)(uintptr_t) "--config";
        argv[argc++] = (char *)(uintptr_t)config_file(p, (size_t)(next - p));
        for (p = next + 1; p != NULL && argc < WORDS; p = next) {
            next = strchr(p, '\n');
            if (next != NULL)
                *next++ = '\0';
            argv[argc++] = p;
        }
    }
    argv[argc] = NULL;
    if (cli_parse(&sample_tool, argc, argv, &values, &operands, &noperands, &status)) {
        if (noperands > (size_t)argc || operands[noperands] != NULL)
            BUG("operands do not end");
        if (values.jobs < 1 || values.jobs > 64 || values.delimiter < -1 || values.delimiter > 255)
            BUG("a value out of its range");
    } else if (status != STATUS_OK && status != STATUS_USAGE && status != STATUS_ENV) {
        BUG("status %d", status);
    }
    arena_release(&cli_process.keep);
    buf_release(&text);
    return 0;
}
