/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes what is generated from the option tables: man pages and completions.
 *   gendocs DIR            of the tools, below DIR (share/man, completions/bash, …)
 *   gendocs --sample DIR   of the table of tests/unit/cli_sample.h
 *   gendocs --check        looks for mistakes in the tables
 *   gendocs --names        the tools, one on a line
 *   gendocs --examples     of each tool's --help: TOOL, a tab, the command on one line
 * `make docs` runs it in the source tree; tests/docs/generated.sh compares. Not installed.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "tests/docs/tools.h"
#include "tests/unit/cli_sample.h"

/* Of the last change to the tables that readers should know of. */
#define DOCS_DATE "November 20, 2026"

static const struct tool *const sample_tools[] = {&sample_tool, NULL};

static bool write_file(const char *dir, const char *folder, const char *prefix, const char *name,
                       const char *suffix, struct buf *text)
{
    char *path = xasprintf("%s/%s/%s%s%s", dir, folder, prefix, name, suffix);
    FILE *f = fopen(path, "w");
    bool ok = f != NULL && !text->overflow && fwrite(text->p, 1, text->len, f) == text->len;

    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "gendocs: cannot write '%s': %s\n", path, strerror(errno));
    free(path);
    buf_clear(text);
    return ok;
}

static bool make_folders(const char *dir)
{
    static const char *const folders[] = {"share",           "share/man",
                                          "completions",     "completions/bash",
                                          "completions/zsh", "completions/fish"};

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        char *path = xasprintf("%s/%s", dir, folders[i]);
        bool ok = mkdir(path, 0777) == 0 || errno == EEXIST;

        if (!ok)
            fprintf(stderr, "gendocs: cannot make '%s': %s\n", path, strerror(errno));
        free(path);
        if (!ok)
            return false;
    }
    return true;
}

static bool generate(const struct tool *const *tools, const char *dir)
{
    struct buf text = BUF_INIT(1 << 20);
    bool ok = make_folders(dir);

    for (; ok && *tools != NULL; tools++) {
        const struct tool *t = *tools;

        cli_write_man(&text, t, PACKAGE_VERSION, DOCS_DATE);
        ok = write_file(dir, "share/man", "", t->name, ".1", &text) && ok;
        cli_write_bash(&text, t);
        ok = write_file(dir, "completions/bash", "", t->name, "", &text) && ok;
        cli_write_zsh(&text, t);
        ok = write_file(dir, "completions/zsh", "_", t->name, "", &text) && ok;
        cli_write_fish(&text, t);
        ok = write_file(dir, "completions/fish", "", t->name, ".fish", &text) && ok;
    }
    buf_release(&text);
    return ok;
}

static bool check(const struct tool *const *tools)
{
    struct buf problems = BUF_INIT(1 << 20);
    bool ok = true;

    for (; *tools != NULL; tools++)
        ok = cli_check_table(*tools, &problems) && ok;
    fputs(buf_str(&problems), stderr);
    buf_release(&problems);
    return ok;
}

static void examples(const struct tool *const *tools)
{
    for (; *tools != NULL; tools++) {
        for (const struct tool_example *e = (*tools)->examples; e->what != NULL; e++) {
            printf("%s\t", (*tools)->name);
            for (const char *p = e->command; *p != '\0'; p++)
                putchar(*p == '\n' ? ' ' : *p);
            putchar('\n');
        }
    }
}

int main(int argc, char **argv)
{
    bool ok = false;

    if (argc == 2 && strcmp(argv[1], "--check") == 0) {
        ok = check(docs_tools);
    } else if (argc == 2 && strcmp(argv[1], "--names") == 0) {
        for (const struct tool *const *t = docs_tools; *t != NULL; t++)
            puts((*t)->name);
        ok = true;
    } else if (argc == 2 && strcmp(argv[1], "--examples") == 0) {
        examples(docs_tools);
        ok = true;
    } else if (argc == 3 && strcmp(argv[1], "--sample") == 0) {
        ok = generate(sample_tools, argv[2]);
    } else if (argc == 2 && argv[1][0] != '-') {
        ok = generate(docs_tools, argv[1]);
    } else {
        fputs("usage: gendocs [--sample] DIR | --check | --names | --examples\n", stderr);
    }
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
