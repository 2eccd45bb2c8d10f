/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replays a harness's corpus, so that `make check` sees every input that was ever worth keeping:
 * one TAP case a file. Without libFuzzer; given files as arguments, it replays those.
 *   usage: NAME [FILE…]      (else every file of $srcdir/tests/fuzz/corpus/NAME) */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

#include "os/os.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **corpus_files(const char *name, size_t *n)
{
    const char *srcdir = getenv("srcdir");
    char *dir = xasprintf("%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
    char **files = NULL;
    DIR *d = opendir(dir);
    *n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        files = xreallocarray(files, *n + 1, sizeof(char *));
        files[(*n)++] = xasprintf("%s/%s", dir, e->d_name);
    }
    if (d)
        closedir(d);
    if (*n)
        qsort(files, *n, sizeof(char *), by_name);
    free(dir);
    return files;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    size_t n = (size_t)argc - 1, failed = 0;
    char **files = argc > 1 ? argv + 1 : corpus_files(name, &n);
    printf("1..%zu\n", n ? n : 1);
    if (n == 0)
        printf("not ok 1 - %s has a corpus\n", name);
    for (size_t i = 0; i < n; i++) {
        struct buf in = BUF_INIT(BUF_UNBOUNDED);
        struct err err = ERR_INIT;
        const char *base = strrchr(files[i], '/');
        bool ok = file_read_all(files[i], BUF_UNBOUNDED, &in, &err);
        /* A copy of just its size: a sanitizer then sees reads beyond the end. */
        void *copy = xmemdup(in.p, in.len);
        fflush(stdout);
        if (ok)
            LLVMFuzzerTestOneInput(copy, in.len);
        printf("%sok %zu - %s survives %s%s%s\n", ok ? "" : "not ", i + 1, name,
               base ? base + 1 : files[i], ok ? "" : ": ", err.text);
        failed += !ok;
        free(copy);
        buf_release(&in);
        if (argc == 1)
            free(files[i]);
    }
    if (argc == 1)
        free(files);
    return failed || n == 0;
}
