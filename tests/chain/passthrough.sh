#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every filter forwards every line, known or not, byte for byte and in order, before its own records; and
# jq -c works between any two tools.
. "${srcdir:?}/tests/cli/lib.sh"

cp "$srcdir/share/examples/flights.csv" "$srcdir/share/examples/airports.csv" "$srcdir/share/examples/delays.json" .
FORELINE_STORE=$PWD/history.db
export FORELINE_STORE

# Odd lines: blanks, order of members, numbers as written, unknown kinds, a newer version, an event of others.
cat >odd <<'LINES'
{"record":"weather","v":1,"rain":  true , "mm": 1.50, "big": 123456789012345678901234567890}
{"record":"profile","v":99,"columns":"from the future"}
{"hello":"world","é":"\u00e9"}
[1,2,3]
"text"
{"eventType":"OTHER","eventTime":"2026-11-20T10:00:00Z","run":{"runId":"0193478f-0000-7000-8000-000000000000"},"job":{"namespace":"n","name":"j"},"producer":"urn:x","schemaURL":"urn:y"}
LINES
etl-profile flights.csv airports.csv >profiles
etl-predict -p delays.json <profiles >predicted
etl-plan <predicted >planned

# before FILE TOOL…: the tool's output starts with the file's bytes, then the odd lines.
forwards() {
    name=$1 input=$2
    shift 2
    cat odd "$input" odd >in
    run sh -c '"$@" <in' sh "$@"
    status_is 0 "$name takes lines it does not know"
    head -c "$(wc -c <in)" "$out_file" >front
    same front in "$name forwards every line byte for byte"
}
forwards etl-predict profiles etl-predict -p delays.json
forwards etl-plan predicted etl-plan
forwards etl-run planned etl-run
forwards "etl-lineage add" planned etl-lineage add

cat odd >bad
echo 'this is not JSON' >>bad
cat predicted >>bad
for tool in "etl-plan" "etl-lineage add"; do
    # shellcheck disable=SC2086 # two words
    run sh -c "$tool <bad"
    status_is 3 "$tool ends with status 3 after a line that is not JSON"
    like "$err" '7' "$tool names the line"
    head -c "$(wc -c <bad)" "$out_file" >front
    same front bad "$tool forwards that line too"
done

run sh -c "etl-profile flights.csv airports.csv | jq -c 'select(.volume.records > 0)' | etl-predict -p delays.json |
    jq -c 'select(.record != \"weather\")' | etl-plan | jq -c . | etl-run | jq -c 'select(.record == \"completion\")'"
status_is 0 "jq -c works between any two tools"
is "$(printf '%s\n' "$out" | jq -r .status)" completed "and the run completes"

# A record that is required and never comes.
run sh -c 'etl-plan <odd'
status_is 3 "etl-plan without an execution_profile ends with status 3"
run sh -c 'etl-run <odd'
status_is 3 "etl-run without a plan ends with status 3"

# Gates.
printf '%s\n' '{"record":"verdict","v":1,"check":"quality","subject":"x","ok":false,"reasons":["bad"],"figures":{}}' >no
for tool in etl-plan etl-run; do
    cat planned no >in
    rm -f delays.csv
    run sh -c "$tool <in"
    status_is 1 "$tool stops at a verdict that says no"
    like "$err" quality "$tool names the verdict"
    not_ok "$tool did nothing" test -e delays.csv
    run sh -c "$tool --ignore-verdicts <in"
    status_is 0 "$tool --ignore-verdicts goes on"
done

done_testing
