#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The dataflow execution manager: resources that wait for a run, falling back when they do not, and a
# completion record in every case.
# shellcheck disable=SC2016
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
FORELINE_NOW=2026-11-20T10:00:00Z
export FORELINE_STORE FORELINE_NOW
printf 'a,b\n3,x\n1,y\n' >in.csv
cat >p.json <<'END'
{"pipeline": "p", "stages": [{"id": "r", "op": "read", "path": "in.csv"}, {"id": "s", "op": "sort", "by": ["a"]},
 {"id": "w", "op": "write", "path": "out.csv"}]}
END
last() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}
allocation() {
    printf '{"record":"allocation","v":1,"request":null,"resource_id":"vm-17","status":"ready","network_address":null,"node_id":"p","template":null,"tenant":null,"expires_at":null,"reason":null}\n' |
        jq -c "$1"
}
with() { # with ALLOCATIONS: a run of p.json that reads them
    rm -f out.csv
    run sh -c 'etl-run -p p.json <"$1"' sh "$1"
}

# -- warm --
allocation . >a.jsonl
with a.jsonl
unlike "$status|$err" "^[^0]|vm-17" "an allocation that is ready is used without a word"
is "$(last '[.stages[].allocated | .provider + " " + .resource_id] | unique | join(",")')" "warm vm-17" "every stage has it in its completion"
is "$(printf '%s\n' "$out" | jq -r 'select(.eventType == "COMPLETE" and .job.name == "p") | .run.facets.foreline_stages.stages[].allocated.resource_id' | sort -u)" "vm-17" "and in the events"
is "$(cat out.csv)" "a,b
1,y
3,x" "with the same result"
allocation '.node_id = "s" | .network_address = "127.0.0.1:7000" | .expires_at = "2026-11-20T10:00:01Z"' >a.jsonl
with a.jsonl
is "$status|$(last '[.stages[].allocated | .provider] | join(" ")')" "0|on_demand warm on_demand" "one of a stage is that stage's"
allocation '.node_id = "other"' >a.jsonl
with a.jsonl
is "$status|$(last '[.stages[].allocated.provider] | unique | join(" ")')" "0|on_demand" "one of somebody else is nobody's here"

# -- falling back --
falls() { # falls NAME CHANGE WHY
    allocation "$2" >a.jsonl
    with a.jsonl
    is "$status|$(last '[.stages[].allocated.provider] | unique | join(" ")')|$(printf '%s\n' "$err" | grep -c allocation)" "0|on_demand|1" "$1: on demand, said in one line"
    like "$err" "^etl-run: allocation 'vm-17' $3: on demand instead$" "$1: with its reason"
}
falls "failed" '.status = "failed" | .reason = "quota exceeded"' 'is failed \(quota exceeded\)'
falls "pending" '.status = "pending"' 'is pending'
falls "expired" '.expires_at = "2026-11-20T10:00:00Z"' 'has expired \(2026-11-20T10:00:00Z\)'
falls "elsewhere" '.network_address = "192.0.2.7:22"' 'is at 192.0.2.7:22, and stages run on this machine only'
printf '{"record":"allocation","v":1}\n' >a.jsonl
with a.jsonl
like "$status|$(last .status)|$err" "^3\|completed\|.*allocation without 'status'" "a record that is none is told, and the run goes on"

# -- in a chain, with a plan --
allocation '.node_id = null | .template = "p"' >a.jsonl
run sh -c '(etl-predict -p p.json | etl-plan; cat a.jsonl) | etl-run'
is "$status|$(last '.stages[0].allocated.resource_id')" "0|vm-17" "an allocation behind the plan is used"
is "$(printf '%s\n' "$out" | grep -c '"record":"allocation"')" 1 "and forwarded"

# -- the provider fails: more is asked for than there is --
etl-run --dry-run -p p.json 2>/dev/null | jq -c 'if .record == "plan" then .stages[1].memory_gb = 1e6 else . end' >plan.jsonl
run etl-run plan.jsonl
like "$status|$(last .status)|$err" "^0\|completed\|etl-run: stage 's': 976.6 TiB of memory are asked for, there are .*: it runs with what there is" "a plan for a larger machine runs with what there is"

# -- a completion always comes out --
ends() { # ends NAME STATUS COMPLETION ERROR ARG...
    name=$1 want=$2 how=$3 why=$4
    shift 4
    run "$@"
    is "$status|$(last '.record + " " + .pipeline + " " + .status')" "$want|completion p $how" "$name: the completion says $how"
    like "$(last .error)" "$why" "$name: and why"
}
printf '{"record":"verdict","v":1,"check":"quality","subject":"in.csv","ok":false,"reasons":[],"figures":{}}\n' >no.jsonl
ends "a verdict says no" 1 refused "a verdict says no" sh -c 'etl-run -p p.json <no.jsonl'
ends "a verdict says no of a plan" 1 refused "a verdict says no" sh -c 'cat plan.jsonl no.jsonl | etl-run'
sed 's/"op": "sort"/"op": "sort", "resources": {"memory_gb": 1e6}/' p.json >big.json
ends "an impossible plan" 1 refused "needs 976.6 TiB of memory" etl-run -p big.json
mkdir gone
jq -c --arg b "$PWD/gone" 'if .base then .base = $b else . end' plan.jsonl >gone.jsonl
rmdir gone
ends "the folder is gone" 4 failed "gone/in.csv" etl-run gone.jsonl
jq -c 'if .record == "plan" then .definition.stages[0].op = "raed" else . end' plan.jsonl >odd.jsonl
ends "a plan of an operation there is not" 3 failed "raed" etl-run odd.jsonl
jq -c 'if .record == "plan" then .definition = null else . end' plan.jsonl >none.jsonl
ends "a plan without its pipeline" 3 failed "has no definition" etl-run none.jsonl
jq -c 'if .record == "plan" then .mode = "daring" else . end' plan.jsonl >mode.jsonl
ends "a mode there is not" 3 refused "daring" etl-run mode.jsonl
(
    printf '{"record":"environment","v":1,"id":"far","kind":"slurm"}\n'
    jq -c 'if .record == "plan" then .stages[0].environment = "far" else . end' plan.jsonl
) >far.jsonl
ends "planned for another machine" 3 refused "planned for 'far'" etl-run far.jsonl
ends "a resume of no run" 3 failed "no-such-run" etl-run -p p.json --resume=no-such-run
jq -c 'if .record == "plan" then .queued = {reason: "full", until: null} else . end' plan.jsonl >queued.jsonl
ends "queued, and not to wait" 75 queued "full" etl-run --no-wait queued.jsonl
rm -rf store.db*
mkdir store.db
ends "a store that cannot be opened" 0 completed "null" etl-run -p p.json
rmdir store.db
ends "an input that is gone" 4 failed "in.csv" sh -c 'mv in.csv x.csv; etl-run -p p.json; s=$?; mv x.csv in.csv; exit $s'
run etl-run -p p.json --validate
is "$status|$out" "0|" "a mere check is no run and has none"

done_testing
