#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job on real data, step by step: profile, predict, plan, run, remember; then again over four times
# the data, predicted from the first run. Works in a new folder that it names at the end and leaves behind.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -x "$here/../../tools/etl-run" ]; then
    PATH=$(cd "$here/../../tools" && pwd):$PATH
fi
work=${1:-$(mktemp -d "${TMPDIR:-/tmp}/foreline-demo.XXXXXX")}
mkdir -p "$work"
cp "$here/flights.csv" "$here/airports.csv" "$here/delays.json" "$work/"
cd "$work"
# A history of its own: the demo tells the same story each time.
FORELINE_STORE=$work/history.db
export FORELINE_STORE
rm -f history.db history.db-wal history.db-shm

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m')
    plain=$(printf '\033[0m')
fi
step() {
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}
# Shows a command line as one would type it, and runs it.
show() {
    printf '%s\n\n' "\$ $1"
    sh -c "$1"
}

printf '%s\n' \
    "Flights leaving which states' airports arrive latest? The pipeline is delays.json:" \
    "flights with an arrival delay, joined with their airports, added up by state."
head -n 5001 flights.csv >first.csv

step "1. Profile: what is in the data? (5,000 flights first)"
show "etl-profile --format table first.csv airports.csv"

step "2. Predict: what will each stage take? There is no history yet, so from this machine's priors."
show "etl-profile first.csv airports.csv | etl-predict -p delays.json --param flights=first.csv --format table"

step "3. Plan: where and how to run it, and why."
show "etl-profile first.csv airports.csv | etl-predict -p delays.json --param flights=first.csv | etl-plan --format table"

step "4. Run it. The whole chain, as it would stand in a script:"
show "etl-profile first.csv airports.csv | etl-predict -p delays.json --param flights=first.csv | etl-plan | etl-run --format table"

step "   The top of the result, delays.csv:"
show "head -n 6 delays.csv"

step "5. Now all 20,000 flights. The prediction comes from the history of step 4:"
show "etl-profile flights.csv airports.csv | etl-predict -p delays.json --format table"

step "6. Run again, this time planned by etl-run itself; predicted stands beside actual:"
show "etl-run -p delays.json --format table"

step "   The top of the result:"
show "head -n 6 delays.csv"

step "7. What was remembered:"
show "etl-lineage runs --format table"
show "etl-lineage upstream delays.csv --format table"

printf '\n%s\n' "Everything is in $work; look around, for example with:" \
    "    cd $work && FORELINE_STORE=history.db etl-lineage show"
