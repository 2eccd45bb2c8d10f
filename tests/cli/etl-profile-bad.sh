#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile on bad input: a clear message, the documented status, nothing lost, the record still valid.
. "${srcdir:?}/tests/cli/lib.sh"
examples=$srcdir/share/examples
validate=$srcdir/tests/docs/validate
figure() {
    jq -c "$1" "$out_file"
}
# The record is validated with all others at the end.
: >"$TMPDIR/records"
valid=0
valid() {
    # Of wide tables some columns: the validator takes a millisecond for each.
    jq -c '.columns |= .[:50]' "$out_file" >>"$TMPDIR/records"
    valid=$((valid + 1))
}
# Rule, column, count and first line of all issues but nulls.
issues='[.quality.issues[] | select(.rule != "null") | [.rule, .column, .count, .first_line]]'

# -- what cannot be read: 4, and the others are done --
run etl-profile missing.csv "$examples/airports.csv"
is "$status|$err" "4|etl-profile: cannot open 'missing.csv': No such file or directory" "a missing file"
is "$(figure .volume.records)" 3376 "the other file is still done"
mkdir folder
run etl-profile folder
is "$status|$out|$err" "4||etl-profile: cannot open 'folder': Is a directory" "a folder"
ln -s loop loop
run etl-profile loop
is "$status|$out|$err" "4||etl-profile: cannot open 'loop': Too many levels of symbolic links" "an unreadable file"
run etl-profile missing.csv nowhere.csv
is "$status|$(printf '%s\n' "$err" | wc -l)" "4|2" "each is named"

# -- nothing in it: a profile of 0 records --
: >empty.csv
printf 'a,b\n' >header.csv
: >empty.jsonl
for f in empty.csv header.csv empty.jsonl; do
    run etl-profile "$f"
    is "$status|$err|$(figure '[.volume.records, .data_quality_score]')" "0||[0,null]" "$f is a profile of 0 records"
    valid
done
is "$(etl-profile header.csv | jq -c '[.columns[].name]')" '["a","b"]' "a header alone names columns"
run sh -c 'etl-profile </dev/null'
is "$status|$err|$(figure .volume.records)" "0||0" "an empty stdin"

# -- malformed records: counted and named, status 0 --
printf 'a,b\n1,2\n3\n4,5,6\n7,8\n' >ragged.csv
run etl-profile ragged.csv
is "$status|$err" "0|etl-profile: ragged.csv:3: 1 field, expected 2 (header on line 1) (first of 2 such records)" "ragged rows"
is "$(figure "[.volume.records, .quality.accuracy, $issues]")" '[4,0.5,[["ragged_row",null,2,3]]]' "ragged rows are issues"
valid
run etl-profile -q --records r.jsonl ragged.csv
is "$status|$err" "0|" "-q does not warn"
printf 'a,b\n1,2\n3,"x\n4,5\n' >quote.csv
run etl-profile quote.csv
is "$status|$err|$(figure .volume.records)" "0|etl-profile: quote.csv:3: a quote opens that is not closed in the record (it was read as data)|3" \
  "an unterminated quote takes no further records"
is "$(figure "$issues | .[0]")" '["quote","b",1,3]' "is an issue at the line where it opened"
valid
printf 'a,b\n1,2\n3,"x\n4\n' >open.csv
run etl-profile open.csv
is "$status|$err" "0|etl-profile: open.csv:3: unterminated quoted field (opened here)" "nor stays silent where lines are no records"
is "$(figure "$issues | .[0]")" '["unterminated_quote",null,1,3]' "and is an issue where it opened"
valid
printf 'a,b;c,d\n1,2;3,4\n5,6;7,8\n' >tie.csv
run etl-profile tie.csv
is "$status|$err" "0|etl-profile: tie.csv: read with delimiter ',', quote '\"' (3 columns), but it may be --delimiter ';'" "a tie of dialects"
run etl-profile --delimiter ';' tie.csv
is "$status|$err|$(figure '.columns | length')" "0||2" "is settled by the option"
printf '1,2\n3,4\n5,6\n' >headless.csv
run etl-profile headless.csv
like "$err" "the first record looks like data" "a header that looks like data"
run etl-profile --no-header headless.csv
is "$status|$err" "0|" "is settled by the option"
printf 'a,b\n1,2\n3,x\0y\n4,5\n' >nul.csv
run etl-profile nul.csv
is "$status|$(figure "$issues | .[0]")" '0|["nul_byte",null,1,3]' "a NUL byte"
like "$err" '^etl-profile: nul\.csv:3: ' "is named with its line"
valid
printf 'a,b\n1,x\n2,\377\n3,\303\251\n4,\376z\n' >latin.csv
run etl-profile latin.csv
is "$status|$err" "0|etl-profile: latin.csv:3: bytes that are not UTF-8 (Latin-1?), kept as they are (first of 2 such records)" "invalid UTF-8"
is "$(figure "[.quality.accuracy, $issues]")" '[0.5,[["invalid_utf8",null,2,3]]]' "is an issue"
valid
printf 'n\351m,b\n1,x\n' >latinhead.csv
run etl-profile latinhead.csv
is "$status|$(figure "[.quality.accuracy, $issues]")" '0|[1,[["invalid_utf8",null,1,1]]]' "invalid UTF-8 in the header"
valid
printf 'a,b\n1,x\n' >plain.csv
printf '\357\273\277a,b\r\n1,x\r\n' >bom.csv
columns='.columns | map(del(.bytes))'
run etl-profile bom.csv
is "$status|$err|$(figure "$columns")" "0||$(etl-profile plain.csv | jq -c "$columns")" "BOM and CRLF change nothing"
printf 'a,a,,b\n1,2,3,4\n' >names.csv
run etl-profile names.csv
is "$(figure '[.columns[].name]')" '["a","a_2","column_3","b"]' "repeated and empty names"

# -- size --
{
    printf 'a,b\n1,'
    head -c 1048576 /dev/zero | tr '\0' x
    printf '\n2,y\n'
} >mib.csv
run etl-profile mib.csv
is "$status|$err|$(figure '[.volume.records, .columns[1].bytes, .truncated]')" '0||[2,1048577,["columns[1].min"]]' "a field of 1 MiB"
is "$(figure '.columns[1].min | length')" 1024 "of which the start is kept"
valid
awk 'BEGIN {for (r = 0; r < 20; r++) for (i = 0; i < 5000; i++) printf "%s%s", (r ? r * i : "c" i), (i < 4999 ? "," : "\n")}' >wide.csv
run etl-profile wide.csv
is "$status|$err|$(figure '[.volume.records, (.columns | length), .columns[4999].max, .truncated]')" '0||[19,5000,94981,[]]' "5,000 columns"
valid
awk 'BEGIN {for (r = 0; r < 3; r++) for (i = 0; i < 60000; i++) printf "%s%s", (r ? "a long enough value " r * i : "column number " i), (i < 59999 ? "," : "\n")}' >wider.csv
run etl-profile wider.csv
is "$status|$err" "0|" "60,000 columns"
ok "the record stays below 16 MiB" test "$(wc -c <"$out_file")" -le 16777216
is "$(figure '[(.columns | length) < 60000, (.columns | length) == (.cardinality | length), (.truncated | length > 0), .columns[7].name]')" '[true,true,true,"column number 7"]' "what was left out is said"
valid
{
    printf 'a,b\n1,'
    head -c 17825792 /dev/zero | tr '\0' x
    printf '\n2,3\n'
} >long.csv
run etl-profile long.csv
is "$status|$err|$(figure "[.volume.records, .quality.accuracy, $issues]")" '0|etl-profile: long.csv:2: the record is longer than 16 MiB|[1,0.5,[["oversize",null,1,2]]]' "a line over 16 MiB"
valid

# -- JSON lines --
printf 'nonsense\nmore of it\n' >not.jsonl
run etl-profile not.jsonl
is "$status|$(figure "[.volume.records, $issues]")" '3|[0,[["not_json",null,2,1]]]' "nothing could be profiled: status 3"
like "$err" '^etl-profile: not\.jsonl:1: not JSON .*\(first of 2 such records\)$' "and why"
valid
run etl-profile not.jsonl plain.csv
is "$status|$(figure .volume.records | tr '\n' ' ')" "3|0 1 " "others are still done"
printf '{"a":1}\nnonsense\n[2]\n{"a":3}\n' >some.jsonl
run etl-profile some.jsonl
is "$status|$(figure "[.volume.records, $issues]")" '0|[2,[["not_json",null,1,2],["not_an_object",null,1,3]]]' "some lines are not JSON objects"
valid
awk 'BEGIN {printf "{\"a\":"; for (i = 0; i < 10000; i++) printf "["; for (i = 0; i < 10000; i++) printf "]"; print "}"; print "{\"a\":1}"}' >deep.jsonl
run etl-profile deep.jsonl
is "$status|$(figure "[.volume.records, $issues]")" '0|[1,[["not_json",null,1,1]]]' "JSON nested 10,000 deep"
valid

printf '{\n  "a": 1,\n  "b": [1, 2]\n}\n' >pretty.json
run etl-profile pretty.json
is "$status|$err" "3|etl-profile: cannot read 'pretty.json': it is JSON over several lines, not JSON lines (turn each value into one line: jq -c .)" "JSON over several lines: what to do"
printf '[{"a":1},{"a":2}]\n' >array.json
run etl-profile array.json
is "$status|$err" "3|etl-profile: cannot read 'array.json': it is one JSON array, not JSON lines (turn it into lines: jq -c '.[]')" "one array: what to do"
printf '\n \n\t\r\n' >blank.jsonl
run etl-profile blank.jsonl
is "$status|$err|$(figure "[.volume.records, .columns]")" "0||[0,[]]" "blank lines alone are an empty file"
printf '{"a.b":1,"a":{"b":"x"},"l":[1,[2]]}\n' >dots.jsonl
run etl-profile dots.jsonl
is "$(figure '[.columns[] | [.name, .type, .elements.total]]')" '[["a.b","integer",null],["a.b_2","string",null],["l","json",2]]' "a key with a dot beside a member of that name"
valid

# -- not text --
gzip -c "$examples/flights.csv" | head -c 20000 >cut.csv.gz
run etl-profile cut.csv.gz
is "$status|$(figure "$issues | .[0][:3]")" '0|["broken_compression",null,1]' "of a gzip that ends early what came before is profiled"
like "$err" "^etl-profile: cut\.csv\.gz:[0-9]*: gzip data broken at byte 20000: the file ends in the middle \(truncated\?\)$" "it is named with the byte"
is "$(figure '.quality.issues[0].value')" '"byte 20000"' "in the record too"
ok "and the quality is less" jq -e '.quality.accuracy < 1 and .quality.accuracy > 0.99 and .volume.records > 1000' "$out_file"
valid
head -c 14 cut.csv.gz >stump.csv.gz
run etl-profile stump.csv.gz
is "$status|$out|$err" "3||etl-profile: 'stump.csv.gz': gzip data broken at byte 14: the file ends in the middle (truncated?)" "status 3 only when there was nothing"
run etl-profile stump.csv.gz plain.csv
is "$status|$(figure .volume.records)" "3|1" "others are still done"
# A byte in the second of three members.
{
    head -n 5000 "$examples/flights.csv" | gzip -c
    tail -n +5001 "$examples/flights.csv" | head -n 3000 | gzip -c >second
    { head -c 9000 second; printf 'damaged!'; tail -c +9009 second; }
    tail -n +8001 "$examples/flights.csv" | gzip -c
} >members.csv.gz
run etl-profile members.csv.gz
is "$status|$(figure "$issues | map(select(.[0] == \"broken_compression\")) | .[0][:3]")" '0|["broken_compression",null,1]' "damage in the middle of a gzip"
ok "what came before is profiled" jq -e '.volume.records >= 4999 and .volume.records < 8000' "$out_file"
zstd -q -c "$examples/flights.csv" | head -c 80000 >cut.csv.zst
run etl-profile cut.csv.zst
like "$status|$err" "^0\|etl-profile: cut\.csv\.zst:[0-9]*: zstd data broken at byte 80000: " "a zstd that ends early"
valid
{ gzip -c "$examples/airports.csv"; printf 'garbage\n'; } >trailing.csv.gz
run etl-profile trailing.csv.gz
is "$status|$(figure '[.volume.records, .quality.issues[0].rule]')" '0|[3376,"broken_compression"]' "garbage behind a gzip is no data"
like "$err" "what follows the last member is not gzip$" "and is said"

# -- line ends --
printf 'a,b\n1,x\r\n3,"x\ny"\n5,z\n7,x\r\n' >ends.csv
run etl-profile ends.csv
is "$status|$err" "0|etl-profile: ends.csv:2: the line ends with CRLF, most end with LF (first of 2 such records)" "mixed line ends"
is "$(figure "[.quality.accuracy, $issues]")" '[0.75,[["mixed_line_ends",null,2,2]]]' "are an issue, and count as one malformed record"
valid
printf 'a,b\r\n1,2\r\n3,4\r\n5,6\n7' >ends.csv
run etl-profile ends.csv
is "$(figure "$issues | map(select(.[0] == \"mixed_line_ends\"))")" '[["mixed_line_ends",null,1,4]]' "the fewer are told; a last line without end is neither"
printf 'a,b\r\n1,"x\ny"\r\n3,z' >ends.csv
run etl-profile ends.csv
is "$err|$(figure "$issues")" "|[]" "a line end inside quotes is data"

# -- a file that changes meanwhile --
slow() { # FILE COMMAND: the command is run when the profile has read a part of the file
    etl-profile --tee --records slow.jsonl "$1" 2>slow.err | { head -c 1000; sh -c "$2" sh "$1"; cat; } >/dev/null
}
awk 'BEGIN {print "a,b"; for (i = 0; i < 200000; i++) print i ",x"}' >big.csv
slow big.csv 'echo "7,y" >>"$1"'
like "$(cat slow.err)" "^etl-profile: big\.csv: the file changed while it was read: [0-9]* bytes at first, [0-9]* at the end \(byte [0-9]*\)$" "a file that grows meanwhile is said to"
is "$(jq -c '.quality.issues[] | select(.rule == "changed_while_read") | [.column, .count]' slow.jsonl)" "[null,1]" "and is an issue"
slow big.csv 'truncate -s 500000 "$1"'
like "$(cat slow.err)" "500000 at the end" "so is one that shrinks"
ok "what was read is profiled" jq -e '.volume.records > 1000' slow.jsonl
gzip -c "$examples/flights.csv" >bin
run etl-profile --delimiter , bin
status_is 0 "gzip is known by its content"
LC_ALL=C awk 'BEGIN {srand(1); for (i = 0; i < 5000; i++) printf "%c", int(rand() * 256)}' >binary.csv
head -c 4096 /dev/zero >>binary.csv
run etl-profile binary.csv
is "$status|$out" "3|" "binary data"
like "$err" "^etl-profile: cannot read 'binary.csv': " "is said to be"
printf '\377\376a\0,\0b\0\n\0' >utf16.csv
run etl-profile utf16.csv
is "$status|$(figure '.columns | map(.name)')" '0|["a","b"]' "UTF-16 is read by its mark"
printf 'a\0,\0b\0\n\0001\0,\0002\0\n\0' >utf16.csv
run etl-profile utf16.csv
is "$status|$out" "3|" "UTF-16 without a mark"
like "$err" "UTF-16" "is said to be"

# -- streams --
run sh -c 'etl-profile "$1" >/dev/full' sh "$examples/flights.csv"
is "$status|$err" "4|etl-profile: cannot write to stdout: No space left on device" "a full disk"
run sh -c 'etl-profile "$1" >&-' sh "$examples/flights.csv"
is "$status|$err" "4|etl-profile: cannot write to stdout: Bad file descriptor" "a closed stdout"
run sh -c 'etl-profile <&-'
is "$status|$out" "4|" "a closed stdin"
run etl-profile --records /dev/full "$examples/flights.csv"
is "$status|$out" "4|" "a full disk under --records"
run sh -c 'etl-profile wide.csv wide.csv wide.csv | head -c 10'
is "$status|$out|$err" '0|{"record":|' "a reader that goes away ends it quietly"

# -- SIGINT in mid-run: nothing half-written --
mkfifo pipe
exec 9<>pipe
printf 'a,b\n1,2\n' >&9
# A background job of a script ignores SIGINT, so env gives it back.
env --default-signal=INT etl-profile --store s.db --records records.jsonl pipe >int.out 2>int.err &
pid=$!
sleep 0.3
kill -INT "$pid"
wait "$pid"
is "$?" 130 "SIGINT ends it as a signal does"
exec 9>&-
is "$(cat int.out)" "" "nothing on stdout"
not_ok "no half-made records" test -e records.jsonl
is "$(find . -name '.records*' | wc -l)" 0 "no leftovers"
run etl-profile --store s.db plain.csv
is "$status|$err" "0|" "the store is well"

ok "all records validate" "$validate" --strict --min "$valid" "$TMPDIR/records"
done_testing
