#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile where everything goes wrong: inputs made to break it, and options that meet each other.
. "${srcdir:?}/tests/cli/lib.sh"
figure() { jq -c "$1" "$out_file"; }

# -- inputs --
awk 'BEGIN {for (i = 0; i < 500000; i++) printf ","; print ""}' >commas.csv
run etl-profile -i csv commas.csv
is "$status|$out|$err" "3||etl-profile: 'commas.csv' has 500001 columns, more than 500000: is the delimiter right?" "what is no table is not taken for the widest"
printf 'a,b\n1,2\n' >notjson
run etl-profile -i jsonl --fail-on quality=0.9 notjson
is "$status|$(figure 'select(.record == "verdict") | [.ok, .reasons[]]')" \
    '3|[false,"no record could be read, so there is no score"]' "a gate lets nothing pass of which nothing could be read"
printf 'a,b\n' >header.csv
run etl-profile --fail-on quality=0.9 header.csv
is "$status|$(figure 'select(.record == "verdict") | .ok')" '0|true' "but an empty table"

# -- stores --
printf 'a,b\n1,2\n3,4\n' >plain.csv
verdict='select(.record == "verdict") | [.check, .ok]'
run etl-profile --store s.db plain.csv
status_is 0 "a store is made"
head -c 5000 /dev/urandom | od >no.db
run etl-profile -q --store no.db --records r.jsonl --fail-on schema,drift plain.csv
is "$status|$(jq -c "$verdict" r.jsonl | tr '\n' ' ')" '4|["schema",false] ["drift",false] ' "a gate does not open because the store cannot"
like "$err" "no.db' is not a store of foreline" "and says why, quietly or not"
run etl-profile --store no.db --fail-on quality=0.5 plain.csv
is "$status|$(figure "$verdict")" '0|["quality",true]' "what needs no store does not mind"
sqlite3 s.db "UPDATE profile SET line = '{\"record\":'"
run etl-profile --store s.db --fail-on schema plain.csv plain.csv
is "$status|$(figure "$verdict" | tr '\n' ' ')" '4|["schema",false] ["schema",false] ' "nor because its last profile is damaged"
like "$err" "^etl-profile: the last profile of 'file:.*plain\.csv' in the store: " "which is said"

# -- records over data --
cp plain.csv data.csv
ln data.csv other-name.csv
usage_error "records do not replace the data they are of" "--records './data.csv' would replace the data" \
    etl-profile --records ./data.csv plain.csv data.csv
usage_error "whatever it is called" "--records 'other-name.csv' would replace the data" \
    etl-profile --tee --records other-name.csv data.csv
run sh -c 'etl-profile --records data.csv <data.csv'
is "$status|$out" "2|" "nor what stdin is"
run sh -c 'etl-profile --tee --records data.csv plain.csv >>data.csv'
is "$status|$out" "2|" "nor where the data goes"
echo '{"fields":[{"name":"a"},{"name":"b"}]}' >schema.json
usage_error "nor the schema" "--records 'schema.json' would replace the data" \
    etl-profile --expect schema.json --records schema.json data.csv
same data.csv plain.csv "the data is as it was"
usage_error "standard output is no file" "--records names a file; without it records go to standard output" \
    etl-profile --records - data.csv
run etl-profile --records /dev/null /dev/null
is "$status|$err" "0|" "what cannot be replaced may be named twice"

mkfifo endless
exec 9<>endless
run timeout 5 etl-profile --records no-such-folder/r.jsonl endless
is "$status|$err" "4|etl-profile: cannot create 'no-such-folder/r.jsonl': No such file or directory" "records that cannot be written are told of before the work"
run timeout 5 etl-profile --records . endless
is "$status|$err" "4|etl-profile: cannot write to '.': Is a directory" "so is a folder"
exec 9>&-
run etl-profile --tee --records no-such-folder/r.jsonl data.csv
status_is 4 "in a data pipe it is told of, too"
same "$out_file" data.csv "and the data goes on"

# -- sketches --
etl-profile --sketches plain.csv >sketched.jsonl
jq -c 'if .kind == "column" then .column = null else . end' sketched.jsonl >nameless.jsonl
run etl-profile --compare nameless.jsonl plain.csv
is "$status|$out|$err" "3||etl-profile: nameless.jsonl:6: a sketch 'column' without 'column'" "a sketch that has lost its column is no baseline"

done_testing
