/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/pipeline: what is refused before anything runs, and with which words; what binding finds out.
 */
#include "tests/unit/suite.h"

#include <math.h>
#include <unistd.h>

#include "base/hash.h"
#include "os/os.h"
#include "pipeline/pipeline.h"

static char dir[256];

static void put(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", dir, name);
    struct atomic_file f;
    struct err err = ERR_INIT;
    ck_assert_msg(atomic_open(&f, path, &err) && atomic_write(&f, text, strlen(text), &err) &&
                      atomic_commit(&f, &err),
                  "%s", err.text);
    free(path);
}

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof(dir), "%s/pipeline-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    put("orders.csv",
        "id,customer,amount,status,day\n1,7,10.5,paid,2026-01-02\n2,8,,open,2026-01-03\n");
    put("customers.csv", "customer,name,country\n7,Ann,DE\n8,Bob,FR\n");
}

/* The file with these stages; the path is static. */
static const char *file_of(const char *stages)
{
    static char path[400];
    char *text = xasprintf(
        "{\"pipeline\": \"t\", \"params\": {\"ds\": null, \"n\": 5}, \"stages\": [\n%s\n]}",
        stages);
    put("p.json", text);
    free(text);
    snprintf(path, sizeof(path), "%s/p.json", dir);
    return path;
}

#define READS                                                        \
    "{\"id\":\"orders\",\"op\":\"read\",\"path\":\"orders.csv\"},\n" \
    "{\"id\":\"customers\",\"op\":\"read\",\"path\":\"customers.csv\"},\n"

/* Loads and binds; the error without the file's folder, "" when all is well. */
static const char *refusal(const char *stages)
{
    static char text[1100];
    struct pipeline p;
    struct err err = ERR_INIT;
    const struct param ds = {"ds", "x"};
    bool ok = pipeline_load(&p, file_of(stages), &ds, 1, &err) && pipeline_bind(&p, NULL, 0, &err);
    pipeline_release(&p);
    const char *at = strstr(err.text, "p.json:");
    snprintf(text, sizeof(text), "%s", ok ? "" : at ? at : err.text);
    return text;
}

static const struct {
    const char *stages, *message;
} refused[] = {
    {READS "{\"id\":\"x\",\"op\":\"fliter\",\"where\":\"true\"}",
     "p.json:4: stage 'x': unknown operation 'fliter'; did you mean 'filter'?"},
    {READS "{\"id\":\"x\",\"op\":\"filter\",\"wher\":\"true\"}",
     "p.json:4: stage 'x': a filter has no field 'wher'; did you mean 'where'?"},
    {READS "{\"id\":\"x\",\"op\":\"filter\"}",
     "p.json:4: stage 'x': 'where' is missing: a filter needs it"},
    {READS "{\"id\":\"x\",\"op\":\"select\",\"input\":\"order\",\"columns\":[\"id\"]}",
     "p.json:4: stage 'x': 'input' names the unknown stage 'order'; did you mean 'orders'?"},
    {READS "{\"id\":\"x\",\"op\":\"select\",\"input\":\"orders\",\"columns\":[\"amuont\"]}",
     "p.json:4: stage 'x': 'columns' names the unknown column 'amuont'; did you mean 'amount'?"},
    {READS "{\"id\":\"x\",\"op\":\"sort\",\"by\":[\"zip\"]}",
     "p.json:4: stage 'x': 'by' names the unknown column 'zip'; there are: customer, name, "
     "country"},
    {READS "{\"id\":\"orders\",\"op\":\"limit\",\"count\":1}",
     "p.json:4: stage 'orders': two stages are called 'orders': ids are unique"},
    {"{\"id\":\"a\",\"op\":\"limit\",\"count\":1}",
     "p.json:2: stage 'a': a limit needs an 'input', and no stage stands above"},
    {READS "{\"id\":\"a\",\"op\":\"limit\",\"count\":1,\"input\":\"b\"},{\"id\":\"b\",\"op\":"
           "\"limit\",\"count\":1}",
     "p.json:4: stage 'a': the stages form a cycle: a -> b -> a: break it at one 'input', "
     "'after' or path"},
    {READS "{\"id\":\"a\",\"op\":\"write\",\"path\":\"o.csv\"},\n"
           "{\"id\":\"b\",\"op\":\"write\",\"input\":\"orders\",\"path\":\"./x/../o.csv\"}",
     "writes too: one path has one writer"},
    {READS "{\"id\":\"a\",\"op\":\"write\",\"path\":\"o.csv\"},\n{\"id\":\"b\",\"op\":\"limit\","
           "\"count\":1}",
     "p.json:5: stage 'b': its input 'a' is a write, which gives no records: name another stage in "
     "'input'"},
    {READS "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"orders\",\"customers\"],\"on\":{\"status\":"
           "\"customer\"}}",
     "key 'status' is of type string on the left and 'customer' of type integer on the right"},
    {READS "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"orders\",\"orders\"],\"on\":[\"id\"]}",
     "both inputs have a column 'customer': give one another name with a rename"},
    {READS "{\"id\":\"g\",\"op\":\"aggregate\",\"input\":\"orders\",\"measures\":{\"s\":\"sum(."
           "status)\"}}",
     "measure 's' needs a number, and '.status' is of type string: convert it with tonumber"},
    {READS "{\"id\":\"g\",\"op\":\"aggregate\",\"measures\":{\"s\":\"summ(.id)\"}}",
     "unknown measure 'summ(.id)'; did you mean 'sum'?"},
    {READS "{\"id\":\"g\",\"op\":\"aggregate\",\"measures\":{\"s\":\"quantile(.id)\"}}",
     "must be written quantile(EXPRESSION; Q) with Q from 0 to 1"},
    {READS "{\"id\":\"f\",\"op\":\"filter\",\"input\":\"orders\",\"where\":\".amout > 1\"}",
     "'amount'"},
    {READS
     "{\"id\":\"f\",\"op\":\"filter\",\"input\":\"orders\",\"where\":\".amount > \\\"x\\\"\"}",
     "'where'"},
    {READS "{\"id\":\"f\",\"op\":\"filter\",\"input\":\"orders\",\"where\":\".amount > (\"}",
     "'where'"},
    {READS "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"orders\",\"customers\"]}",
     "different columns"},
    {READS "{\"id\":\"r\",\"op\":\"rename\",\"names\":{\"name\":\"country\"}}",
     "two columns would be called 'country'"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"orders.csv\"},\n"
     "{\"id\":\"w\",\"op\":\"write\",\"path\":\"orders.csv\"}",
     "the stages form a cycle: r -> w -> r"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"${env:HOME}/orders.csv\"}",
     "p.json:2: stage 'r': a secret such as '${env:…}' may stand in a command's 'run', in 'env' "
     "and "
     "in 'connection' only"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"absent.csv\"}", "absent.csv"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"\"}", "'path' must be more than an empty string"},
    {READS "{\"id\":\"w\",\"op\":\"write\",\"input\":\"orders\",\"path\":\"\"}",
     "'path' must be more than an empty string"},
    {READS "{\"id\":\"w\",\"op\":\"write\",\"input\":\"orders\",\"path\":\"x.Parquet\"}",
     "no '.parquet': say which with 'format'"},
    {READS "{\"id\":\"w\",\"op\":\"write\",\"input\":\"orders\",\"path\":\"x.csv.bz2\"}",
     "no '.bz2'"},
    {"{\"id\":\"q\",\"op\":\"sql\",\"statement\":\"SELECT 1\"}", "'connection'"},
    {"{\"id\":\"q\",\"op\":\"sql\",\"connection\":\"x.db\",\"statement\":\"SELECT 1\"}",
     "'connection' must be sqlite:PATH or postgres://HOST:PORT/DATABASE"},
    {"{\"id\":\"c\",\"op\":\"command\",\"run\":\"\"}", "'run' must be more than an empty string"},
    {"{\"id\":\"c\",\"op\":\"command\",\"run\":\"true\",\"retries\":1.5}",
     "'retries' must be a whole number, at most 1000"},
    {"{\"id\":\"c\",\"op\":\"command\",\"run\":\"true\",\"retries\":1e30}", "'retries' must be"},
    {"{\"id\":\"c\",\"op\":\"command\",\"run\":\"true\",\"resources\":{\"cpu\":1}}",
     "'resources' has no field 'cpu': it has cpu_cores, memory_gb and gpus"},
    {"{\"id\":\"c\",\"op\":\"command\",\"run\":\"true\",\"resources\":{\"memory_gb\":\"much\"}}",
     "'memory_gb' must be a number that is not negative"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"*.tsv\"}", "no file matches"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"${dz}.csv\"}",
     "unknown parameter '${dz}' (did you mean '${ds}'?): declare it in \"params\""},
    {"{\"id\":\"r\",\"op\":\"command\",\"run\":\"echo ${HOME}\"}",
     "unknown parameter '${HOME}': declare it in \"params\", or write $NAME for a variable of the "
     "shell"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"orders.csv\",\"types\":{\"id\":\"int32x\"}}",
     "unknown type 'int32x' of column 'id'"},
    {"{\"id\":\"r\",\"op\":\"read\",\"path\":\"orders.csv\",\"types\":{\"idd\":\"integer\"}}",
     "idd"},
};

START_TEST(what_cannot_run_is_refused_with_place_and_remedy)
{
    setup();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const char *got = refusal(refused[i].stages);
        ck_assert_msg(strstr(got, refused[i].message), "case %zu\n  got  %s\n  want %s", i, got,
                      refused[i].message);
    }
}
END_TEST

START_TEST(parameters_are_filled_in_everywhere_but_secrets_are_not)
{
    setup();
    struct pipeline p;
    struct err err = ERR_INIT;
    const char *path =
        file_of("{\"id\":\"r\",\"op\":\"command\",\"run\":\"echo ${ds} ${n} ${env:TOKEN} $HOME\"}");
    struct param given[] = {{"ds", "2026-11-20"}, {"n", "7"}};
    ck_assert_msg(pipeline_load(&p, path, given, 2, &err), "%s", err.text);
    ck_assert_str_eq(p.stages[0].u.command.run, "echo 2026-11-20 7 ${env:TOKEN} $HOME");
    const char *filled;
    setenv("TOKEN", "s3cret", 1);
    ck_assert(pipeline_secret(&p.mem, p.stages[0].u.command.run, &filled, &err));
    ck_assert_str_eq(filled, "echo 2026-11-20 7 s3cret $HOME");
    unsetenv("TOKEN");
    ck_assert(!pipeline_secret(&p.mem, p.stages[0].u.command.run, &filled, &err));
    ck_assert(strstr(err.text, "'TOKEN' is not set"));
    struct buf def = BUF_INIT(BUF_UNBOUNDED);
    json_write(&def, p.definition);
    ck_assert(strstr(buf_str(&def), "\"n\":7") && strstr(buf_str(&def), "${env:TOKEN}"));
    ck_assert(!strstr(buf_str(&def), "s3cret"));
    buf_release(&def);
    pipeline_release(&p);

    ck_assert(!pipeline_load(&p, path, NULL, 0, &err));
    ck_assert_msg(strstr(err.text, "parameter 'ds' has no value: give it with --param ds=VALUE"),
                  "%s", err.text);
    pipeline_release(&p);
    given[1].name = "m";
    ck_assert(!pipeline_load(&p, path, given, 2, &err));
    ck_assert_int_eq(err.kind, ERR_USAGE);
    pipeline_release(&p);
}
END_TEST

static void load(struct pipeline *p, const char *stages)
{
    struct err err = ERR_INIT;
    const struct param ds = {"ds", "x"};
    ck_assert_msg(pipeline_load(p, file_of(stages), &ds, 1, &err), "%s", err.text);
    ck_assert_msg(pipeline_bind(p, NULL, 0, &err), "%s", err.text);
}

START_TEST(columns_and_types_flow_down)
{
    setup();
    struct pipeline p;
    load(
        &p, READS
        "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"orders\",\"customers\"],\"on\":[\"customer\"],"
        "\"type\":\"left\"},\n"
        "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"twice\":\".amount * 2\",\"id\":\".name\"}},\n"
        "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[\"country\",\"day\"],\"measures\":{\"n\":"
        "\"count\","
        "\"m\":\"max(.day)\",\"q\":\"quantile(.twice; 0.5)\"}},\n"
        "{\"id\":\"w\",\"op\":\"write\",\"path\":\"o.csv\"}");
    static const struct {
        int stage;
        const char *columns;
    } want[] = {{0, "id:integer customer:integer amount:float status:string day:date "},
                {2, "id:integer customer:integer amount:float status:string day:date name:string "
                    "country:string "},
                {3, "id:string customer:integer amount:float status:string day:date name:string "
                    "country:string "
                    "twice:float "},
                {4, "country:string day:date n:integer m:date q:float "}};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct buf got = BUF_INIT(1000);
        const struct schema *s = &p.stages[want[i].stage].schema;
        for (uint32_t c = 0; c < s->n; c++)
            buf_addf(&got, "%s:%s ", s->fields[c].name, type_name(s->fields[c].type));
        ck_assert_str_eq(buf_str(&got), want[i].columns);
        buf_release(&got);
    }
    struct pipeline_complexity c;
    pipeline_complexity(&p, &c);
    ck_assert_uint_eq(c.joins, 1);
    ck_assert_uint_eq(c.transformations, 2);
    ck_assert_uint_eq(c.depth, 5);
    pipeline_release(&p);
}
END_TEST

/* The day's file has a header and nothing else: what ran yesterday runs today. */
START_TEST(a_column_without_any_value_fits_every_use)
{
    setup();
    put("orders.csv", "id,customer,amount,status,day\n");
    struct pipeline p;
    load(&p, READS
         "{\"id\":\"f\",\"op\":\"filter\",\"input\":\"orders\",\"where\":\".amount > 5 and "
         ".status == \\\"paid\\\"\"},\n"
         "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"f\",\"customers\"],\"on\":[\"customer\"]},\n"
         "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"t\":\".amount * 2 + .id\","
         "\"s\":\".status + .name\"}},\n"
         "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[\"day\"],\"measures\":{\"s\":\"sum(.t)\","
         "\"m\":\"mean(.amount)\",\"x\":\"max(.status)\"}},\n"
         "{\"id\":\"w\",\"op\":\"write\",\"path\":\"o.csv\"}");
    ck_assert_int_eq(p.stages[0].schema.fields[2].type, TYPE_NONE);
    ck_assert_int_eq(p.stages[4].schema.fields[7].type, TYPE_FLOAT);
    ck_assert_int_eq(p.stages[4].schema.fields[8].type, TYPE_STRING);
    pipeline_release(&p);
}
END_TEST

START_TEST(only_columns_that_something_reads_are_read)
{
    setup();
    struct pipeline p;
    load(&p, "{\"id\":\"orders\",\"op\":\"read\",\"path\":\"orders.csv\"},\n"
             "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".status == \\\"paid\\\"\"},\n"
             "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[\"customer\"],\"measures\":{\"s\":\"sum(."
             "amount)\"}},\n"
             "{\"id\":\"w\",\"op\":\"write\",\"path\":\"o.csv\"}");
    const char *const *c = p.stages[0].u.read.opts.columns;
    ck_assert_str_eq(c[0], "customer");
    ck_assert_str_eq(c[1], "amount");
    ck_assert_str_eq(c[2], "status");
    ck_assert_ptr_null(c[3]);
    pipeline_release(&p);
    load(&p, "{\"id\":\"orders\",\"op\":\"read\",\"path\":\"orders.csv\"},\n"
             "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".status == \\\"paid\\\"\"},\n"
             "{\"id\":\"w\",\"op\":\"write\",\"path\":\"o.csv\"}");
    ck_assert_ptr_null(p.stages[0].u.read.opts.columns);
    pipeline_release(&p);
}
END_TEST

START_TEST(a_read_of_a_path_that_a_stage_writes_waits_for_it)
{
    setup();
    struct pipeline p;
    load(&p, "{\"id\":\"again\",\"op\":\"read\",\"path\":\"mid.csv\"},\n"
             "{\"id\":\"w2\",\"op\":\"write\",\"path\":\"end.csv\"},\n"
             "{\"id\":\"orders\",\"op\":\"read\",\"path\":\"orders.csv\"},\n"
             "{\"id\":\"w\",\"op\":\"write\",\"path\":\"mid.csv\"},\n"
             "{\"id\":\"c\",\"op\":\"command\",\"run\":\"cat end.csv\",\"reads\":[\"end.csv\"]}");
    ck_assert_uint_eq(p.stages[0].nafter, 1);
    ck_assert_uint_eq(p.stages[0].after[0], 3);
    ck_assert_uint_eq(p.stages[4].after[0], 1);
    ck_assert(p.stages[0].bound && p.stages[0].schema.n == 5);
    ck_assert_uint_eq(p.order[0], 2);
    ck_assert_uint_eq(p.order[4], 4);
    pipeline_release(&p);
}
END_TEST

START_TEST(two_spellings_of_a_path_are_one)
{
    setup();
    char *link = xasprintf("%s/link", dir);
    ck_assert_int_eq(symlink(".", link), 0);
    free(link);
    const char *got =
        refusal(READS "{\"id\":\"a\",\"op\":\"write\",\"path\":\"o.csv\"},\n{\"id\":\"b\","
                      "\"op\":\"write\",\"input\":\"orders\",\"path\":\"link/o.csv\"}");
    ck_assert_msg(strstr(got, "which stage 'a' writes too"), "%s", got);
    struct pipeline p;
    load(&p, READS "{\"id\":\"w\",\"op\":\"write\",\"path\":\"mid.csv\"},\n"
                   "{\"id\":\"again\",\"op\":\"read\",\"path\":\"link/mid.csv\"}");
    ck_assert(p.stages[3].bound && p.stages[3].u.read.from_stage);
    ck_assert_str_eq(p.stages[3].u.read.paths.items[0], p.stages[2].u.write.path);
    pipeline_release(&p);
}
END_TEST

START_TEST(a_commands_columns_are_bound_when_it_runs)
{
    setup();
    struct pipeline p;
    struct err err = ERR_INIT;
    load(&p, READS "{\"id\":\"c\",\"op\":\"command\",\"input\":\"orders\",\"run\":\"cat\"},\n"
                   "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".x > 1\"},\n"
                   "{\"id\":\"w\",\"op\":\"write\",\"path\":\"o.csv\"}");
    ck_assert(p.stages[2].u.command.is_filter && p.stages[2].schema_late &&
              p.stages[3].schema_late);
    struct field x = {(char *)(uintptr_t) "x", TYPE_INTEGER, false};
    ck_assert_msg(pipeline_bind_late(&p, 2, &(struct schema){&x, 1}, &err), "%s", err.text);
    ck_assert(p.stages[3].bound && p.stages[4].bound && !p.stages[3].schema_late);
    pipeline_release(&p);
    load(&p, READS "{\"id\":\"c\",\"op\":\"command\",\"input\":\"orders\",\"run\":\"cat\"},\n"
                   "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".y > 1\"}");
    ck_assert(!pipeline_bind_late(&p, 2, &(struct schema){&x, 1}, &err));
    pipeline_release(&p);
}
END_TEST

START_TEST(a_plans_definition_gives_the_same_pipeline)
{
    setup();
    struct pipeline p, q;
    struct err err = ERR_INIT;
    load(&p, READS "{\"id\":\"f\",\"op\":\"limit\",\"input\":\"orders\",\"count\":\"${n}\"},\n"
                   "{\"id\":\"w\",\"op\":\"write\",\"path\":\"o.csv\"}");
    ck_assert_int_eq(p.stages[2].u.limit.count, 5);
    ck_assert(strncmp(p.code_version, "sha256:", 7) == 0);
    ck_assert_msg(pipeline_from_definition(&q, p.definition, p.base, p.code_version, &err) &&
                      pipeline_bind(&q, NULL, 0, &err),
                  "%s", err.text);
    char a[SHA256_HEX], b[SHA256_HEX];
    for (uint32_t i = 0; i < p.nstages; i++) {
        pipeline_signature(&p, i, a);
        pipeline_signature(&q, i, b);
        ck_assert_str_eq(a, b);
    }
    ck_assert_str_eq(q.stages[3].u.write.path, p.stages[3].u.write.path);
    pipeline_release(&p);
    pipeline_release(&q);
}
END_TEST

UNIT_MAIN("pipeline", what_cannot_run_is_refused_with_place_and_remedy,
          parameters_are_filled_in_everywhere_but_secrets_are_not, columns_and_types_flow_down,
          a_column_without_any_value_fits_every_use, only_columns_that_something_reads_are_read,
          a_read_of_a_path_that_a_stage_writes_waits_for_it, two_spellings_of_a_path_are_one,
          a_commands_columns_are_bound_when_it_runs, a_plans_definition_gives_the_same_pipeline)
