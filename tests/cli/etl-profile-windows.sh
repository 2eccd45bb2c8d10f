#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Windows and partitions: which records go into which profile, in which order the profiles come, and
# that each says what a profile of its records alone says.
. "${srcdir:?}/tests/cli/lib.sh"
examples=$srcdir/share/examples
tail -n +2 "$examples/flights.csv" | head -n 250 >rows
{ head -n 1 "$examples/flights.csv"; cat rows; } >f.csv
# What does not depend on where the records stood; moments within rounding.
figures='del(.dataset, .partition, .window, .volume.bytes, .volume.avg_record_size) |
    del(.quality.issues[].first_line, .columns[].first_lines) |
    .columns[] |= with_entries(if .key | test("^(mean|stddev|skewness|kurtosis)$")
        then .value |= (if . then . * 1e9 | round else . end) else . end)'
# A profile of the records that come on stdin.
alone() {
    { head -n 1 "$examples/${1:-flights}.csv"; cat; } | etl-profile -i csv | jq -cS "$figures"
}
# The n-th profile of the last run.
nth() {
    sed -n "$1p" "$out_file" | jq -cS "$figures"
}

run etl-profile --window 100 f.csv
status_is 0 "windows of records"
is "$(jq -c '[.window.first_record, .window.last_record, .volume.records]' "$out_file" | tr '\n' ' ')" \
    "[1,100,100] [101,200,100] [201,250,50] " "the last one is shorter"
is "$(jq -s 'map(.volume.bytes) | add' "$out_file")" "$(wc -c <f.csv)" "their bytes are those of the file"
is "$(nth 2)" "$(sed -n 101,200p rows | alone)" "the second is the profile of its records"
is "$(nth 3)" "$(sed -n 201,250p rows | alone)" "and so is the last"
ok "the records validate" "$srcdir/tests/docs/validate" --strict --min 3 "$out_file"
run etl-profile --window 125 f.csv
is "$(jq -c '.window.last_record' "$out_file" | tr '\n' ' ')" "125 250 " "nothing comes behind a full last window"
run etl-profile --window 100 --slide 50 f.csv
is "$(jq -c '[.window.first_record, .window.last_record]' "$out_file" | tr '\n' ' ')" \
    "[1,100] [51,150] [101,200] [151,250] " "windows that slide overlap"
is "$(nth 2 | jq -c '[.columns[] | .name, .nulls, .distinct, .min, .max, .quantiles, .outliers, .types, .top]')" \
    "$(sed -n 51,150p rows | alone | jq -c '[.columns[] | .name, .nulls, .distinct, .min, .max, .quantiles, .outliers, .types, .top]')" \
    "one merged from panes is the profile of its records"
run etl-profile --window 100 --slide 5 f.csv
exact='[.columns[] | .name, .nulls, .distinct, .min, .max, .mean, .stddev, .quantiles, .outliers, .types, .top]'
for n in 1 2 20 21 22 31; do # the older panes have all gone after 20 windows
    is "$(nth $n | jq -c "$exact")" \
        "$(sed -n "$((5 * n - 4)),$((5 * n + 95))p" rows | alone | jq -c "$exact")" \
        "and so is window $n, merged from many"
done
{ seq -f '{"a":%.0f}' 2048; echo '{"a":'; } >end.jsonl
run etl-profile --window 1024 --slide 512 end.jsonl
is "$(jq -c '[.window.first_record, .window.last_record, .quality.issues[].rule]' "$out_file" | tail -n 2 | tr '\n' ' ')" \
    '[1025,2048] [1537,2048,"not_json"] ' "a fault behind the last full window is in one more"
run etl-profile --window 100 --slide 50 --partition-by origin f.csv
is "$(jq -s 'map(select(.window.first_record > 50 and .window.last_record <= 150)) | length > 5' "$out_file")" true \
    "windows that slide have partitions"
run etl-profile --window 40 --slide 20 f.csv
is "$(jq -c '[.window.first_record, .window.last_record]' "$out_file" | tail -n 2 | tr '\n' ' ')" \
    "[201,240] [221,250] " "the last, shorter one holds what no window held"

run etl-profile --partition-by state "$examples/airports.csv"
status_is 0 "partitions"
is "$(jq -r .partition "$out_file" | head -n 3 | tr '\n' ' ')" "state=MS state=TX state=CO " "by first appearance"
is "$(jq -s 'map(.volume.records) | add' "$out_file")" "$(($(wc -l <"$examples/airports.csv") - 1))" "hold all records"
n=$(jq -r .partition "$out_file" | sed -n '/^state=AK$/=')
is "$(nth "$n")" "$(grep ',AK,USA,' "$examples/airports.csv" | alone airports)" "one is the profile of its records"
cp "$out_file" all
run etl-profile --partition-by .state "$examples/airports.csv"
same "$out_file" all "the field may have jq's dot"
run etl-profile --partition-by state --max-partitions 2 "$examples/airports.csv"
is "$(jq -r '[.partition, .volume.records] | join(" ")' "$out_file" | tr '\n' ,)" "state=MS 72,state=TX 209,* 3095," \
    "more values than that go together"
is "$(jq -c 'select(.partition == "*") | .quality.issues[] | select(.rule == "max_partitions")' "$out_file")" \
    '{"column":"state","rule":"max_partitions","count":3095,"first_line":4}' "which the record says"
like "$err" 'airports.csv:4: more than 2 values of .state.: .*--max-partitions. .first of 3095 such' "and stderr"

cat >p.csv <<'E2'
k,v
,1
"",2
a=b,3
,4
E2
run etl-profile --partition-by k p.csv
is "$(jq -c '[.partition, .window.first_record, .window.last_record, .volume.records]' "$out_file" | tr '\n' ' ')" \
    '["k",1,4,2] ["k=",2,2,1] ["k=a=b",3,3,1] ' "null is not the empty string"
printf '{"a":{"b":"x"},"n":1}\nnot json\n{"n":2}\n{"a":{"b":"y"},"n":3}\n' >n.jsonl
run etl-profile --partition-by a.b n.jsonl
is "$(jq -c '[.partition, .volume.records, .quality.accuracy]' "$out_file" | tr '\n' ' ')" \
    '["a.b=x",1,1] ["a.b",1,0.5] ["a.b=y",1,1] ' "a record that cannot be read is with those without the field"
printf 'k,v\n1,2\n2\n1,3\n' >ragged.csv
run etl-profile --partition-by k ragged.csv
is "$(jq -c '[.partition, .quality.accuracy, [.quality.issues[].rule]]' "$out_file" | tr '\n' ' ')" \
    '["k=1",1,[]] ["k=2",0,["ragged_row","null"]] ' "a fault belongs to the partition of its record"
run etl-profile --window 1 ragged.csv
is "$(jq -c '[.window.first_record, .quality.accuracy]' "$out_file" | tr '\n' ' ')" "[1,1] [2,0] [3,1] " "and to its window"

# Time: at full hours, days and so on since 1970.
cat >t.csv <<'E2'
id,at,v
1,2026-03-01T10:00:10Z,1
2,2026-03-01T10:00:40Z,2
3,2026-03-01T10:01:05Z,3
4,2026-03-01T10:00:50Z,4
5,2026-03-01T10:03:00Z,5
6,,6
7,2026-03-01T10:03:30Z,7
E2
run etl-profile --window 1m t.csv
is "$(jq -c '[.window.from, .window.to, .window.first_record, .window.last_record, .volume.records]' "$out_file")" \
    '["2026-03-01T10:00:00Z","2026-03-01T10:01:00Z",1,2,2]
["2026-03-01T10:01:00Z","2026-03-01T10:02:00Z",3,4,2]
["2026-03-01T10:03:00Z","2026-03-01T10:04:00Z",5,7,3]' "windows of time, without the empty ones"
is "$(jq -c '[.quality.issues[] | select(.rule != "null")]' "$out_file" | tr '\n' ' ')" \
    '[] [{"column":"at","rule":"late","count":1,"first_line":5}] [{"column":"at","rule":"no_time","count":1,"first_line":7}] ' \
    "a late record and one without a time are counted, and told"
is "$(jq -c .volume.records_per_second "$out_file" | head -n 1)" 0.03333333333333333 "the rate is that of its times"
ok "the records validate" "$srcdir/tests/docs/validate" --strict --min 3 "$out_file"
run etl-profile --window 1m --lateness 20s t.csv
is "$(jq -c '[.volume.records, ([.quality.issues[] | select(.rule == "late")] | length)]' "$out_file" | tr '\n' ' ')" \
    "[3,0] [1,0] [3,0] " "windows may wait for late records"
run etl-profile --window 2m --slide 1m --lateness 20s t.csv
is "$(jq -c '[.window.from[11:16], .volume.records]' "$out_file" | tr '\n' ' ')" \
    '["09:59",3] ["10:00",4] ["10:01",1] ["10:02",3] ["10:03",3] ' "windows of time slide"
run etl-profile --window 1d --time at --partition-by v t.csv
is "$(jq -c '[.partition, .window.from]' "$out_file" | head -n 1)" '["v=1","2026-03-01T00:00:00Z"]' "windows have partitions"
printf 'n,day\n1,2026-03-01\n2,2026-03-02\n3,2026-03-02\n' >d.csv
run etl-profile --window 1d d.csv
is "$(jq -c '[.window.from, .volume.records]' "$out_file" | tr '\n' ' ')" \
    '["2026-03-01T00:00:00Z",1] ["2026-03-02T00:00:00Z",2] ' "a date counts as its midnight"
printf 'n,day\n1,\n2,2026-03-02\n' >d.csv
run etl-profile --window 1d --time day d.csv
is "$(jq -c '[.window.from, .volume.records]' "$out_file")" '["2026-03-02T00:00:00Z",2]' "what comes before all times goes with the first"
printf 'n\n1\n2\n' >n.csv
FORELINE_NOW=2026-11-20T10:00:30Z run env FORELINE_NOW=2026-11-20T10:00:30Z etl-profile --window 1m n.csv
is "$(jq -c '[.window.from, .volume.records]' "$out_file")" '["2026-11-20T10:00:00Z",2]' "without times the arrival counts"
is "$err" "etl-profile: n.csv: no column holds times (--time): windows go by when records arrive" "which is said"

run etl-profile --window 10 f.csv p.csv
is "$(jq -r '.dataset | sub(".*/"; "")' "$out_file" | uniq -c | tr -s ' ' | tr '\n' ,)" " 25 f.csv, 1 p.csv," \
    "windows are those of a file"
printf 'a,b\n' >empty.csv
for o in '--window 10' '--window 1m' '--partition-by a'; do
    # shellcheck disable=SC2086
    run etl-profile $o empty.csv
    is "$status$(jq -c '[.partition, .window.first_record, .volume.records]' "$out_file")" "0[null,null,0]" \
        "$o: an empty file is a profile of 0 records"
done
run etl-profile --store s.db --window 100 f.csv
run etl-profile --store s.db f.csv
is "$(jq .schema_evolution_probability "$out_file")" null "parts are not remembered as the dataset"
run etl-profile --format table --window 1m t.csv
like "$out" 'records 3 to 4, from 2026-03-01T10:01:00Z to 2026-03-01T10:02:00Z' "people see the window"

# Merged, windows are the whole again.
exact='[.window.first_record, .window.last_record, .volume.records, .volume.bytes, .partition,
    (.columns[] | [.name, .type, .nulls, .distinct, .min, .max, .types, .bytes])]'
for o in '--window 60' '--window 100 --partition-by nothing'; do
    case $o in
    *by*) sed 's/$/,x/; 1s/x$/nothing/' f.csv >g.csv ;;
    *) cp f.csv g.csv ;;
    esac
    etl-profile --dataset f g.csv | jq -c "$exact" >whole
    # shellcheck disable=SC2086
    etl-profile --dataset f --sketches $o g.csv >parts
    run etl-profile --merge parts
    status_is 0 "$o: merged"
    is "$(tail -n 1 "$out_file" | jq -c "$exact | .[4] = null")" "$(cat whole)" "$o: what one pass gives"
done
etl-profile --sketches --dataset f --window 100 --partition-by origin f.csv | etl-profile --merge 2>/dev/null >merged
is "$(jq -s 'map(select(.record == "profile" and .window.last_record - .window.first_record >= 100)) | map(.partition) | unique | length > 5' merged)" \
    true "windows of a partition are merged to the partition"

# A stream that pauses: what is over by the clock goes out though nothing comes behind it.
printf 'at,v\n2026-03-01T10:00:10Z,1\n2026-03-01T10:00:20Z,2\n' >live.csv
etl-profile --follow --window 1m live.csv >live.out 2>live.err &
pid=$!
n=0
while [ ! -s live.out ] && [ "$n" -lt 100 ]; do
    sleep 0.1
    n=$((n + 1))
done
is "$(jq -c '[.window.from, .volume.records]' live.out)" '["2026-03-01T10:00:00Z",2]' "a window goes out when the input pauses"
printf '2026-03-01T10:05:00Z,3\n' >>live.csv
n=0
while [ "$(wc -l <live.out)" -lt 2 ] && [ "$n" -lt 100 ]; do
    sleep 0.1
    n=$((n + 1))
done
kill -TERM "$pid"
wait "$pid"
is "$?|$(jq -c '[.window.from, .volume.records]' live.out | tail -n 1)" '0|["2026-03-01T10:05:00Z",1]' "and the next one"

run etl-profile --partition-by nosuch f.csv
status_is 2 "a column that is not there"
like "$err" "there is no column 'nosuch' .--partition-by." "is named"
run etl-profile --window 1m --time origin f.csv
status_is 3 "a column without times"
like "$err" "column 'origin' holds no times" "is named"
usage_error "--window 0" "option '--window': '0' is neither a number of records (10000) nor a time (30s, 5m)" \
    etl-profile --window 0 f.csv
usage_error "--window x" "option '--window': 'x' is neither a number of records (10000) nor a time (30s, 5m)" \
    etl-profile --window x f.csv
usage_error "a slide that does not divide" "option '--slide': the window must be a multiple of it" \
    etl-profile --window 100 --slide 30 f.csv
usage_error "a slide of the other kind" "option '--slide': must count what '--window' counts, records or time" \
    etl-profile --window 100 --slide 30s f.csv
usage_error "a slide alone" "option '--slide' needs '--window'" etl-profile --slide 30 f.csv
usage_error "a time alone" "option '--time' needs '--window' with a time (30s, 5m)" etl-profile --window 3 --time at f.csv
done_testing
