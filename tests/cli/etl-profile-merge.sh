#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile: sketches of profiles as records, and profiles merged from them.
. "${srcdir:?}/tests/cli/lib.sh"
FORELINE_NOW=2026-11-20T10:00:00Z
export FORELINE_NOW
examples=$srcdir/share/examples
validate=$srcdir/tests/docs/validate
flights=$examples/flights.csv
# What merging gives exactly, of the last profile of a file of records.
exactly() {
    jq -sc 'map(select(.record == "profile")) | last | [.partition, .window, .volume, .cardinality, .dataTypeDistribution,
        .data_quality_score, .quality.completeness, .quality.accuracy, .quality.consistency, [.quality.issues[] | [.column, .rule, .count]],
        (.columns[] | [.name, .type, .records, .nulls, .distinct, .distinct_error, .min, .max, .types, .bytes, .length_bytes])]' "$1"
}
# A part of the flights: lines FROM to TO below the header.
part() {
    head -n 1 "$flights"
    sed -n "$(($1 + 1)),$(($2 + 1))p" "$flights"
}

# -- sketch records --
etl-profile "$flights" >plain
run etl-profile --sketches "$flights"
status_is 0 "--sketches ends well"
cp "$out_file" one
head -n 1 one >first
same first plain "the profile comes first, as without"
ok "all records validate" "$validate" --strict --min 19 one
is "$(jq -r '[.kind, .column] | @csv' one | sed 1d | head -n 4 | tr '\n' ' ')" '"profile", "hll","date" "frequent_items","date" "column","date" ' "then the sketches, column by column"
is "$(jq -s 'map(select(.kind == "kll") | .column) == (map(select(.record == "profile"))[0].columns | map(select(.type == "integer" or .type == "float") | .name))' one)" true "quantiles of numbers only"
is "$(jq -sc 'map([.dataset, .partition, .window]) | unique | length' one)" 1 "all name dataset, partition and window alike"
run etl-profile --sketches --fast "$flights"
is "$(jq -sc 'map(.kind) | unique' "$out_file")" '[null,"column","hll","profile"]' "--fast has fewer"
run etl-profile --sketches --format table "$flights"
unlike "$out" 'sketch' "people see none"
run etl-profile --sketches --records r "$flights"
same r one "--records takes them, too"

# -- merging --
run etl-profile --merge one
status_is 0 "--merge ends well"
head -n "$(wc -l <one)" "$out_file" >forwarded
same forwarded one "the input is forwarded byte for byte"
tail -n 1 "$out_file" >last
same last plain "the profile of one is the one"
part 1 5000 >a.csv
head -n 1 "$flights" >none.csv
part 5001 13000 >b.csv
part 13001 20000 >c.csv
for p in a b c none; do etl-profile --dataset flights --sketches $p.csv >$p; done
etl-profile --dataset flights --sketches "$flights" >whole
run etl-profile --merge a b c none
status_is 0 "parts merge"
like "$(tail -n 1 "$out_file" | cut -c 1-60)" '"dataset":"flights"' "the name of all stays"
is "$(exactly "$out_file" | jq -c 'del(.[2].bytes, .[2].avg_record_size)')" "$(exactly whole | jq -c 'del(.[2].bytes, .[2].avg_record_size)')" "exactly as in one pass"
moments='.columns[] | [.mean, .stddev, .skewness, .kurtosis] | map(select(. != null))'
is "$(tail -n 1 "$out_file" | jq -c --slurpfile w whole "[[$moments], [\$w[0] | $moments]] | transpose | map(transpose[] | (.[0] - .[1]) / .[1] | fabs) | max < 1e-12")" true "moments within 1e-12"
is "$(tail -n 1 "$out_file" | jq -c --slurpfile w whole '[[.columns[].quantiles | select(.) | .[]], [$w[0].columns[].quantiles | select(.) | .[]]] | transpose | map(select((.[0] - .[1] | fabs) > 12)) | length')" 0 "quantiles near"
exactly "$out_file" >exact
for order in "c b a none" "b none c a"; do
    # shellcheck disable=SC2086 # words
    run etl-profile --merge $order
    is "$(exactly "$out_file")" "$(cat exact)" "in any order ($order)"
done
etl-profile --merge a b | tail -n 1 >ab
etl-profile --merge b a | tail -n 1 >ba
same ab ba "two in both orders, to the byte"
run sh -c 'cat a b c none | etl-profile --merge'
is "$(exactly "$out_file")" "$(cat exact)" "from standard input"
etl-profile --merge --sketches --records ab a b >/dev/null
run etl-profile --merge ab c none
is "$(exactly "$out_file")" "$(cat exact)" "merged profiles merge again"
run etl-profile --merge -q a b
is "$out" "" "-q prints nothing"
run etl-profile --merge --format table a b
like "$out" '13,000 records' "people get a table"
unlike "$out" '"record"' "and no records"

# -- names and windows --
etl-profile --sketches a.csv >a1
run etl-profile --merge a1 b
is "$(tail -n 1 "$out_file" | jq -c '[.dataset, .window.first_record, .window.last_record]')" '[null,1,13000]' "several names make none"
run etl-profile --merge --dataset all a1 b
is "$(tail -n 1 "$out_file" | jq -c .dataset)" '"all"' "unless one is given"
etl-profile --dataset d --window 4000 --sketches "$flights" >windows
run etl-profile --merge windows
is "$(exactly "$out_file" | jq -c 'del(.[2].bytes, .[2].avg_record_size)')" "$(exactly whole | jq -c 'del(.[2].bytes, .[2].avg_record_size)')" "windows unite"
sed -n '/"first_record":4001,/p; /"first_record":8001,/p' windows >two
run etl-profile --merge two
is "$(tail -n 1 "$out_file" | jq -c '[.window.first_record, .window.last_record, .volume.records]')" '[4001,12000,8000]' "from the first to the last record"
printf 'at,v\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:09Z,2\n' | etl-profile --dataset t --sketches >t1
printf 'at,v\n2026-01-01T00:00:05Z,3\n2026-01-01T00:01:00.5Z,4\n' | etl-profile --dataset t --sketches >t2
run etl-profile --merge t1 t2
is "$(tail -n 1 "$out_file" | jq -c '.window')" '{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:01:00.500Z","first_record":1,"last_record":4}' "times from the first to the last"
awk 'BEGIN { print "group,v" } { print substr("xyz", NR * NR % 7 % 4, 1) "," NR * 7 % 100 }' a.csv >pa.csv
awk 'BEGIN { print "group,v" } { print substr("wxy", NR * NR % 5 % 4, 1) "," NR * 3 % 100 }' a.csv >pb.csv
for p in pa pb; do etl-profile --dataset f --partition-by group --sketches $p.csv >$p; done
{ cat pa.csv; sed 1d pb.csv; } >pab.csv
etl-profile --dataset f --partition-by group pab.csv | jq -c '[.partition, .volume.records, .cardinality]' | LC_ALL=C sort >want
run etl-profile --merge -q --records merged pa pb
jq -c '[.partition, .volume.records, .cardinality]' merged >got
ok "there are several partitions" test "$(wc -l <got)" -gt 2
same got want "partitions are merged each by itself, in the order of their names"

# -- what cannot be merged --
printf 'a,b\n1,2\n' | etl-profile --dataset x --sketches >x1
printf 'a,c,d\n1,2,3\n' | etl-profile --dataset x --sketches >x2
printf 'b,a\n1,2\n' | etl-profile --dataset x --sketches >x3
run etl-profile --merge x1 x2
status_is 3 "different columns are status 3"
like "$err" "^etl-profile: x2:14: 'x': cannot merge profiles of different columns: 'b', 'c', 'd' only in one$" "with their names"
is "$(wc -l <"$out_file")" "$(cat x1 x2 | wc -l)" "all is forwarded, nothing added"
run etl-profile --merge x1 x3
like "$err" "cannot merge profiles whose columns have another order from 'a' on" "also another order"
run etl-profile --merge a plain
status_is 3 "a profile without sketches is status 3"
like "$err" "^etl-profile: 'file:.*flights.csv': a profile without sketches cannot be merged; make it with etl-profile --sketches$" "and says the remedy"
grep -v '"kind":"kll"' a >lacking
run etl-profile --merge lacking
status_is 3 "a sketch that is missing is status 3"
like "$err" "^etl-profile: 'flights': the sketch 'kll' of column '[a-z_]*' is missing$" "and is named"
sed 2d a >headless
run etl-profile --merge headless
like "$err" "^etl-profile: headless:2: 'flights': sketch 'hll' comes without the sketch 'profile' before it" "so is the first of them"
printf '{"record":"note","v":1}\n' >note
run etl-profile --merge note
status_is 3 "no profile is status 3"
is "$err" "etl-profile: no profile to merge: give records of etl-profile --sketches" "and says so"
sed '3s/"image":"..../"image":"????/' a >bad
run etl-profile --merge bad
status_is 3 "an image that is none is status 3"
is "$err" "etl-profile: bad:3: sketch whose image is not base64" "with its line"
sed '3s/"image":"..../"image":"AAAA/' a >bad
run etl-profile --merge bad
like "$err" "^etl-profile: bad:3: 'flights': sketch 'hll' of column '[a-z_]*': not an HLL sketch that is known here$" "also one that is damaged"
{ echo 'no json'; cat x1 note; } >mixed
run etl-profile --merge mixed
status_is 3 "a line that is not JSON is status 3"
head -n "$(wc -l <mixed)" "$out_file" >forwarded
same forwarded mixed "and forwarded as all others"
is "$(tail -n 1 "$out_file" | jq -c .volume.records)" 1 "the rest is merged all the same"
run etl-profile --merge no-such a
status_is 4 "a file that is not there is status 4"

# -- usage --
usage_error "options of data" "--sample is for data, and --merge reads records" etl-profile --merge --sample 10% a
usage_error "formats of data" "--input-format is for data, and --merge reads records" etl-profile --merge -i csv a
usage_error "windows of data" "--window is for data, and --merge reads records" etl-profile --merge --window 10 a
done_testing
