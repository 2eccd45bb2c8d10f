#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile where everything goes wrong: inputs made to break it, and options that meet each other.
. "${srcdir:?}/tests/cli/lib.sh"
validate=$srcdir/tests/docs/validate
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

# -- options in pairs: each does its work beside the other, or it is said that they do not go together --
awk 'BEGIN {
    print "id,at,v,c"
    for (i = 0; i < 120; i++)
        printf "%d,2024-01-01T00:%02d:%02dZ,%s,%s\n", i, i / 60, i % 60, i % 9 ? i * 1.5 : "", substr("abc", 1 + i % 3, 1)
}' >pairs.csv
echo '{"fields":[{"name":"id","type":"integer"},{"name":"at"},{"name":"v"},{"name":"c"}]}' >pairs.json
etl-profile --sketches pairs.csv >base.jsonl
cat >options <<'EOF'
--window 40
--window 1m
--window 40 --slide 10
--partition-by c
--sample 50%
--sample 50% --sample-by block
--fast
--sketches
--compare base.jsonl
--expect pairs.json
--fail-on schema,quality=0.5
--tee --records tee.jsonl
--format table
--format html
--records own.jsonl
-j 1
-j 8
--merge
EOF
: >pairs.jsonl
odd=''
while read -r a; do
    while read -r b; do
        input=pairs.csv
        case "$a $b" in *--merge*) input=base.jsonl ;; esac
        : >tee.jsonl
        : >own.jsonl
        # shellcheck disable=SC2086 # several words
        etl-profile $a $b $input >pair.out 2>pair.err
        got=$?
        case "$got $a $b" in
        "2 "*) [ ! -s pair.out ] && grep -q "^etl-profile: .*--help')\$" pair.err ;;
        "0 "*--tee*) cmp -s pair.out pairs.csv && [ -n "$(cat tee.jsonl own.jsonl)" ] ;;
        "0 "*--format*) [ -s pair.out ] && cat own.jsonl >>pairs.jsonl ;;
        "0 "*) cat pair.out own.jsonl >>pairs.jsonl && [ -n "$(cat pair.out own.jsonl)" ] ;;
        *) false ;;
        esac || odd="$odd [$got: $a $b]"
        cat tee.jsonl >>pairs.jsonl
    done <options
done <options
is "$odd" "" "every two options do their work or are a usage error"
ok "and all that they write are records" "$validate" --strict --min 1000 pairs.jsonl

# -- a mean that falls --
seq 1000.5 2999.5 | sed 1in >high.csv
seq 0.5 1999.5 | sed 1in >low.csv
for fast in '' --fast; do
    # shellcheck disable=SC2086 # nothing or one word
    etl-profile $fast --sketches high.csv >high.jsonl
    # shellcheck disable=SC2086
    run etl-profile $fast --fail-on drift --compare high.jsonl low.csv
    is "$status|$(figure 'select(.record == "drift") | .columns[0] | [.mean_change, .mean_shift > 1, (.drifted | contains(["mean"]))]')" \
        "1|[-1000,true,true]" "has drifted as one that rises ($fast)"
    ok "and the records are sound ($fast)" "$validate" --strict --min 3 "$out_file"
done

# -- sketches --
etl-profile --sketches plain.csv >sketched.jsonl
jq -c 'if .kind == "column" then .column = null else . end' sketched.jsonl >nameless.jsonl
run etl-profile --compare nameless.jsonl plain.csv
is "$status|$out|$err" "3||etl-profile: nameless.jsonl:6: a sketch 'column' without 'column'" "a sketch that has lost its column is no baseline"

# -- more reasons than anybody reads --
seq 1 1500 | paste -sd, >was.csv
seq 2001 3500 | paste -sd, >is.csv
etl-profile was.csv >was.jsonl
run etl-profile --fail-on schema --compare was.jsonl is.csv
is "$status|$(figure 'select(.record == "verdict") | [(.reasons | length), .reasons[1000], .figures.changes]')" \
    '1|[1001,"and 2000 more changes",3000]' "a verdict has a thousand reasons and the number of the rest"

# -- a baseline that was cut to 16 MiB --
etl-profile plain.csv | jq -c '.columns |= .[:1] | .truncated = ["columns[].top", "columns[1:] of 2"]' >cut.jsonl
run etl-profile -q --records r.jsonl --fail-on schema --compare cut.jsonl plain.csv
is "$status|$(jq -c 'select(.record == "drift") | .added' r.jsonl)" "0|[]" "columns that the record of a wide table has no room for are not new"
sed 's/:\] of 2"/:] of 3"/' cut.jsonl >cut-of-3.jsonl
run etl-profile --fail-on schema --compare cut-of-3.jsonl plain.csv
is "$status|$(figure 'select(.record == "verdict") | .reasons')" '1|["there were 3 columns and are 2"]' "but another number of columns is a change"

done_testing
