#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How etl-profile reads: threads, data passed on, files that are followed.
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


# -- tee: data to stdout, records to a file --
cp "$examples/flights.csv" flights.csv
gzip -c flights.csv >flights.csv.gz
printf 'a,b\n1,2' >small.csv
run etl-profile --tee --records r.jsonl flights.csv.gz small.csv flights.csv
is "$status|$err" "0|" "--tee passes several inputs on"
cat flights.csv.gz small.csv flights.csv >want
same "$out_file" want "byte for byte, behind one another"
etl-profile flights.csv.gz small.csv flights.csv >r2.jsonl
same r.jsonl r2.jsonl "the records are the same as without"
run sh -c 'cat many.csv many.csv | etl-profile -q --tee --records r.jsonl | cat'
cat many.csv many.csv >want
same "$out_file" want "and so is standard input, with -q too"
is "$(jq .volume.records r.jsonl)" "$(($(wc -l <want) - 1))" "all of it is profiled"
usage_error "--tee without --records" "--tee needs --records FILE: standard output carries the data" etl-profile --tee small.csv
usage_error "--tee and a page" "--tee and --format html both want standard output" etl-profile --tee --records r --format html small.csv
head -c 20000 flights.csv.gz >cut.gz
printf 'PK\003\004 and so on\n' >zip.csv
{ cat flights.csv.gz; head -c 300000 /dev/zero; echo behind; } >trailing.gz
for f in cut.gz zip.csv trailing.gz; do
    run etl-profile -q --tee --records r.jsonl "$f"
    same "$out_file" "$f" "what cannot be profiled is passed on all the same: $f"
done
run etl-profile --tee --records r.jsonl missing.csv small.csv
is "$status|$out|$(jq .volume.records r.jsonl)" "4|$(cat small.csv)|1" "a missing file is status 4, the others are passed on"
rm -f r.jsonl
run sh -c 'etl-profile --tee --records r.jsonl flights.csv >/dev/full'
is "$status|$err" "4|etl-profile: cannot write to stdout: No space left on device" "a full disk is status 4, said once"
rm -f r.jsonl
run sh -c 'etl-profile --tee --records r.jsonl many.csv many.csv many.csv | head -n 1'
is "$status|$out|$err" "0|$(head -n 1 many.csv)|" "a reader that goes away ends it quietly"
not_ok "then there are no records" test -e r.jsonl
# With a reader that waits nothing piles up.
run sh -c '{ for i in 1 2 3 4 5; do cat many.csv; done | etl-profile -j 1 --tee --records r.jsonl; echo $? >st; } | { sleep 0.5; cat; } | wc -c'
is "$(cat st)|$out" "0|$(($(wc -c <many.csv) * 5))" "a slow reader gets all"

done_testing
