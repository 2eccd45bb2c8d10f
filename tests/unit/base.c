/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/base: numbers, time, hashes, maps, arenas, errors. */
#include "tests/unit/suite.h"

#include <math.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/murmur.h"
#include "base/nearest.h"
#include "base/num.h"
#include "base/pack.h"
#include "base/rng.h"
#include "base/uuid.h"

START_TEST(integers_follow_json_grammar)
{
    int64_t i;
    ck_assert(num_parse_int(SLICE_LIT("-9223372036854775808"), &i) && i == INT64_MIN);
    ck_assert(num_parse_int(SLICE_LIT("9223372036854775807"), &i) && i == INT64_MAX);
    ck_assert(num_parse_int(SLICE_LIT("0"), &i) && i == 0);
    static const char *const bad[] = {"",
                                      "-",
                                      "01",
                                      "+1",
                                      "1.0",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "9223372036854775808",
                                      "--1",
                                      "1-",
                                      "-9223372036854775809",
                                      "100000000000000000000"};
    for (size_t k = 0; k < ARRAY_LEN(bad); k++)
        ck_assert_msg(!num_parse_int(slice_str(bad[k]), &i), "'%s' was taken", bad[k]);
}
END_TEST

START_TEST(floats_read_exactly_as_strtod_does)
{
    static const char *const good[] = {"0.1",
                                       "1e22",
                                       "1e23",
                                       "123456789012345678901234567890",
                                       "5e-324",
                                       "1.7976931348623157e308",
                                       "-0.0",
                                       "3.14159265358979323846264338",
                                       "2.2250738585072011e-308",
                                       "9007199254740993",
                                       "0.000001e6",
                                       "0e99999999"};
    double d;
    for (size_t k = 0; k < ARRAY_LEN(good); k++) {
        ck_assert_msg(num_parse_float(slice_str(good[k]), &d), "%s", good[k]);
        ck_assert_msg(d == strtod(good[k], NULL), "%s", good[k]);
    }
    static const char *const bad[] = {".5",  "5.",    "1e",    "1e+", "nan",
                                      "inf", "1e999", "0x1p3", "1,5"};
    for (size_t k = 0; k < ARRAY_LEN(bad); k++)
        ck_assert_msg(!num_parse_float(slice_str(bad[k]), &d), "'%s' was taken", bad[k]);
}
END_TEST

START_TEST(an_integer_beyond_64_bits_is_no_number)
{
    int64_t i;
    double d;
    ck_assert_int_eq(num_classify(SLICE_LIT("18446744073709551616"), &i, &d), 0);
    ck_assert_int_eq(num_classify(SLICE_LIT("18446744073709551616.0"), &i, &d), 'f');
    ck_assert_int_eq(num_classify(SLICE_LIT("42"), &i, &d), 'i');
    ck_assert(i == 42 && d == 42);
}
END_TEST

/* Significant digits of a plain or scientific decimal. */
static int significant(const char *text)
{
    int n = 0, zeros = 0;
    for (const char *c = text + strspn(text, "-0."); *c && *c != 'e'; c++) {
        if (*c == '0') {
            zeros++;
        } else if (*c != '.') {
            n += zeros + 1;
            zeros = 0;
        }
    }
    return n;
}

static void check_double(double d)
{
    char text[NUM_TEXT_MAX], other[64];
    ck_assert_uint_eq(num_format_double(text, d), strlen(text));
    ck_assert_msg(strtod(text, NULL) == d, "%.17g became %s", d, text);
    for (int p = 1; p < 17; p++) {
        snprintf(other, sizeof(other), "%.*e", p - 1, d);
        if (strtod(other, NULL) == d) {
            ck_assert_msg(significant(text) <= p, "%s has more than %d digits", text, p);
            return;
        }
    }
}

START_TEST(doubles_are_written_shortest_and_read_back_equal)
{
    struct rng r;
    rng_seed(&r, 7);
    for (int k = 0; k < 20000; k++) {
        uint64_t bits = rng_u64(&r);
        double d;
        memcpy(&d, &bits, sizeof(d));
        if (isfinite(d))
            check_double(d);
        check_double(5e-324 * (double)(1 + rng_below(&r, 100000))); /* subnormal */
        check_double((double)rng_below(&r, 1000000) / 100);
        check_double((double)rng_below(&r, UINT64_C(1) << 54));
        check_double(rng_normal(&r) * 1e3);
    }
    static const struct {
        double d;
        const char *text;
    } known[] = {{1e15, "1000000000000000"},
                 {-1.5, "-1.5"},
                 {0.001, "0.001"},
                 {NAN, "null"},
                 {-0.0, "0"},
                 {1e300, "1e+300"},
                 {9007199254740991.0, "9007199254740991"}};
    for (size_t k = 0; k < ARRAY_LEN(known); k++) {
        char text[NUM_TEXT_MAX];
        num_format_double(text, known[k].d);
        ck_assert_str_eq(text, known[k].text);
    }
}
END_TEST

START_TEST(sizes_percents_and_durations_take_their_units)
{
    uint64_t b;
    double d;
    ck_assert(num_parse_size("64MiB", &b) && b == 64u << 20);
    ck_assert(num_parse_size("1.5KB", &b) && b == 1500);
    ck_assert(!num_parse_size("5 parsecs", &b) && !num_parse_size("", &b));
    ck_assert(!num_parse_size("-1", &b));
    ck_assert(num_parse_percent("2.5%", &d) && d == 0.025);
    ck_assert(!num_parse_percent("101", &d) && !num_parse_percent("-1", &d));
    ck_assert(duration_parse("1d", &d) && d == 86400);
    ck_assert(duration_parse("90", &d) && d == 90);
    ck_assert(!duration_parse("1y", &d) && !duration_parse("", &d));
    char text[INSTANT_TEXT];
    duration_format(text, 0.35);
    ck_assert_str_eq(text, "350 ms");
    duration_format(text, 7500);
    ck_assert_str_eq(text, "2 h 05 min");
    char num[NUM_TEXT_MAX];
    num_format_size(num, 1.5 * 1024 * 1024);
    ck_assert_str_eq(num, "1.5 MiB");
    num_format_grouped(num, -1234567);
    ck_assert_str_eq(num, "-1,234,567");
}
END_TEST

START_TEST(dates_exist_on_the_calendar)
{
    int64_t days, y;
    int m, d;
    ck_assert(date_parse(SLICE_LIT("1970-01-01"), &days) && days == 0);
    ck_assert(date_parse(SLICE_LIT("2000-02-29"), &days) && days == 11016);
    ck_assert(!date_parse(SLICE_LIT("1900-02-29"), &days));
    ck_assert(!date_parse(SLICE_LIT("2026-13-01"), &days));
    ck_assert(!date_parse(SLICE_LIT("2026-1-01"), &days));
    for (int64_t k = -1000000; k < 1000000; k += 997) {
        civil_from_days(k, &y, &m, &d);
        ck_assert_int_eq(days_from_civil(y, m, d), k);
    }
}
END_TEST

START_TEST(timestamps_take_iso_8601_and_nothing_else)
{
    static const char *const good[][2] = {
        {"2026-11-20T06:00:00+02:00", "2026-11-20T04:00:00Z"},
        {"2001-01-01 00:47", "2001-01-01T00:47:00Z"},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"},
        {"2026-01-01T00:00:00.123456789-0130", "2026-01-01T01:30:00.123456Z"},
    };
    int64_t us;
    char text[INSTANT_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_assert_msg(timestamp_parse(slice_str(good[i][0]), &us), "%s", good[i][0]);
        instant_format(text, us);
        ck_assert_str_eq(text, good[i][1]);
    }
    static const char *const bad[] = {
        "2001/01/01 00:47", "2001-01-01T24:00:00Z", "2001-01-01T00:00:00 ",
        "2001-01-01T00",    "2001-01-01T00:00:00.", "2001-01-01T00:00:00+1",
        "2001-01-01"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!timestamp_parse(slice_str(bad[i]), &us), "%s", bad[i]);
}
END_TEST

START_TEST(a_time_of_day_is_the_next_one)
{
    int64_t now, us;
    char text[INSTANT_TEXT];
    instant_parse(SLICE_LIT("2026-11-20T07:00:00Z"), &now);
    ck_assert(time_parse("06:00", now, &us));
    instant_format(text, us);
    ck_assert_str_eq(text, "2026-11-21T06:00:00Z");
    ck_assert(!time_parse("25:00", now, &us));
}
END_TEST

START_TEST(sha256_gives_the_standards_vectors)
{
    struct sha256 s;
    char hex[SHA256_HEX];
    sha256_init(&s);
    sha256_hex(&s, hex);
    ck_assert_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_init(&s);
    sha256_add(&s, "abc", 3);
    sha256_hex(&s, hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_init(&s);
    for (int i = 0; i < 1000000; i++)
        sha256_add(&s, "a", 1);
    sha256_hex(&s, hex);
    ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(murmur_gives_what_its_author_publishes)
{
    /* smhasher's check (VerificationTest): the hash of the hashes of 0, 1, … 255 bytes. */
    unsigned char key[256], hashes[16 * 256];
    for (unsigned i = 0; i < 256; i++) {
        key[i] = (unsigned char)i;
        struct murmur m = murmur_hash(key, i, 256 - i);
        for (unsigned b = 0; b < 8; b++) {
            hashes[16 * i + b] = (unsigned char)(m.h1 >> 8 * b);
            hashes[16 * i + 8 + b] = (unsigned char)(m.h2 >> 8 * b);
        }
    }
    ck_assert_uint_eq((uint32_t)murmur_hash(hashes, sizeof(hashes), 0).h1, 0x6384ba69);
    struct murmur m = murmur_hash("hello", 5, 1); /* of Guava's tests */
    ck_assert(m.h1 == UINT64_C(0xa78ddff5adae8d10) && m.h2 == UINT64_C(0x128900ef20900135));
    m = murmur_hash(NULL, 0, 0);
    ck_assert(m.h1 == 0 && m.h2 == 0);
}
END_TEST

START_TEST(images_read_back_and_end_where_they_end)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    double x[2] = {-0.0, 1e300}, y[2];
    pack_uint(&b, 0x1234, 2);
    pack_uint(&b, UINT64_MAX, 8);
    pack_double(&b, 1.5);
    pack_doubles(&b, x, 2);
    ck_assert(memcmp(b.p, "\x34\x12\xff", 3) == 0);
    struct unpack u = unpack_of(buf_slice(&b));
    ck_assert_uint_eq(unpack_uint(&u, 2), 0x1234);
    ck_assert(unpack_uint(&u, 8) == UINT64_MAX && unpack_double(&u) == 1.5);
    ck_assert(!unpack_holds(&u, UINT64_MAX / 8 + 1, 8) && unpack_holds(&u, 2, 8));
    ck_assert(unpack_doubles(&u, y, 2) && memcmp(x, y, sizeof(x)) == 0 && !u.bad && u.left == 0);
    ck_assert(unpack_uint(&u, 1) == 0 && u.bad);
    ck_assert(!unpack_doubles(&u, y, 1) && !unpack_holds(&u, 0, 1));
    buf_release(&b);
}
END_TEST

START_TEST(base64_gives_the_standards_vectors)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        buf_clear(&b);
        base64_encode(&b, slice_str(vectors[i][0]));
        ck_assert_str_eq(buf_str(&b), vectors[i][1]);
        buf_clear(&b);
        buf_adds(&b, "x");
        ck_assert(base64_decode(&b, slice_str(vectors[i][1])));
        ck_assert(b.len == 1 + strlen(vectors[i][0]) && strcmp(b.p + 1, vectors[i][0]) == 0);
    }
    static const char *const bad[] = {
        "Zg=", "Zg", "Zh==", "Zm9=", "Z===", "Zg==Zg==", "Zm9 ", "Zm-v", "====", "Zm\n9v"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        buf_clear(&b);
        buf_adds(&b, "x");
        ck_assert_msg(!base64_decode(&b, slice_str(bad[i])), "%s", bad[i]);
        ck_assert_str_eq(buf_str(&b), "x");
    }
    buf_release(&b);
}
END_TEST

START_TEST(hashes_of_words_are_those_of_their_bytes)
{
    struct rng r;
    rng_seed(&r, 11);
    for (size_t len = 0; len <= 16; len++) {
        unsigned char b[16] = {0};
        uint64_t w[2] = {0, 0};
        for (size_t i = 0; i < len; i++) {
            b[i] = (unsigned char)rng_u64(&r);
            w[i / 8] |= (uint64_t)b[i] << (8 * (i % 8));
        }
        ck_assert_uint_eq(hash_words(w[0], w[1], len), hash_bytes(b, len, 0));
        if (len == 16)
            break;
        struct murmur m = murmur_words(w[0], w[1], len, 5), n = murmur_hash(b, len, 5);
        ck_assert(m.h1 == n.h1 && m.h2 == n.h2);
    }
}
END_TEST

START_TEST(each_input_bit_flips_half_the_hash)
{
    struct rng r;
    rng_seed(&r, 3);
    for (size_t len = 1; len <= 40; len++) {
        double flips = 0;
        const int rounds = 40;
        unsigned char b[40];
        for (int k = 0; k < rounds; k++) {
            for (size_t i = 0; i < len; i++)
                b[i] = (unsigned char)rng_u64(&r);
            uint64_t h = hash_bytes(b, len, 1);
            for (size_t bit = 0; bit < len * 8; bit++) {
                b[bit / 8] = (unsigned char)(b[bit / 8] ^ 1u << bit % 8);
                flips += __builtin_popcountll(h ^ hash_bytes(b, len, 1));
                b[bit / 8] = (unsigned char)(b[bit / 8] ^ 1u << bit % 8);
            }
        }
        double mean = flips / (rounds * (double)len * 8);
        ck_assert_msg(fabs(mean - 32) < 1.5, "length %zu: %.2f of 64 bits flip", len, mean);
    }
}
END_TEST

START_TEST(maps_keep_the_order_of_insertion)
{
    struct map m = MAP_INIT;
    char key[32];
    for (int i = 0; i < 5000; i++) {
        bool added;
        snprintf(key, sizeof(key), "k%d", i * 7919 % 5000);
        map_put(&m, slice_str(key), &added)->v.num = i;
        ck_assert(added);
    }
    ck_assert_uint_eq(m.len, 5000);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "k%d", i * 7919 % 5000);
        ck_assert(slice_is(m.entries[i].key, key));
        ck_assert_int_eq(map_get(&m, slice_str(key))->v.num, i);
    }
    ck_assert(!map_get(&m, SLICE_LIT("absent")));
    map_clear(&m);
    ck_assert(!map_get(&m, SLICE_LIT("k1")));
    map_release(&m);
}
END_TEST

START_TEST(arenas_account_for_what_they_take_and_give_back)
{
    struct mem_account acct = {0, 0};
    struct arena a;
    arena_init(&a, &acct);
    for (size_t i = 0; i < 1000; i++) {
        char *p = arena_alloc(&a, i * 37 % 9000);
        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        memset(p, (int)i, i * 37 % 9000);
    }
    ck_assert_uint_eq(acct.now, a.used);
    arena_clear(&a);
    ck_assert_uint_eq(acct.now, a.used);
    arena_release(&a);
    ck_assert_uint_eq(acct.now, 0);
    ck_assert_uint_gt(acct.peak, 1000000);
    uint32_t n = 0, *v = NULL;
    for (uint32_t i = 0; i < 1000; i++)
        *ARENA_PUSH(&a, v, n) = i;
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(v[i], i);
    arena_release(&a);
}
END_TEST

START_TEST(a_buffer_stops_at_its_maximum)
{
    struct buf b = BUF_INIT(10);
    buf_adds(&b, "12345678");
    buf_addf(&b, "%d", 123);
    ck_assert(b.overflow);
    ck_assert_str_eq(buf_str(&b), "12345678");
    buf_clear(&b);
    buf_adds(&b, "0123456789");
    ck_assert(!b.overflow);
    buf_consume(&b, 4);
    ck_assert_str_eq(buf_str(&b), "456789");
    buf_release(&b);
    ck_assert_str_eq(buf_str(&b), "");
}
END_TEST

START_TEST(user_bytes_are_masked_and_cut)
{
    struct quoted q;
    ck_assert_str_eq(quote_slice(&q, SLICE_LIT("a\x1b[31m\x00\xff\xc3\xa9")),
                     "a\\x1b[31m\\x00\\xff\xc3\xa9");
    char big[400];
    memset(big, 1, sizeof(big));
    ck_assert_uint_eq(strlen(quote_slice(&q, slice_of(big, sizeof(big)))), 120 * 4 + 3);
}
END_TEST

START_TEST(utf8_is_what_rfc_3629_says)
{
    static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                                      "\xe2\x82"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert(!utf8_is_valid(slice_str(bad[i])));
    ck_assert(
        utf8_is_valid(SLICE_LIT("plain ascii text, \xe2\x82\xac \xf0\x9f\x98\x80 and more of it")));
}
END_TEST

START_TEST(errors_gain_context_outwards)
{
    struct err e = ERR_INIT;
    ck_assert(!err_set(&e, ERR_DATA, "unterminated %s", "field"));
    ck_assert(!err_prefix(&e, "%s:%d: ", "a.csv", 3));
    ck_assert_str_eq(e.text, "a.csv:3: unterminated field");
    for (int i = 0; i < 200; i++)
        err_prefix(&e, "0123456789");
    ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
    ck_assert_int_eq(e.kind, ERR_DATA);
}
END_TEST

START_TEST(the_nearest_name_is_suggested)
{
    struct nearest n;
    nearest_init(&n, SLICE_LIT("amuont"));
    nearest_try(&n, "customer");
    nearest_try(&n, "amount");
    nearest_try(&n, "account");
    ck_assert_str_eq(n.best, "amount");
    ck_assert_uint_eq(n.distance, 1);
    nearest_init(&n, SLICE_LIT("zzz"));
    nearest_try(&n, "amount");
    ck_assert_ptr_null(n.best);
    ck_assert_uint_eq(edit_distance(SLICE_LIT("kitten"), SLICE_LIT("sitting")), 3);
}
END_TEST

START_TEST(uuids_are_of_version_7_and_sort_by_time)
{
    unsigned char entropy[10];
    char a[UUID_TEXT], b[UUID_TEXT];
    memset(entropy, 255, sizeof(entropy));
    uuid7_format(a, INT64_C(1700000000000000), entropy);
    memset(entropy, 0, sizeof(entropy));
    uuid7_format(b, INT64_C(1700000000001000), entropy);
    ck_assert(uuid_is_valid(slice_str(a)) && uuid_is_valid(slice_str(b)));
    ck_assert_int_lt(strcmp(a, b), 0);
    ck_assert_int_eq(a[14], '7');
    ck_assert_int_eq(a[19], 'b');
    ck_assert(!uuid_is_valid(SLICE_LIT("018bcfe5-6800-7fff-bfff-ffffffffffzz")));
}
END_TEST

START_TEST(random_numbers_are_the_same_for_a_seed)
{
    struct rng a, b;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    double sum = 0, square = 0;
    for (int i = 0; i < 100000; i++) {
        ck_assert(rng_u64(&a) == rng_u64(&b));
        double z = rng_normal(&a);
        ck_assert(z == rng_normal(&b));
        sum += z;
        square += z * z;
        ck_assert_uint_lt(rng_below(&a, 10), 10);
        rng_below(&b, 10);
    }
    ck_assert_double_lt(fabs(sum / 1e5), 0.02);
    ck_assert_double_lt(fabs(square / 1e5 - 1), 0.02);
}
END_TEST

UNIT_MAIN("base", integers_follow_json_grammar, floats_read_exactly_as_strtod_does,
          an_integer_beyond_64_bits_is_no_number, doubles_are_written_shortest_and_read_back_equal,
          sizes_percents_and_durations_take_their_units, dates_exist_on_the_calendar,
          timestamps_take_iso_8601_and_nothing_else, a_time_of_day_is_the_next_one,
          sha256_gives_the_standards_vectors, murmur_gives_what_its_author_publishes,
          images_read_back_and_end_where_they_end, base64_gives_the_standards_vectors,
          each_input_bit_flips_half_the_hash, hashes_of_words_are_those_of_their_bytes,
          maps_keep_the_order_of_insertion, arenas_account_for_what_they_take_and_give_back,
          a_buffer_stops_at_its_maximum, user_bytes_are_masked_and_cut, utf8_is_what_rfc_3629_says,
          errors_gain_context_outwards, the_nearest_name_is_suggested,
          uuids_are_of_version_7_and_sort_by_time, random_numbers_are_the_same_for_a_seed)
