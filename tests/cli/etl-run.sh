#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# etl-run: pipelines in, outputs and records out; what it refuses, and how it says so.
# shellcheck disable=SC2016 # dollars belong to the commands
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE

# pipeline NAME STAGES: NAME.json
pipeline() {
    printf '{"pipeline": "%s", "stages": [%s]}\n' "$1" "$2" >"$1.json"
}
completion() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}

printf 'id,amount,city\n1,10,Bern\n2,-5,Rome\n3,7.50,\n' >in.csv
pipeline copy '{"id":"r","op":"read","path":"in.csv"},{"id":"f","op":"filter","where":".amount > 0"},{"id":"w","op":"write","path":"out.csv"}'

# -- the records --
run etl-run -p copy.json
status_is 0 "a pipeline runs with -p"
is "$(cat out.csv)" "id,amount,city
1,10,Bern
3,7.50," "its output is there"
is "$(printf '%s\n' "$out" | jq -r 'select(.job.name == "copy" or .record) | .eventType // .record')" "START
COMPLETE
completion" "two events of the run and, last, the completion"
is "$(printf '%s\n' "$out" | jq -r '.run.facets.parent.run.runId // .run.runId // .run_id' | sort -u | wc -l)" 1 "all of one run"
is "$(completion '[.status, .rejects, (.stages | length), .stages[1].records_in, .stages[1].records_out] | join(" ")')" \
    "completed 0 3 3 2" "the completion has the stages' figures"
ok "the records validate" sh -c '"$1" <"$2"' sh "$srcdir/tests/docs/validate" "$out_file"
is "$(printf '%s\n' "$out" | jq -r 'select(.job.name == "copy" and .eventType == "COMPLETE") | .outputs[0].namespace + ":" + .outputs[0].name')" "file:$PWD/out.csv" \
    "an output is named as OpenLineage names files"
is "$(printf '%s\n' "$out" | jq -r 'select(.job.name == "copy" and .eventType == "COMPLETE") | .outputs[0].outputFacets.outputStatistics.rowCount')" 2 \
    "the event tells the records written"
run env OPENLINEAGE_NAMESPACE=prod OPENLINEAGE_PARENT_ID=airflow://x/daily.load/0193478f-0000-7000-8000-000000000000 etl-run -p copy.json
is "$(printf '%s\n' "$out" | head -n 1 | jq -r '[.job.namespace, .run.facets.parent.job.namespace, .run.facets.parent.job.name, .run.facets.parent.run.runId] | join(" ")')" \
    "prod airflow://x daily.load 0193478f-0000-7000-8000-000000000000" "OPENLINEAGE_NAMESPACE and _PARENT_ID are heeded"
run env OPENLINEAGE_DISABLED=true etl-run -p copy.json
is "$(printf '%s\n' "$out" | jq -r '.eventType // .record')" completion "OPENLINEAGE_DISABLED leaves the completion alone"
run etl-run -v -p copy.json
like "$err" "stage 'f': 'where' runs in the column engine" "-v says which engine runs an expression"
run etl-run -p copy.json --format table
like "$out" '^stage .*records .*predicted' "for people there is a table"
run env COLUMNS=80 etl-run -p copy.json --format table
unlike "$out" '…' "in 80 columns nothing of it is cut"
like "$out" 'copy: completed' "and a closing line"
run etl-run -q -p copy.json
is "$status|$out|$err" "0||" "-q says nothing"
run etl-run -p copy.json --records rec.jsonl
is "$out|$(jq -r '.record // .eventType' rec.jsonl | tail -n 1)" "|completion" "--records takes the records"

# -- rows on stdout --
pipeline show '{"id":"r","op":"read","path":"in.csv"},{"id":"s","op":"select","columns":["city","id"]},{"id":"w","op":"write","path":"-"}'
run etl-run -p show.json --records rec.jsonl
is "$out|$(tail -n 1 rec.jsonl | jq -r .status)" "city,id
Bern,1
Rome,2
,3|completed" "a write of - puts rows on stdout and records in --records"
run etl-run -p show.json
is "$status|$(head -n 1 "$out_file")|$(grep -c . "$out_file")" "0|city,id|4" "without --records only rows are on stdout"
run sh -c 'etl-run -p show.json --records rec.jsonl >/dev/full'
status_is 4 "a full disk under stdout is status 4"
like "$err" 'stdout.*No space left' "and is named"
run sh -c 'etl-run -p copy.json >/dev/full'
is "$status|$err" "4|etl-run: cannot write to stdout: No space left on device" "records that cannot be written are status 4"
run sh -c 'etl-run -p show.json --records rec.jsonl >&-'
status_is 4 "closed stdout is status 4"

# -- rows on stdin, and other streams --
# shellcheck disable=SC2016 # ${…} is the pipeline's
printf '{"pipeline":"sum","params":{"f":null},"stages":[{"id":"r","op":"read","path":"${f}"},{"id":"g","op":"aggregate","by":[],"measures":{"s":"sum(.n)"}},{"id":"w","op":"write","path":"sum.csv"}]}' >sum.json
run sh -c '(echo n; seq 1 100000) | etl-run -p sum.json --param f=-'
is "$status|$(cat sum.csv)" "0|s
5000050000" "a read of - takes rows from stdin"
mkfifo fifo
(echo n && seq 1 1000) >fifo &
run etl-run -p sum.json --param f=fifo
is "$status|$(cat sum.csv)" "0|s
500500" "a fifo is read once"
wait
etl-run -p sum.json --param f=- --dry-run >stdin.jsonl
run sh -c 'etl-run <stdin.jsonl'
status_is 2 "a plan on stdin leaves no rows on stdin"
run sh -c 'printf "n\\n4\\n5\\n" | etl-run stdin.jsonl'
is "$status|$(cat sum.csv)" "0|s
9" "a plan in a file does"

# -- formats --
pipeline forms '{"id":"r","op":"read","path":"in.csv"},
 {"id":"a","op":"write","input":"r","path":"o.tsv"},{"id":"b","op":"write","input":"r","path":"o.jsonl"},
 {"id":"c","op":"write","input":"r","path":"o.csv.gz"},{"id":"d","op":"write","input":"r","path":"o.jsonl.zst"},
 {"id":"e","op":"write","input":"r","path":"plain.csv","compress":"gzip"}'
run etl-run -p forms.json
status_is 0 "one stage feeds five writes"
is "$(sed -n 2p o.tsv)" "1	10	Bern" "TSV by the ending"
is "$(sed -n 3p o.jsonl),$(sed -n 4p o.jsonl)" '{"id":3,"amount":7.50,"city":null},' "JSON lines by the ending"
is "$(gzip -dc o.csv.gz | cksum)" "$(cksum <in.csv)" "gzip by the ending"
is "$(zstd -dcq o.jsonl.zst | cksum)" "$(cksum <o.jsonl)" "zstd by the ending"
is "$(gzip -dc plain.csv | cksum)" "$(cksum <in.csv)" "compress says gzip"
pipeline back '{"id":"r","op":"read","path":"o.jsonl.zst"},{"id":"w","op":"write","path":"back.csv"}'
run etl-run -p back.json
same back.csv in.csv "what was written is read back"

# -- parameters --
# shellcheck disable=SC2016 # ${…} is the pipeline's
printf '{"pipeline":"param","params":{"ds":null},"stages":[{"id":"r","op":"read","path":"in-${ds}.csv"},{"id":"w","op":"write","path":"out-${ds}.csv"}]}' >param.json
cp in.csv "in-a b.csv"
run etl-run -p param.json --param 'ds=a b'
status_is 0 "a parameter with a blank"
same "out-a b.csv" in.csv "names with blanks"
run etl-run -p param.json
is "$status|$out" "3|" "a parameter without a value is status 3"
like "$err" "ds" "and is named"
run etl-run -p param.json --param x
is "$status|$err" "2|etl-run: option '--param': 'x' is not NAME=VALUE" "a parameter needs a value"
usage_error "--param without -p" "option '--param' belongs to '-p'; a plan has its parameters filled in" etl-run --param a=b
usage_error "--max-rejects" "option '--max-rejects': 'few' is neither a count nor a percentage" etl-run -p copy.json --max-rejects few
usage_error "two plans" "one PLAN at most; its records may be those of several" etl-run a b

# -- nothing runs --
rm -f out.csv
run etl-run -p copy.json --validate
is "$status|$out|$err" "0||" "--validate of a good pipeline is silent"
run etl-run -p copy.json --validate --format table
is "$out" "copy: valid, 3 stages" "--validate tells people"
run etl-run -p copy.json --dry-run
is "$status|$(printf '%s\n' "$out" | jq -r .record)" "0|execution_profile
plan" "--dry-run writes the plan"
run etl-run -p copy.json --dry-run --format table
like "$out" "^writes  $PWD/out.csv\$" "--dry-run names what would be written"
not_ok "and nothing was" test -e out.csv
pipeline wrong '{"id":"r","op":"read","path":"in.csv"},{"id":"f","op":"filter","where":".amuont > 0"},{"id":"w","op":"write","path":"out.csv"}'
run etl-run -p wrong.json --validate
status_is 3 "--validate of a wrong column is status 3"
like "$err" "wrong.json:1: stage 'f'.*amuont.*did you mean '?\.?amount" "it names file, stage and remedy"
for read in '"types":{"nope":"string"}' '"delimiter":"|","quote":"|"'; do
    printf '{"pipeline":"odd","stages":[{"id":"r","op":"read","path":"in.csv",%s},{"id":"w","op":"write","path":"odd.csv"}]}\n' "$read" >odd.json
    run etl-run -p odd.json
    like "$status|$err" "^3\|etl-run: odd.json:1: stage 'r': " "what is wrong in the file is no usage error: $read"
done
printf 'n\351e,b\n\344,1\n' >latin.csv
printf '{"pipeline":"latin","stages":[{"id":"r","op":"read","path":"latin.csv","encoding":"ISO-8859-1"},{"id":"d","op":"derive","set":{"u":".b + 1"}},{"id":"w","op":"write","path":"utf8.jsonl"}]}\n' >latin.json
run etl-run -p latin.json
is "$status|$(cat utf8.jsonl)" '0|{"née":"ä","b":1,"u":2}' "encoding: latin-1 in, UTF-8 out"
printf '{"pipeline":"latin","stages":[{"id":"r","op":"read","path":"latin.csv"},{"id":"w","op":"write","path":"kept.csv"}]}\n' >latin.json
run etl-run -p latin.json
like "$status|$err" "^0\|etl-run: .*stage 'r': not UTF-8 from line 1 on" "bytes that are no UTF-8 are warned of"
ok "and kept" cmp latin.csv kept.csv
mkdir -p pat
cp in.csv pat/a.csv
printf '{"pipeline":"pat","stages":[{"id":"r","op":"read","path":"pat/*.csv"},{"id":"w","op":"write","path":"pat/all.csv"}]}\n' >pat.json
run etl-run -p pat.json --validate
like "$status|$err" "^0\|.*pat.json:1: stage 'r': '.*/pat/\*.csv' matches '.*/pat/all.csv', which stage 'w' writes" \
    "--validate warns of a pattern that would read what an earlier run wrote"
run etl-run -p wrong.json
like "$status|$err" "^3\|etl-run: wrong.json:1: stage 'f'.*did you mean" "and so does a run"
run etl-run -p wrong.json
is "$status|$(completion .status)|$(completion .error | grep -c amuont)" "3|failed|1" "a run of it fails and says why"

run etl-run -p copy.json --deadline soon
is "$status|$err" "2|etl-run: option '--deadline': 'soon' is neither a duration (90s, 5m, 2h) nor a time (06:00, RFC 3339)" \
    "a deadline is a duration or a time"
run etl-run -p copy.json --deadline 0
is "$status|$(printf '%s\n' "$out" | jq -r 'select(.record == "verdict").ok')" "1|false" \
    "a deadline that cannot be met is status 1, with a verdict"
run etl-run -p copy.json --deadline 1h
status_is 0 "one that can be met is met"

# -- plans in --
etl-run -p copy.json --dry-run >plan.jsonl
run etl-run plan.jsonl
status_is 0 "a plan is a file"
head -n 2 "$out_file" >front
same front plan.jsonl "its lines are forwarded"
is "$(completion '.stages[0].predicted.cpu_s | type')" object "predicted stands beside used"
printf '%s' "$(cat plan.jsonl)" >noend
run etl-run noend
is "$(sed -n 3p "$out_file" | jq -r .eventType)" START "own records begin on a line of their own"
sed 's/amount > 0/amount > 9/' copy.json >c && mv c copy.json
run etl-run plan.jsonl
is "$(wc -l <out.csv)" 3 "the plan's definition runs, not the changed file"
like "$err" "copy.json' has changed since it was planned" "but it warns"
cat plan.jsonl plan.jsonl | sed '2s/"id":"[^"]*"/"id":"first"/' | sed '2s/"definition":{/"definition":{"x_a":1,/' >two.jsonl
run etl-run two.jsonl
is "$(printf '%s\n' "$out" | jq -r 'select(.record=="completion").status' | tr '\n' ' ')" "completed completed " "plans run in order"
echo '{"record":"plan","v":1,"id":"z","pipeline":"z","stages":[]}' >nodef.jsonl
run etl-run nodef.jsonl
status_is 3 "a plan without a definition is status 3"
run etl-run no-such-plan
is "$status|$err" "4|etl-run: cannot open 'no-such-plan': No such file or directory" "a missing plan is status 4"
run etl-run .
status_is 4 "a folder for a plan is status 4"
run etl-run
is "$status|$err" "3|etl-run: no plan came: etl-plan writes them, or name a pipeline with -p" "no plan is status 3"
(cat plan.jsonl && echo 'not json') >bad.jsonl
run etl-run bad.jsonl
status_is 3 "a line that is not JSON makes status 3"
like "$err" 'bad.jsonl:3' "and is named by its number"
is "$(completion .status)" completed "the plan runs all the same"

sed -n 2p plan.jsonl | jq -c '.mode = "guessing"' >guessing.jsonl
run etl-run -q guessing.jsonl
is "$status|$err" "3|etl-run: pipeline 'copy' is planned in mode 'guessing': this version runs standard, optimized, sampling and shadow" \
    "a mode that is not there is refused"
run etl-run -q --mode optimized guessing.jsonl
status_is 0 "--mode goes before what the plan says"
for mode in standard optimized; do
    run etl-run -p copy.json --mode $mode --dry-run --format json
    is "$(printf '%s\n' "$out" | jq -r .mode | uniq)" $mode "with -p the prediction and the plan are in mode $mode"
done
run etl-run --mode fast guessing.jsonl
status_is 2 "a mode that does not exist is a usage error"
(echo '{"record":"environment","v":1,"id":"cluster","kind":"slurm"}' && sed -n 2p plan.jsonl | jq -c '.stages[].environment = "cluster"') >far.jsonl
run etl-run -q far.jsonl
is "$status|$err" "3|etl-run: stage 'r' is planned for 'cluster': this version runs on this machine only" \
    "so is another machine"

# -- verdicts --
verdict='{"record":"verdict","v":1,"check":"drift","subject":"in.csv","ok":false,"reasons":["amount moved"],"figures":{}}'
rm -f out.csv
run sh -c "(cat plan.jsonl; echo '$verdict') | etl-run"
is "$status|$(completion .status)" "1|refused" "a verdict that says no: nothing runs"
like "$err" "verdict of 'drift' on 'in.csv' says no: amount moved" "it is named"
not_ok "nothing was written" test -e out.csv
run sh -c "echo '$verdict' | etl-run -p copy.json"
status_is 1 "it gates a run with -p as well"
echo "$verdict" >verdict.jsonl
run etl-run -p copy.json <verdict.jsonl
status_is 1 "also when it comes from a file"
run sh -c "(cat plan.jsonl; echo '$verdict'; echo '$verdict' | sed 's/false/true/') | etl-run"
status_is 0 "the last verdict on a subject counts"
run sh -c "(cat plan.jsonl; echo '$verdict') | etl-run --ignore-verdicts"
status_is 0 "--ignore-verdicts runs all the same"

# -- types from the chain --
printf 'zip\n01234\n05678\n' >zip.csv
pipeline zip '{"id":"r","op":"read","path":"zip.csv"},{"id":"w","op":"write","path":"zip.out"}'
printf 'n\n1\n2\n' >n.csv
pipeline n '{"id":"r","op":"read","path":"n.csv"},{"id":"w","op":"write","path":"n.out"}'
printf '{"record":"profile","v":1,"dataset":"file:%s/n.csv","volume":{"records":2,"bytes":6},"columns":[{"name":"n","type":"string","records":2,"nulls":0}]}\n' "$PWD" >prof
run sh -c 'etl-run -p n.json <prof'
run sh -c 'cat prof | etl-run -p n.json'
is "$(printf '%s\n' "$out" | sed -n 2p | jq -r '.outputs[0].facets.schema.fields[0].type')" string "a profile of the chain gives types"

# -- queued, locked --
sed -n 2p plan.jsonl | jq -c '.queued = {"reason": "memory is short", "until": "2099-01-01T00:00:00Z"}' >queued.jsonl
run etl-run --no-wait queued.jsonl
is "$status|$(completion .status)" "75|queued" "--no-wait on a queued plan is status 75"
like "$err" "queued: memory is short" "and says why"
sed -n 2p plan.jsonl | jq -c '.queued = {"reason": "memory is short", "until": "2001-01-01T00:00:00Z"}' >past.jsonl
run etl-run past.jsonl
is "$status|$(completion .status)" "0|completed" "a queued plan runs when its time has come"
like "$err" "waits until 2001-01-01T00:00:00Z: memory is short" "it says that it waits"
pipeline slow '{"id":"c","op":"command","run":"touch started; while [ ! -e go ]; do sleep 0.05; done"}'
etl-run --lock -p slow.json >/dev/null 2>slow.err &
slow=$!
n=0
while [ ! -e started ] && [ $n -lt 200 ]; do
    sleep 0.05
    n=$((n + 1))
done
run etl-run --lock -p slow.json
is "$status|$(completion .status)" "75|queued" "a held --lock is status 75"
like "$err" "'slow' is running already" "and says so"
run etl-run --lock -p copy.json
status_is 0 "another pipeline is not locked"
touch go
wait $slow
is $? 0 "the first one ends well"
run etl-run --lock -p slow.json
status_is 0 "and the lock is free again"

# -- the store --
run etl-run -p copy.json --dry-run
like "$(printf '%s\n' "$out" | jq -r '.basis // empty')" '^history:' "runs are remembered: the next one is predicted from them"
printf 'not a database' >broken.db
run etl-run -p copy.json --store broken.db
status_is 0 "a store that cannot be used does not fail the run"
like "$err" "will not be remembered" "but it warns"

done_testing
