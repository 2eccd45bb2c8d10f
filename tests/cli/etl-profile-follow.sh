#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile --follow: a file that grows, is rotated, truncated, or comes later.
. "${srcdir:?}/tests/cli/lib.sh"

# Until the command succeeds, ten seconds at most.
wait_for() {
    for _i in $(seq 200); do
        "$@" && return
        sleep 0.05
    done
    echo "# waited in vain for: $*" >&2
}
# Runs in the background, as a job of a terminal would: SIGINT is not ignored.
follow() {
    rm -f live.out live.err
    env --default-signal=INT,TERM etl-profile --follow "$@" >live.out 2>live.err &
    pid=$!
    # From here on it takes SIGINT (2) and SIGTERM (15) for an end.
    wait_for grep -q 'SigCgt:.*4..2$' "/proc/$pid/status" 2>/dev/null
}
# shellcheck disable=SC2317 # called by wait_for
has() { grep -q "$2" "$1" 2>/dev/null; }
end_it() {
    kill "-$1" "$pid"
    wait "$pid"
    ended=$?
}

# -- a file that grows --
printf 'n,w\n1,a\n2,b\n' >grow.csv
follow --tee --records r.jsonl grow.csv
wait_for has live.out 2,b
printf '3,' >>grow.csv
sleep 0.3
printf 'c\n4,d\n' >>grow.csv
wait_for has live.out 4,d
end_it INT
is "$ended|$(cat live.err)" "0|" "SIGINT ends it with status 0"
same live.out grow.csv "all was passed on"
is "$(jq -c '[.volume.records, .columns[0].max, .quality.accuracy]' r.jsonl)" '[4,4,1]' "a record that was written in two goes is one"

# -- one that comes later --
follow --tee --records r.jsonl later/late.jsonl
sleep 0.1
mkdir later
printf '{"a":1}\n' >later/late.jsonl
wait_for has live.out '"a":1'
printf '{"a":2}\n' >>later/late.jsonl
wait_for has live.out '"a":2'
end_it TERM
is "$ended|$(cat live.err)|$(jq -c '[.volume.records, .columns[0].max]' r.jsonl)" "0||[2,2]" "JSON lines that come later; SIGTERM ends it too"
follow never.csv
sleep 0.2
end_it INT
is "$ended|$(jq .volume.records live.out)" "0|0" "one that never comes is a profile of no records"
run timeout 5 etl-profile --follow /dev
is "$status|$err" "4|etl-profile: cannot open '/dev': Is a directory" "a folder is not followed"

# -- a folder for a while where the file was --
printf 'n\n1\n' >folder.csv
follow --tee --records r.jsonl folder.csv
wait_for has live.out 1
rm folder.csv
mkdir folder.csv
sleep 0.3
rmdir folder.csv
printf 'n\n2\n' >folder.csv
wait_for has live.out 2
end_it INT
is "$ended|$(cat live.err)|$(jq -c '[.volume.records, .columns[0].max]' r.jsonl)" "0||[2,2]" "a folder in the place of the file is waited for to go"

# -- rotation while it is written: each record once --
printf 'n,w\n' >log.csv
follow --tee --records r.jsonl log.csv
cat >writer.py <<'END'
import os, time
def seen(text):
    deadline = time.time() + 10
    while time.time() < deadline:
        with open("live.out") as f:
            if text in f.read():
                return
        time.sleep(0.005)
    raise SystemExit("not seen: " + text)
n, files = 0, 0
log = open("log.csv", "a", buffering=1)
for part in range(8):
    for i in range(500):
        n += 1
        log.write("%d,word %d\n" % (n, n))
        if i == 250:  # files that nobody saw would be lost: by now this one was
            seen("\n%d,word" % (n - 200))
    files += 1
    if part == 3:
        log.write("%d,no line end" % (n + 1))
        log.flush()
        n += 1
    os.rename("log.csv", "log.csv.%d" % files)
    log.write("%d,into the renamed file\n" % (n + 1) if part != 3 else "")
    n += part != 3
    if part == 2:
        time.sleep(0.3)
    new = open("log.csv", "a", buffering=1)
    if part == 5:
        log.write("%d,still into the renamed file\n" % (n + 1))
        n += 1
    log.close()
    log = new
    log.write("n,w\n")
n += 1
log.write("%d,the last\n" % n)
print(n)
seen("the last")
END
total=$(python3 writer.py)
end_it INT
is "$ended|$(cat live.err)" "0|" "rotation is followed"
is "$(jq -c '[.volume.records, .columns[0].distinct, .columns[0].min, .columns[0].max, .columns[0].types.integer, .quality.accuracy]' r.jsonl)" \
    "[$total,$total,1,$total,$total,1]" "no record is lost, doubled or torn, no header is a record"
ok "there were several files" test -e log.csv.8

# -- files that come and go while nobody looks --
printf 'n\n1\n' >gone.csv
follow --tee --records r.jsonl gone.csv
wait_for has live.out 1
kill -STOP "$pid"
for i in 2 3 4 5; do
    [ ! -e gone.csv.1 ] || mv gone.csv.1 "gone.csv.old$i"
    mv gone.csv gone.csv.1
    printf 'n\n%s\n' "$i" >gone.csv
done
kill -CONT "$pid"
wait_for has live.out 5
end_it INT
is "$ended|$(grep -v n live.out | tr '\n' ' ')|$(jq -c '[.volume.records, .columns[0].max]' r.jsonl)" "0|1 2 3 4 5 |[5,5]" \
    "several rotations between two looks lose nothing"

# -- truncation --
printf 'n\n1\n2\n3\n' >trunc.csv
follow --tee --records r.jsonl trunc.csv
wait_for has live.out 3
cp trunc.csv trunc.csv.1
: >trunc.csv
sleep 0.3
printf 'n\n4\n5\n' >>trunc.csv
wait_for has live.out 5
end_it INT
is "$ended|$(cat live.err)" "0|etl-profile: trunc.csv: the file was truncated while it was followed (what was not read is lost) (byte 8)" \
    "truncation is said"
is "$(jq -c '[.volume.records, .columns[0].distinct, (.quality.issues[] | select(.rule == "changed_while_read") | .count)]' r.jsonl)" \
    '[5,5,1]' "and counted; reading goes on at the beginning"

# -- windows go out while it is followed --
printf 'n\n' >win.csv
follow --window 10 win.csv
seq 1 14 >>win.csv
wait_for has live.out '"last_record":10'
is "$(jq -c '[.window.first_record, .window.last_record]' live.out)" '[1,10]' "a window of records goes out when it is full"
seq 15 20 >>win.csv
wait_for has live.out '"last_record":20'
end_it INT
is "$ended|$(jq -c '.window.last_record' live.out | tr '\n' ' ')" "0|10 20 " "the next one too"
follow --window 1s win.csv
wait_for has live.out '"record":"profile"'
is "$(jq -c '.volume.records' live.out | head -n 1)" 20 "a window of time goes out though nothing more comes"
end_it INT

# -- packed, standard input, usage --
gzip -c win.csv >win.csv.gz
follow --tee --records r.jsonl win.csv.gz
wait_for test -s live.out
printf 'n\n21\n' | gzip -c >>win.csv.gz
wait_for cmp -s live.out win.csv.gz
end_it INT
is "$ended|$(jq .volume.records r.jsonl)" "0|22" "members that are added to a gzip"
run sh -c 'cat win.csv | timeout 5 etl-profile --follow'
is "$status|$(jq .volume.records "$out_file")" "0|20" "standard input is read to its end"
usage_error "two files" "--follow follows one file, and 2 were given" etl-profile --follow win.csv win.csv

done_testing
