#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Command stages: source, filter, sink, a step of its own; those that crash, hang, flood or say nothing.
# shellcheck disable=SC2016 # dollars belong to the commands
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
# pipeline NAME STAGES: a stage's "run" is written as shell, double quotes escaped by hand.
pipeline() {
    printf '{"pipeline": "%s", "stages": [%s]}\n' "$1" "$2" >"$1.json"
}
completion() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}
write='{"id":"w","op":"write","path":"out.csv"}'
read='{"id":"r","op":"read","path":"in.csv"}'
printf 'a,b\n3,x\n1,y\n2,\n' >in.csv

# -- source --
pipeline source '{"id":"c","op":"command","run":"printf '"'"'n,s\\n1,a\\n2,b\\n'"'"'"},{"id":"f","op":"filter","where":".n > 1"},'"$write"
run etl-run -p source.json
is "$status|$(cat out.csv)" "0|n,s
2,b" "a source's rows are CSV with a header"
pipeline json '{"id":"c","op":"command","format":"jsonl","run":"echo '"'"'{\"a\":1.50}'"'"'"},'"$write"
run etl-run -p json.json
is "$status|$(cat out.csv)" "0|a
1.50" "or what format says"
pipeline nothing '{"id":"c","op":"command","run":"true"},'"$write"
run etl-run -p nothing.json
is "$status|$(cat out.csv)" "0|" "a source that writes nothing has no columns and no records"

# -- filter --
pipeline filter "$read"',{"id":"c","op":"command","input":"r","run":"tr a-z A-Z | sed s/B/b/"},{"id":"s","op":"sort","by":["A"]},'"$write"
run etl-run -p filter.json
is "$status|$(cat out.csv)" "0|A,b
1,Y
2,
3,X" "a filter takes rows on stdin and gives rows on stdout"
is "$(completion '.stages[1] | [.records_in, .records_out] | join(" ")')" "3 3" "its records are counted"
seq 1 200000 | sed '1i n' >big.csv
pipeline big '{"id":"r","op":"read","path":"big.csv"},{"id":"c","op":"command","input":"r","run":"cat"},{"id":"g","op":"aggregate","by":[],"measures":{"s":"sum(.n)","n":"count"}},'"$write"
run etl-run -p big.json
is "$status|$(cat out.csv)" "0|s,n
20000100000,200000" "more rows than pipes hold pass without a deadlock"
pipeline above "$read"',{"id":"c","op":"command","run":"tr a-z A-Z"},{"id":"d","op":"command","run":"grep -v 3"},'"$write"
run etl-run -p above.json
is "$status|$(cat out.csv)" "0|A,B
1,Y
2," "input left out is the stage above"
pipeline other "$read"',{"id":"c","op":"command","run":"cat >&2; echo a; echo 5"},{"id":"j","op":"join","inputs":["r","c"],"on":["a"],"type":"anti"},'"$write"
run etl-run -p other.json
is "$status|$(cat out.csv)|$(etl-lineage log "$(completion .run_id)" c)" "0|$(cat in.csv)|" "but what others read a source does not take"
pipeline head '{"id":"r","op":"read","path":"big.csv"},{"id":"c","op":"command","input":"r","run":"head -n 3"},'"$write"
run etl-run -p head.json
is "$status|$(cat out.csv)" "0|n
1
2" "a filter may stop reading early"
pipeline late '{"id":"r","op":"read","path":"big.csv"},{"id":"c","op":"command","input":"r","run":"sleep 0.3; cat"},{"id":"l","op":"limit","count":1},'"$write"
run etl-run -p late.json
is "$status|$(cat out.csv)" "0|n
1" "a limit behind it"

# -- sink --
pipeline sink "$read"',{"id":"k","op":"command","input":"r","run":"cat >sunk"}'
run etl-run -p sink.json
is "$status|$(cat sunk)" "0|$(cat in.csv)" "a sink takes rows on stdin"

# -- a step of its own, and the order of things --
pipeline step "$read"','"$write"',{"id":"c","op":"command","after":["w"],"run":"cp out.csv copied.csv; echo said; echo loud >&2"}'
rm -f out.csv
run etl-run -p step.json
is "$status|$(cat copied.csv)" "0|$(cat in.csv)" "a command sees the outputs it comes after"
unlike "$out" said "its stdout is no record"
pipeline reads '{"id":"m","op":"command","run":"cp in.csv made.csv","writes":["made.csv"]},{"id":"r","op":"read","path":"made.csv"},'"$write"
run etl-run -p reads.json
is "$status|$(cat out.csv)" "0|$(cat in.csv)" "a read waits for the command that writes its path"
mkdir -p sub
printf '{"pipeline":"sub","stages":[{"id":"c","op":"command","run":"pwd >where"}]}' >sub/sub.json
run etl-run -p sub/sub.json
is "$(cat sub/where)" "$PWD/sub" "commands run in the folder of the pipeline file"
pipeline env '{"id":"c","op":"command","run":"echo $A $B >env.out","env":{"A":"1","B":"${env:TOKEN}"}}'
run env TOKEN=hush etl-run -p env.json
is "$status|$(cat env.out)" "0|1 hush" "env is set, secrets are filled in"
unlike "$out$err" hush "a secret is not printed"
not_ok "nor stored" grep -q hush store.db store.db-wal
run etl-run -p env.json
status_is 3 "a secret that is not set is status 3"
like "$err" TOKEN "and is named"
pipeline tells '{"id":"c","op":"command","run":"printf hus >&2; sleep 0.2; echo h,$B,hus >&2; exit 1","env":{"B":"x${env:TOKEN}"}}'
run env TOKEN=hush etl-run -p tells.json
like "$status|$err" "\\| \*\*\*,x\*\*\*,hus$" "a command that tells its secret is not repeated"
run etl-lineage log "$(completion .run_id)" c
is "$out" "***,x***,hus" "nor remembered"

pipeline load "$read"',{"id":"k","op":"command","input":"r","run":"cat >/dev/null","writes":["postgresql://me:hush@dw:5432/dw.public.t","made.csv"]}'
run etl-run -p load.json
is "$(printf '%s\n' "$out" | jq -c 'select(.job.name == "load" and .eventType == "COMPLETE") | [.outputs[] | .namespace + " " + .name]')" \
    "[\"postgres://dw:5432 dw.public.t\",\"file $PWD/made.csv\"]" "what a command writes is named as OpenLineage names it"

# -- failures --
rm -f out.csv
pipeline fails "$read"','"$write"',{"id":"c","op":"command","input":"r","run":"cat >/dev/null; echo bad thing >&2; exit 3"}'
run etl-run -p fails.json
is "$status|$(completion .status)|$(completion '.stages[2].status')" "5|failed|failed" "a command that fails is status 5"
like "$err" "stage 'c': ended with status 3" "its status is told"
like "$err" "\| bad thing" "and its last lines are shown"
not_ok "nothing is published" test -e out.csv
pipeline gone "$read"',{"id":"c","op":"command","input":"r","run":"no-such-program-here"}'
run etl-run -p gone.json
is "$status" 5 "a command that is missing is status 5"
like "$err" "ended with status 127 \(command not found\)" "and is said to be missing"
pipeline dies '{"id":"c","op":"command","run":"kill -SEGV $$"}'
run etl-run -p dies.json
like "$status $err" "^5 etl-run: stage 'c': killed by signal 11" "the signal that killed it is told"
pipeline half '{"id":"c","op":"command","run":"echo n; echo 1; exit 1"},'"$write"
run etl-run -p half.json
is "$status" 5 "a source that fails half-way has failed"
not_ok "and hands on nothing" test -e out.csv
pipeline hangs '{"id":"c","op":"command","run":"sleep 100","timeout_s":0.3}'
run etl-run -p hangs.json
like "$status $err" "^5 etl-run: stage 'c': timed out after 0.3 s" "timeout_s ends one that hangs"
pipeline hangf "$read"',{"id":"c","op":"command","input":"r","run":"sleep 100","timeout_s":0.3},'"$write"
run etl-run -p hangf.json
like "$status $err" "^5 etl-run: stage 'c': timed out" "also a filter"
pipeline daemon '{"id":"c","op":"command","run":"sleep 100 & echo n; echo 1"},'"$write"
run timeout 20 etl-run -p daemon.json
is "$status|$(cat out.csv)" "0|n
1" "what a command leaves running is not waited for"
pipeline holds '{"id":"r","op":"read","path":"big.csv"},{"id":"k","op":"command","input":"r","run":"exec 3<&0; sleep 100 <&3 & exit 0"}'
run timeout 20 etl-run -p holds.json
status_is 0 "nor what holds its stdin without reading"
pipeline loud '{"id":"c","op":"command","run":"head -c 30000000 /dev/zero | tr \\\\000 x >&2; echo end >&2; exit 1"}'
run etl-run -p loud.json
like "$status|$err" "\| .*end$" "the end of 30 MB of stderr is shown"
is "$([ "$(cat store.db store.db-wal 2>/dev/null | wc -c)" -lt 8000000 ] && echo bounded)" bounded "and only a part is kept"

# -- retries --
pipeline retry '{"id":"c","op":"command","retries":2,"run":"echo x >>tries; test $(wc -l <tries) -ge 2 && echo n && echo 5"},'"$write"
run etl-run -p retry.json
is "$status|$(wc -l <tries)|$(cat out.csv)" "0|2|n
5" "a source that fails is tried again"
like "$err" "ended with status 1; trying again" "and that is said"
pipeline retry0 '{"id":"c","op":"command","retries":1,"run":"echo x >>tries0; exit 9"}'
run etl-run -p retry0.json
is "$status|$(wc -l <tries0)" "5|2" "at most retries times"

# -- figures --
pipeline burn '{"id":"c","op":"command","run":"i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"}'
run etl-run -p burn.json
is "$(completion '.stages[0].cpu_s > 0.02')" true "the CPU time of a command's process tree is its own"
pipeline mem '{"id":"c","op":"command","run":"head -c 60000000 /dev/zero | tail -c 50000000 | (sleep 0.3; wc -c)"}'
run etl-run -p mem.json
is "$(completion '.stages[0].peak_memory_bytes > 30000000')" true "and so is its memory"

done_testing
