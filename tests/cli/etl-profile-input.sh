#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How etl-profile reads: threads.
. "${srcdir:?}/tests/cli/lib.sh"
examples=$srcdir/share/examples

# -- threads --
# Large enough that threads start.
awk '{line[NR] = $0} END {print line[1]; for (i = 0; i < 6; i++) for (r = 2; r <= NR; r++) print line[r]}' \
    "$examples/flights.csv" >many.csv
etl-profile -j 1 <many.csv >one.jsonl
for n in 2 5 64; do
    run sh -c 'etl-profile -j "$1" <many.csv' sh "$n"
    is "$status|$err" "0|" "$n threads"
    same "$out_file" one.jsonl "give the same bytes as one"
done
run sh -c 'etl-profile <many.csv'
same "$out_file" one.jsonl "as does what is taken by default"
run sh -c 'FORELINE_THREADS=1 etl-profile <many.csv'
same "$out_file" one.jsonl "and what a variable asks for"
for n in 0 65 x; do
    run etl-profile -j "$n" many.csv
    is "$status|$out" "2|" "-j $n is a usage error"
done

done_testing
