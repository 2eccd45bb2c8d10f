/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What kinds of values a chunk of a column holds. Internal to profile/. */
#ifndef FORELINE_PROFILE_KINDS_H
#define FORELINE_PROFILE_KINDS_H

#include "profile/column.h"

/* Which code does it: the best for this processor, or what runs everywhere (for tests). The results
 * are the same bit for bit. */
enum column_code { COLUMN_BEST, COLUMN_PORTABLE };
#if defined(__x86_64__) && defined(__GNUC__)
/* What processors with AVX2 have beside it. Not FMA: it rounds differently. */
#define COLUMN_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,movbe")))
#else
#define COLUMN_AVX2
#endif
/* Loops that are compiled twice: for AVX2, and for what runs everywhere. */
#define COLUMN_INLINE static inline __attribute__((always_inline))
static inline bool column_has_avx2(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

/* Sets prefix and tail of the first n of w->value, at whose texts TEXT_ROOM bytes are
 * readable, and what is known of their lengths. */
void column_look(uint32_t n, struct column_scratch *w, enum column_code code);
/* Behind that: sets their hash, that of hash_bytes. */
void column_hash(uint32_t n, struct column_scratch *w, enum column_code code);
/* Sets w->element[k] for the value w->fresh[k], k below nfresh: distinct_of_text. The indices in
 * `fresh` rise. */
void column_elements(size_t nfresh, struct column_scratch *w, enum column_code code);

/* Sets w->kind of the n values of a chunk, whose prefix and tail are there, counts them in c->kinds
 * with the first line of each, and keeps the smallest and largest number and instant. The numbers
 * among them go to w->number in order; returns how many. `json`: see struct column_sizes. */
size_t column_classify(struct column_state *c, bool json, uint32_t n, const uint64_t *line,
                       struct column_scratch *w, enum column_code code);

/* Sets w->format of the n values, whose kinds are there: the bits of profile_formats for strings, 0
 * for others. */
void column_formats(uint32_t n, struct column_scratch *w, enum column_code code);

struct plain {
    enum type kind; /* TYPE_INTEGER, TYPE_FLOAT or KIND_ZERO_CODE: that of all values */
    double least, most;
};
/* Are all n values unquoted numbers (or codes) of one kind with at most 8 bytes and no exponent?
 * Then they are in w->number. False when not, or when the processor cannot tell fast. */
bool column_plain(struct column_scratch *w, uint32_t n, struct plain *out);
/* Are all n values strings by their first bytes? False too when that alone does not tell, or when
 * the processor cannot tell fast. Not of JSON. */
bool column_texts(const struct column_scratch *w, uint32_t n);

#endif
