#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-lineage: add as a filter, and every question. What all tools share is in common.sh.
. "${srcdir:?}/tests/cli/lib.sh"
tool=etl-lineage
validate=$srcdir/tests/docs/validate

# job, status, time, run, input, output
event() {
    printf '{"eventType":"%s","eventTime":"%s","run":{"runId":"%s"},"job":{"namespace":"jobs","name":"%s"},"inputs":[%s],"outputs":[%s],"producer":"https://example.com/p","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json"}\n' \
        "$2" "$3" "$4" "$1" "$5" "$6"
}
set_of() {
    printf '{"namespace":"%s","name":"%s"}' "$1" "$2"
}
id1=0190f0a0-0000-7000-8000-000000000001
id2=0190f0a0-0000-7000-8000-000000000002
{
    event orders START 2026-11-19T10:00:00Z $id1 "$(set_of file /d/orders.csv)" ""
    event orders COMPLETE 2026-11-19T10:00:05Z $id1 "$(set_of file /d/customers.csv)" "$(set_of file /d/joined.csv)"
    event load START 2026-11-20T09:00:00Z $id2 "$(set_of file /d/joined.csv)" "$(set_of postgresql://dw:5432 dw.public.revenue)"
    event load FAIL 2026-11-20T09:30:00Z $id2 "" ""
} >events.jsonl
export FORELINE_NOW=2026-11-20T10:00:00Z

# -- no store yet --
run $tool runs
status_is 4 "a question without a store has status 4"
like "$err" "^etl-lineage: no store at '.*/state/foreline/store.db'; etl-run and etl-lineage add make one, --store names another\$" \
    "and says where it looked and what to do"
ok "and makes none" test ! -e "$XDG_STATE_HOME/foreline"
run $tool runs --store postgres://user:secret@host/db
is "$status|$err" "2|etl-lineage: postgres stores are not supported in this version; name a file: --store PATH" \
    "postgres is refused without repeating the URL"
echo 'precious' >mine.txt
run $tool add --store mine.txt events.jsonl
status_is 4 "a file that is no store is refused"
like "$err" "'.*/mine.txt' is not a store of foreline, and is left as it is" "with its name"
is "$(cat mine.txt)" precious "and left as it is"
same "$out_file" events.jsonl "and the lines are forwarded all the same"

# -- add --
run $tool add events.jsonl
is "$status|$err" "0|" "add succeeds"
same "$out_file" events.jsonl "add forwards what it read"
ok "add makes the default store" test -f "$XDG_STATE_HOME/foreline/store.db"
run sh -c "$tool add <events.jsonl"
same "$out_file" events.jsonl "add reads stdin"
run $tool add -q events.jsonl
is "$status|$out|$err" "0||" "add -q is quiet"
run $tool add --format table events.jsonl
is "$out" "4 events (4 known already) with 0 edges, 0 completions" "add says for people what it kept"

# Every line passes byte for byte: unknown records, newer ones, odd ends, things that are not JSON.
{
    printf '{"record":"verdict","v":1,"check":"x","ok":true}\r\n'
    printf 'not json at all\n\n'
    printf '  {"record" : "mine", "x":1.50e+00 }  \n'
    printf '{"record":"completion","v":2,"from":"the future"}\n'
    printf '[1,2,3]\n{"a":"\303\244\\u00e4"}\n'
    printf '{"no newline":true}'
} >odd.jsonl
run $tool add odd.jsonl
is "$status|$err" "3|etl-lineage: odd.jsonl:2: not JSON: $(printf '%s' "$err" | sed 's/.*not JSON: //')" \
    "a line that is not JSON is named, and makes the status 3"
same "$out_file" odd.jsonl "odd lines pass byte for byte"
printf '%s\n' '{"eventType":"START","job":{"namespace":"jobs","name":"orders"}}' '{"eventType":' >bad2.jsonl
run $tool add --store bad2.db bad2.jsonl
status_is 3 "bad JSON on line 2 has status 3"
like "$err" "^etl-lineage: bad2.jsonl:2: not JSON: " "and its line is named"
same "$out_file" bad2.jsonl "and is forwarded"
run $tool add --store nested.db nested.jsonl
is "$status|$err" "4|etl-lineage: cannot open 'nested.jsonl': No such file or directory" "a missing file has status 4"
run $tool add --store many.db missing.jsonl events.jsonl
status_is 4 "a missing file among others has status 4"
same "$out_file" events.jsonl "and the others are done"
run sh -c "mkdir -p dir && $tool add --store x.db dir"
is "$status|$err" "4|etl-lineage: cannot read 'dir': Is a directory" "a directory has status 4"
: >empty.jsonl
run $tool add --store empty.db empty.jsonl
is "$status|$out|$err" "0||" "an empty file is fine"

awk 'BEGIN { printf "{\"eventType\":\"START\",\"x\":"; for (i = 0; i < 10000; i++) printf "["; for (i = 0; i < 10000; i++) printf "]"; print "}" }' >nested.jsonl
run $tool add --store nested.db nested.jsonl
status_is 3 "JSON nested 10,000 deep has status 3"
same "$out_file" nested.jsonl "and is forwarded"
{
    cat events.jsonl
    printf '{"eventType":"START","job":{"namespace":"jobs","name":"big"},"pad":"'
    head -c 16777300 /dev/zero | tr '\000' x
    printf '"}\n'
} >big.jsonl
run $tool add --store big.db big.jsonl
status_is 3 "a line over 16 MiB has status 3"
like "$err" "^etl-lineage: big.jsonl:5: line over 16 MiB" "and is named"
same "$out_file" big.jsonl "and is forwarded"
{
    printf '{"eventType":"START","job":{"namespace":"jobs","name":"large"},"pad":"'
    head -c 16000000 /dev/zero | tr '\000' x
    printf '"}\n'
} >large.jsonl
run $tool add --store big.db large.jsonl
status_is 0 "a line of nearly 16 MiB is kept"
like "$($tool show --store big.db large)" '"node":"jobs/large"' "and its job is known"

run sh -c "$tool add events.jsonl >/dev/full"
is "$status|$err" "4|etl-lineage: cannot write to stdout: No space left on device" "a full disk on stdout"
run sh -c "$tool add events.jsonl >&-"
is "$status|$err" "4|etl-lineage: cannot write to stdout: Bad file descriptor" "a closed stdout"
run sh -c "$tool add big.jsonl 2>/dev/null | head -n 1"
is "$out" "$(head -n 1 events.jsonl)" "a reader that leaves early"

# -- strict --
printf '%s\n' '{"eventType":"START","eventTime":"2026-11-20T10:00:00Z","job":{"namespace":"jobs","name":"loose"}}' >loose.jsonl
run $tool add --store loose.db loose.jsonl
is "$status|$err" "0|" "a sender that leaves out fields is taken"
cat events.jsonl loose.jsonl >mixed.jsonl
run $tool add --strict --store strict.db mixed.jsonl
is "$status|$err" "3|etl-lineage: mixed.jsonl:5: not an OpenLineage event: producer: is required and missing" \
    "--strict names what is missing"
same "$out_file" mixed.jsonl "--strict forwards it all the same"
run $tool show --store strict.db loose
status_is 3 "and keeps nothing of it"
run $tool show --store strict.db orders.csv
status_is 0 "but the valid ones"
printf '%s\n' '{"record":"completion","v":1,"pipeline":"p","status":"completed"}' >norun.jsonl
run $tool add --store strict.db norun.jsonl
is "$status|$err" "3|etl-lineage: norun.jsonl:1: completion: run_id is required and missing" \
    "a completion record without a run is refused"

# -- the graph does not depend on order or repetition --
graph() {
    {
        $tool runs -a --store "$1"
        $tool show --store "$1"
        for node in file:/d/orders.csv jobs/orders file:/d/joined.csv jobs/load; do
            $tool downstream --store "$1" $node
            $tool show --store "$1" $node
        done
    } 2>&1
}
run $tool add -q --store g1.db events.jsonl
sed -n '4p;2p;3p;1p;2p;4p' events.jsonl >permuted.jsonl
run $tool add -q --store g2.db permuted.jsonl
graph g1.db >g1
graph g2.db >g2
same g1 g2 "permuted and repeated events give the same graph"
ok "which is not empty" test "$(wc -l <g1)" -gt 15
run $tool add -q --store g2.db permuted.jsonl events.jsonl
graph g2.db >g2
same g1 g2 "adding all of them again changes nothing"

# Two tools of one pipe may share a store: neither waits for the other with the lock in hand.
i=0
while [ $i -lt 60 ]; do
    i=$((i + 1))
    event "job$i" COMPLETE 2026-11-20T09:00:00Z "run-$i" "$(set_of file "/d/$(head -c 4000 /dev/zero | tr '\000' x)$i")" ""
done >wide.jsonl
run sh -c "$tool add --store shared.db wide.jsonl | $tool add --store shared.db | timeout 20 $tool add --store shared.db"
is "$status|$err" "0|" "tools of one pipe may share a store"
same "$out_file" wide.jsonl "and all lines come through"
is "$($tool runs --store shared.db | wc -l | tr -d ' ')" 60 "and every run is kept once"
# What has come is kept before more comes.
mkfifo pipe
$tool add -q --store live.db <pipe &
exec 3>pipe
sed -n 1p events.jsonl >&3
tries=0
until [ "$($tool runs --store live.db 2>/dev/null | wc -l)" -eq 1 ] || [ $tries -gt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
ok "an event is kept while the next is waited for" test $tries -le 100
exec 3>&-
wait

# -- runs --
printf '%s\n' '{"record":"completion","v":1,"pipeline":"daily","run_id":"0190f0b0-0000-7000-8000-000000000003","status":"completed","started_at":"2026-11-20T09:50:00Z","wall_s":1.5,"cpu_s":1.25,"peak_memory_bytes":1048576,"rejects":2,"stages":[{"id":"read","operation":"read","records_in":10,"records_out":10,"bytes_in":null,"bytes_out":null,"wall_s":0.5,"cpu_s":0.25,"peak_memory_bytes":4096,"read_bytes":null,"write_bytes":null,"status":"completed","predicted":{"cpu_s":{"p50":0.2,"p95":0.4},"wall_s":null,"peak_memory_bytes":null,"records_out":null}},{"id":"load","operation":"command","cpu_s":1,"status":"completed"}],"error":null}' \
    '{"eventType":"COMPLETE","eventTime":"2026-11-20T09:50:01Z","run":{"runId":"part-of-daily","facets":{"parent":{"run":{"runId":"0190f0b0-0000-7000-8000-000000000003"},"job":{"namespace":"jobs","name":"daily"}}}},"job":{"namespace":"jobs","name":"daily.read"}}' >daily.jsonl
run $tool add -q daily.jsonl
run $tool runs
is "$status|$(printf '%s\n' "$out" | jq -r '.pipeline + " " + .status + " " + (.wall_s | tostring)' | tr '\n' ';')" \
    "0|daily completed 1.5;load failed 1800;orders completed 5;" "runs are listed newest first, without parts"
printf '%s\n' "$out" >runs.jsonl
ok "as valid records" "$validate" --strict --min 3 runs.jsonl
is "$($tool runs -a | wc -l | tr -d ' ')" 4 "--all lists the parts too"
is "$($tool runs --status failed | jq -r .run_id)" $id2 "--status chooses"
is "$($tool runs --since 1h | jq -r .pipeline | tr '\n' ' ')" "daily load " "--since chooses"
is "$($tool runs --pipeline orders | jq -r .run_id)" $id1 "--pipeline chooses"
is "$($tool runs -n 1 | jq -r .pipeline)" daily "--limit limits"
run $tool runs --status killed
is "$status|$out|$err" "1||" "a question that finds nothing has status 1"
run $tool runs -q --status failed
is "$status|$out" "0|" "-q gives only the status"
run $tool runs --format table
like "$out" '^pipeline +status +started +wall +cpu +memory +rejects +run$' "for people: headings"
like "$out" '^daily +completed +2026-11-20 09:50:00 +1.5 s +1.2 s +1.0 MiB +2 +0190f0b0-0000-7000-8000-000000000003$' "for people: rows"
usage_error "a status that there is not" \
    "option '--status': 'done' is not one of completed, failed, running, killed, cancelled, queued, refused" \
    $tool runs --status 'done'

# -- show --
run $tool show 0190f0b0
is "$(printf '%s\n' "$out" | head -n 1 | jq -c '[.run_id[0:8], .rejects, (.stages | map(.id)), .stages[0].predicted.cpu_s.p95]')" \
    '["0190f0b0",2,["read","load"],0.4]' "show RUN gives its stages, predicted beside measured"
is "$(printf '%s\n' "$out" | sed 1d | jq -r .run_id)" part-of-daily "and its parts"
printf '%s\n' "$out" >show.jsonl
ok "as valid records" "$validate" --strict --min 2 show.jsonl
run $tool show --format table 0190f0b0
like "$out" '^read +read +completed +10 +10 +500 ms +250 ms +200 ms … 400 ms +4.0 KiB *$' "for people: a stage"
run $tool show daily
is "$(printf '%s\n' "$out" | jq -r '.record' | tr '\n' ' ')" "pipeline run " "show PIPELINE gives it and its runs"
run $tool show joined.csv
is "$(printf '%s\n' "$out" | jq -r '.record + " " + (.edge // "")' | tr '\n' ';')" "dataset ;access reads;access writes;" \
    "show FILE gives the dataset and who touched it"
printf '%s\n' "$out" >show.jsonl
ok "as valid records" "$validate" --strict --min 3 show.jsonl
run $tool show --format table joined.csv
like "$out" '^2026-11-19 10:00:05 +writes +jobs/orders +completed +0190f0a0-' "for people: an access"
run $tool show
printf '%s\n' "$out" >show.jsonl
ok "show gives valid records" "$validate" --strict --min 8 show.jsonl
is "$(jq -r 'select(.record == "dataset") | .dataset' show.jsonl | tr '\n' ' ')" \
    "file:/d/customers.csv file:/d/joined.csv file:/d/orders.csv postgres://dw:5432/dw.public.revenue " \
    "show gives every dataset"
is "$($tool show --kind job load | jq -r '.record' | head -n 1)" node "--kind job means the job"
run $tool show --store empty.db
is "$status|$out" "1|" "an empty store has nothing to show"
run $tool show 0190
status_is 3 "the beginning of several ids has status 3"
like "$err" "'0190' begins the ids of several runs: $id1, $id2, 0190f0b0" "and lists them"
run $tool show nosuchthing
is "$status|$err" "3|etl-lineage: no node 'nosuchthing' in the lineage graph; \`etl-lineage show\` lists them" \
    "a name that there is not has status 3"

# -- upstream, downstream --
run $tool upstream dw.public.revenue
out_is "upstream goes back to the sources, nearest first" <<'E'
{"record":"node","v":1,"node":"jobs/load","namespace":"jobs","name":"load","kind":"job","depth":1,"via":"postgres://dw:5432/dw.public.revenue","query":"upstream","of":"postgres://dw:5432/dw.public.revenue"}
{"record":"node","v":1,"node":"file:/d/joined.csv","namespace":"file","name":"/d/joined.csv","kind":"dataset","depth":2,"via":"jobs/load","query":"upstream","of":"postgres://dw:5432/dw.public.revenue"}
{"record":"node","v":1,"node":"jobs/orders","namespace":"jobs","name":"orders","kind":"job","depth":3,"via":"file:/d/joined.csv","query":"upstream","of":"postgres://dw:5432/dw.public.revenue"}
{"record":"node","v":1,"node":"file:/d/customers.csv","namespace":"file","name":"/d/customers.csv","kind":"dataset","depth":4,"via":"jobs/orders","query":"upstream","of":"postgres://dw:5432/dw.public.revenue"}
{"record":"node","v":1,"node":"file:/d/orders.csv","namespace":"file","name":"/d/orders.csv","kind":"dataset","depth":4,"via":"jobs/orders","query":"upstream","of":"postgres://dw:5432/dw.public.revenue"}
E
ok "as valid records" "$validate" --strict --min 5 "$out_file"
run $tool downstream --format table file:/d/orders.csv
out_is "downstream as a tree" <<'E'
file:/d/orders.csv dataset
  jobs/orders job
    file:/d/joined.csv dataset
      jobs/load job
        postgres://dw:5432/dw.public.revenue dataset
E
is "$($tool downstream --depth 2 orders.csv | jq -r .node | tr '\n' ' ')" "jobs/orders file:/d/joined.csv " "--depth ends it"
is "$($tool upstream postgresql://dw:5432/dw.public.revenue | wc -l | tr -d ' ')" 5 "postgresql:// is postgres://"
run $tool upstream orders.csv
is "$status|$out|$err" "1||" "a source has nothing upstream: status 1"
run $tool upstream d/
status_is 3 "a part of several names has status 3"
like "$err" "'d/' may be any of 3 nodes: dataset 'file:/d/customers.csv', dataset 'file:/d/joined.csv', dataset 'file:/d/orders.csv'" \
    "and lists the candidates"
run $tool upstream ordres.csv
is "$status|$err" "3|etl-lineage: no node 'ordres.csv' in the lineage graph; did you mean 'orders.csv'?" \
    "a name nearby is suggested"
run sh -c "cd / && cd ./tmp && $tool upstream ../d/joined.csv | head -n 1 | jq -r .node"
is "$out" "jobs/orders" "a file is found by its path from here"
# A cycle, and a name with blanks and a quote.
{
    event ring COMPLETE 2026-11-20T09:00:00Z $id1 "$(set_of file '/d/a b')" "$(set_of file "/d/c'd")"
    event back COMPLETE 2026-11-20T09:00:00Z $id2 "$(set_of file "/d/c'd")" "$(set_of file '/d/a b')"
} >ring.jsonl
run $tool add -q --store ring.db ring.jsonl
is "$($tool upstream --store ring.db 'a b' | jq -r .node | tr '\n' ';')" "jobs/back;file:/d/c'd;jobs/ring;" "a cycle is followed once"

# -- log --
python3 - "$XDG_STATE_HOME/foreline/store.db" <<'E'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
run, = db.execute("SELECT id FROM run WHERE pipeline = 'daily'").fetchone()
db.execute("INSERT INTO log(run, stage, at, text) VALUES(?, 'load', 0, ?)", (run, b"psql: \x1b[1mhello\x00\xff\n"))
db.execute("INSERT INTO log(run, stage, at, text) VALUES(?, 'other', 0, ?)", (run, b"second\n"))
db.commit()
E
run $tool log 0190f0b0 load
printf 'psql: \033[1mhello\000\377\n' >want.log
same "$out_file" want.log "log gives the bytes as they were"
run $tool log 0190f0b0
like "$out" '^==> load <==$' "several stages have headings"
like "$out" '^==> other <==$' "each of them"
run $tool log --format json 0190f0b0
ok "--format json gives valid records" "$validate" --strict --min 2 "$out_file"
run $tool log 0190f0b0 read
is "$status|$out|$err" "1||" "a stage that wrote nothing: status 1"
run $tool log 0190f0b0 laod
is "$status|$err" "3|etl-lineage: run '0190f0b0-0000-7000-8000-000000000003' has no stage 'laod'; did you mean 'load'?" \
    "a stage that there is not: status 3"
run $tool log ffff
is "$status|$err" "3|etl-lineage: no run 'ffff' in the store; \`etl-lineage runs\` lists them" "a run that there is not: status 3"

# -- usage --
usage_error "no command" "no command given" $tool
usage_error "an unknown command" "unknown command 'upstraem'; did you mean 'upstream'?" $tool upstraem x
usage_error "upstream of nothing" "'upstream' takes one NODE, not 0 operands" $tool upstream
usage_error "log of nothing" "'log' takes RUN [STAGE], not 0 operands" $tool log
usage_error "too many" "'runs' takes nothing, not 1 operands" $tool runs x
usage_error "a depth of 0" "option '--depth': '0' is not between 1 and 1000000000" $tool upstream --depth 0 x

# Questions to a full disk, and stores that cannot be written.
run sh -c "$tool show >/dev/full"
is "$status|$err" "4|etl-lineage: cannot write to stdout: No space left on device" "answers to a full disk"
mkdir ro
cp g1.db ro/s.db
chmod 444 ro/s.db
chmod 555 ro
run $tool runs --store ro/s.db
status_is 0 "a read-only store answers"
chmod 755 ro
head -c 6000 g1.db >torn.db
run $tool runs --store torn.db
status_is 4 "a torn store has status 4"
like "$err" "torn.db': the file is damaged" "and is said to be damaged"
done_testing
