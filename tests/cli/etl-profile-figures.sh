#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The figures of etl-profile on the flights and airports equal an independent computation (Python's
# csv, statistics and math.fsum over exact values).
. "${srcdir:?}/tests/cli/lib.sh"
examples=$srcdir/share/examples
cat >oracle.py <<'E2'
import csv, json, math, statistics, sys

def quantile(xs, p):  # type 7
    pos = p * (len(xs) - 1)
    lo = math.floor(pos)
    return xs[lo] + (pos - lo) * (xs[min(lo + 1, len(xs) - 1)] - xs[lo])

def check(what, got, want, tolerance=0.0):
    good = got == want or (got is not None and want is not None and
                           abs(got - want) <= tolerance * max(1.0, abs(want)))
    if not good:
        print("%s: got %r, want %r" % (what, got, want))
    return good

record = json.load(open(sys.argv[1]))
rows = list(csv.reader(open(sys.argv[2], newline="")))
header, rows = rows[0], rows[1:]
ok = check("records", record["volume"]["records"], len(rows))
nulls_of_all = 0
for i, name in enumerate(header):
    c = record["columns"][i]
    values = [r[i] for r in rows if r[i] != ""]
    nulls = len(rows) - len(values)
    nulls_of_all += nulls
    n = len(values)
    distinct = len(set(values))
    ok &= check(name + " name", c["name"], name)
    ok &= check(name + " nulls", c["nulls"], nulls)
    ok &= check(name + " bytes", c["bytes"], sum(len(v.encode()) for v in values))
    if distinct <= 4096:
        ok &= check(name + " distinct", c["distinct"], distinct)
        ok &= check(name + " error", c["distinct_error"], 0)
    else:
        ok &= check(name + " distinct", c["distinct"], distinct, 4 * c["distinct_error"] / distinct)
    ok &= check(name + " cardinality", record["cardinality"][name], c["distinct"])
    sizes = [len(v.encode()) for v in values]
    ok &= check(name + " shortest", c["length_bytes"]["min"], min(sizes))
    ok &= check(name + " longest", c["length_bytes"]["max"], max(sizes))
    ok &= check(name + " length", c["length_bytes"]["mean"], sum(sizes) / n, 1e-12)
    number = c["type"] in ("integer", "float")
    order = [float(v) if number else v.encode() for v in values]
    up, down, same = (any(f(a, b) for a, b in zip(order, order[1:])) for f in
                      (lambda a, b: a < b, lambda a, b: a > b, lambda a, b: a == b))
    want = "none" if up and down else "constant" if not up and not down else \
        ("" if same else "strictly_") + ("increasing" if up else "decreasing")
    ok &= c["monotone"] == want or check(name + " monotone " + want, 1, 0)
    ok &= check(name + " uniqueness", c["uniqueness"], distinct / n, 4 * c["uniqueness_error"] + 1e-12)
    ok &= check(name + " unique", c["unique"], distinct == n)
    ok &= check(name + " key", c["key_candidate"], distinct == n and nulls == 0)
    spelled = {s: values.count(s) for s in ("NA", "N/A", "null", "-", "none") if s in values}
    ok &= c["null_spellings"] == spelled or check("%s spellings %s" % (name, spelled), 1, 0)
    for t, line in c["first_lines"].items():
        plain = [k for k, v in enumerate(values) if v.lstrip("-").isdigit()]
        if t == "integer" and nulls == 0:
            ok &= check(name + " first integer", line, plain[0] + 2)
    if not number:
        ok &= check(name + " min", c["min"], min(values, key=str.encode))
        ok &= check(name + " max", c["max"], max(values, key=str.encode))
        continue
    xs = sorted(float(v) for v in values)
    mean = math.fsum(xs) / n
    m2 = math.fsum((x - mean) ** 2 for x in xs) / n
    m3 = math.fsum((x - mean) ** 3 for x in xs) / n
    m4 = math.fsum((x - mean) ** 4 for x in xs) / n
    ok &= check(name + " mean", c["mean"], mean, 1e-12)
    ok &= check(name + " stddev", c["stddev"], statistics.stdev(xs), 1e-12)
    ok &= check(name + " skewness", c["skewness"], m3 / m2 ** 1.5 * math.sqrt(n * (n - 1)) / (n - 2), 1e-11)
    ok &= check(name + " kurtosis", c["kurtosis"], (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (m4 / m2 ** 2 - 3) + 6), 1e-11)
    ok &= check(name + " min", c["min"], xs[0])
    ok &= check(name + " max", c["max"], xs[-1])
    for p, q in c["quantiles"].items():
        p = float(p)
        if n <= 4096:
            ok &= check("%s quantile %g" % (name, p), q, quantile(xs, p), 1e-12)
        else:  # rank error within 0.2 %
            ok &= quantile(xs, max(0, p - 0.002)) <= q <= quantile(xs, min(1, p + 0.002)) or \
                check("%s quantile %g" % (name, p), q, quantile(xs, p))
    q1, q3 = quantile(xs, 0.25), quantile(xs, 0.75)
    out = sum(x < q1 - 1.5 * (q3 - q1) or x > q3 + 1.5 * (q3 - q1) for x in xs)
    ok &= check(name + " outliers", c["outliers"], out, 0.0 if out < 256 else 0.05)
    counts = {}
    for v in values:
        counts[v] = counts.get(v, 0) + 1
    if distinct <= 3072:
        best = sorted(counts.items(), key=lambda e: (-e[1], e[0].encode()))[:10]
        ok &= [(t["value"], t["count"], t["error"]) for t in c["top"]] == [(v, k, 0) for v, k in best] or \
            check(name + " top", c["top"], best)
ok &= check("completeness", record["quality"]["completeness"], 1 - nulls_of_all / (len(rows) * len(header)), 1e-12)
sys.exit(not ok)
E2
for file in flights airports; do
    run etl-profile "$examples/$file.csv"
    status_is 0 "$file are profiled"
    ok "$file: all figures are right" /usr/bin/python3 oracle.py "$out_file" "$examples/$file.csv"
    ok "$file: the record validates" "$srcdir/tests/docs/validate" --strict --min 1 "$out_file"
    is "$(tail -c +1 "$examples/$file.csv" | wc -c)" "$(jq .volume.bytes "$out_file")" "$file: bytes"
done
# And sqlite3 says the same of the counts.
if command -v sqlite3 >/dev/null; then
    run etl-profile "$examples/flights.csv"
    is "$(jq -r '[.volume.records, .cardinality.origin, .cardinality.delay, .columns[1].min, .columns[1].max] | join("|")' "$out_file")" \
        "$(sqlite3 -cmd '.mode csv' -cmd ".import '$examples/flights.csv' f" -cmd '.mode list' :memory: \
            'SELECT count(*), count(DISTINCT origin), count(DISTINCT delay), min(CAST(delay AS INTEGER)), max(CAST(delay AS INTEGER)) FROM f')" \
        "sqlite3 agrees"
else
    skip "sqlite3 agrees" "sqlite3 is not installed"
fi
done_testing
