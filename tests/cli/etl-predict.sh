#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-predict -p as its users and scripts meet it: what it adds, what it forwards, how it fails.
. "${srcdir:?}/tests/cli/lib.sh"

mkdir -p "my data"
awk 'BEGIN { print "id,status,amount"; for (i = 0; i < 3000; i++)
    printf "%d,%s,%d\n", i, i % 4 ? "paid" : "open", i % 100 }' >"my data/orders.csv"
cat >"my data/orders.json" <<'END'
// counts paid orders
{"pipeline": "orders", "params": {"least": "0"}, "stages": [
  {"id": "orders", "op": "read", "path": "orders.csv"},
  {"id": "paid", "op": "filter", "where": ".status == \"paid\" and .amount > ${least}"},
  {"id": "sums", "op": "aggregate", "by": ["status"], "measures": {"n": "count"}},
  {"id": "out", "op": "write", "path": "out.csv"}]}
END
pipeline="my data/orders.json"

run etl-predict -p "$pipeline"
status_is 0 "a pipeline without any record in the input is predicted"
is "$(printf '%s\n' "$out" | wc -l)" 1 "one record comes out"
ok "the record validates" sh -c 'printf "%s\n" "$1" | "$2" --strict --min 1' - "$out" \
    "$srcdir/tests/docs/validate"
is "$(printf '%s' "$out" | jq -c '[.record, .pipeline, .mode, .basis, (.stages | map(.id))]')" \
    '["execution_profile","orders","optimized","prior",["orders","paid","sums","out"]]' \
    "its stages stand in topological order"
is "$(printf '%s' "$out" | jq -c '.definition.stages[1].where')" \
    '".status == \"paid\" and .amount > 0"' "the definition has its parameters filled in"
is "$(printf '%s' "$out" | jq -r .base)" "$(pwd)/my data" "base is the pipeline file's folder"
is "$(printf '%s' "$out" | jq -r .stages[0].records_out.p50)" 3000 "a small file is counted"
is "$(printf '%s' "$out" | jq '[.stages[] | select(.cpu_s.p95 < .cpu_s.p50)] | length')" 0 \
    "p95 is never below p50"
is "$(printf '%s' "$out" | jq -c .predicted.complexity)" \
    '{"joins":0,"transformations":2,"depth":4}' "complexity counts joins, transformations, depth"

run etl-predict -p "$pipeline" --param least=50
is "$(printf '%s' "$out" | jq -c '.definition.stages[1].where')" \
    '".status == \"paid\" and .amount > 50"' "--param fills a parameter in"
run etl-predict -p "$pipeline" --scale 40
is "$(printf '%s' "$out" | jq -r .stages[0].records_out.p50)" 120000 "--scale multiplies the data"

# A filter of the chain.
cat >in.jsonl <<'END'
{"record":"note","v":1, "odd" :  [1.50,"é"]}
{"record":"execution_profile","v":2,"from":"the future"}
END
printf '{"record":"profile","v":1,"dataset":null,"volume":{"records":777,"bytes":9000},"columns":[],"quality":{"issues":[{"column":"amount","rule":"null","count":7,"first_line":3}]}}' >>in.jsonl
run sh -c 'etl-predict -p "$1" <in.jsonl' - "$pipeline"
status_is 0 "known and unknown lines are no error"
head -c "$(wc -c <in.jsonl)" "$out_file" >start
same start in.jsonl "every line is forwarded byte for byte, a newer version and no newline included"
is "$(wc -l <"$out_file")" 4 "own records begin on a new line"
like "$(tail -n 1 "$out_file" | jq -c .predicted.quality_issues)" '"rule":"null"' \
    "quality issues come from the profile"
run sh -c 'etl-predict -p "$1" in.jsonl </dev/full' - "$pipeline"
status_is 0 "with a FILE stdin is not read"

printf '%s\n' '{"record":"note","v":1}' '{not json' '{"record":"note","v":1}' >bad.jsonl
run sh -c 'etl-predict -p "$1" <bad.jsonl' - "$pipeline"
status_is 3 "a line that is not JSON makes the status 3"
like "$err" '^etl-predict: stdin:2: not JSON' "it is named with its number"
head -n 3 "$out_file" >start
same start bad.jsonl "it is forwarded all the same"
is "$(tail -n 1 "$out_file" | jq -r .record)" execution_profile "and the prediction is made"
{
    head -c 10000 /dev/zero | tr '\0' '['
    echo
} >deep.jsonl
run sh -c 'etl-predict -p "$1" <deep.jsonl' - "$pipeline"
status_is 3 "JSON nested 10,000 deep is an error, not a crash"
printf '%s\n' '{"record":"profile","v":1,"columns":7}' >odd.jsonl
run sh -c 'etl-predict -p "$1" <odd.jsonl' - "$pipeline"
is "$(tail -n 1 "$out_file" | jq -r .record)" execution_profile "an odd profile does no harm"

# Sizes from a profile.
printf '%s\n' "{\"record\":\"profile\",\"v\":1,\"dataset\":\"file:$(pwd)/my data/orders.csv\",\"volume\":{\"records\":3000,\"bytes\":$(wc -c <"my data/orders.csv")},\"columns\":[{\"name\":\"id\",\"type\":\"integer\",\"records\":3000,\"nulls\":0,\"distinct\":3000},{\"name\":\"status\",\"type\":\"string\",\"records\":3000,\"nulls\":0,\"distinct\":2,\"top\":[{\"value\":\"paid\",\"count\":300,\"error\":0},{\"value\":\"open\",\"count\":2700,\"error\":0}]},{\"name\":\"amount\",\"type\":\"integer\",\"records\":3000,\"nulls\":0,\"distinct\":100,\"min\":1,\"max\":100,\"quantiles\":{\"0.5\":50}}]}" >profile.jsonl
run etl-predict -p "$pipeline" profile.jsonl
is "$(tail -n 1 "$out_file" | jq -r '.stages[1].records_out.p50 | floor')" 300 \
    "selectivity comes from the profile"

# A source that has not come yet.
sed 's/orders\.csv/tomorrow.csv/' "my data/orders.json" >"my data/tomorrow.json"
run etl-predict -p "my data/tomorrow.json"
status_is 0 "a missing source is no error"
is "$(printf '%s' "$out" | jq -c '.stages[0].records_out, .stages[3].cpu_s')" 'null
null' "what cannot be known is null"

# For people.
run etl-predict -p "$pipeline" --format table in.jsonl
status_is 0 "a table is printed for people"
like "$out" '^orders +read +3,' "with a line for each stage"
unlike "$out" '^\{' "and no JSON"
run env COLUMNS=80 etl-predict -p "$pipeline" --format table in.jsonl
unlike "$out" '…|because' "in 80 columns nothing is cut, the reasons are left out"
run env COLUMNS=120 etl-predict -p "$pipeline" --format table in.jsonl
like "$out" 'records because' "in 120 there is room for them"
run etl-predict -q -p "$pipeline" in.jsonl
is "$status|$out|$err" "0||" "-q prints nothing"
run etl-predict -v -p "$pipeline"
like "$err" 'times as fast as the reference' "-v says how fast this machine is"

# The store.
run etl-predict --store s.db -p "$pipeline"
status_is 0 "--store makes a store"
run etl-predict --store s.db -v -p "$pipeline"
like "$err" 'from the store' "and the machine's speed is kept there"
echo junk >broken.db
run etl-predict --store broken.db -p "$pipeline"
status_is 0 "a store that cannot be used is a warning"
like "$err" '^etl-predict: .*broken.db.*without history' "that says so"

# Ways to fail.
usage_error "no pipeline" "which pipeline? Name its file with -p" etl-predict
usage_error "a parameter without a value" "--param: 'x' is not K=V" etl-predict -p p.json --param x
run etl-predict -p "$pipeline" --param nosuch=1
status_is 2 "an unknown parameter is a usage error"
run etl-predict -p "$pipeline" --scale 0
status_is 2 "nothing times the data is a usage error"
run etl-predict -p "$pipeline" --frobnicate
status_is 2 "an unknown option is a usage error"
run etl-predict -p nosuch.json
status_is 4 "a missing pipeline file is status 4"
like "$err" "^etl-predict: .*nosuch.json" "and named"
echo '{"pipeline": "x", "stages": [{"id": "a", "op": "fly"}]}' >fly.json
run etl-predict -p fly.json
status_is 3 "an invalid pipeline is status 3"
sed 's/\.amount/.amonut/' "my data/orders.json" >"my data/typo.json"
run etl-predict -p "my data/typo.json"
status_is 3 "an unknown column is status 3"
like "$err" "amonut" "and named"
run etl-predict -p "$pipeline" nosuch.jsonl in.jsonl
status_is 4 "a missing FILE is status 4"
is "$(tail -n 1 "$out_file" | jq -r .record)" execution_profile "and the others are done"
run sh -c 'etl-predict -p "$1" >/dev/full' - "$pipeline"
status_is 4 "a full disk on stdout is status 4"
like "$err" 'No space left' "and said"
run sh -c 'etl-predict -p "$1" >&-' - "$pipeline"
status_is 4 "so is a closed stdout"
run sh -c 'i=0; while [ $i -lt 20000 ]; do cat in.jsonl; echo; i=$((i + 100)); done | etl-predict -p "$1" | head -n 1' - "$pipeline"
is "$err" "" "a reader that goes away ends it quietly"

done_testing
