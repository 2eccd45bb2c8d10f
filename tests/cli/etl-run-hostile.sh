#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Commands that do harm: that end badly or not at all, flood, fork, fill memory. Each is told by its name,
# and nothing of it is left.
# shellcheck disable=SC2016 # dollars belong to the commands
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
mkdir scratch
TMPDIR=$PWD/scratch
export TMPDIR
pipeline() {
    printf '{"pipeline": "%s", "stages": [%s]}\n' "$1" "$2" >"$1.json"
}
# hostile NAME STATUS STDERR STAGES: runs them, quietly; the completion always comes
hostile() {
    pipeline h "$4"
    rm -f out.csv
    run timeout 60 etl-run -q --records records.jsonl -p h.json
    is "$status|$err" "$2|$3" "$1"
    is "$(tail -n 1 records.jsonl | jq -r '.record')" completion "$1: the completion comes"
}
w='{"id":"w","op":"write","path":"out.csv"}'
r='{"id":"r","op":"read","path":"in.csv"}'
printf 'a,b\n1,2\n3,4\n' >in.csv

# -- that give too much --
yes , | head -n 150000 | tr -d '\n' >wide.csv
pipeline wide '{"id":"c","op":"command","run":"cat wide.csv"},{"id":"l","op":"limit","count":1},{"id":"u","op":"union","inputs":["l","l"]},'"$w"
run timeout 20 etl-run -q --records records.jsonl -p wide.json
is "$status|$(tr , '\n' <out.csv | wc -l)" "0|150001" "a header of very many columns is found out about in a short time"

# -- that end badly --
hostile "missing" 5 "etl-run: | sh: 1: no-such-thing: not found
etl-run: stage 'c': ended with status 127 (command not found)" '{"id":"c","op":"command","run":"no-such-thing"}'
hostile "crashing" 5 "etl-run: stage 'c': killed by signal 11 (Segmentation fault)" '{"id":"c","op":"command","run":"kill -SEGV $$"}'
hostile "killed" 5 "etl-run: stage 'c': killed by signal 9 (Killed)" '{"id":"c","op":"command","run":"kill -9 $$"}'
hostile "rows, then a failure" 5 "etl-run: stage 'c': ended with status 3" '{"id":"c","op":"command","run":"echo n; echo 1; exit 3"},'"$w"
not_ok "hands on nothing" test -e out.csv

# -- that do not end --
hostile "hanging" 5 "etl-run: stage 'c': timed out after 0.1 s (timeout_s)" '{"id":"c","op":"command","run":"sleep 1000","timeout_s":0.1}'
hostile "deaf to TERM" 5 "etl-run: stage 'c': timed out after 0.1 s (timeout_s)" '{"id":"c","op":"command","run":"trap \"\" TERM; while :; do sleep 1001; done","timeout_s":0.1}'
hostile "rows without end" 5 "etl-run: stage 'c': timed out after 0.2 s (timeout_s)" '{"id":"c","op":"command","run":"yes","timeout_s":0.2},'"$w"
hostile "rows without end, fed by rows" 5 "etl-run: stage 'c': timed out after 0.2 s (timeout_s)" "$r"',{"id":"c","op":"command","input":"r","run":"yes","timeout_s":0.2},'"$w"
# shellcheck disable=SC3045 # ulimit -f is in POSIX
run sh -c 'ulimit -f 2000; timeout 60 etl-run -q --store none/x.db -p h.json'
like "$status|$err" "^4\|etl-run: stage 'c': cannot write to 'the scratch file for its rows'.*File too large" "a scratch file that is full"

# -- that say much, or nothing, or oddly --
hostile "a flood on stderr" 0 "" '{"id":"c","op":"command","run":"head -c 100000000 /dev/zero | tr \\\\000 x >&2"}'
run etl-lineage log "$(tail -n 1 records.jsonl | jq -r .run_id)" c
like "$(printf '%s' "$out" | tr -d x)" '^\[98951488 bytes left out\]$' "keeps its head and its tail, and counts the rest"
hostile "rows that are none" 3 "etl-run: c:2: 1 field, expected 2 (header on line 1) (a bad record ends the run; --reject FILE puts such records aside)" '{"id":"c","op":"command","run":"echo a,b; echo 1; echo 2,3"},'"$w"
hostile "lines that are no JSON" 3 "etl-run: c:2: not JSON (from byte 2 of the line on) (a bad record ends the run; --reject FILE puts such records aside)" '{"id":"c","op":"command","format":"jsonl","run":"echo {}; echo {bad"},'"$w"
hostile "no newline at the end" 0 "" '{"id":"c","op":"command","run":"printf \"a\\\\n1\""},'"$w"
is "$(cat out.csv)" "a
1" "loses no row"
hostile "nothing at all" 0 "" '{"id":"c","op":"command","run":":"},'"$w"
hostile "its stdin unread" 0 "" "$r"',{"id":"c","op":"command","input":"r","run":"exit 0"}'
hostile "its stdin closed" 0 "" "$r"',{"id":"c","op":"command","input":"r","run":"exec <&-; sleep 0.1; echo n; echo 1"},'"$w"
hostile "its stdout closed, and going on" 0 "" '{"id":"c","op":"command","run":"echo n; echo 1; exec >&- 2>&-; sleep 0.1; echo here >went-on"},'"$w"
is "$(cat out.csv went-on)" "n
1
here" "is waited for"

# -- that leave something behind --
hostile "a child in a session of its own" 0 "" '{"id":"c","op":"command","run":"setsid sleep 1002 & sleep 0.1"}'
hostile "a daemon" 0 "" '{"id":"c","op":"command","run":"(setsid sh -c \"(setsid sleep 1003 >/dev/null 2>&1 &) ; :\" &) ; sleep 0.2"}'
hostile "a daemon without its environment" 0 "" '{"id":"c","op":"command","run":"(env -i setsid sh -c \"(sleep 1004 >/dev/null 2>&1 &) ; :\" &) ; sleep 0.2"}'
hostile "a daemon of a command that hangs" 5 "etl-run: stage 'c': timed out after 0.1 s (timeout_s)" '{"id":"c","op":"command","run":"setsid sleep 1005 & exec sleep 1006","timeout_s":0.1}'
pipeline d '{"id":"c","op":"command","run":"(setsid sleep 1007 &); touch started; exec sleep 1008"}'
etl-run -q -p d.json &
pid=$!
i=0
while [ ! -e started ] && [ $i -lt 400 ]; do
    sleep 0.02
    i=$((i + 1))
done
kill -9 $pid
wait $pid 2>/dev/null
i=0
while pgrep -f 'sleep 100[0-9]' >/dev/null && [ $i -lt 100 ]; do
    sleep 0.05
    i=$((i + 1))
done
is "$(pgrep -af 'sleep 100[0-9]')" "" "nothing that was started lives, also after kill -9"

# -- SIGTERM while several run, one of them deaf --
pipeline t "$r"',{"id":"a","op":"command","input":"r","run":"trap \"\" TERM; cat >/dev/null; touch t1; while :; do sleep 1011; done"},{"id":"b","op":"command","input":"r","run":"cat >/dev/null; sleep 1012"}'
etl-run -q --records t.jsonl -p t.json &
pid=$!
i=0
while [ ! -e t1 ] && [ $i -lt 400 ]; do
    sleep 0.02
    i=$((i + 1))
done
kill -TERM $pid
before=$(date +%s)
wait $pid
st=$?
is "$st|$(tail -n 1 t.jsonl | jq -r .status)|$([ $(($(date +%s) - before)) -le 20 ] && echo soon)" "143|cancelled|soon" "SIGTERM ends all of them"
is "$(pgrep -af 'sleep 101[0-9]')" "" "and leaves none"

is "$(ls scratch)" "" "no scratch file is left"
is "$(find . -name '.*.tmp')" "" "nor a hidden one"
done_testing
