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

done_testing
