#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# --threads: what comes out is the same with any number of them.
# shellcheck disable=SC2317 # done_testing exits in one branch only
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
awk 'BEGIN { print "id,kind,amount,note"
    for (i = 0; i < 60000; i++) {
        if (i % 9000 == 8999) print i ",short"
        else printf "%d,k%d,%d.%02d,\"note, %d\"\n", i, i % 37, i * 7919 % 1000, i % 100, i % 5 } }' >in.csv
gzip -c in.csv >in.csv.gz
cat >p.json <<'END'
{"pipeline": "p", "stages": [{"id": "r", "op": "read", "path": "in.csv"},
 {"id": "f", "op": "filter", "where": ".amount > 500"},
 {"id": "d", "op": "derive", "set": {"half": ".amount / 2", "up": ".note | ascii_upcase"}},
 {"id": "w", "op": "write", "path": "rows.jsonl"},
 {"id": "g", "op": "aggregate", "input": "d", "by": ["kind"], "measures": {"n": "count", "s": "sum(.half)", "m": "max(.up)"}},
 {"id": "a", "op": "write", "path": "kinds.csv"},
 {"id": "s", "op": "sort", "input": "d", "by": ["-half", "kind"]},
 {"id": "b", "op": "write", "path": "sorted.csv.gz"}]}
END

outputs() {
    cat rows.jsonl kinds.csv rejects.jsonl
    gzip -dc sorted.csv.gz
}

run etl-run -q -p p.json --threads 1 --reject rejects.jsonl
status_is 0 "one thread"
outputs >one
for n in 2 3 7; do
    rm -f rows.jsonl kinds.csv sorted.csv.gz rejects.jsonl
    run etl-run -q -p p.json --threads $n --reject rejects.jsonl
    status_is 0 "$n threads"
    outputs >many
    run cmp one many
    status_is 0 "$n threads give what one gives"
done
sed -i 's/"in.csv"/"in.csv.gz"/' p.json
run etl-run -q -p p.json -j 3 --reject rejects.jsonl
outputs | sed 's/in\.csv\.gz/in.csv/' >many
run cmp one many
status_is 0 "so with a compressed file"

run etl-run -q -p p.json --threads 1
first=$err
run env FORELINE_THREADS=3 etl-run -q -p p.json
is "$status|$err" "3|$first" "the same record is named"
run etl-run -p p.json --threads 0
status_is 2 "no thread at all is a mistake"

cat >tail.json <<'END'
{"pipeline": "p", "stages": [{"id": "r", "op": "read", "path": "in.csv"},
 {"id": "l", "op": "limit", "count": 3}, {"id": "w", "op": "write", "path": "-", "format": "csv"}]}
END
run etl-run -q -p tail.json --threads 3 --records /dev/null
is "$status|$out" '0|id,kind,amount,note
0,k0,0.00,"note, 0"
1,k1,919.01,"note, 1"
2,k2,838.02,"note, 2"' "a limit ends the work of all"
done_testing
