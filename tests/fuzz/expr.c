/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions: any text is parsed, checked and, where the vector engine takes it, run; libjq is
 * left out. A text that begins with '/' is a regular expression, its subject on the next line. */
#include "fuzz.h"

#include "../unit/expr_rows.h"
#include "pipeline/expr_int.h"

#define ROWS 3
#define INPUT_MAX 4096

static void one_regex(const char *text, size_t size)
{
    struct arena a = ARENA_INIT;
    const char *end = memchr(text, '\n', size);
    size_t len = end ? (size_t)(end - text) : size;
    for (int icase = 0; icase < 2; icase++) {
        struct regex *re = regex_new(&a, slice_of(text, len), icase);
        if (!re || !end)
            continue;
        struct slice subject = slice_of(end + 1, size - len - 1);
        enum regex_answer first = regex_test(re, subject), again = regex_test(re, subject);
        if (first != again && first != REGEX_ASK)
            BUG("a second look at the same text sees something else");
    }
    arena_release(&a);
}

static void one_expression(const char *source)
{
    static char names[][2] = {"i", "x", "b", "s"};
    static struct field fields[] = {{names[0], TYPE_INTEGER, true},
                                    {names[1], TYPE_FLOAT, true},
                                    {names[2], TYPE_BOOLEAN, true},
                                    {names[3], TYPE_STRING, false}};
    static const struct schema schema = {fields, 4};
    static const char *const cells[] = {
        "5",     "-0.5",      "true", "Abc \xc3\xa9 12",      NULL,
        NULL,    NULL,        "",     "-9223372036854775808", "1e300",
        "false", "2026-11-20"};
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct expr e = {.a = &a, .source = source};
    struct reads reads = {ARENA_ARRAY(&a, bool, 5), false};
    uint32_t stop;
    arena_init(&e.mem, NULL);
    arena_init(&e.scratch, NULL);
    struct ast *t = expr_parse(&a, source, &stop);
    if (!t && stop > strlen(source))
        BUG("the place of an error is behind the text");
    if (t && expr_check(source, t, &schema, &reads, &err)) {
        expr_jq_type(t);
        if (expr_lower(&e, t, &schema, &e.root, &err) == LOWERED) {
            struct batch *b = rows_batch(&schema, cells, ROWS, 1);
            struct expr_result eval, test;
            uint64_t keep[BATCH_WORDS];
            e.type = e.root->ct;
            if (!expr_eval(&e, b, b, 4, &eval, &err))
                BUG("evaluation ends: %s", err.text);
            if (!expr_test(&e, b, keep, &test, &err) || test.failed[0] != eval.failed[0])
                BUG("test and eval differ");
            batch_unref(b);
        }
    }
    expr_release(&e);
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    char *text = xstrndup((const char *)data, size);
    if (size > 0 && data[0] == '/')
        one_regex((const char *)data + 1, size - 1);
    else
        one_expression(text);
    free(text);
    return 0;
}
