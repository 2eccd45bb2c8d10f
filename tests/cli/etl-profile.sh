#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-profile: what it says of good data, in which form and where to.
. "${srcdir:?}/tests/cli/lib.sh"
FORELINE_NOW=2026-11-20T10:00:00Z
export FORELINE_NOW
examples=$srcdir/share/examples
validate=$srcdir/tests/docs/validate
# Values of the last output's records, by a jq program.
figure() {
    jq -c "$1" "$out_file"
}

# -- the record, byte for byte --
printf 'id,name,at\n1,a,2026-01-01T00:00:00Z\n2,,2026-01-01T00:00:04Z\n3,"b ""c""",2026-01-01T00:00:10Z\n' >t.csv
run etl-profile --dataset orders t.csv
status_is 0 "a profile ends well"
out_is "the whole record" <<'E2'
{"record":"profile","v":1,"dataset":"orders","partition":null,"window":{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:10Z","first_record":1,"last_record":3},"sample":{"rate":1,"seed":null,"records_seen":3,"records_profiled":3},"dataTypeDistribution":{"integer":0.375,"timestamp":0.375,"string":0.25},"cardinality":{"id":3,"name":2,"at":3},"volume":{"records":3,"bytes":93,"avg_record_size":31,"records_per_second":0.2,"records_interval":null},"schema_evolution_probability":null,"data_quality_score":0.8888888888888888,"quality":{"completeness":0.8888888888888888,"accuracy":1,"consistency":1,"issues":[{"column":"name","rule":"null","count":1,"first_line":3}]},"columns":[{"name":"id","type":"integer","records":3,"nulls":0,"distinct":3,"distinct_error":0,"min":1,"max":3,"mean":2,"stddev":1,"skewness":0,"kurtosis":null,"quantiles":{"0.01":1.02,"0.05":1.1,"0.25":1.5,"0.5":2,"0.75":2.5,"0.95":2.9,"0.99":2.98},"quantile_error":0,"top":[{"value":"1","count":1,"error":0},{"value":"2","count":1,"error":0},{"value":"3","count":1,"error":0}],"outliers":0,"outliers_error":0,"formats":[],"types":{"integer":3},"first_lines":{"integer":2},"bytes":3,"length_bytes":{"min":1,"mean":1,"max":1},"elements":null,"null_spellings":{},"monotone":"strictly_increasing","uniqueness":1,"uniqueness_error":0,"unique":true,"constant":false,"key_candidate":true,"intervals":null},{"name":"name","type":"string","records":3,"nulls":1,"distinct":2,"distinct_error":0,"min":"a","max":"b \"c\"","mean":null,"stddev":null,"skewness":null,"kurtosis":null,"quantiles":null,"quantile_error":null,"top":[{"value":"a","count":1,"error":0},{"value":"b \"c\"","count":1,"error":0}],"outliers":null,"outliers_error":null,"formats":[],"types":{"string":2},"first_lines":{"string":2},"bytes":6,"length_bytes":{"min":1,"mean":3,"max":5},"elements":null,"null_spellings":{},"monotone":"strictly_increasing","uniqueness":1,"uniqueness_error":0,"unique":true,"constant":false,"key_candidate":false,"intervals":null},{"name":"at","type":"timestamp","records":3,"nulls":0,"distinct":3,"distinct_error":0,"min":"2026-01-01T00:00:00Z","max":"2026-01-01T00:00:10Z","mean":null,"stddev":null,"skewness":null,"kurtosis":null,"quantiles":null,"quantile_error":null,"top":[{"value":"2026-01-01T00:00:00Z","count":1,"error":0},{"value":"2026-01-01T00:00:04Z","count":1,"error":0},{"value":"2026-01-01T00:00:10Z","count":1,"error":0}],"outliers":null,"outliers_error":null,"formats":[],"types":{"timestamp":3},"first_lines":{"timestamp":2},"bytes":60,"length_bytes":{"min":20,"mean":20,"max":20},"elements":null,"null_spellings":{},"monotone":"strictly_increasing","uniqueness":1,"uniqueness_error":0,"unique":true,"constant":false,"key_candidate":true,"intervals":null}],"truncated":[]}
E2
is "$err" "" "nothing on stderr"
ok "it validates" "$validate" --strict --min 1 "$out_file"

# -- names and order --
run etl-profile t.csv "$examples/airports.csv" ./t.csv
is "$(figure .dataset | tr '\n' ' ')" "\"file:$PWD/t.csv\" \"file:$examples/airports.csv\" \"file:$PWD/t.csv\" " "one profile a file, in order, under absolute names"
ok "all validate" "$validate" --strict --min 3 "$out_file"
run sh -c 'etl-profile <t.csv'
is "$(figure '[.dataset, .volume.records]')" '[null,3]' "stdin has no name"
run sh -c 'etl-profile --dataset in - <t.csv'
is "$(figure .dataset)" '"in"' "but may be given one"
mkdir 'a folder' && cp t.csv 'a folder/with; "blanks".csv'
run etl-profile 'a folder/with; "blanks".csv'
is "$(jq -r .dataset "$out_file")" "file:$PWD/a folder/with; \"blanks\".csv" "a name with blanks and quotes"
run etl-profile -- t.csv
status_is 0 "-- ends the options"

# -- formats --
tr ',' '\t' <t.csv >t.tsv
tr ',' ';' <t.csv >semi.txt
printf '{"id":1,"name":"a","at":"2026-01-01T00:00:00Z"}\n{"id":2,"at":"2026-01-01T00:00:04Z"}\n{"at":"2026-01-01T00:00:10Z","id":3,"name":"b \\"c\\""}\n' >t.jsonl
columns='[.columns[] | [.name, .type, .nulls, .distinct, .min, .max]]'
want=$(etl-profile t.csv | jq -c "$columns")
run etl-profile t.tsv
is "$(figure "$columns")" "$want" "TSV by its name"
run etl-profile --delimiter ';' semi.txt
is "$(figure "$columns")" "$want" "any delimiter"
run etl-profile t.jsonl
is "$(figure "$columns" | jq -c sort)" "$(printf '%s' "$want" | jq -c sort)" "JSON lines by their name"
run sh -c 'etl-profile <t.jsonl'
is "$(figure "$columns" | jq -c sort)" "$(printf '%s' "$want" | jq -c sort)" "JSON lines by their content"
cp t.jsonl t.data
run etl-profile -i jsonl t.data
is "$(figure .volume.records)" 3 "-i says what it is"
gzip -k t.csv
run etl-profile t.csv.gz
is "$(figure "$columns")" "$want" "gzip"
run etl-profile -v t.csv.gz
like "$err" "^etl-profile: t.csv.gz: csv, gzip, 3 records$" "-v says how it was read"
like "$err" "delimiter ',', quote '\"', escape none, 3 columns, confidence " "and the dialect that was found"
printf 'k;v\na;1\nb;2\n' >semicolons.csv
run etl-profile semicolons.csv
is "$status|$err|$(figure '.columns | map(.name)')" '0||["k","v"]' "the delimiter is found"
run etl-profile --no-header t.csv
is "$(figure '[.volume.records, .columns[0].name]')" '[4,"column_1"]' "--no-header"

# -- sample, seed, fast --
run etl-profile --sample 10% --seed 5 "$examples/flights.csv"
cp "$out_file" one
is "$(figure '[.sample.rate, .sample.seed, .sample.records_seen, .volume.records]')" '[0.1,5,20000,20000]' "a sample says its rate and seed, and counts all records"
is "$(figure '.sample.records_profiled == .columns[0].records and (.sample.records_profiled - 2000 | fabs) < 220')" true "and has about its size"
is "$(figure '.columns[1] | .mean - .intervals.mean[0] > 0 and .intervals.mean[1] - .mean > 0 and
    .intervals.median[0] <= .quantiles["0.5"] and .intervals.null_rate == [0, .intervals.null_rate[1]]')" true \
    "and intervals for all records"
ok "which validate" "$srcdir/tests/docs/validate" --strict --min 1 "$out_file"
run etl-profile --sample 10 --seed 5 "$examples/flights.csv"
same one "$out_file" "the same seed gives the same bytes"
run etl-profile --sample 10 --seed 6 "$examples/flights.csv"
isnt "$(figure .columns[1].mean)" "$(jq .columns[1].mean one)" "another seed another sample"
run etl-profile --fast "$examples/flights.csv"
is "$(figure '.columns[1] | [.quantiles, .top, .outliers, .formats]')" '[null,null,null,null]' "--fast leaves out what it says"
is "$(figure '.columns[1] | [.mean, .stddev, .distinct]')" "$(etl-profile "$examples/flights.csv" | jq -c '.columns[1] | [.mean, .stddev, .distinct]')" "and the rest is the same"
ok "a fast profile validates" "$validate" --strict --min 1 "$out_file"

# -- where to --
run etl-profile --records r.jsonl t.csv
is "$status|$out" "0|" "--records keeps stdout free"
ok "and writes the record" "$validate" --strict --min 1 r.jsonl
run etl-profile --records no/such/folder t.csv
is "$status|$out" "4|" "--records into nowhere is the environment's failure"
run etl-profile -q t.csv
is "$status|$out|$err" "0||" "-q prints nothing"
run etl-profile --format table --records r2.jsonl t.csv
same r.jsonl r2.jsonl "people get theirs, --records the same"
sed 's/ *$//' "$out_file" >table && mv table "$out_file"
out_is "the table" <<'E2'
t.csv: 3 records, 93 B, 3 columns
column  type       null %  distinct               min               max  mean  outliers  distribution
id      integer       0.0         3                 1                 3     2         0  ███
name    string       33.3         2                 a             b "c"
at      timestamp     0.0         3  2026-01-01T00:0…  2026-01-01T00:0…
quality 0.8888: completeness 0.8888, consistency 1.0000, accuracy 1.0000
  name: 1 null (33.3 %), in line 3

E2

# -- the store --
run etl-profile t.csv
not_ok "no store is made" test -e "$TMPDIR/state/foreline/store.db"
run etl-profile --store s.db t.csv
is "$status|$err|$(figure .schema_evolution_probability)" "0||null" "--store makes one; the first sighting says nothing of change"
ok "it is there" test -s s.db
run etl-profile --store s.db t.csv
once=$(figure .schema_evolution_probability)
is "$(jq -n "$once > 0 and $once < 0.15")" true "seen again unchanged: a change is not likely"
printf 'id,name\n1,a\n' >t.csv
run etl-profile --store s.db t.csv
is "$(jq -n "$(figure .schema_evolution_probability) > 5 * $once")" true "behind a change further ones are"
printf 'id,name\n' >t.csv
run etl-profile --store s.db t.csv
is "$(figure .schema_evolution_probability)" null "no records say nothing of a schema"
echo 'not a database at all, but long enough to be looked at' >broken.db
run etl-profile --store broken.db "$examples/airports.csv"
is "$status|$(figure .volume.records)" "0|3376" "a broken store does not stop a profile"
like "$err" "^etl-profile: .*broken.db" "but is warned of"

# -- usage --
usage_error "an unknown option" "unknown option '--frobnicate'" etl-profile --frobnicate
run etl-profile -i xml t.csv
is "$status|$out" "2|" "an unknown format is a usage error"
# -- blocks --
# 1.3 MB: 256 of its 640 blocks of 2 kB. One seed in 20 misses the truth: not this one.
{ cat "$examples/flights.csv"; tail -n +2 "$examples/flights.csv"; } >twice.csv
run etl-profile --sample 40% --sample-by block --seed 5 twice.csv
status_is 0 "blocks of a file"
is "$err" "" "nothing on stderr"
is "$(figure '[.sample.rate, .volume.bytes, .window.first_record, ([.columns[].first_lines[]] | length)]')" \
    "[0.4,$(($(wc -c <twice.csv))),null,0]" "the size is that of the file; places are unknown"
is "$(figure '.volume.records_interval[0] < 40000 and .volume.records_interval[1] > 40000 and
    (.volume.records - 40000 | fabs) < 400 and (.sample.records_profiled - 16000 | fabs) < 400')" true \
    "the number of records is an estimate"
is "$(figure '[.columns[] | select(.mean) | .intervals | .mean[0] < .mean[1] and .null_rate[1] < 0.2]')" "[true,true]" "with intervals"
ok "which validate" "$srcdir/tests/docs/validate" --strict --min 1 "$out_file"
cp "$out_file" one
run etl-profile --sample 40% --sample-by block --seed 5 -j 1 twice.csv
same "$out_file" one "the same seed, the same blocks"
run etl-profile --sample 1% --sample-by block t.csv
is "$status|$(figure '[.sample.rate, .volume.records_interval]')" "0|[1,null]" "a small file is read as a whole"
run sh -c 'etl-profile -i csv --sample 1% --sample-by block <twice.csv'
is "$status|$err" "2|etl-profile: cannot sample '-' by blocks: it is standard input (--sample-by record)" \
    "standard input has no blocks"
gzip -k twice.csv
run etl-profile --sample 1% --sample-by block twice.csv.gz
is "$status|$err" "2|etl-profile: cannot sample 'twice.csv.gz' by blocks: it is compressed (--sample-by record)" \
    "nor have compressed files"
run etl-profile --sample 1% --sample-by block --window 10 twice.csv
is "$status|$err" "2|etl-profile: option '--sample-by': block goes with none of --tee, --follow, --window, --partition-by and --expect (see 'etl-profile --help')" \
    "nor windows"
run etl-profile --sample 0 t.csv
is "$status|$err" "2|etl-profile: --sample 0% would profile nothing (see 'etl-profile --help')" "an empty sample is a usage error"
run etl-profile --sample 101 t.csv
is "$status|$out" "2|" "so is more than all"
run etl-profile --dataset x t.csv t.csv
is "$status|$err" "2|etl-profile: --dataset names one input, and 2 were given (see 'etl-profile --help')" "one name for two files"
run etl-profile --seed -1 t.csv
is "$status|$out" "2|" "a negative seed"

done_testing
