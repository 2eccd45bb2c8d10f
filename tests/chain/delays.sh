#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job on the shipped data: the chain and `etl-run -p` give what sqlite3 computes from the same files.
. "${srcdir:?}/tests/cli/lib.sh"

cp "$srcdir/share/examples/flights.csv" "$srcdir/share/examples/airports.csv" "$srcdir/share/examples/delays.json" .
FORELINE_STORE=$PWD/history.db
export FORELINE_STORE

cat >delays.sql <<'SQL'
.mode csv
.headers on
.separator , "\n"
.import flights.csv f
.import airports.csv a
SELECT a.state AS state, sum(CAST(f.delay AS INTEGER)) AS minutes,
       sum(CAST(f.delay AS INTEGER)) * 1.0 / count(*) AS mean, count(*) AS flights
  FROM f JOIN a ON f.origin = a.iata WHERE CAST(f.delay AS INTEGER) > 0
 GROUP BY a.state ORDER BY 2 DESC, a.state;
SQL
# Numbers to nine digits: sqlite3 writes 15, we write what reads back equal.
rounded() {
    awk -F, 'NR == 1 {print; next} {printf "%s,%d,%.9f,%d\n", $1, $2, $3, $4}' "$1"
}
# The result for one flights file, by three ways.
three_ways() {
    sqlite3 <delays.sql >sqlite.csv
    rounded sqlite.csv >want.csv
    run sh -c "etl-profile $1 airports.csv | etl-predict -p delays.json --param flights=$1 | etl-plan | etl-run"
    status_is 0 "the chain runs over $2"
    rounded delays.csv >chain.csv
    same chain.csv want.csv "the chain's result over $2 equals sqlite3's"
    is "$(printf '%s\n' "$out" | tail -n 1 | jq -r '.record + " " + .status')" "completion completed" \
        "the chain's last line is a completion"
    mv delays.csv chain-raw.csv
    run etl-run -p delays.json --param "flights=$1"
    status_is 0 "etl-run -p runs over $2"
    same delays.csv chain-raw.csv "etl-run -p writes the same bytes as the chain over $2"
}

cp flights.csv all.csv
head -n 5001 all.csv >flights.csv
three_ways flights.csv "5,000 flights"
cp all.csv flights.csv
three_ways flights.csv "20,000 flights"

run sh -c 'etl-profile flights.csv airports.csv | etl-predict -p delays.json'
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "execution_profile").basis' | cut -d: -f1)" history \
    "after runs the prediction comes from history"
is "$(printf '%s\n' "$out" | "$srcdir/tests/docs/validate" 2>&1)" "" "every record validates against its schema"
run sh -c 'etl-profile flights.csv airports.csv | etl-predict -p delays.json | etl-plan | etl-run'
ok "every record of the chain validates" sh -c '"$1" <"$2"' sh "$srcdir/tests/docs/validate" "$out_file"

run etl-lineage runs
is "$(printf '%s\n' "$out" | wc -l)" 5 "every run is remembered"
run etl-lineage upstream "$PWD/delays.csv"
like "$out" 'flights.csv' "lineage names the flights upstream of the result"
like "$out" 'airports.csv' "lineage names the airports upstream of the result"

done_testing
