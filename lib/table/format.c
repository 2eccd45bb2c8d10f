/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of formats. What tells a format from the first bytes is in reader.c. */
#include <strings.h>

#include "table/reader.h"

bool format_parse(const char *name, enum format *out)
{
    static const struct {
        const char *name;
        enum format format;
    } names[] = {{"csv", FORMAT_CSV},     {"tsv", FORMAT_TSV},      {"tab", FORMAT_TSV},
                 {"jsonl", FORMAT_JSONL}, {"ndjson", FORMAT_JSONL}, {"json", FORMAT_JSONL}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(name, names[i].name) == 0) {
            *out = names[i].format;
            return true;
        }
    }
    return false;
}

const char *format_name(enum format f)
{
    static const char *const names[] = {"auto", "csv", "tsv", "jsonl"};
    return names[f];
}

enum format format_of_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    char base[256];
    snprintf(base, sizeof(base), "%s", slash ? slash + 1 : path);
    char *dot = strrchr(base, '.');
    if (dot && (strcasecmp(dot, ".gz") == 0 || strcasecmp(dot, ".zst") == 0)) {
        *dot = '\0';
        dot = strrchr(base, '.');
    }
    enum format f = FORMAT_AUTO;
    if (dot)
        format_parse(dot + 1, &f);
    return f;
}
