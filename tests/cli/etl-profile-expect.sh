#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile --expect: a Table Schema is checked in the same pass, and every rule that is broken is told
# with its first line.
. "${srcdir:?}/tests/cli/lib.sh"

cat >schema.json <<'X'
{"fields":[
  {"name":"id","type":"integer","constraints":{"required":true,"unique":true}},
  {"name":"amount","type":"number","constraints":{"minimum":0,"maximum":"100"}},
  {"name":"day","type":"date","format":"%d/%m/%Y","constraints":{"minimum":"01/01/2026"}},
  {"name":"code","type":"string","constraints":{"pattern":"[A-Z]{2}\\d+","maxLength":4}},
  {"name":"state","type":"string","constraints":{"enum":["open","paid"]}}],
 "missingValues":["","NA"]}
X
cat >good.csv <<'X'
id,amount,day,code,state
1,5.5,02/01/2026,AB1,open
2,NA,,,paid
03,100.0,31/12/2026,XY99,
X
cat >bad.csv <<'X'
id,amount,day,code,state
1,5.5,02/01/2026,AB1,open
01,250,31/12/2025,AB12345,closed
,-3,31/02/2026,ab1,paid
x,250.5,,,
X
run etl-profile --expect schema.json good.csv
status_is 0 "data that keeps to its schema is status 0"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "verdict") | [.check, .ok, .reasons, .figures]')" \
    '["expect",true,[],{"records":3,"violations":0,"rules":0}]' "and has a verdict that says so"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "profile") | [.columns[] | .nulls]')" '[0,1,1,1,1]' \
    "missing values are null in the profile, too"
run etl-profile --expect schema.json bad.csv
status_is 1 "data that does not is status 1"
cat >want <<'X'
etl-profile: bad.csv:5: id: 1 value of another type than integer (on line 5: 'x')
etl-profile: bad.csv:4: id: 1 value missing (on line 4)
etl-profile: bad.csv:3: id: 1 value seen before (on line 3: '01')
etl-profile: bad.csv:4: amount: 1 value below the minimum 0 (on line 4: '-3')
etl-profile: bad.csv:3: amount: 2 values above the maximum 100 (first on line 3: '250')
etl-profile: bad.csv:4: day: 1 value of another format than %d/%m/%Y (on line 4: '31/02/2026')
etl-profile: bad.csv:3: day: 1 value below the minimum 01/01/2026 (on line 3: '31/12/2025')
etl-profile: bad.csv:3: code: 1 value longer than 4 (on line 3: 'AB12345')
etl-profile: bad.csv:4: code: 1 value against the pattern [A-Z]{2}\d+ (on line 4: 'ab1')
etl-profile: bad.csv:3: state: 1 value outside of the enum (on line 3: 'closed')
X
same "$err_file" want "each rule is told with its first line"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "verdict") | .reasons[]')" "$(sed 's/^[^:]*: [^:]*:[0-9]*: //' want)" \
    "the verdict says the same"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "verdict") | .figures')" '{"records":4,"violations":11,"rules":10}' "with its counts"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "profile") | .quality.issues[] | select(.rule == "expect_maximum") | [.column, .count, .first_line]')" \
    '["amount",2,3]' "and so do the issues of the profile"
ok "all records validate" sh -c "'$srcdir/tests/docs/validate' --strict --min 2 <'$out_file'"
run etl-profile --sample 1% --expect schema.json bad.csv
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "verdict") | .figures')" '{"records":4,"violations":11,"rules":10}' \
    "a sample leaves no record unchecked"
run etl-profile --window 2 --expect schema.json bad.csv
is "$status $(printf '%s\n' "$out" | jq -c 'select(.record == "verdict") | .figures.violations')" "1 11" "windows are checked as one"
run sh -c 'etl-profile --dataset d --expect schema.json <bad.csv | etl-plan'
status_is 1 "a plan behind it is not made"

# JSON lines, keys, order.
printf '{"b":"x","a":1}\n{"a":1,"b":"y"}\n{"a":1,"b":"x"}\n{"a":"1","b":5}\n' >k.jsonl
printf '{"fields":[{"name":"a","type":"integer"},{"name":"b","type":"string"}],"primaryKey":["a","b"]}' >k.json
run etl-profile --expect k.json k.jsonl
cat >want <<'X'
etl-profile: k.jsonl:4: b: 1 value of another type than string (on line 4: '5')
etl-profile: k.jsonl:3: a,b: 1 value of a key seen before (on line 3: '1,x')
X
same "$err_file" want "in JSON lines keys may stand in any order, and a number is no string"
printf 'b,c\nx,1\n' >k.csv
run etl-profile --expect k.json k.csv
cat >want <<'X'
etl-profile: k.csv:1: a: is not in the data
etl-profile: k.csv:1: c: is not in the schema
X
same "$err_file" want "fields that are missing and fields too many are told"
printf '1,x\n1,x\n' >plain.csv
run etl-profile --no-header --expect k.json plain.csv
is "$err" "etl-profile: plain.csv:2: a,b: 1 value of a key seen before (on line 2: '1,x')" "columns without names go by their order"
printf '{"fields":[{"name":"a","constraints":{"unique":true}}],"foreignKeys":[{"fields":"a"}],"fieldsMatch":"subset"}' >f.json
printf 'a,b\n1.50,x\n1.5,x\n,x\n,x\n1.5,x\n' >f.csv
run etl-profile --expect f.json f.csv
is "$err" "etl-profile: f.json: foreignKeys need other tables and are not checked
etl-profile: f.csv:6: a: 1 value seen before (on line 6: '1.5')" "what is not checked is said; nulls are never equal"

# A schema from the data, to which the data keeps.
cp "$srcdir/share/examples/flights.csv" "$srcdir/share/examples/airports.csv" .
printf 'a,b,c,d\n1,,"",2026-01-01 10:00\n2,x,"y",2026-01-02 10:00\n' >quoted.csv
printf '{"a":{"b":1},"c":"x","d":[1]}\n{"a":{"b":2.5},"c":5,"d":null}\n' >nested.jsonl
for f in flights.csv airports.csv quoted.csv nested.jsonl bad.csv; do
    run etl-profile --write-schema made.json "$f"
    run etl-profile --expect made.json "$f"
    is "$status|$err" "0|" "$f keeps to the schema written of it"
done
etl-profile --write-schema made.json quoted.csv >/dev/null
is "$(jq -c .fields made.json)" '[{"name":"a","type":"integer","constraints":{"required":true,"unique":true}},{"name":"b","type":"string"},{"name":"c","type":"string","constraints":{"unique":true}},{"name":"d","type":"datetime","format":"any","constraints":{"required":true}}]' \
    "with types, what is never missing and what is unique"
etl-profile --fast --write-schema made.json quoted.csv >/dev/null
is "$(jq -c '[.fields[].constraints.required]' made.json)" '[null,null,null,null]' "nothing is required that is not known"
usage_error "several inputs" "--write-schema describes one input, and 2 were given" etl-profile --write-schema x.json bad.csv good.csv
usage_error "windows" "option '--write-schema': goes with none of --window, --partition-by and --merge" \
    etl-profile --window 10 --write-schema x.json bad.csv
run etl-profile --write-schema no/such/folder/x.json bad.csv
status_is 4 "a schema that cannot be written is status 4"

# Bad schemas.
printf '{"fields":[\n{"name":"a","type":"geojson"}]}' >geo.json
run etl-profile --expect geo.json f.csv
is "$status|$out|$err" "3||etl-profile: geo.json: fields[0] 'a': type 'geojson' cannot be checked" "a type that cannot be checked is status 3"
printf '{"fields":[\n{"name":' >cut.json
run etl-profile --expect cut.json f.csv
status_is 3 "so is a file that is no JSON"
like "$err" "^etl-profile: cut.json: line 2, column [0-9]+: " "with its place"
run etl-profile --expect no-such.json f.csv
is "$status|$out|$err" "4||etl-profile: cannot open 'no-such.json': No such file or directory" "one that is not there is status 4"
done_testing
