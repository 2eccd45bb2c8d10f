/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of JSON objects, a line at a time. The text is followed by a line end, which no token
 * contains, so single bytes are looked at without a test for the end; and by BLOCK_SLACK bytes, so
 * that 16 are loaded at a time. */
#include "table/json_scan.h"

#include "base/num.h"
#include "json/json.h"
#include "table/swar.h"

#if defined(__SSE2__) && defined(__GNUC__)
#define JSON_SSE2 1
#include <immintrin.h>
#else
#define JSON_SSE2 0
#endif

/* Further spellings of keys that are remembered; more of them are looked up each time. */
#define SPELLINGS_MAX 4096
#define HEAD 16 /* bytes of a key's text that are compared as words */

/* -- tokens -- */

static inline const char *blanks(const char *p)
{
    /* One test where there is none. */
    while ((unsigned char)*p <= ' ' && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

static const char *skip_digits(const char *p)
{
    while ((unsigned char)(*p - '0') < 10)
        p++;
    return p;
}

/* The end of the number at p; NULL when there is none of JSON's grammar. */
static const char *any_number_end(const char *p)
{
    p += *p == '-';
    const char *digits = p;
    p = skip_digits(p);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (*p == '.') {
        digits = ++p;
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        digits = p;
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    return p;
}

#if JSON_SSE2
/* Which of 16 bytes are a quote, a backslash or a control character. */
static inline unsigned string_stops(const char *p)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i stop =
        _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x));
    return (unsigned)_mm_movemask_epi8(stop);
}

/* The first such byte of a string. 32 at a time, as most strings are shorter than that, and then no
 * branch depends on their length. */
static inline const char *string_stop(const char *p)
{
    for (;; p += 32) {
        unsigned mask = string_stops(p) | string_stops(p + 16) << 16;
        if (mask)
            return p + __builtin_ctz(mask);
    }
}

/* Numbers of up to 15 bytes without an exponent; others the long way. The lengths of the runs of
 * digits come from one mask, so that no branch depends on them. */
static inline const char *number_end(const char *p)
{
    __m128i x = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
    unsigned other =
        ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(9)), x));
    unsigned from = *p == '-';
    unsigned n = (unsigned)__builtin_ctz(other >> from), to = from + n;
    if (n == 0 || (n > 1 && p[from] == '0'))
        return NULL;
    if (p[to] == '.') {
        unsigned behind = (unsigned)__builtin_ctz(other >> (to + 1));
        if (behind == 0)
            return to < HEAD - 1 ? NULL : any_number_end(p);
        to += 1 + behind;
    }
    if (to >= HEAD || (p[to] | 0x20) == 'e')
        return any_number_end(p);
    return p + to;
}
#else
static inline const char *string_stop(const char *p)
{
    for (;; p += 8) {
        uint64_t x = swar_load(p);
        uint64_t below = (x - SWAR_LOW * 0x20) & ~x & SWAR_HIGH;
        if (swar_equal(x, '"') | swar_equal(x, '\\') | below)
            break;
    }
    while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    return p;
}

static inline const char *number_end(const char *p)
{
    return any_number_end(p);
}
#endif

/* string_stop, or another one that finds the same; a constant where what takes it is inlined. */
typedef const char *stop_fn(const char *p);
#define INLINE static inline __attribute__((always_inline))

static bool is_hex(char c)
{
    return (unsigned char)(c - '0') < 10 || (unsigned char)((c | 0x20) - 'a') < 6;
}

/* A string from where the first backslash stands: its closing quote; NULL when there is none, or an
 * escape that is not JSON's. */
static const char *escaped_end(const char *p)
{
    for (;; p = string_stop(p)) {
        if (*p == '"')
            return p;
        if (*p != '\\')
            return NULL;
        switch (p[1]) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't':
            p += 2;
            break;
        case 'u':
            if (!is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
                return NULL;
            p += 6;
            break;
        default:
            return NULL;
        }
    }
}

/* From behind the opening quote to the closing one; NULL when there is none. */
INLINE const char *string_end_by(const char *p, bool *escaped, stop_fn *stop)
{
    p = stop(p);
    *escaped = *p != '"';
    return *escaped ? escaped_end(p) : p;
}

static inline const char *string_end(const char *p, bool *escaped)
{
    return string_end_by(p, escaped, string_stop);
}

/* -- arrays and objects that are not opened -- */

/* Numbers that the reader of json/ would refuse, as beyond a double, must not stand in text that is
 * handed on as JSON. Those of so few bytes and without an exponent are none. */
#define NUMBER_SURE 300
static bool is_a_double(const char *p, const char *to)
{
    double d;
    size_t n = (size_t)(to - p);
    if (n <= NUMBER_SURE && !memchr(p, 'e', n) && !memchr(p, 'E', n))
        return true;
    return num_parse_float(slice_of(p, n), &d);
}

static const char *word_end(const char *p, const char *end, const char *word, size_t n)
{
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0 ? p + n : NULL;
}

/* A value without members at p. */
static const char *scalar_end(const char *p, const char *end)
{
    bool escaped;
    const char *to;
    switch (*p) {
    case '"':
        to = string_end(p + 1, &escaped);
        return to ? to + 1 : NULL;
    case 't':
        return word_end(p, end, "true", 4);
    case 'f':
        return word_end(p, end, "false", 5);
    case 'n':
        return word_end(p, end, "null", 4);
    default:
        to = number_end(p);
        return to && is_a_double(p, to) ? to : NULL;
    }
}

/* From a key's opening quote to the value. */
static const char *key_end(const char *p)
{
    bool escaped;
    if (*p != '"')
        return NULL;
    p = string_end(p + 1, &escaped);
    if (!p)
        return NULL;
    p = blanks(p + 1);
    return *p == ':' ? blanks(p + 1) : NULL;
}

/* The end of the array or object at p. Which of both each level is, is a bit of `arrays`. */
static const char *nested_end(const char *p, const char *end, uint32_t *elements)
{
    uint64_t arrays[JSON_DEPTH_MAX / 64 + 1] = {0};
    unsigned depth = 0;
    *elements = 0;
    while (p) {
        bool array = *p == '[', inside = array || *p == '{';
        if (inside) {
            if (++depth >= JSON_DEPTH_MAX) /* with the record itself */
                return NULL;
            uint64_t bit = UINT64_C(1) << (depth & 63), *word = &arrays[depth >> 6];
            *word = array ? *word | bit : *word & ~bit;
            p = blanks(p + 1);
            if (*p != (array ? ']' : '}')) {
                *elements += depth == 1 && array;
                p = array ? p : key_end(p);
                continue;
            }
        } else {
            p = scalar_end(p, end);
            p = p ? blanks(p) : NULL;
        }
        /* Behind a value, or at the end of an empty one. */
        while (p && *p != ',') {
            array = (arrays[depth >> 6] >> (depth & 63)) & 1;
            if (*p != (array ? ']' : '}'))
                return NULL;
            p++;
            if (--depth == 0)
                return p;
            p = blanks(p);
        }
        if (p) {
            array = (arrays[depth >> 6] >> (depth & 63)) & 1;
            *elements += depth == 1 && array;
            p = blanks(p + 1);
            p = array ? p : key_end(p);
        }
    }
    return NULL;
}

/* -- keys -- */

void json_scan_init(struct json_scan *s)
{
    *s = (struct json_scan){.tmp = BUF_INIT(BUF_UNBOUNDED)};
    arena_init(&s->mem, NULL);
    s->objects_cap = s->keys_cap = 4;
    s->objects = xcalloc(s->objects_cap, sizeof(*s->objects));
    s->keys = xcalloc(s->keys_cap, sizeof(*s->keys));
    s->nobjects = 1;
    /* Key 0 stands where no guess can be made. Its text can only be met at a line's end, where no
     * value follows. */
    s->keys[0] = (struct json_key){.mask = {UINT64_MAX, UINT64_MAX}, .column = -1};
    s->nkeys = 1;
    memset(s->keys[0].text, '\n', sizeof(s->keys[0].text));
}

void json_scan_release(struct json_scan *s)
{
    for (uint32_t i = 0; i < s->nobjects; i++) {
        map_release(&s->objects[i].spelled);
        map_release(&s->objects[i].names);
    }
    free(s->objects);
    free(s->keys);
    free(s->fields);
    free(s->names);
    arena_release(&s->mem);
    buf_release(&s->tmp);
    *s = (struct json_scan){0};
}

/* A spelling (as it stands between the quotes; `plain`: it can stand so) of a key of `object`. */
static uint32_t add_spelling(struct json_scan *s, uint32_t object, struct slice text, bool plain)
{
    if (s->nkeys == s->keys_cap) {
        s->keys_cap *= 2;
        s->keys = xreallocarray(s->keys, s->keys_cap, sizeof(*s->keys));
    }
    uint32_t at = s->nkeys++;
    struct json_key *k = &s->keys[at];
    *k = s->keys[0];
    k->same = at;
    if (!plain)
        return at;
    unsigned char head[HEAD] = {0}, mask[HEAD] = {0};
    k->len = (uint32_t)text.len + 3;
    char *all = arena_alloc(&s->mem, k->len);
    all[0] = '"';
    if (text.len)
        memcpy(all + 1, text.p, text.len);
    memcpy(all + 1 + text.len, "\":", 2);
    size_t n = k->len < HEAD ? k->len : HEAD;
    memcpy(head, all, n);
    memset(mask, 0xff, n);
    memcpy(k->text, head, HEAD);
    memcpy(k->mask, mask, HEAD);
    k->rest = all + n;
    map_put(&s->objects[object].spelled, text, NULL)->v.num = at;
    return at;
}

static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == '"' || name.p[i] == '\\')
            return false;
    return true;
}

uint32_t json_scan_key(struct json_scan *s, uint32_t object, struct slice name)
{
    bool added;
    struct map_entry *e = map_put(&s->objects[object].names, name, &added);
    if (added) {
        e->v.num = add_spelling(s, object, name, is_plain(name));
        s->keys[e->v.num].name = arena_slice(&s->mem, name);
    }
    return (uint32_t)e->v.num;
}

uint32_t json_scan_open(struct json_scan *s, uint32_t key)
{
    struct json_key *k = &s->keys[key];
    if (k->object)
        return k->object;
    if (s->nobjects == s->objects_cap) {
        s->objects_cap *= 2;
        s->objects = xreallocarray(s->objects, s->objects_cap, sizeof(*s->objects));
    }
    k->object = s->nobjects++;
    s->objects[k->object] = (struct json_object){.spelled = MAP_INIT, .names = MAP_INIT};
    return k->object;
}

/* The spelling of a key of `object`, as it stands between the quotes; 0 when it is not known. */
static uint32_t look_up(struct json_scan *s, uint32_t object, struct slice text, bool escaped)
{
    const struct map_entry *e = map_get(&s->objects[object].spelled, text);
    if (e)
        return (uint32_t)e->v.num;
    if (!escaped)
        return 0;
    buf_clear(&s->tmp);
    json_unquote(&s->tmp, text); /* its escapes are good */
    e = map_get(&s->objects[object].names, buf_slice(&s->tmp));
    if (!e)
        return 0;
    uint32_t first = (uint32_t)e->v.num;
    if (s->nspellings >= SPELLINGS_MAX)
        return first;
    s->nspellings++;
    uint32_t at = add_spelling(s, object, text, true);
    s->keys[at].same = first;
    return at;
}

/* Does the text of k stand at p? */
static inline bool stands(const struct json_scan *s, const struct json_key *k, const char *p)
{
    if (((swar_load(p) ^ k->text[0]) & k->mask[0]) | ((swar_load(p + 8) ^ k->text[1]) & k->mask[1]))
        return false;
    return k->len <= HEAD ||
           ((size_t)(s->end - p) >= k->len && memcmp(p + HEAD, k->rest, k->len - HEAD) == 0);
}

/* Where a walk through an object is. */
struct walk {
    uint32_t object;
    uint32_t last, guess; /* spellings; 0: none */
};

/* Reads the key at p, which is not the one that was likely, into *f; behind its colon, or NULL. */
static const char *other_key(struct json_scan *s, struct walk *w, const char *p,
                             struct json_field *f)
{
    bool escaped;
    /* One or two may be missing. */
    for (unsigned i = 0; i < 2 && w->guess; i++) {
        w->guess = s->keys[w->guess].next;
        const struct json_key *k = &s->keys[w->guess];
        if (w->guess && stands(s, k, p)) {
            w->last = w->guess;
            w->guess = k->next;
            f->key = k->same;
            return p + k->len;
        }
    }
    if (*p != '"')
        return NULL;
    const char *to = string_end(p + 1, &escaped);
    if (!to)
        return NULL;
    struct slice text = slice_of(p + 1, (size_t)(to - p - 1));
    uint32_t at = look_up(s, w->object, text, escaped);
    if (at) {
        f->key = s->keys[at].same;
        if (w->last)
            s->keys[w->last].next = at;
        else
            s->objects[w->object].first = at;
        w->last = at;
        w->guess = s->keys[at].next;
    } else {
        if (s->nnames == s->names_cap) {
            s->names_cap = s->names_cap ? 2 * s->names_cap : 16;
            s->names = xreallocarray(s->names, s->names_cap, sizeof(*s->names));
        }
        f->key = JSON_KEY_NONE;
        f->name = (uint32_t)s->nnames;
        s->names[s->nnames++] = (struct json_name){text, escaped};
    }
    p = blanks(to + 1);
    return *p == ':' ? p + 1 : NULL;
}

/* -- lines -- */

static bool is_word(const char *p, const char *word)
{
    return memcmp(p, word, 4) == 0;
}

static inline void set_text(struct json_field *f, const char *from, const char *to, uint32_t flags)
{
    f->text = (struct text){from, (uint32_t)(to - from), flags};
}

/* Reads the value at p, which is no object to be opened, into *f; the end, or NULL. */
INLINE const char *read_value(const struct json_scan *s, const char *p, struct json_field *f,
                              stop_fn *stop)
{
    const char *to;
    uint32_t elements;
    f->escaped = false;
    switch (*p) {
    case '"':
        f->kind = JSON_KIND_TEXT;
        to = string_end_by(++p, &f->escaped, stop);
        if (!to)
            return NULL;
        set_text(f, p, to, TEXT_QUOTED);
        return to + 1;
    case '{':
    case '[':
        f->kind = *p == '[' ? JSON_KIND_ARRAY : JSON_KIND_OBJECT;
        to = nested_end(p, s->end, &elements);
        if (!to)
            return NULL;
        set_text(f, p, to, TEXT_NESTED | elements << TEXT_ELEMENTS_SHIFT);
        return to;
    case 't':
        f->kind = JSON_KIND_BOOLEAN;
        if (!is_word(p, "true"))
            return NULL;
        set_text(f, p, p + 4, 0);
        return p + 4;
    case 'f':
        f->kind = JSON_KIND_BOOLEAN;
        if (!is_word(p + 1, "alse"))
            return NULL;
        set_text(f, p, p + 5, 0);
        return p + 5;
    case 'n':
        f->kind = JSON_KIND_NULL;
        set_text(f, p, p, 0);
        return is_word(p, "null") ? p + 4 : NULL;
    default:
        f->kind = JSON_KIND_NUMBER;
        to = number_end(p);
        if (!to)
            return NULL;
        set_text(f, p, to, 0);
        return to;
    }
}

static struct json_field *field_room(struct json_scan *s)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->fields = xreallocarray(s->fields, s->cap, sizeof(*s->fields));
    }
    return &s->fields[s->n];
}

/* The members of the object whose brace stands before p; behind its closing brace, or NULL. Goes
 * into opened objects, and so as deep as the caller opened them. */
static const char *scan_object(struct json_scan *s, const char *p, uint32_t object)
{
    struct walk w = {object, 0, s->objects[object].first};
    p = blanks(p);
    if (*p == '}')
        return p + 1;
    for (;;) {
        struct json_field *f = field_room(s);
        const struct json_key *k = &s->keys[w.guess];
        const char *from = p;
        f->object = object;
        if (stands(s, k, p)) {
            p += k->len;
            f->key = k->same;
            w.last = w.guess;
            w.guess = k->next;
        } else {
            p = other_key(s, &w, p, f);
        }
        s->failed = p ? p : from;
        if (!p)
            return NULL;
        p = blanks(p);
        uint32_t inside = *p == '{' && f->key != JSON_KEY_NONE ? s->keys[f->key].object : JSON_ROOT;
        s->failed = p;
        if (inside) {
            p = scan_object(s, p + 1, inside);
        } else {
            p = read_value(s, p, f, string_stop);
            s->n++;
        }
        if (!p)
            return NULL;
        p = blanks(p);
        s->failed = p;
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return NULL;
        s->failed = p = blanks(p + 1);
    }
}

bool json_scan_line(struct json_scan *s, struct slice line)
{
    s->n = s->nnames = 0;
    s->end = line.p + line.len;
    const char *p = s->failed = blanks(line.p);
    if (*p != '{')
        return false;
    p = scan_object(s, p + 1, JSON_ROOT);
    if (!p)
        return false;
    s->failed = p = blanks(p);
    return p >= s->end;
}

/* -- rows -- */

/* Nulls have room behind them, too. */
static const char no_text[TEXT_ROOM];

static inline void set_nulls(struct json_row *out, uint32_t from, uint32_t to)
{
    for (; from < to; from++) {
        out->text[from][out->row] = (struct text){no_text, 0, 0};
        out->nulls |= UINT64_C(1) << (from & 63);
    }
}

/* The key at p that is not the likely one: its first spelling, and *end behind its colon; NULL when
 * it is not known. */
static const struct json_key *key_out_of_turn(struct json_scan *s, struct walk *w, const char *p,
                                              const char **end)
{
    struct json_field f;
    *end = other_key(s, w, p, &f);
    return *end && f.key != JSON_KEY_NONE ? &s->keys[f.key] : NULL;
}

/* The value at p to *to; its end, or NULL. */
INLINE const char *fill_value(const struct json_scan *s, const char *p, uint32_t column,
                              struct json_row *out, stop_fn *stop)
{
    struct text *to = &out->text[column][out->row];
    struct json_field f;
    p = read_value(s, p, &f, stop);
    if (p && f.escaped) {
        f.text.flags |= JSON_ESCAPED;
        out->escaped = true;
    }
    if (p && f.kind == JSON_KIND_NULL)
        out->nulls |= UINT64_C(1) << (column & 63);
    if (p) { /* a member each: as a whole it would be loaded from where it was just stored */
        to->p = f.text.p;
        to->len = f.text.len;
        to->flags = f.text.flags;
    }
    return p;
}

typedef const char *fill_fn(struct json_scan *s, const char *p, uint32_t object,
                            struct json_row *out, uint32_t *set);

/* As scan_object; *set: columns before this one have their text. NULL also where the members are
 * not as they mostly are. */
INLINE const char *fill_object_by(struct json_scan *s, const char *p, uint32_t object,
                                  struct json_row *out, uint32_t *set, fill_fn *self, stop_fn *stop)
{
    struct walk w = {object, 0, s->objects[object].first};
    uint32_t next = *set;
    p = blanks(p);
    if (*p == '}')
        return p + 1;
    for (;;) {
        const struct json_key *k = &s->keys[w.guess];
        if (stands(s, k, p)) {
            p += k->len;
            w.last = w.guess;
            w.guess = k->next;
            if (k->column < 0) /* perhaps another spelling */
                k = &s->keys[k->same];
        } else {
            struct walk away = w;
            k = key_out_of_turn(s, &away, p, &p);
            w = away;
            if (!k)
                return NULL;
        }
        p = blanks(p);
        if (*p == '{' && k->object) {
            *set = next;
            p = self(s, p + 1, k->object, out, set);
            next = *set;
        } else {
            if (k->column < 0 || (uint32_t)k->column < next)
                return NULL;
            set_nulls(out, next, (uint32_t)k->column);
            next = (uint32_t)k->column;
            p = fill_value(s, p, next++, out, stop);
        }
        if (!p)
            return NULL;
        p = blanks(p);
        if (*p == '}') {
            *set = next;
            return p + 1;
        }
        if (*p != ',')
            return NULL;
        p = blanks(p + 1);
    }
}

static const char *fill_object(struct json_scan *s, const char *p, uint32_t object,
                               struct json_row *out, uint32_t *set)
{
    return fill_object_by(s, p, object, out, set, fill_object, string_stop);
}

#if JSON_SSE2
#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

/* string_stop with one register for all 32 bytes. */
AVX2 INLINE const char *string_stop_avx2(const char *p)
{
    for (;; p += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i stop = _mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('"')),
                                       _mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\')));
        __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1f)), x);
        unsigned mask = (unsigned)_mm256_movemask_epi8(_mm256_or_si256(stop, low));
        if (mask)
            return p + __builtin_ctz(mask);
    }
}

AVX2 static const char *fill_object_avx2(struct json_scan *s, const char *p, uint32_t object,
                                         struct json_row *out, uint32_t *set)
{
    return fill_object_by(s, p, object, out, set, fill_object_avx2, string_stop_avx2);
}

static fill_fn *best_fill(void)
{
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2");
    return avx2 ? fill_object_avx2 : fill_object;
}
#else
static fill_fn *best_fill(void)
{
    return fill_object;
}
#endif

static bool scan_row(struct json_scan *s, struct slice line, struct json_row *out, fill_fn *fill)
{
    uint32_t set = 0;
    s->nnames = 0;
    s->end = line.p + line.len;
    const char *p = blanks(line.p);
    if (*p != '{')
        return false;
    p = fill(s, p + 1, JSON_ROOT, out, &set);
    if (!p || blanks(p) < s->end)
        return false;
    set_nulls(out, set, out->n);
    return true;
}

bool json_scan_row(struct json_scan *s, struct slice line, struct json_row *out)
{
    return scan_row(s, line, out, best_fill());
}

bool json_scan_row_portable(struct json_scan *s, struct slice line, struct json_row *out)
{
    return scan_row(s, line, out, fill_object);
}
