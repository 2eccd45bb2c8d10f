# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of `make bench` that run pipelines: the engine beside databases, data frames, awk and sort."""
import csv
import io
import os

# Runs a pipeline on some cores and writes its file to stdout: `sh -c ETL_RUN sh CORES OUT COMMAND…`.
ETL_RUN = 'cores=$1 out=$2; shift 2; taskset -c "$cores" "$@" >/dev/null && cat "$out"'
Q1_SQL = ("SELECT product, count(*) AS orders, sum(0 + amount * quantity) AS revenue, avg(0 + amount) AS mean"
          " FROM o WHERE status = 'paid' AND 0 + amount > 100 GROUP BY product")
Q2_SQL = ("SELECT country, count(*) AS orders, sum(0 + amount) AS revenue FROM o"
          " JOIN c ON o.customer_id = c.customer_id GROUP BY country")


def etl_run(bench, name, cores="0", options=(), **params):
    out = os.path.join(bench.data, "out-%s-%s.csv" % (name, cores))
    given = [a for k, v in dict(params, out=out).items() for a in ("--param", "%s=%s" % (k, v))]
    return ["sh", "-c", ETL_RUN, "sh", cores, out, bench.tool("etl-run"), "-q", "-p",
            os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".json"), *options, *given]


def sqlite(sql, **tables):
    command = ["sqlite3", "-csv", ":memory:", "-cmd", ".mode csv"]
    for name, path in tables.items():
        command += ["-cmd", ".import '%s' %s" % (path, name)]
    return command + [sql]


def rows(bench, Row):
    orders, customers, lines = bench.orders, bench.customers, bench.orders_jsonl
    yield Row("pipeline-q1", "filter, derived column, group by 500 keys, one core", [orders], {
        "foreline": etl_run(bench, "q1", orders=orders),
        "duckdb": bench.peer("duckdb-q1", orders),
        "polars": bench.peer("polars-q1", orders),
        "mawk": ["mawk", "-F,", '$6 == "paid" && $8 + 0 > 100 { n[$4]++; s[$4] += $8 * $7; m[$4] += $8 }'
                 ' END { for (p in n) printf "%s,%d,%.17g,%.17g\\n", p, n[p], s[p], m[p] / n[p] }', orders],
        "sqlite3": sqlite(Q1_SQL, o=orders),
        "miller": ["mlr", "--icsv", "--ocsv", "filter", '$status == "paid" && $amount > 100', "then", "put",
                   "$total = $amount * $quantity", "then", "stats1", "-a", "count,sum,mean", "-f", "total,amount",
                   "-g", "product", "then", "cut", "-o", "-f", "product,total_count,total_sum,amount_mean", orders],
    }, compare_groups)
    yield Row("pipeline-q2", "join with a table of 4 MB, group by 40 keys, one core", [orders, customers], {
        "foreline": etl_run(bench, "q2", orders=orders, customers=customers),
        "duckdb": bench.peer("duckdb-q2", orders, customers),
        "polars": bench.peer("polars-q2", orders, customers),
        "mawk": ["mawk", "-F,", 'NR == FNR { c[$1] = $3; next } $3 in c && FNR > 1 { n[c[$3]]++; s[c[$3]] += $8 }'
                 ' END { for (p in n) printf "%s,%d,%.17g\\n", p, n[p], s[p] }', customers, orders],
        "sqlite3": sqlite(Q2_SQL, o=orders, c=customers),
    }, compare_groups)
    yield Row("pipeline-q1-jsonl", "the records of pipeline-q1 as JSON lines, one core", [lines], {
        "foreline": etl_run(bench, "q1", orders=lines),
        "duckdb": bench.peer("duckdb-q1-jsonl", lines),
        "polars": bench.peer("polars-q1-jsonl", lines),
    }, compare_groups)
    for name, more in (("q1", {}), ("q2", {"customers": customers})):
        yield Row("pipeline-%s-two-cores" % name, "two cores beside one (wall)", [orders], {
            "foreline": etl_run(bench, name, "0,1", ("--threads", "2"), orders=orders, **more),
            "foreline-1": etl_run(bench, name, "0", ("--threads", "1"), orders=orders, **more),
            "duckdb": ["env", "BENCH_THREADS=2", *bench.peer("duckdb-" + name, orders, *more.values())],
        }, compare_groups)
    yield Row("sort", "all records by a text and a number, one core (whole processes)", [orders], {
        "foreline": etl_run(bench, "sort", orders=orders),
        "gnu-sort": ["sh", "-c", 'head -n 1 "$1"; tail -n +2 "$1" |'
                     " LC_ALL=C sort --parallel=1 -S 1G -s -t, -k9,9 -k1,1n", "sh", orders],
        "duckdb": bench.peer("duckdb-sort", orders),
    }, compare_bytes)
    yield Row("sort-64MB", "the same within 64 MB of memory", [orders], {
        "foreline": etl_run(bench, "sort-limited", orders=orders),
        "gnu-sort": ["sh", "-c", 'head -n 1 "$1"; tail -n +2 "$1" |'
                     " LC_ALL=C sort --parallel=1 -S 64M -s -t, -k9,9 -k1,1n", "sh", orders],
    }, compare_bytes)
    yield Row("sample-1-percent", "pipeline-q1 on a sample of 1 % (the other: all of it)", [orders], {
        "foreline": [bench.tool("etl-run"), "-q", "-p",
                     os.path.join(os.path.dirname(os.path.abspath(__file__)), "q1.json"), "--mode", "sampling",
                     "--param", "orders=" + orders, "--param", "out=" + os.path.join(bench.data, "out-sample.csv")],
        "foreline-all": etl_run(bench, "q1", orders=orders),
    }, lambda *_: [])
    yield Row("ten-stages", "ten stages for ten records, whole processes", [bench.tiny_orders], {
        "foreline": etl_run(bench, "ten", tiny=bench.tiny_orders),
        "miller": ["mlr", "--icsv", "--ocsv", "filter", "$id > 1", "then", "put", "$sum = $amount * $quantity", "then",
                   "stats1", "-a", "count,sum", "-f", "sum", "-g", "region", "then", "sort", "-nr", "sum_sum", "-f",
                   "region", "then", "head", "-n", "5", bench.tiny_orders],
        "sqlite3": sqlite("SELECT region, count(*), sum(amount * quantity) AS s FROM o WHERE 0 + id > 1 GROUP BY"
                          " region ORDER BY s DESC, region LIMIT 5", o=bench.tiny_orders),
    }, compare_groups)


def groups(text):
    """Key and numbers of each row, by key; a header has no numbers."""
    found = {}
    for row in csv.reader(io.StringIO(text)):
        try:
            found[row[0]] = [float(v) for v in row[1:]]
        except (IndexError, ValueError):
            continue
    return found


def compare_groups(ours, name, theirs):
    a, b = groups(ours), groups(theirs)
    if not a or a.keys() != b.keys():
        return ["%d groups; %s: %d" % (len(a), name, len(b))]
    return ["%s: %s; %s: %s" % (k, a[k], name, b[k]) for k in a
            if len(a[k]) != len(b[k]) or any(abs(x - y) > 1e-9 * max(abs(x), abs(y), 1.0)
                                             for x, y in zip(a[k], b[k]))][:5]


def compare_bytes(ours, name, theirs):
    if ours == theirs:
        return []
    a, b = ours.split("\n"), theirs.split("\n")
    place = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return ["line %d of %d: %s; %s, of %d: %s" % (place + 1, len(a), a[place:place + 1], name, len(b),
                                                   b[place:place + 1])]
