/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON lines: from the text of one object to its members, without a tree. Values stay where they
 * stand in the line; nothing is unescaped or converted here (see jsonl.c), no input or output.
 *
 * The grammar is RFC 8259 to the letter, with duplicate keys left in and nesting bounded by
 * JSON_DEPTH_MAX; whether the text is UTF-8 is the caller's question. Arrays, and objects that were
 * not opened, are checked and counted, but not looked into.
 *
 * Records of one file mostly have the same keys in the same order. So each key that was registered
 * remembers which one came next, and the text is first compared with that key, quotes and colon
 * included; only a key that came out of turn is searched for its end and looked up. (The idea of
 * telling the structure from the last record is that of Li et al. 2017, "Mison: a fast JSON parser
 * for data analytics", section 5.) `make bench-jsonl` sets it beside simdjson: HACKING.md says what
 * that gave.
 */
#ifndef FORELINE_JSON_SCAN_H
#define FORELINE_JSON_SCAN_H

#include "base/buf.h"
#include "base/map.h"
#include "table/batch.h"

#define JSON_KEY_NONE UINT32_MAX
#define JSON_ROOT 0u

/* A key, in one spelling: `\u0061` and `a` are two spellings of one key. */
struct json_key {
    uint64_t text[2], mask[2]; /* the first 16 bytes of `"key":` */
    const char *rest;          /* the others */
    uint32_t len;              /* of all; 0: has no such text */
    uint32_t next;             /* the spelling that is likely to come behind it */
    uint32_t same;             /* the first spelling of the same key, which has what follows */
    int32_t column;            /* of the caller: -1 at first */
    uint32_t object;           /* what an object under this key is opened as; 0: it is not */
    struct slice name;         /* the key itself */
};
/* An object that is opened: the line itself (JSON_ROOT), or one inside. */
struct json_object {
    struct map spelled; /* text as it stands between the quotes: v.num is the index in `keys` */
    struct map names;   /* the key itself: likewise, of its first spelling */
    uint32_t first;     /* the spelling that is likely to come first */
    struct slice path;  /* of the caller: how its members' names begin */
    uint32_t depth;     /* of the caller */
};

enum json_kind {
    JSON_KIND_NUMBER,
    JSON_KIND_BOOLEAN,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT, /* one that is not opened */
    JSON_KIND_NULL,
};
struct json_field {
    struct text text; /* the value with its flags; strings without quotes, no bytes for a null */
    uint32_t key;     /* its first spelling, or JSON_KEY_NONE when it was not registered */
    uint32_t name;    /* then: which one of `names` */
    uint32_t object;  /* whose member it is */
    uint8_t kind;     /* enum json_kind */
    bool escaped;     /* a string with escapes, all of which are good */
};
/* A key that is not registered, as it stands between the quotes. */
struct json_name {
    struct slice text;
    bool escaped;
};

struct json_scan {
    struct json_key *keys;
    struct json_object *objects;
    uint32_t nkeys, keys_cap, nobjects, objects_cap, nspellings;
    struct json_field *fields; /* of the last line */
    size_t n, cap;
    struct json_name *names; /* of the last line */
    size_t nnames, names_cap;
    const char *end;    /* of that line */
    const char *failed; /* where it stops being JSON */
    struct arena mem;
    struct buf tmp;
};
void json_scan_init(struct json_scan *s);
void json_scan_release(struct json_scan *s);
/* Registers a key (not escaped) of an object; the same index when it is known. */
uint32_t json_scan_key(struct json_scan *s, uint32_t object, struct slice name);
/* Objects under this key (a first spelling) are opened from now on; their index. */
uint32_t json_scan_open(struct json_scan *s, uint32_t key);
/* The members of the line, those of opened objects in their place, into s->fields; valid until the
 * next call. False when the line is no JSON object, with s->failed in the line or at its end. The
 * line must be followed by a line end (CR or LF) and BLOCK_SLACK readable bytes. */
bool json_scan_line(struct json_scan *s, struct slice line);

/* -- a line into a row -- */

/* In the flags of texts that json_scan_row sets: as it stands in the line, with escapes. */
#define JSON_ESCAPED 4u

struct json_row {
    struct text *const *text; /* of each column: where its texts stand */
    uint32_t n, row;          /* columns; the row to set */
    bool escaped;             /* out: a text has JSON_ESCAPED, set here and cleared by nobody */
    uint64_t nulls;           /* out, likewise: bit c & 63 is set where column c is null */
};
/* The common case of json_scan_line, without members in between: when they come in the order of the
 * columns of their keys, all known, the row is set in each column (as null where none came). False
 * when they do not, or when the line is no JSON object: then nothing is known of it, and what
 * stands in the row is unspecified. */
bool json_scan_row(struct json_scan *s, struct slice line, struct json_row *out);
/* The same without what only some processors have (AVX2): for tests. */
bool json_scan_row_portable(struct json_scan *s, struct slice line, struct json_row *out);

#endif
