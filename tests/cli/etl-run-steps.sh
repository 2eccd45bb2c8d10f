#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A failure, or kill -9, at each step of writing two outputs: never a half file under an output's name.
# shellcheck disable=SC2317 # done_testing exits in one branch only
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
lib=$builddir/tests/fault/preload.so
if ! LD_PRELOAD=$lib etl-run --version >/dev/null 2>&1; then
    skip "failing system calls" "LD_PRELOAD does not work with this build"
    done_testing
fi
seq 1 60000 | sed '1i n' >in.csv
cat >p.json <<'END'
{"pipeline": "p", "stages": [{"id": "r", "op": "read", "path": "in.csv"},
 {"id": "d", "op": "derive", "set": {"m": ".n * 2"}},
 {"id": "a", "op": "write", "path": "a.csv"}, {"id": "b", "op": "write", "input": "r", "path": "b.csv"}]}
END
run etl-run -q -p p.json
cp a.csv a.want
cp b.csv b.want

# faulty RULE: both outputs are old, then a run with this fault; $status, $err, and the log in $log
faulty() {
    echo old >a.csv
    echo old >b.csv
    rm -f log
    run env FORELINE_FAULT="$1" FORELINE_FAULT_LOG="$PWD/log" LD_PRELOAD="$lib" etl-run -q -p p.json
    log=$(cat log 2>/dev/null)
}
whole() {
    { cmp -s a.csv a.want || [ "$(cat a.csv)" = old ]; } && { cmp -s b.csv b.want || [ "$(cat b.csv)" = old ]; }
}

for rule in 'write:.b.csv*:1:ENOSPC' 'write:.b.csv*:3:ENOSPC' 'write:.a.csv*:2+:EIO' 'fsync:.a.csv*:1:EIO' \
    'fsync:.b.csv*:1:ENOSPC' 'open:.b.csv*:1:EACCES' 'close:.b.csv*:1:EIO' 'rename:a.csv:1:EIO'; do
    faulty "$rule"
    isnt "$log" "" "$rule happens"
    is "$status|$(cat a.csv)|$(cat b.csv)" "4|old|old" "$rule: status 4, nothing is published"
    like "$err" '[ab]\.csv' "$rule: the output is named"
    is "$(find . -name '.*.tmp')" "" "$rule: no hidden file is left"
done

faulty 'write:.a.csv*:0:SHORT'
is "$status" 0 "short writes are continued"
same a.csv a.want "and lose nothing"

# kill -9 right before each call on an output
for call in write fsync rename unlink close open; do
    step=1
    while [ $step -le 8 ]; do
        faulty "$call:*[ab].csv*:$step:KILL"
        [ -n "$log" ] || break
        ok "killed before $call number $step: both outputs are whole" whole
        step=$((step + 1))
    done
done
run etl-run -q -p p.json
is "$status|$(find . -name '.*.tmp')" "0|" "the next run works and sweeps what was left"
same a.csv a.want "with the same bytes"

done_testing
