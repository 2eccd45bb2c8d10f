#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile --compare and --fail-on: drift records, verdicts and statuses; and the chain behind a no
# does nothing.
. "${srcdir:?}/tests/cli/lib.sh"
validate=$srcdir/tests/docs/validate

# rows N SHIFT NULLS: amounts and a status word; one record in NULLS has no status.
rows() {
    awk -v n="$1" -v shift="$2" -v nulls="$3" 'BEGIN {
        srand(7); print "id,amount,status"
        for (i = 1; i <= n; i++)
            printf "%d,%.3f,%s\n", i + shift * 1000, rand() + rand() + rand() + shift,
                i % nulls == 0 ? "" : i % 3 ? "paid" : "open" }'
}
rows 3000 0 100 >old.csv
rows 3000 0 100 >same.csv
rows 3000 0.5 100 >shifted.csv
rows 3000 0 4 >nulls.csv
sed '1s/status/state/' old.csv >renamed.csv
sed '9s/,[^,]*,/,many,/' old.csv >words.csv

run etl-profile old.csv
cp "$out_file" base
run etl-profile --compare base same.csv
status_is 0 "a comparison alone never says no"
is "$(printf '%s\n' "$out" | jq -r .record | tr '\n' ' ')" "profile drift " "it adds a drift record"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "drift") | [.columns[] | .drifted[]] | length')" 0 \
    "of equal data nothing has drifted"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "drift") | .baseline')" "file:$PWD/old.csv" "the baseline is named"
run etl-profile --compare base --fail-on drift shifted.csv
status_is 1 "drift is status 1"
is "$(printf '%s\n' "$out" | jq -r .record | tr '\n' ' ')" "profile drift verdict " "all records are written all the same"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | .columns[] | select(.name == "amount") | .drifted | index("mean")')" 0 \
    "the mean that moved is named"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | .columns[] | select(.name == "amount") | .mean_change * 1000 | round')" 500 \
    "by how much it moved too"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | .columns[] | select(.name != "amount") | .drifted')" "$(printf '[]\n[]')" \
    "a key that moved on and words that did not are no drift"
like "$err" "^etl-profile: shifted.csv: drift: column 'amount': its mean moved by \+0\.5 " "and people are told"
ok "the records validate" sh -c "'$validate' --strict --min 3 <'$out_file'"
run etl-profile --compare base --fail-on drift --min-effect 2 shifted.csv
status_is 0 "a larger least effect lets it pass"
run etl-profile --compare base --fail-on drift nulls.csv
status_is 1 "nulls that became more are drift"
like "$err" "column 'status': more nulls by 24 % of the records" "said so"

run etl-profile --compare base --fail-on schema renamed.csv words.csv shifted.csv
status_is 1 "another schema is status 1"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "verdict") | .ok' | tr '\n' ' ')" "false false true " "each file has its verdict"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "verdict") | .reasons[]')" "column 'status' is gone
column 'state' is new
column 'amount' was float and is string" "with its reasons"

run etl-profile --fail-on quality=0.999 old.csv
status_is 1 "a score below is status 1"
score=$(printf '%s\n' "$out" | jq -c 'select(.record == "profile") | .data_quality_score')
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "verdict") | .reasons[]')" "data_quality_score $score is below 0.999" "both figures are named"
run etl-profile --fail-on quality=0.9 old.csv
status_is 0 "a score above is not"
printf 'a,b\n' >empty.csv
run etl-profile --fail-on quality=1 empty.csv
status_is 0 "no records have no score, and that is no fault"
run etl-profile -q --fail-on quality=0.999 old.csv
is "$status|$out" "1|" "a quiet gate gates"

# A BASE with sketches.
etl-profile --sketches old.csv >with
run etl-profile --compare with same.csv
is "$err" "" "a baseline with sketches needs no warning"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | [.columns[] | .psi, .ks | . == 0]')" \
    '[true,true,true,true,true,false]' "equal data has no distance"
run etl-profile --compare with --fail-on drift shifted.csv
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | .columns[] | select(.name == "amount") | .drifted')" \
    '["mean","ks","psi"]' "all figures find what moved"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | .columns[] | select(.name == "amount") | .ks > .ks_chance and .psi > .psi_chance')" \
    true "and are beyond what chance gives"
run sh -c 'etl-profile --sketches old.csv | etl-profile --merge --compare with --fail-on drift,schema'
status_is 0 "what was merged is held against it, too"
grep -v '"kind":"column"' with >part
run etl-profile --compare part same.csv
status_is 3 "sketches that are not all there are status 3"
sed '2s/"image":"..../"image":"AAAA/' with >damaged
run etl-profile --compare damaged same.csv
status_is 3 "so are damaged ones"
like "$err" "^etl-profile: damaged:2: " "with their line"

# The store: the last profile is the baseline.
FORELINE_STORE=$PWD/history.db
export FORELINE_STORE
run etl-profile --dataset d --fail-on schema,drift old.csv
status_is 0 "a first run passes"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "verdict") | .reasons[]' | uniq)" "no earlier profile is known to compare with" "and says why"
run etl-profile --dataset d --compare last --fail-on schema renamed.csv
status_is 1 "the next is held against it"
run etl-profile --dataset d --compare last --fail-on schema renamed.csv
status_is 1 "what was refused is no baseline: asking again gives the same answer"
run etl-profile --dataset d renamed.csv
run etl-profile --dataset d --fail-on schema renamed.csv
status_is 0 "accepted once, it is"
run sh -c 'etl-profile --fail-on drift <old.csv'
status_is 0 "data without a name has no history"
like "$err" "^etl-profile: stdin: nothing to compare with: the data has no name \(--dataset\)$" "which is said"

# The store keeps sketches of the last profile, so that all figures can be compared.
run etl-profile --dataset e old.csv
run etl-profile --dataset e --compare last same.csv
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | [.columns[] | .psi != null, .ks != null]')" \
    '[true,true,true,true,true,false]' "psi and ks come from the sketches in the store"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | [.columns[] | .drifted[]]')" '[]' "which is no drift"
is "$err" "" "and no warning"
awk -F, 'BEGIN { OFS = "," } NR > 1 { $3 = NR % 5 ? "paid" : "open" } { print }' old.csv >shares.csv
run etl-profile --dataset e --fail-on drift shares.csv
status_is 1 "words that have other shares are drift"
is "$(printf '%s\n' "$out" | jq -c 'select(.record == "drift") | .columns[] | select(.name == "status") | .drifted')" '["null_rate","psi"]' \
    "by their stability index"
sqlite3 history.db "UPDATE profile_image SET image = x'464c' WHERE dataset = 'e'"
run etl-profile --dataset e --compare last same.csv
status_is 0 "a damaged image is a warning"
like "$err" "only schema, nulls and means are compared" "and the record serves"

# The chain behind a gate.
cp "$srcdir/share/examples/flights.csv" "$srcdir/share/examples/airports.csv" "$srcdir/share/examples/delays.json" .
rm -rf delays.csv out* 2>/dev/null
sed 's/^[^,]*,/,/' flights.csv >bad.csv
run sh -c 'etl-profile --fail-on quality=0.999 bad.csv | etl-predict -p delays.json | etl-plan | etl-run'
status_is 1 "a gate in front of the chain ends it with status 1"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "plan" or .record == "completion") | .record')" "" "nothing was planned and nothing run"
like "$err" "^etl-plan: .*quality" "the one that stopped names the check"
run sh -c 'etl-profile --fail-on quality=0.5 flights.csv airports.csv | etl-predict -p delays.json | etl-plan | etl-run'
status_is 0 "a gate that says yes lets it run"

usage_error "an unknown check" "option '--fail-on': 'love' is neither drift nor schema nor quality=NUMBER with a number from 0 to 1" \
    etl-profile --fail-on schema,love old.csv
usage_error "a score beyond 1" "option '--fail-on': 'quality=2' is neither drift nor schema nor quality=NUMBER with a number from 0 to 1" \
    etl-profile --fail-on quality=2 old.csv
run etl-profile --compare no-such old.csv
is "$status|$out|$err" "4||etl-profile: cannot open 'no-such': No such file or directory" "a BASE that is not there is status 4"
run etl-profile --compare old.csv old.csv
is "$status|$out" "3|" "one that is no file of records is status 3"
like "$err" "^etl-profile: old.csv:1: line 1, column 1: " "with its line"
printf '{"record":"plan","v":1}\n' >none
run etl-profile --compare none old.csv
is "$status|$err" "3|etl-profile: no profile in 'none' to compare with" "and one without a profile"
cat base >two
etl-profile --dataset other old.csv >>two
run etl-profile --compare two same.csv
is "$status|$err" "3|etl-profile: none of the 2 profiles in 'two' is of dataset 'file:$PWD/same.csv'" "of several none may fit"
run etl-profile --compare two --dataset other same.csv
status_is 0 "the one of the dataset is taken"
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "drift") | .baseline')" other "and no other"
run etl-profile --format table --compare base --fail-on drift nulls.csv
like "$out" "status: more nulls by 24 % of the records" "a table says it in words"
done_testing
