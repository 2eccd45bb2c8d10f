/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job for two scanners of JSON lines, see jsonl_scan.c. */
#ifndef FORELINE_JSONL_SIMDJSON_H
#define FORELINE_JSONL_SIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_slice {
    const char *p;
    size_t len;
    uint32_t column, kind;
    bool escaped;
};
struct json_totals {
    uint64_t records, fields, bytes;
};

#ifdef __cplusplus
extern "C" {
#endif
/* `data` holds `len` bytes of JSON lines and is readable up to `cap`, at least 64 bytes more. */
bool simdjson_many(const char *data, size_t len, size_t cap, struct json_totals *t);
bool simdjson_lines(const char *data, size_t len, size_t cap, struct json_totals *t);
#ifdef __cplusplus
}
#endif

#endif
