#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-run --mode sampling: nothing is published, estimates hold the truth, joins survive, what cannot be
# told is null with a reason, and the refined prediction feeds etl-plan.
. "${srcdir:?}/tests/cli/lib.sh"

# 40,000 orders of 4,000 customers in 8 countries, in no order of the keys.
awk 'BEGIN {
    srand(7); print "id,customer,status,amount" > "orders.csv"
    for (i = 0; i < 40000; i++)
        printf "%d,%d,%s,%d.%02d\n", i, int(4000 * rand() ^ 1.5), rand() < 0.7 ? "paid" : "void", 1000 * rand(), 100 * rand() > "orders.csv"
    print "customer,country,tier" > "customers.csv"
    for (i = 0; i < 4000; i++) printf "%d,c%d,t%d\n", i, int(8 * rand()), int(3 * rand()) > "customers.csv"
    print "customer,visits,agent" > "visits.csv"
    for (i = 0; i < 30000; i++) printf "%d,%d,browser-%d/%d\n", int(3000 * rand()), 5 * rand(), 9 * rand(), i > "visits.csv"
}'
cat >by.json <<'E2'
{"pipeline": "by", "stages": [
  {"id": "o", "op": "read", "path": "orders.csv"}, {"id": "c", "op": "read", "path": "customers.csv"},
  {"id": "paid", "op": "filter", "input": "o", "where": ".status == \"paid\""},
  {"id": "j", "op": "join", "inputs": ["paid", "c"], "on": ["customer"]},
  {"id": "a", "op": "aggregate", "by": ["country"],
   "measures": {"n": "count", "sum": "sum(.amount)", "mean": "mean(.amount)", "min": "min(.amount)", "max": "max(.amount)",
                "buyers": "distinct(.customer)", "median": "quantile(.amount; 0.5)", "first": "first(.id)"}},
  {"id": "sorted", "op": "sort", "by": ["-sum"]}, {"id": "w", "op": "write", "path": "by.csv"}]}
E2
sample() { run etl-run --mode sampling --sample 10% "$@"; }
of() { # record kind, jq filter on the last output
    printf '%s\n' "$out" | jq -c "select(.record == \"$1\") | $2"
}
# Rows of the estimate beside those of the whole run: how many intervals of COLUMN hold.
held() { # truth.csv key column
    of estimate '.rows[]' >rows.jsonl
    python3 - "$@" <<'PY'
import csv, json, sys
truth = {r[sys.argv[2]]: r for r in csv.DictReader(open(sys.argv[1]))} if sys.argv[2] else None
rows = [json.loads(l) for l in open("rows.jsonl")]
c, n = sys.argv[3], 0
for r in rows:
    t = float((truth[str(r[sys.argv[2]])] if truth else next(csv.DictReader(open(sys.argv[1]))))[c])
    n += r[c + "_lo95"] <= t <= r[c + "_hi95"] and r[c + "_lo95"] <= r[c] <= r[c + "_hi95"] and r[c + "_lo95"] < r[c + "_hi95"]
print(n, len(rows))
PY
}

run etl-run -p by.json
status_is 0 "all of it runs"
mv by.csv truth.csv
runs=$(etl-lineage runs | grep -c '"run"')
sample -p by.json
status_is 0 "a sample runs"
ok "nothing is published" test ! -e by.csv
is "$err" "" "nothing is complained about"
is "$(printf '%s\n' "$out" | jq -r '.record // "event"' | tr '\n' ' ')" "execution_profile estimate completion " \
    "it writes a refined prediction, an estimate for the write, and the completion"
is "$(etl-lineage runs | grep -c '"run"')" "$runs" "the store does not take it for a run"
printf '%s\n' "$out" >all.jsonl
for kind in execution_profile estimate completion; do
    grep "\"record\":\"$kind\"" all.jsonl >one.jsonl
    ok "its $kind fits the schema" "$srcdir/tests/docs/validate" one.jsonl
done
is "$(of execution_profile '.mode, .basis, .sample, (.stages[] | [.id, .sample.method, .sample.fraction])' | tr '\n' ' ')" \
    '"sampling" "sample:10%" {"rate":0.1,"seed":1996} ["o","blocks",0.1] ["c","whole",1] ["paid",null,null] ["j",null,null] ["a",null,null] ["sorted",null,null] ["w",null,null] ' \
    "the large input is sampled by blocks, the small one is read whole"
is "$(held truth.csv country n | awk '{ print $1 >= $2 - 1, $2 }')" "1 8" "the counts of the groups lie in their intervals"
is "$(held truth.csv country sum | awk '{ print $1 >= $2 - 1 }')" "1" "so do the sums"
is "$(held truth.csv country mean | awk '{ print $1 >= $2 - 1 }')" "1" "so do the means"
is "$(of estimate '[.rows[] | .sum] | . == (sort | reverse)')" true "a sort behind the aggregate goes by the estimates"
is "$(of estimate '.rows[0] | [.min, .min_lo95, .min_hi95 > 0, .max, .max_lo95 > 0, .max_hi95, .buyers, .buyers_lo95 > 0, .buyers_hi95, .median > 0, .median_lo95, .first, .first_lo95]')" \
    '[null,null,true,null,true,null,null,true,null,true,null,null,null]' \
    "of min, max and distinct the bound that is seen is told, of quantiles the value, of first nothing"
is "$(of estimate '.exact, .records.estimate, .records.lo95')" "false
8
8" "the number of groups is at least what is seen"
first=$out
sample -p by.json
is "$(of estimate .rows)" "$(printf '%s\n' "$first" | jq -c 'select(.record == "estimate") | .rows')" "the same seed gives the same estimates"
sample -p by.json --seed 5
isnt "$(of estimate .rows)" "$(printf '%s\n' "$first" | jq -c 'select(.record == "estimate") | .rows')" "another seed gives others"

# What the whole run measured lies in the intervals of the stages, bytes included.
etl-run -p by.json | jq -c 'select(.record == "completion")' >whole.jsonl
sample -p by.json --sample 20% --seed 3
is "$(of execution_profile '.stages[] | select(.id == "o" or .id == "paid" or .id == "j") | [.id, .sample]' |
    jq -c --slurpfile w whole.jsonl '. as [$id, $s] | ($w[0].stages[] | select(.id == $id)) as $t |
        [$id, ($s | to_entries[] | select(.value | type == "object") | select(($t[.key] >= .value.lo95 - 1 and $t[.key] <= .value.hi95 + 1) | not) | .key)]' |
    tr '\n' ' ')" '["o"] ["paid"] ["j"] ' "records and bytes of each stage lie in their intervals"

# The prediction feeds the planner, and the plan runs.
run sh -c 'etl-run -p by.json --mode sampling --sample 10% | etl-plan --mode optimized | etl-run'
status_is 0 "a sample can be planned, and the plan be run"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "completion") | .status, (.stages[0].predicted.records_out != null)' | tail -2 | tr '\n' ' ')" \
    "completed true " "its figures are the prediction of the run"
same by.csv truth.csv "the run publishes what it should"
rm by.csv
run sh -c 'etl-predict -p by.json | etl-plan --mode sampling | etl-run --sample 10%'
status_is 0 "a plan may ask for a sample"
ok "which publishes nothing either" test ! -e by.csv

# Two large inputs: the same keys on both sides.
cat >large.json <<'E2'
{"pipeline": "large", "stages": [
  {"id": "o", "op": "read", "path": "orders.csv"}, {"id": "v", "op": "read", "path": "visits.csv"},
  {"id": "vs", "op": "select", "input": "v", "columns": ["visits", "customer"]},
  {"id": "vr", "op": "rename", "input": "vs", "names": {"customer": "who"}},
  {"id": "j", "op": "join", "inputs": ["o", "vr"], "on": {"customer": "who"}, "type": "TYPE"},
  {"id": "a", "op": "aggregate", "by": ["status"], "measures": {"n": "count", "sum": "sum(.amount)"}},
  {"id": "w", "op": "write", "path": "large.csv"}]}
E2
for type in inner left semi anti; do
    sed "s/TYPE/$type/" large.json >this.json
    run etl-run -p this.json
    sample -p this.json
    is "$(of execution_profile '[.stages[0, 1].sample | .method, .key]')" '["key","customer","key","customer"]' \
        "both sides of a large $type join go by its key, through select and rename"
    is "$(held large.csv status n)" "2 2" "its counts lie in their intervals"
    is "$(held large.csv status sum)" "2 2" "so do its sums"
done

# What cannot be sought is read to its end.
gzip -k orders.csv
cat >total.json <<'E2'
{"pipeline": "total", "stages": [{"id": "o", "op": "read", "path": "PATH", "format": "csv"},
  {"id": "a", "op": "aggregate", "measures": {"n": "count", "sum": "sum(.amount)"}}, {"id": "w", "op": "write", "path": "total.csv"}]}
E2
sed 's/PATH/orders.csv/' total.json >this.json
run etl-run -p this.json
sed 's/PATH/orders.csv.gz/' total.json >this.json
sample -p this.json
is "$(of execution_profile '.stages[0] | [.sample.method, .records_out.p50]')" '["records",40000]' "a compressed file is sampled by records"
is "$(of estimate '.rows[0] | .n, .n_lo95, .n_hi95' | tr '\n' ' ')" "40000 40000 40000 " "whose number is known then"
is "$(held total.csv '' sum)" "1 1" "the sum lies in its interval"
sed 's/PATH/-/' total.json >this.json
run sh -c 'etl-run --mode sampling --sample 10% -p this.json <orders.csv'
is "$(of execution_profile '.stages[0] | [.sample.method, .records_out.p50]')" '["records",40000]' "so is standard input"
is "$(held total.csv '' sum)" "1 1" "and its sum lies in its interval"
split -l 20001 -d --additional-suffix=.csv orders.csv part
{ head -1 orders.csv; cat part01.csv; } >part1.csv && mv part00.csv part0.csv && rm part01.csv
sed 's/PATH/part*.csv/' total.json >this.json
run etl-run --mode sampling --sample 20% -p this.json
is "$(of execution_profile '.stages[0] | .sample.method')" '"blocks"' "several files are sampled by blocks of each"
is "$(held total.csv '' sum)" "1 1" "and the sum lies in its interval"
jq -Rrc 'split(",") | {id: .[0], amount: (.[3] | tonumber? // null)}' orders.csv | tail -n +2 >orders.jsonl
sed 's/PATH/orders.jsonl/; s/"csv"/"jsonl"/' total.json >this.json
sample -p this.json
is "$(of execution_profile '.stages[0] | .sample.method')" '"blocks"' "JSON lines are sampled by blocks"
is "$(held total.csv '' sum)" "1 1" "and the sum lies in its interval"

# A union of a sample and of what is whole; a file too small for a sample is exact.
head -100 orders.csv >few.csv
cat >union.json <<'E2'
{"pipeline": "union", "stages": [{"id": "o", "op": "read", "path": "orders.csv"}, {"id": "f", "op": "read", "path": "few.csv"},
  {"id": "u", "op": "union", "inputs": ["o", "f"]},
  {"id": "a", "op": "aggregate", "by": ["status"], "measures": {"n": "count", "m": "mean(.amount)"}},
  {"id": "w", "op": "write", "path": "union.csv"}]}
E2
run etl-run -p union.json
sample -p union.json
is "$(held union.csv status n) $(held union.csv status m)" "2 2 2 2" "a union with a small file that is read whole holds"
sed 's/PATH/few.csv/' total.json >this.json
sample -p this.json
is "$(of estimate '.exact, .rows[0].n, (.rows[0] | has("n_lo95"))' | tr '\n' ' ')" "true 99 false " "what is read whole is exact"

# What a sample cannot tell.
cat >cannot.json <<'E2'
{"pipeline": "cannot", "stages": [{"id": "o", "op": "read", "path": "orders.csv"},
  {"id": "some", "op": "limit", "input": "o", "count": 20000},
  {"id": "n", "op": "aggregate", "input": "some", "measures": {"n": "count"}}, {"id": "w1", "op": "write", "path": "1.csv"},
  {"id": "d", "op": "distinct", "input": "o", "by": ["customer"]}, {"id": "w2", "op": "write", "path": "2.csv"},
  {"id": "g", "op": "aggregate", "input": "o", "by": ["customer"], "measures": {"n": "count"}},
  {"id": "gg", "op": "aggregate", "input": "g", "by": ["n"], "measures": {"k": "count"}}, {"id": "w3", "op": "write", "path": "3.csv"},
  {"id": "self", "op": "join", "inputs": ["o", "d2"], "on": {"id": "id2"}}, {"id": "w4", "op": "write", "path": "4.csv"},
  {"id": "d1", "op": "select", "input": "o", "columns": ["id"]}, {"id": "d2", "op": "rename", "names": {"id": "id2"}},
  {"id": "cmd", "op": "command", "input": "o", "run": "touch ran; cat"}, {"id": "w5", "op": "write", "path": "5.csv"},
  {"id": "again", "op": "read", "path": "1.csv"}, {"id": "w6", "op": "write", "path": "6.csv"}]}
E2
sample -p cannot.json
status_is 0 "what cannot be told does not fail"
is "$(of estimate '[.stage, .rows, .why]')" '["w1",[],"the first records of a sample are not the first of all"]
["w2",[],"records that differ, of which a sample shows only some"]
["w3",[],"it aggregates groups, of which a sample shows only some"]
["w4",[],"its rows are no aggregate: only their number is told"]
["w5",[],"commands and statements are not run on a sample"]
["w6",[],"it reads what a stage before it would write, and nothing is published"]' "it is null, and why"
ok "no command was run" test ! -e ran
is "$(of execution_profile '.stages[] | select(.id == "cmd" or .id == "again") | [.records_out, .cpu_s]')" '[null,null]
[null,null]' "what did not run has no figures"
is "$(of execution_profile '.stages[] | select(.id == "d") | .records_out.p50 > 3000 and .records_out.p50 < 5000')" true \
    "how many records differ is extrapolated"
is "$(of execution_profile '.stages[0].sample | [.method, .key]')" '["key","id"]' "a join with itself goes by its key"
is "$(of estimate 'select(.stage == "w4") | .records.lo95 <= 40000 and .records.hi95 >= 40000')" true "and is counted right"
ok "nothing was published" test ! -e 2.csv

# A limit ends its source early, if it has that many records; nothing is known of how much was read then.
cat >cut.json <<'E2'
{"pipeline": "cut", "stages": [{"id": "o", "op": "read", "path": "orders.csv"},
  {"id": "f", "op": "filter", "where": ".amount > 500"}, {"id": "some", "op": "limit", "count": 5000}, {"id": "w", "op": "write", "path": "cut.csv"},
  {"id": "all", "op": "filter", "input": "o2", "where": ".id >= 0"}, {"id": "o2", "op": "read", "path": "orders.csv"},
  {"id": "a", "op": "aggregate", "input": "all", "by": ["status"], "measures": {"top": "max(.amount)", "n": "count"}},
  {"id": "d", "op": "derive", "set": {"half": ".top / 2"}}, {"id": "w2", "op": "write", "path": "cut2.csv"}]}
E2
sample -p cut.json
is "$(of execution_profile '.stages[] | select(.id == "o" or .id == "f" or .id == "some") | [.id, .records_out.p50, .sample.why]')" \
    '["o",null,"a limit behind it may end it early"]
["f",null,"a limit behind it may end it early"]
["some",5000,"the first records of a sample are not the first of all"]' "what a limit may end early is not known"
is "$(of execution_profile '(.stages[] | select(.id == "all")) as $f | (.stages[] | select(.id == "o2")) as $o |
    $o.sample.records_out.lo95 - $f.sample.records_out.lo95 | . > 30 and . < 60')" true \
    "a filter that keeps all of a sample may still drop some records"
is "$(of estimate 'select(.stage == "w2") | .why')" '"rows are left out for which an expression needs a figure that is not known"' \
    "an expression on an unknown figure rejects nothing"
jq -c '.stages[4].on = {"status": "status2"} | .stages[3].names = {"status": "status2"} |
    .stages[1].path = "orders.csv" | .stages[2].columns = ["status"]' large.json | sed 's/TYPE/semi/' >few.json
sample -p few.json
is "$(of estimate '[.records, .rows[].n, .why]')" '[null,"the values of the key it was sampled by are too few, or one has too many records"]' \
    "a key of few values tells nothing"

# People see tables.
run etl-run -p by.json --mode sampling --sample 10% --format table
like "$out" '^country +n +95 % ' "people see each output as a table"
like "$out" '^o +read +blocks ' "and the stages"
like "$out" 'a sample of 10 % \(seed 1996\) in .*; nothing was published$' "and what was done"

usage_error "a sample of nothing is refused" "option '--sample': a sample of nothing tells nothing" etl-run -p by.json --mode sampling --sample 0
echo '1,1,paid,abc' >>orders.csv
sample -p by.json --sample 99%
status_is 3 "records that cannot be read count as in any run"
done_testing
