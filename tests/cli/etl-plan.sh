#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-plan as its users and scripts meet it: plans, gates, queues, refusals, what it forwards.
. "${srcdir:?}/tests/cli/lib.sh"
export FORELINE_NOW=2026-11-20T10:00:00Z

profile() { # NAME CPU_S MEMORY_BYTES
    rest='"records_in":{"p50":10,"p95":10},"records_out":null,"bytes_in":null,"bytes_out":null,"wall_s":null,"read_bytes":null,"write_bytes":null'
    printf '%s\n' "{\"record\":\"execution_profile\",\"v\":1,\"pipeline\":\"$1\",\"base\":\"/data\",\"code_version\":\"sha256:1\",\"mode\":\"optimized\",\"predicted\":{\"volume\":null,\"complexity\":null,\"quality_issues\":[]},\"definition\":{\"pipeline\":\"$1\",\"stages\":[{\"id\":\"a\",\"op\":\"read\",\"path\":\"a.csv\"},{\"id\":\"b\",\"op\":\"sort\",\"by\":[\"x\"]},{\"id\":\"c\",\"op\":\"write\",\"path\":\"c.csv\"}]},\"stages\":[{\"id\":\"a\",\"operation\":\"read\",$rest,\"cpu_s\":{\"p50\":$2,\"p95\":$2},\"peak_memory_bytes\":{\"p50\":1000,\"p95\":1000}},{\"id\":\"b\",\"operation\":\"sort\",$rest,\"cpu_s\":{\"p50\":$2,\"p95\":$2},\"peak_memory_bytes\":{\"p50\":$3,\"p95\":$3}},{\"id\":\"c\",\"operation\":\"write\",$rest,\"cpu_s\":{\"p50\":$2,\"p95\":$2},\"peak_memory_bytes\":{\"p50\":1000,\"p95\":1000}}],\"basis\":\"prior\"}"
}
environment() { # ID KIND MEMORY FREE PRICE SPEED [FREE_CORES]
    printf '%s\n' "{\"record\":\"environment\",\"v\":1,\"id\":\"$1\",\"kind\":\"$2\",\"cpu_cores\":4,\"memory_gb\":$3,\"gpus\":0,\"available\":{\"cpu_cores\":${7:-1},\"memory_gb\":$4,\"gpus\":0},\"price_usd_per_hour\":$5,\"spot_price_usd_per_hour\":null,\"startup_s\":0,\"speed\":$6,\"exec\":null}"
}
profile shop 2 1e9 >shop.jsonl
environment box local 8 8 null 1 >box.jsonl

run etl-plan shop.jsonl
status_is 0 "a pipeline is planned"
is "$(jq -r .record "$out_file" | tr '\n' ' ')" "execution_profile environment plan " \
    "its profile is forwarded, this machine and the plan are added"
ok "the records validate" sh -c '"$1" --strict --min 3 "$2"' - "$srcdir/tests/docs/validate" "$out_file"
head -n 1 "$out_file" >start
same start shop.jsonl "the profile is forwarded byte for byte"
tail -n 1 "$out_file" >plan
is "$(jq -c '[.pipeline, .base, .code_version, .mode, .queued, (.stages | map(.id))]' plan)" \
    '["shop","/data","sha256:1","optimized",null,["a","b","c"]]' "the plan is self-contained"
ok "it holds the definition" sh -c '[ "$(jq -c .definition plan)" = "$(jq -c .definition shop.jsonl)" ]'
like "$(jq -c '.why[]' plan)" 'headroom' "and the plan says why"

run sh -c 'cat box.jsonl shop.jsonl | etl-plan'
is "$(jq -r .record "$out_file" | tr '\n' ' ')" "environment execution_profile plan " \
    "with an environment in the input nothing is discovered or added"
is "$(tail -n 1 "$out_file" | jq -r .environment)" box "and it is used"
run etl-plan -e box.jsonl shop.jsonl
tail -n 1 "$out_file" >plan
is "$(jq -c '[.predicted.makespan_s.p50, .predicted.lower_bound, .predicted.gap, .predicted.cost_usd]' plan)" \
    '[6,6,0,null]' "built-in stages take turns"
is "$(jq -c '[.stages[] | [.after, .start_s, .end_s]]' plan)" \
    '[[[],0,2],[["a"],2,4],[["b"],4,6]]' "each stage comes after its inputs"
environment wide local 8 8 null 1 4 >wide.jsonl
run sh -c 'etl-plan -e wide.jsonl shop.jsonl'
is "$(tail -n 1 "$out_file" | jq -c '[.stages[] | [.parallelism, .cpu_cores, .start_s, .end_s]]')" \
    '[[4,4,0,0.5],[4,4,0.5,1],[1,1,1,3]]' "threads share the work of reading where cores are free"
run etl-plan -e box.jsonl shop.jsonl
is "$(jq -r .record "$out_file" | tr '\n' ' ')" "execution_profile environment plan " \
    "one of -e is added when it is used"
{
    environment cheap local 8 8 1 1
    environment quick local 8 8 9 4
    environment farm slurm 8 8 9 4
} >three.jsonl
run etl-plan -e three.jsonl shop.jsonl
is "$(tail -n 1 "$out_file" | jq -c '[.environment, .predicted.makespan_s.p50]')" '["quick",1.5]' \
    "the fastest is taken"
is "$(jq -r 'select(.record == "environment") | .id' "$out_file")" quick "and added alone"
run etl-plan -e three.jsonl --objective cost shop.jsonl
is "$(tail -n 1 "$out_file" | jq -r .environment)" cheap "or the cheapest"
like "$(tail -n 1 "$out_file" | jq -r '.why[]')" "not farm: .*no machine that stages can be started on" \
    "and what was passed over is named"

# Pass-through.
printf '%s\n' '{"record":"note","v":1, "odd" :  [1.50,"é"]}' '{"record":"plan","v":2}' >in.jsonl
profile shop 3 1e9 >>in.jsonl
profile mail 1 1e9 >>in.jsonl
printf '\n%s' '{"eventType":"START"}' >>in.jsonl
run sh -c 'cat shop.jsonl in.jsonl | etl-plan -e box.jsonl'
cat shop.jsonl in.jsonl >all
head -c "$(wc -c <all)" "$out_file" >start
same start all "every line is forwarded byte for byte, also blank ones and one without newline"
is "$(jq -c 'select(.record == "plan" and .v == 1) | [.pipeline, .predicted.makespan_s.p50]' "$out_file")" \
    '["shop",9]
["mail",3]' "one plan per pipeline, the last profile of each counts"

# Gates.
verdict() {
    printf '%s\n' "{\"record\":\"verdict\",\"v\":1,\"check\":\"quality\",\"subject\":\"file:/data/a.csv\",\"ok\":$1,\"reasons\":[\"score 0.5 is below 0.9\"],\"figures\":{}}"
}
{
    verdict false
    cat shop.jsonl
} >gated.jsonl
run sh -c 'etl-plan <gated.jsonl'
status_is 1 "a verdict that says no gates"
same "$out_file" gated.jsonl "nothing is added, the input is forwarded"
is "$err" "etl-plan: not planned: the check 'quality' of 'file:/data/a.csv' says no: score 0.5 is below 0.9" \
    "and the check is named"
run sh -c 'etl-plan --ignore-verdicts <gated.jsonl'
status_is 0 "--ignore-verdicts overrides"
is "$(tail -n 1 "$out_file" | jq -r .record)" plan "and plans"
verdict true >later
run sh -c '{ cat gated.jsonl; cat later; } | etl-plan'
status_is 0 "a later verdict of the same check wins"

# It does not fit, or not in time.
environment small local 8 0.5 null 1 >small.jsonl
environment tiny local 0.5 0.5 null 1 >tiny.jsonl
run etl-plan -e small.jsonl shop.jsonl
status_is 0 "what does not fit now is queued, status 0"
like "$(tail -n 1 "$out_file" | jq -r .queued.reason)" "stage 'b' needs .* free now" "and says for what"
ok "the queued plan validates" sh -c '"$1" --strict "$2"' - "$srcdir/tests/docs/validate" "$out_file"
run etl-plan -e tiny.jsonl shop.jsonl
status_is 1 "what never fits is status 1"
is "$(tail -n 1 "$out_file" | jq -c '[.record, .check, .subject, .ok, .figures.stage]')" \
    '["verdict","resources","shop",false,"b"]' "with a verdict in place of a plan"
like "$err" "^etl-plan: shop: stage 'b' needs .* of memory; 'tiny' has 512" "and the figures"
ok "the verdict validates" sh -c '"$1" --strict "$2"' - "$srcdir/tests/docs/validate" "$out_file"
run etl-plan --deadline 5s -e box.jsonl shop.jsonl
status_is 1 "a deadline that cannot be met is status 1"
like "$err" "takes 6\.0 s, but the deadline 2026-11-20T10:00:05Z is 5\.0 s away" "with the figures"
run etl-plan --deadline 10:01 -e box.jsonl shop.jsonl
status_is 0 "one that can is status 0"
run etl-plan --deadline 2026-11-20T10:00:05Z -e box.jsonl shop.jsonl
status_is 1 "an instant is a deadline too"
run etl-plan --check --deadline 1h -e box.jsonl shop.jsonl
is "$status|$(tail -n 1 "$out_file" | jq -c '[.record, .ok]')" '0|["verdict",true]' \
    "--check gives a verdict and no plan"
run etl-plan --mode standard shop.jsonl
is "$(tail -n 1 "$out_file" | jq -r .mode)" standard "--mode is taken"
for mode in sampling shadow; do
    run etl-plan --mode $mode shop.jsonl
    is "$(tail -n 1 "$out_file" | jq -r .mode)" $mode "so is $mode"
done

# What is missing or broken.
run sh -c 'etl-plan <box.jsonl'
status_is 3 "without an execution_profile the status is 3"
like "$err" "no execution_profile came" "and says so"
run etl-plan
status_is 3 "so with empty input"
jq -c 'del(.definition)' shop.jsonl >bare.jsonl
run etl-plan bare.jsonl
status_is 3 "an execution_profile without definition is status 3"
like "$err" "execution_profile of 'shop' has no definition" "and says so"
printf '%s\n' '{"record":"note","v":1}' '{not json' >bad.jsonl
cat shop.jsonl >>bad.jsonl
run sh -c 'etl-plan -e box.jsonl <bad.jsonl'
status_is 3 "a line that is not JSON makes the status 3"
like "$err" '^etl-plan: stdin:2: not JSON' "it is named with its number"
head -n 3 "$out_file" >start
same start bad.jsonl "and forwarded"
is "$(tail -n 1 "$out_file" | jq -r .record)" plan "and the plan is made"
{
    head -c 10000 /dev/zero | tr '\0' '['
    echo
} >deep.jsonl
run sh -c 'etl-plan <deep.jsonl'
status_is 3 "JSON nested 10,000 deep is an error, not a crash"
run etl-plan -e nosuch.jsonl shop.jsonl
status_is 4 "a missing file of environments is status 4"
: >none.jsonl
run etl-plan -e none.jsonl shop.jsonl
status_is 1 "no environment at all is status 1"
like "$err" "no environment to plan for" "and says so"
run sh -c 'etl-plan shop.jsonl >/dev/full'
status_is 4 "a full disk on stdout is status 4"
run sh -c 'etl-plan shop.jsonl >&-'
status_is 4 "so is a closed stdout"
run etl-plan --frobnicate
status_is 2 "an unknown option is a usage error"
usage_error "a deadline that is none" \
    "--deadline: 'soon' is neither a duration (5m) nor a time (06:00)" etl-plan --deadline soon
usage_error "--from without environments" "--from belongs to 'environments'" etl-plan --from local
run etl-plan --mode fast shop.jsonl
status_is 2 "a mode that does not exist is a usage error"

# For people.
run etl-plan --format table -e box.jsonl shop.jsonl
like "$out" '^2 +b +1 +1\.2 GiB +2\.0 s +4\.0 s +merge +a' "a table has a line for each stage"
like "$out" '^- box: 4 cores' "and the reasons below"
run etl-plan -q -e box.jsonl shop.jsonl
is "$status|$out|$err" "0||" "-q prints nothing"

run etl-plan environments
status_is 0 "environments lists this machine"
is "$(printf '%s' "$out" | jq -r '[.record, .kind, .speed] | @csv')" '"environment","local",1' \
    "as one record"
ok "which validates" sh -c '"$1" --strict "$2"' - "$srcdir/tests/docs/validate" "$out_file"
run sh -c 'etl-plan environments >mine.jsonl && etl-plan -e mine.jsonl shop.jsonl'
status_is 0 "and serves -e"

# A parameter arrives as text, also where a number is wanted.
cat >sized.json <<'END'
{"pipeline": "sized", "params": {"gb": null}, "stages": [{"id": "r", "op": "read", "path": "in.csv"},
 {"id": "s", "op": "sort", "by": ["a"], "resources": {"memory_gb": "${gb}"}}, {"id": "w", "op": "write", "path": "o.csv"}]}
END
printf 'a\n1\n' >in.csv
run sh -c 'etl-predict -p sized.json --param gb=0.25 </dev/null | etl-plan -e mine.jsonl | jq -r "select(.record == \"plan\").stages[1].memory_gb"'
is "$out" 0.25 "a stage's memory may be a parameter"

done_testing
