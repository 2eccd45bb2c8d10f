#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input and bad luck: odd files, full disks, kill -9 and signals in mid-run. Old outputs stay whole, no
# half of a new one is seen.
# shellcheck disable=SC2016
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
pipeline() {
    printf '{"pipeline": "%s", "stages": [%s]}\n' "$1" "$2" >"$1.json"
}
completion() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}
pipeline p '{"id":"r","op":"read","path":"in.csv"},{"id":"w","op":"write","path":"out.csv"}'
# input NAME STATUS WANT: runs over in.csv; out.csv must be WANT
input() {
    rm -f out.csv
    run etl-run -p p.json
    got=
    [ ! -e out.csv ] || got=$(cat out.csv)
    is "$status|$got" "$2|$3" "$1"
}

# -- odd files --
printf 'a,b\n' >in.csv
input "a header only" 0 'a,b'
printf 'a,b\n1,2' >in.csv
input "no newline at the end" 0 'a,b
1,2'
printf '\357\273\277a,b\r\n1,2\r\n' >in.csv
input "a BOM and CRLF" 0 'a,b
1,2'
printf 'a,a,\n1,2,3\n' >in.csv
input "headers twice and empty" 0 'a,a_2,column_3
1,2,3'
printf 'a\n"x\n' >in.csv
input "an unterminated quote" 3 ''
like "$err" 'in.csv:2: ' "with its line"
printf 'a,b\n1\n' >in.csv
input "a ragged row" 3 ''
printf 'a\nx\000y\n' >in.csv
input "a NUL byte" 3 ''
like "$err" 'in.csv:2' "with its line, too"
printf 'a\nna\303\257ve\n\377\n' >in.csv
input "bytes that are not UTF-8 are kept" 0 "a
na$(printf '\303\257')ve
$(printf '\377')"
head -c 1048576 /dev/zero | tr '\000' x >field
(printf 'a,b\n1,' && cat field && echo) >in.csv
run etl-run -p p.json
same out.csv in.csv "a field of 1 MiB"
seq 1 5000 | tr '\n' , | sed 's/,$//' >row
(sed 's/[0-9]*/c&/g' row && echo && cat row && echo && cat row && echo) >in.csv
run etl-run -p p.json
same out.csv in.csv "5,000 columns"
: >in.csv
run etl-run -p p.json
is "$status|$(cat out.csv)" "0|" "an empty file: no columns, no records"
rm in.csv out.csv
run etl-run -p p.json
is "$status|$(completion .status)" "4|failed" "a missing input is status 4"
like "$err" "in.csv.*No such file" "and is named"
mkdir in.csv
run etl-run -p p.json
status_is 4 "a folder for an input is status 4"
rmdir in.csv
head -c 20000000 /dev/zero | tr '\000' '[' >deep.jsonl
pipeline deep '{"id":"r","op":"read","path":"deep.jsonl"},{"id":"w","op":"write","path":"out.csv"}'
run etl-run -p deep.json
status_is 3 "a JSON line of 20 MB of brackets"
run etl-run -p no-such.json
is "$status|$out" "4|" "a missing pipeline file is status 4"
printf '{"pipeline":"x","stages":[' >cut.json
run etl-run -p cut.json
status_is 3 "a pipeline file that is cut off is status 3"

# -- full disks --
seq 1 300000 | sed '1i n' >in.csv
echo old >out.csv
cp p.json full.json
sed -i 's|"out.csv"|"/dev/full"|' full.json
run etl-run -p full.json
status_is 4 "a full disk under an output is status 4"
like "$err" '/dev/full.*No space left on device' "and the output is named"
# shellcheck disable=SC3045 # ulimit -f is in POSIX
run sh -c 'ulimit -f 100; etl-run -q --store none/x.db -p p.json'
is "$status|$(cat out.csv)" "4|old" "a file-size limit in mid-write leaves the old output"
like "$err" 'out.csv' "and names it"
is "$(find . -name '.out.csv*')" "" "and no hidden file"
pipeline nodir '{"id":"r","op":"read","path":"in.csv"},{"id":"w","op":"write","path":"gone/out.csv"}'
run etl-run -p nodir.json
status_is 4 "an output folder that is gone is status 4"
like "$err" 'gone/out.csv' "and is named"
pipeline twice '{"id":"r","op":"read","path":"in.csv"},{"id":"w","op":"write","path":"one.csv"},{"id":"x","op":"write","input":"r","path":"/dev/full"}'
run etl-run -p twice.json
status_is 4 "one of two outputs fails"
not_ok "the other does not appear either" test -e one.csv

# -- scratch files --
pipeline spill '{"id":"r","op":"read","path":"in.csv"},{"id":"s","op":"sort","by":["-n"],"resources":{"memory_gb":0.001}},
 {"id":"w","op":"write","path":"out.csv"}'
echo old >out.csv
mkdir scratch
# shellcheck disable=SC3045 # ulimit -f is in POSIX
run sh -c 'ulimit -f 100; FORELINE_TMPDIR=scratch etl-run -q --store none/x.db -p spill.json'
is "$status|$(cat out.csv)" "4|old" "a disk that is full in a spill is status 4 and leaves the old output"
like "$err" "s.*cannot write to the scratch file in 'scratch': File too large: free some, or name another folder with TMPDIR" \
    "the stage, the folder and the remedy are named"
run env FORELINE_TMPDIR=gone etl-run -q --store none/x.db -p spill.json
is "$status|$(cat out.csv)" "4|old" "a scratch folder that is gone is status 4"
like "$err" "cannot make a scratch file in 'gone': No such file or directory: name another folder with TMPDIR" "and is named"
pipeline rows '{"id":"c","op":"command","run":"echo n; echo 5"},{"id":"w","op":"write","path":"rows.csv"}'
run env FORELINE_TMPDIR=gone etl-run -q --store none/x.db -p rows.json
like "$status|$err" "^4\|.*cannot make a scratch file in 'gone'" "what a command prints goes to the scratch folder too"
not_ok "without one there is no output" test -e rows.csv
run env FORELINE_TMPDIR=scratch etl-run -p spill.json
is "$status|$(sed -n '2p;$p' out.csv | tr '\n' ,)|$(wc -l <out.csv)" "0|300000,1,|300001" "where there is room it is sorted"
is "$(ls -A scratch)" "" "and nothing is left there"
is "$(printf '%s\n' "$out" | tail -n 1 | jq '.stages[1].spilled_bytes > 3000000')" true "how much was spilled is told"

# -- outputs appear together, at the end --
pipeline slow '{"id":"r","op":"read","path":"in.csv"},{"id":"w","op":"write","path":"out.csv"},
 {"id":"c","op":"command","input":"r","run":"cat >/dev/null; touch started; sleep 30"}'
echo old >out.csv
wait_for() {
    _i=0
    while [ ! -e "$1" ] && [ $_i -lt 400 ]; do
        sleep 0.05
        _i=$((_i + 1))
    done
}
rm -f started
etl-run -p slow.json >slow.out 2>slow.err &
pid=$!
wait_for started
is "$(cat out.csv)" old "in mid-run the old output is seen"
kill -9 $pid
wait $pid 2>/dev/null
is "$(cat out.csv)" old "after kill -9 too"
sleep 0.3
not_ok "its command does not outlive it" pgrep -f "touch started; sleep 3[0]"
run etl-run -p p.json
is "$status|$(wc -l <out.csv)" "0|300001" "the next run works"
is "$(find . -name '.out.csv*')" "" "and has swept what was left"

for sig in INT TERM; do
    rm -f started
    echo old >out.csv
    etl-run -p slow.json >slow.out 2>slow.err &
    pid=$!
    wait_for started
    # A shell lets background jobs ignore SIGINT: TERM only is sent to those.
    [ $sig = INT ] && kill -INT $pid 2>/dev/null && sleep 0.2 && kill -TERM $pid
    [ $sig = TERM ] && kill -TERM $pid
    wait $pid
    st=$?
    is "$st|$(cat out.csv)|$(find . -name '.out.csv*')" "143|old|" "$sig: the old output stays, nothing is left, status 143"
    is "$(tail -n 1 slow.out | jq -r .status)" cancelled "$sig: the completion says cancelled"
    is "$(jq -r 'select(.job.name == "slow") | .eventType' slow.out | tail -n 1)" ABORT "$sig: the event says ABORT"
    not_ok "$sig: its command has ended" pgrep -f "touch started; sleep 3[0]"
done
if command -v python3 >/dev/null; then
    rm -f started
    cat >int.py <<'PY'
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
p = subprocess.Popen(["etl-run", "-p", "slow.json"], stdout=open("slow.out", "w"), stdin=subprocess.DEVNULL,
                     restore_signals=True)
for _ in range(400):
    if os.path.exists("started"):
        break
    time.sleep(0.05)
p.send_signal(signal.SIGINT)
print(-p.wait())
PY
    is "$(python3 int.py 2>/dev/null)|$(tail -n 1 slow.out | jq -r .status)" "2|cancelled" "SIGINT ends a run, which dies by it"
else
    skip "SIGINT ends a run" "python3 is not installed"
fi

# -- nobody reads the rows --
seq 1 300000 | sed '1i n' >rows.csv
printf '{"pipeline":"left","stages":[{"id":"r","op":"read","path":"rows.csv"},{"id":"a","op":"write","input":"r","path":"left.csv"},{"id":"w","op":"write","input":"r","path":"-"}]}\n' >left.json
for reader in 'head -n 1' 'sleep 0.3'; do
    run sh -c "(etl-run -p left.json --records left.jsonl; echo \$? >left.status) | $reader"
    is "$(cat left.status)|$err|$(tail -n 1 left.jsonl | jq -r .status)" "141||cancelled" "a reader of rows that leaves ends the run in silence: $reader"
    is "$(find . -name '*left.csv*')" "" "and neither the other output nor a hidden file is there"
done

# -- kill -9 at many moments --
seq 1 400000 | sed '1i n' >in.csv
pipeline cut '{"id":"r","op":"read","path":"in.csv"},{"id":"d","op":"derive","set":{"m":".n * 2"}},{"id":"w","op":"write","path":"out.csv"},{"id":"x","op":"write","input":"r","path":"two.csv"}'
run etl-run -q -p cut.json
cp out.csv want.csv
echo old >out.csv
echo old >two.csv
whole=yes
n=20
[ -n "${FORELINE_LONG:-}" ] && n=1000
i=0
while [ $i -lt $n ]; do
    etl-run -q -p cut.json &
    pid=$!
    sleep "0.$(printf '%03d' $((i * 7 % 150)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    cmp -s out.csv want.csv || [ "$(cat out.csv)" = old ] || whole=no
    cmp -s two.csv in.csv || [ "$(cat two.csv)" = old ] || whole=no
    i=$((i + 1))
done 2>/dev/null
is $whole yes "$n times kill -9: each output is the old one or the new one, whole"
run etl-run -q -p cut.json
same out.csv want.csv "and the next run gives the same bytes"

done_testing
