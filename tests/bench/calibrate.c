/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures the priors of prediction: runs every operation of the engine over made-up data of
 * several sizes, fits what its time and memory are linear in, and prints
 * lib/predict/priors_table.c. `make calibrate` does it and puts the answer there; progress goes to
 * stderr.
 *
 * Fit: least squares on relative errors with coefficients that are not negative, by coordinate
 * descent (Franc, Hlaváč & Navara 2005, "Sequential coordinate-wise algorithm for the non-negative
 * least squares problem").
 */
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "os/os.h"
#include "predict/internal.h"

#define REPEATS 5
#define SAMPLES_MAX 4000
/* Errors count relative to the figure plus this: below, clocks and allocators round. */
#define CPU_GRAIN 20e-6
#define MEMORY_GRAIN 4096.0

static const char *const feature_names[F_COUNT] = {
    "F_ONE",           "F_RECORDS_IN",   "F_BYTES_IN",    "F_RECORDS_OUT", "F_BYTES_OUT",
    "F_RECORDS_RIGHT", "F_BYTES_RIGHT",  "F_EVALS",       "F_JQ_EVALS",    "F_JQ_PROGRAMS",
    "F_COMPARES",      "F_PACKED_BYTES", "F_BATCH_BYTES", "F_STATES",      "F_WIDE",
    "F_MISSES",        "F_VALUES",       "F_QUEUED",
};
static const char *const row_names[PRIOR_COUNT] = {
    [OP_READ] = "OP_READ",
    [OP_WRITE] = "OP_WRITE",
    [OP_FILTER] = "OP_FILTER",
    [OP_DERIVE] = "OP_DERIVE",
    [OP_SELECT] = "OP_SELECT",
    [OP_RENAME] = "OP_RENAME",
    [OP_JOIN] = "OP_JOIN",
    [OP_AGGREGATE] = "OP_AGGREGATE",
    [OP_SORT] = "OP_SORT",
    [OP_DISTINCT] = "OP_DISTINCT",
    [OP_UNION] = "OP_UNION",
    [OP_LIMIT] = "OP_LIMIT",
    [OP_COMMAND] = "OP_COMMAND",
    [PRIOR_READ_JSONL] = "PRIOR_READ_JSONL",
    [PRIOR_WRITE_JSONL] = "PRIOR_WRITE_JSONL",
};

#define B(f) (1u << (f))
/* What each row may depend on. */
static const struct mask {
    unsigned cpu, memory;
} masks[PRIOR_COUNT] = {
    [OP_READ] = {B(F_ONE) | B(F_BYTES_IN) | B(F_RECORDS_IN) | B(F_BYTES_OUT) | B(F_PACKED_BYTES),
                 B(F_ONE) | B(F_BATCH_BYTES) | B(F_QUEUED)},
    [PRIOR_READ_JSONL] = {B(F_ONE) | B(F_BYTES_IN) | B(F_RECORDS_IN) | B(F_BYTES_OUT),
                          B(F_ONE) | B(F_BATCH_BYTES) | B(F_QUEUED)},
    [OP_WRITE] = {B(F_ONE) | B(F_BYTES_IN) | B(F_RECORDS_IN) | B(F_PACKED_BYTES),
                  B(F_ONE) | B(F_BATCH_BYTES)},
    [PRIOR_WRITE_JSONL] = {B(F_ONE) | B(F_BYTES_IN) | B(F_RECORDS_IN), B(F_ONE) | B(F_BATCH_BYTES)},
    [OP_FILTER] = {B(F_ONE) | B(F_EVALS) | B(F_RECORDS_OUT) | B(F_BYTES_OUT) | B(F_JQ_EVALS) |
                       B(F_JQ_PROGRAMS),
                   B(F_ONE) | B(F_BATCH_BYTES) | B(F_QUEUED)},
    [OP_DERIVE] = {B(F_ONE) | B(F_EVALS) | B(F_JQ_EVALS) | B(F_JQ_PROGRAMS),
                   B(F_ONE) | B(F_BATCH_BYTES) | B(F_QUEUED)},
    [OP_SELECT] = {B(F_ONE) | B(F_RECORDS_IN), B(F_ONE)},
    [OP_RENAME] = {B(F_ONE) | B(F_RECORDS_IN), B(F_ONE)},
    [OP_JOIN] = {B(F_ONE) | B(F_RECORDS_IN) | B(F_RECORDS_OUT) | B(F_BYTES_OUT) |
                     B(F_RECORDS_RIGHT) | B(F_BYTES_RIGHT) | B(F_MISSES),
                 B(F_ONE) | B(F_RECORDS_RIGHT) | B(F_BYTES_RIGHT) | B(F_BATCH_BYTES)},
    [OP_AGGREGATE] = {B(F_ONE) | B(F_RECORDS_IN) | B(F_EVALS) | B(F_RECORDS_OUT) | B(F_STATES) |
                          B(F_MISSES) | B(F_VALUES),
                      B(F_ONE) | B(F_RECORDS_OUT) | B(F_BYTES_OUT) | B(F_STATES) | B(F_WIDE) |
                          B(F_VALUES)},
    [OP_SORT] = {B(F_ONE) | B(F_RECORDS_IN) | B(F_BYTES_IN) | B(F_COMPARES) | B(F_MISSES),
                 B(F_ONE) | B(F_RECORDS_IN) | B(F_BYTES_IN) | B(F_BATCH_BYTES)},
    [OP_DISTINCT] = {B(F_ONE) | B(F_RECORDS_IN) | B(F_BYTES_IN) | B(F_RECORDS_OUT) | B(F_MISSES),
                     B(F_ONE) | B(F_RECORDS_OUT) | B(F_BYTES_OUT) | B(F_BATCH_BYTES)},
    [OP_UNION] = {B(F_ONE) | B(F_RECORDS_IN), B(F_ONE)},
    [OP_LIMIT] = {B(F_ONE) | B(F_RECORDS_OUT), B(F_ONE)},
    [OP_COMMAND] = {B(F_ONE) | B(F_BYTES_IN) | B(F_BYTES_OUT), B(F_ONE)},
};

struct sample {
    unsigned row;
    struct work work;
    double cpu_s, memory_bytes;
};
static struct sample samples[SAMPLES_MAX];
static size_t nsamples;
static char *dir;

NO_RETURN static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "calibrate: %s: %s\n", what, err ? err->text : "failed");
    exit(1);
}

/* -- data -- */

/* `texts`: how often the long text of each row is repeated. */
static void make_csv(const char *name, int rows, uint64_t seed, int keys, int texts)
{
    static const char *const words[] = {"amber", "birch",   "cobalt",     "dahlia",
                                        "ember", "fjord",   "garnet",     "hollyhock",
                                        "ivory", "juniper", "kingfisher", "larch"};
    struct rng g;
    char *path = xasprintf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f)
        die(path, NULL);
    rng_seed(&g, seed);
    fputs("id,k,m,v,d,w,t\n", f);
    for (int i = 0; i < rows; i++) {
        unsigned x = (unsigned)rng_below(&g, 1000000);
        fprintf(f, "%d,%u,%u,%u.%02u,20%02u-%02u-%02u,%s,", i, x % 50,
                (unsigned)rng_below(&g, (uint64_t)keys), x, x % 100, x % 30, x % 12 + 1, x % 28 + 1,
                words[x % 12]);
        for (int k = 0; k < texts; k++)
            fprintf(f, "%s %s %06u", words[x / 12 % 12], words[x / 144 % 12], x);
        fputc('\n', f);
    }
    fclose(f);
    free(path);
}

/* -- runs -- */

static double unknown_as_zero(double v)
{
    return v >= 0 ? v : 0;
}

static struct sizes sizes_of(const struct pipeline *p, uint32_t i, const struct engine_result *r)
{
    const struct stage *s = &p->stages[i];
    const struct rec_stage_figures *u = &r->stages[i].used;
    struct sizes z = {.records_in = unknown_as_zero(u->records_in.p50),
                      .bytes_in = unknown_as_zero(u->bytes_in.p50),
                      .records_out = unknown_as_zero(u->records_out.p50),
                      .bytes_out = unknown_as_zero(u->bytes_out.p50)};
    if (s->op == OP_JOIN) {
        const struct rec_stage_figures *left = &r->stages[s->inputs[0]].used;
        const struct rec_stage_figures *right = &r->stages[s->inputs[1]].used;
        z.records_in = left->records_out.p50, z.bytes_in = left->bytes_out.p50;
        z.records_right = right->records_out.p50, z.bytes_right = right->bytes_out.p50;
    }
    bool packed = s->op == OP_READ && strstr(s->u.read.paths.items[0], ".gz");
    if (packed || (s->op == OP_WRITE && s->u.write.compress))
        z.packed_bytes = z.bytes_in;
    bool *queued = xcalloc(p->nstages, sizeof(*queued));
    queued_stages(p, queued);
    z.queued_bytes = queued[i] ? queued_bytes(s, &z) : 0;
    free(queued);
    return z;
}

#define STAGES_MAX 32

static double run_here(const char *definition, struct sample *out, uint32_t *n, const char *join)
{
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct json *v;
    struct pipeline p;
    struct engine_result r;
    struct rec_plan_stage hint = {.id = "join", .algorithm = join};
    struct rec_plan plan = {.stages = &hint, .nstages = 1};
    struct engine_opts o = {.data_fd = -1, .plan = join ? &plan : NULL};
    if (!json_parse(&a, slice_str(definition), 0, &v, &err) ||
        !pipeline_from_definition(&p, v, dir, NULL, &err) || !pipeline_bind(&p, NULL, 0, &err))
        die(definition, &err);
    if (!engine_run(&p, &o, &a, &r, &err))
        die(definition, &err);
    double joined = NAN;
    *n = p.nstages;
    for (uint32_t i = 0; i < p.nstages; i++) {
        struct sizes z = sizes_of(&p, i, &r);
        out[i] = (struct sample){.row = prior_row_of(&p.stages[i]),
                                 .work = work_of(&p.stages[i], &z),
                                 .cpu_s = r.stages[i].used.cpu_s.p50,
                                 .memory_bytes = r.stages[i].used.peak_memory_bytes.p50};
        if (p.stages[i].op == OP_JOIN)
            joined = out[i].cpu_s;
    }
    pipeline_release(&p);
    arena_release(&a);
    return joined;
}

/* A run in a process of its own, as users have it: memory is fresh, libjq not loaded yet. */
static double run_once(const char *definition, struct sample *out, uint32_t *n, const char *join)
{
    struct {
        uint32_t n;
        double joined;
        struct sample stages[STAGES_MAX];
    } got = {0};
    int ends[2], status;
    if (pipe(ends) != 0)
        die("pipe", NULL);
    pid_t child = fork();
    if (child < 0)
        die("fork", NULL);
    if (child == 0) {
        struct err err = ERR_INIT;
        got.joined = run_here(definition, got.stages, &got.n, join);
        _exit(!fd_write_all(ends[1], &got, sizeof(got), "pipe", &err));
    }
    close(ends[1]);
    size_t have = 0;
    for (ssize_t r;
         have < sizeof(got) && (r = read(ends[0], (char *)&got + have, sizeof(got) - have)) > 0;)
        have += (size_t)r;
    close(ends[0]);
    if (waitpid(child, &status, 0) != child || status != 0 || have != sizeof(got))
        die(definition, NULL);
    memcpy(out, got.stages, got.n * sizeof(*out));
    *n = got.n;
    return got.joined;
}

/* The median run of several, stage by stage. */
static void measure(const char *definition)
{
    struct sample runs[REPEATS][STAGES_MAX];
    uint32_t n = 0;
    for (int i = 0; i < REPEATS; i++)
        run_once(definition, runs[i], &n, NULL);
    for (uint32_t s = 0; s < n && nsamples < SAMPLES_MAX; s++) {
        double cpu[REPEATS], memory[REPEATS];
        for (int i = 0; i < REPEATS; i++)
            cpu[i] = runs[i][s].cpu_s, memory[i] = runs[i][s].memory_bytes;
        samples[nsamples] = runs[0][s];
        samples[nsamples].cpu_s = model_median(cpu, REPEATS);
        samples[nsamples++].memory_bytes = model_median(memory, REPEATS);
    }
}

/* S is the file's size in rows; every operation in several company, so that records, bytes and
 * results vary apart. */
static const char *const pipelines[] = {
    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".v > 500000 and .k < 40\"},"
    "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"x\":\".v * 2 + .k\",\"y\":\".w + \\\"-\\\" + "
    ".t\"}},"
    "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"m\",\"-v\"]},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"e\",\"op\":\"rename\",\"names\":{\"w\":\"word\"}},"
    "{\"id\":\"c\",\"op\":\"select\",\"columns\":[\"id\",\"word\",\"t\"]},"
    "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".word != \\\"amber\\\"\"},"
    "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"t\"]},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.jsonl\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"q\",\"op\":\"read\",\"path\":\"right.csv\"},"
    "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"r\",\"q2\"],\"on\":{\"m\":\"id\"}},"
    "{\"id\":\"q1\",\"op\":\"select\",\"input\":\"q\",\"columns\":[\"id\",\"t\"]},"
    "{\"id\":\"q2\",\"op\":\"rename\",\"input\":\"q1\",\"names\":{\"t\":\"t2\"}},"
    "{\"id\":\"c\",\"op\":\"select\",\"input\":\"j\",\"columns\":[\"m\",\"v\",\"w\"]},"
    "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"m\"],\"measures\":{\"n\":\"count\",\"s\":\"sum(."
    "v)\","
    "\"u\":\"max(.v)\"}},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"q\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"q1\",\"op\":\"rename\",\"names\":{\"k\":\"k2\",\"m\":\"m2\",\"v\":\"v2\",\"d\":"
    "\"d2\","
    "\"w\":\"w2\",\"t\":\"t2\"}},"
    "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"r\",\"q1\"],\"on\":[\"id\"],\"type\":\"left\"},"
    "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"k\",\"w2\"],\"measures\":{\"mean\":\"mean(.v2)\"}"
    "},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"k\"],\"measures\":{\"n\":\"count\",\"s\":\"sum(."
    "v)\","
    "\"lo\":\"min(.v)\",\"hi\":\"max(.v)\",\"sd\":\"stddev(.v)\"}},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"u\",\"op\":\"distinct\",\"by\":[\"m\"]},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"c\",\"op\":\"select\",\"columns\":[\"d\",\"w\"]},"
    "{\"id\":\"u\",\"op\":\"distinct\"},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.jsonl\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"S.jsonl\"},"
    "{\"id\":\"z\",\"op\":\"write\",\"input\":\"r\",\"path\":\"S.csv.gz\",\"compress\":\"gzip\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.jsonl\"},"
    "{\"id\":\"q\",\"op\":\"read\",\"path\":\"S.csv.gz\"},"
    "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"r\",\"q\"]},"
    "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"x\":\".k / 7\"}},"
    "{\"id\":\"l\",\"op\":\"limit\",\"count\":100000000},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"wideS.csv\"},"
    "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".k < 25\"},"
    "{\"id\":\"c\",\"op\":\"select\",\"columns\":[\"k\",\"t\"]},"
    "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"k\"]},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"wideS.csv\"},"
    "{\"id\":\"q\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"q1\",\"op\":\"filter\",\"where\":\".v < 100000\"},"
    "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"r\",\"q1\"],\"on\":[\"id\"],\"type\":\"semi\"},"
    "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"k\"],\"measures\":{\"n\":\"count\"}},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".k < 45\"},"
    "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"y\":\".v * 2\"}},"
    "{\"id\":\"q1\",\"op\":\"select\",\"input\":\"r\",\"columns\":[\"id\",\"m\"]},"
    "{\"id\":\"q2\",\"op\":\"rename\",\"names\":{\"m\":\"m2\"}},"
    "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"d\",\"q2\"],\"on\":[\"id\"]},"
    "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"w\"],\"measures\":{\"q\":\"quantile(.y; 0.5)\","
    "\"u\":\"distinct(.m2)\",\"t\":\"max(.t)\"}},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",

    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"c\",\"op\":\"select\",\"columns\":[\"id\",\"w\"]},"
    "{\"id\":\"x\",\"op\":\"command\",\"input\":\"c\",\"run\":\"awk -F, '{ print $1, $2 }' "
    "OFS=,\",\"format\":\"csv\"},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}",
};
/* Through libjq, which is slow enough for small files to tell. */
static const char jq_pipeline[] =
    "{\"id\":\"r\",\"op\":\"read\",\"path\":\"S.csv\"},"
    "{\"id\":\"f\",\"op\":\"filter\",\"where\":\"[.k, .m] | add > 20\"},"
    "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"x\":\"[.v, .k] | max\"}},"
    "{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}";

static char *definition_of(const char *stages, int size)
{
    struct buf b = BUF_INIT(1 << 16);
    buf_adds(&b, "{\"pipeline\":\"calibrate\",\"stages\":[");
    for (const char *c = stages; *c; c++) {
        if (*c == 'S' && c[1] == '.')
            buf_addf(&b, "%d", size);
        else
            buf_addc(&b, *c);
    }
    buf_adds(&b, "]}");
    return buf_detach(&b);
}

static void measure_all(void)
{
    static const int sizes[] = {500, 3000, 15000, 60000, 250000};
    make_csv("right.csv", 20000, 2, 500, 1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *name = xasprintf("%d.csv", sizes[i]);
        make_csv(name, sizes[i], 1, sizes[i] / 5 + 10, 1);
        free(name);
        name = xasprintf("wide%d.csv", sizes[i]);
        make_csv(name, sizes[i], 1, sizes[i] / 5 + 10, 8);
        free(name);
        for (size_t k = 0; k < ARRAY_LEN(pipelines); k++) {
            fprintf(stderr, "calibrate: %d rows, pipeline %zu of %zu\n", sizes[i], k + 1,
                    ARRAY_LEN(pipelines));
            char *definition = definition_of(pipelines[k], sizes[i]);
            measure(definition);
            free(definition);
        }
        if (sizes[i] <= 15000) {
            char *definition = definition_of(jq_pipeline, sizes[i]);
            measure(definition);
            free(definition);
        }
    }
}

/* -- the fit -- */

static double value_of(const struct sample *s, bool memory)
{
    return memory ? s->memory_bytes : s->cpu_s;
}

static void fit(unsigned row, bool memory, double *c)
{
    unsigned mask = memory ? masks[row].memory : masks[row].cpu;
    double grain = memory ? MEMORY_GRAIN : CPU_GRAIN;
    for (unsigned f = 0; f < F_COUNT; f++)
        c[f] = 0;
    for (int it = 0; it < 5000; it++) {
        for (unsigned f = 0; f < F_COUNT; f++) {
            double num = 0, den = 0;
            for (size_t i = 0; i < nsamples; i++) {
                const struct sample *s = &samples[i];
                double y = value_of(s, memory), w = 1 / (y + grain), rest = y;
                if (s->row != row || !(mask & B(f)) || !(y >= 0))
                    continue;
                for (unsigned g = 0; g < F_COUNT; g++)
                    rest -= g == f ? 0 : c[g] * s->work.f[g];
                num += w * w * rest * s->work.f[f];
                den += w * w * s->work.f[f] * s->work.f[f];
            }
            if (den > 0)
                c[f] = num > 0 ? num / den : 0;
        }
    }
}

/* How far off the fit is, as a factor: median and 95th percentile over the samples. */
static void judge(unsigned row, bool memory, const double *c, double out[2])
{
    double *off = xmalloc((nsamples + 1) * sizeof(*off));
    double grain = memory ? MEMORY_GRAIN : CPU_GRAIN;
    size_t n = 0;
    for (size_t i = 0; i < nsamples; i++) {
        double y = value_of(&samples[i], memory), p = 0;
        for (unsigned f = 0; f < F_COUNT; f++)
            p += c[f] * samples[i].work.f[f];
        if (samples[i].row == row && y >= 0)
            off[n++] = exp(fabs(log((p + grain) / (y + grain))));
    }
    out[0] = model_quantile(off, n, 0.5);
    out[1] = model_quantile(off, n, 0.95);
    free(off);
}

/* Less than a femtosecond, or byte, a piece is what the descent had not yet taken away. */
#define NOTHING 1e-15

static void print_terms(const double *c)
{
    const char *comma = "";
    printf("{");
    for (unsigned f = 0; f < F_COUNT; f++) {
        if (c[f] > NOTHING) {
            printf("%s[%s] = %.3g", comma, feature_names[f], c[f]);
            comma = ", ";
        }
    }
    printf("%s}", *comma ? "" : "0");
}

static void print_table(void)
{
    struct machine m;
    machine_read(&m);
    double best = INFINITY;
    for (int i = 0; i < 20; i++)
        best = fmin(best, calibrate_seconds());
    printf(
        "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"
        "/* The table of priors, as `make calibrate` measured and printed it on %s (%d cores).\n"
        " * Beside each row: by what factor the fit was off, median and 95th percentile, for CPU\n"
        " * seconds and for bytes of memory. */\n"
        "#include \"predict/internal.h\"\n\n"
        "const double prior_calibration_s = %.3g;\n\n"
        "const struct prior prior_table[PRIOR_COUNT] = {\n",
        m.cpu, m.cores, best);
    for (unsigned row = 0; row < PRIOR_COUNT; row++) {
        double cpu[F_COUNT], memory[F_COUNT], off[2], off_memory[2];
        if (!row_names[row]) /* goes by another row */
            continue;
        fit(row, false, cpu);
        fit(row, true, memory);
        judge(row, false, cpu, off);
        judge(row, true, memory, off_memory);
        printf("    /* %.2f, %.2f; %.2f, %.2f */\n    [%s] = {\"", off[0], off[1], off_memory[0],
               off_memory[1], row_names[row]);
        for (const char *s = row_names[row] + (row < OP_COUNT ? 3 : 6); *s; s++)
            putchar(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
        printf("\", ");
        print_terms(cpu);
        printf(", ");
        print_terms(memory);
        printf("},\n");
    }
    printf("};\n");
}

/* From how many records on the right a hash table is faster than nested loops. */
static void compare_joins(void)
{
    struct sample ignored[STAGES_MAX];
    uint32_t n;
    fprintf(stderr, "calibrate: join of 250,000 records with N: nested loops, hash (ms)\n");
    for (int rows = 1; rows <= 64; rows *= 2) {
        double loop[REPEATS], hash[REPEATS];
        make_csv("few.csv", rows, 3, 10, 1);
        static const char join[] =
            "{\"pipeline\":\"join\",\"stages\":[{\"id\":\"r\",\"op\":\"read\",\"path\":\"250000."
            "csv\"},"
            "{\"id\":\"q\",\"op\":\"read\",\"path\":\"few.csv\"},{\"id\":\"q1\",\"op\":\"select\","
            "\"columns\":[\"id\"]},{\"id\":\"join\",\"op\":\"join\",\"inputs\":[\"r\",\"q1\"],"
            "\"on\":"
            "{\"k\":\"id\"},\"type\":\"semi\"},{\"id\":\"o\",\"op\":\"write\",\"path\":\"out.csv\"}"
            "]}";
        for (int i = 0; i < REPEATS; i++) {
            loop[i] = run_once(join, ignored, &n, "nested_loop");
            hash[i] = run_once(join, ignored, &n, "hash");
        }
        fprintf(stderr, "calibrate: %3d: %6.2f %6.2f\n", rows, model_median(loop, REPEATS) * 1e3,
                model_median(hash, REPEATS) * 1e3);
    }
}

static void print_samples(void)
{
    for (size_t i = 0; i < nsamples; i++) {
        fprintf(stderr, "%s cpu_s=%.3g memory=%.0f", row_names[samples[i].row], samples[i].cpu_s,
                samples[i].memory_bytes);
        for (unsigned f = 0; f < F_COUNT; f++)
            if (samples[i].work.f[f] > 0)
                fprintf(stderr, " %s=%.0f", feature_names[f] + 2, samples[i].work.f[f]);
        fputc('\n', stderr);
    }
}

/* With any argument, prints what it measured to stderr. */
int main(int argc, char **argv)
{
    (void)argv;
    const char *tmp = getenv("TMPDIR");
    struct err err = ERR_INIT;
    dir = xasprintf("%s/calibrate.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        die(dir, NULL);
    measure_all();
    compare_joins();
    if (argc > 1)
        print_samples();
    print_table();
    struct proc p;
    int status;
    const struct proc_opts o = {.command = "rm -f -- *", .dir = dir};
    if (!proc_start(&p, &o, &err) || !proc_wait(&p, -1, &status) || rmdir(dir) != 0)
        die(dir, &err);
    free(dir);
    return 0;
}
