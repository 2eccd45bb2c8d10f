#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Shadow runs: nothing is published, what would be is compared with what is, or with what another pipeline
# makes of the same input.
# shellcheck disable=SC2016
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
mkdir tmp
export FORELINE_STORE
TMPDIR_TEST=$TMPDIR
TMPDIR=$PWD/tmp
export TMPDIR
# pipeline FILE NAME STAGES
pipeline() {
    printf '{"pipeline": "%s", "stages": [%s]}\n' "$2" "$3" >"$1"
}
verdict() {
    printf '%s\n' "$out" | jq -r "select(.record == \"verdict\") | $1"
}
completion() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}
listing() { # all but the store: names, sizes, inodes and times
    find . -path ./tmp -prune -o -type f ! -name 'store.db*' ! -name '*.err' -printf '%p %s %i %T@\n' | LC_ALL=C sort
}
read='{"id":"r","op":"read","path":"in.csv"}'
sum='{"id":"g","op":"aggregate","by":["k"],"measures":{"total":"sum(.x)","n":"count"}}'
write='{"id":"w","op":"write","path":"out/sums.csv"}'
printf 'k,x\na,0.1\nb,0.2\na,0.2\nb,1\nc,3\n' >in.csv
pipeline p.json sums "$read,$sum,$write"

# -- what is published --
run etl-run -p p.json --mode shadow
is "$status|$(verdict '[.check, .subject, .ok, .reasons] | tojson')" \
    '1|["shadow","sums",false,["out/sums.csv: nothing is published there"]]' "what is not published is a difference"
is "$err" "etl-run: out/sums.csv: nothing is published there" "which is named"
not_ok "and nothing was published" test -e out
is "$(ls tmp)" "" "nor left in TMPDIR"
mkdir out
run etl-run -q -p p.json
before=$(listing)
run etl-run -p p.json --mode shadow
is "$status|$err" "0|" "what is published, again"
is "$(verdict '[.ok, .reasons, .figures.compared, .figures.rows, .figures.differing_rows] | tojson')" \
    '[true,[],1,3,0]' "is the same"
is "$(listing)" "$before" "no published file was touched"
is "$(completion '[.mode, .status] | tojson')" '["shadow","completed"]' "the completion says what mode it was"
is "$(verdict .figures.cpu_s | awk '{ print ($1 > 0) }')" 1 "the verdict what it took"
ok "all records validate" sh -c '"$1" --strict "$2"' - "$srcdir/tests/docs/validate" "$out_file"
is "$(head -n 1 "$out_file" | jq -c '[.run.facets.foreline_shadow.against, .outputs, (.inputs | length)]')" \
    '["published",[],1]' "run events say so, and name no outputs"
is "$(jq -c 'select(.eventType) | [.outputs, .run.facets.foreline_shadow.against]' "$out_file" | sort -u)" '[[],"published"]' \
    "nor do those of its stages"
is "$(jq -r 'select(.eventType).inputs[].name' "$out_file" | sort -u)" "$PWD/in.csv" "what they read is named"
is "$(tail -n 2 "$out_file" | jq -r .record | tr '\n' ' ')" "verdict completion " "the verdict comes before the completion"
run etl-lineage runs
is "$(printf '%s\n' "$out" | jq -r .mode | sort | uniq -c | tr -s ' \n' ' ')" " 1 optimized 2 shadow " "the store knows them as shadow runs"
run sh -c 'etl-predict -p p.json </dev/null'
is "$(printf '%s\n' "$out" | jq -r 'select(.record == "execution_profile").basis')" "history:1 runs" \
    "which predictions do not learn from"

# -- differences --
differs() { # NAME REASON: out/sums.csv is what was published
    run etl-run -q -p p.json --mode shadow --records records
    out=$(cat records)
    is "$status" 1 "$1 is a difference"
    is "$(verdict '.reasons[]')" "$2" "and is told"
}
cp out/sums.csv good.csv
cat good.csv >"$TMPDIR_TEST/x"
sed 's/c,3,1/c,3.5,1/' good.csv >out/sums.csv
differs "another value" "out/sums.csv: 1 of 3 rows is only in what is published
out/sums.csv: 1 of 3 rows is only in the candidate
out/sums.csv: 'total' differs in 1 of 1 pairs of rows that are most alike"
is "$(verdict '.figures.outputs[0].examples[0] | [.change, .row, .against_row, .text] | tojson')" \
    '["changed",3,3,"total 3.5 became 3 (k=c, n=1)"]' "with an example"
run etl-run -p p.json --mode shadow --format table
like "$out" '^out/sums.csv +3 +1 +1 +different$' "people see a table"
like "$out" '^  ~ total 3\.5 became 3 \(k=c, n=1\)$' "and the example"
head -n 3 good.csv >out/sums.csv
differs "a row more" "out/sums.csv: 1 of 3 rows is only in the candidate"
cut -d, -f1,2 good.csv >out/sums.csv
differs "a column more" "out/sums.csv: column 'n' was added"
sed 's/total/sum/' good.csv >out/sums.csv
differs "a column under another name" "out/sums.csv: column 'sum' is missing; 'total' was added with the same values: renamed"
sed 's/^c,3/"",3/' good.csv >out/sums.csv
run etl-run -q -p p.json --mode shadow
status_is 1 "so is an empty string for a value"
(head -n 1 good.csv && tail -n +2 good.csv | sort -r) >out/sums.csv
run etl-run -q -p p.json --mode shadow
status_is 0 "rows in another order are the same where nothing gives them one"
sed 's/^a,0\.3[0-9]*,/a,0.29999999999,/' good.csv >out/sums.csv
run etl-run -q -p p.json --mode shadow
status_is 0 "so are floats within 1e-9"
run etl-run -q -p p.json --mode shadow --rtol 1e-12
status_is 1 "but not with a smaller --rtol"
cp good.csv out/sums.csv

# -- options --
usage_error "an --rtol that is none" "option '--rtol': 'some' is not a number of at least 0" etl-run -p p.json --mode shadow --rtol some
usage_error "--against in another mode" "option '--against' belongs to '--mode shadow'" etl-run -p p.json --against p.json --mode standard
run etl-run -p p.json --against nosuch.json
status_is 4 "a missing pipeline to compare with is status 4"
run sh -c 'etl-predict -p p.json </dev/null | etl-plan --mode shadow | etl-run -q'
status_is 0 "a plan in mode shadow is a shadow run"

# -- against another pipeline --
mkdir v2
cp in.csv v2
pipeline v2/p.json sums2 "$read,$sum,{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-total\"]},$write"
before=$(listing)
run etl-run -p v2/p.json --against p.json
is "$status|$(verdict '[.subject, .ok, .figures.against] | tojson')" '0|["sums2",true,"sums"]' \
    "outputs of two pipelines are matched by their paths"
like "$(verdict '.reasons | tojson')" '^\[\]$' "an order that only one of them gives is not compared"
is "$(listing)" "$before" "neither publishes"
is "$(verdict '.figures.against_cpu_s > 0')" true "what the other took is told"
run etl-run -q -p p.json --against v2/p.json
status_is 1 "but the one that the other gives is"
run etl-run -q -p p.json --mode shadow --against v2/p.json --records records
out=$(cat records)
like "$(verdict '.reasons[]')" "rows stand in another order: row 1 is the first that has another 'total'$" "and named"
sorted='{"id":"s","op":"sort","by":["-total"]}' passing='{"id":"f","op":"filter","where":".n > 0"},{"id":"d","op":"derive","set":{"m":".n * 2"}},
    {"id":"q","op":"rename","names":{"total":"t"}},{"id":"c","op":"select","columns":["t","k"]},{"id":"l","op":"limit","count":9}'
pipeline v2/passed.json passed "$read,$sum,$sorted,$passing,$write"
pipeline v2/unsorted.json unsorted "$read,$sum,$passing,$write"
run etl-run -p v2/unsorted.json --against v2/passed.json
is "$status|$(verdict '.reasons[]')" "1|out/sums.csv: the rows stand in another order: row 1 is the first that has another 't'" \
    "an order reaches the write through stages that keep it"
sed 's/"m":/"total":/' v2/passed.json >v2/lost.json
sed 's/"m":/"total":/' v2/unsorted.json >v2/unsorted2.json
run etl-run -q -p v2/unsorted2.json --against v2/lost.json
status_is 0 "but not beyond one that changes the column"
pipeline v2/more.json more "$read,$sum,$write,{\"id\":\"w2\",\"op\":\"write\",\"input\":\"r\",\"path\":\"copy.jsonl\"}"
run etl-run -p v2/more.json --against p.json
is "$status|$(verdict '.reasons[]')" "1|copy.jsonl: the other pipeline does not write it" "an output that only one has is named"
run etl-run -p p.json --against v2/more.json
is "$status|$(verdict '.reasons[]')" "1|copy.jsonl: only the other pipeline writes it" "whichever it is"
pipeline v2/bad.json bad '{"id":"r","op":"read","path":"in.csv"},{"id":"f","op":"filter","where":".x | error"},{"id":"w","op":"write","path":"out/sums.csv"}'
run etl-run -q -p p.json --against v2/bad.json
is "$status" 3 "when the other fails there is no verdict, but its status"
like "$err" "etl-run: the pipeline it is compared with: " "and it is named"
run etl-run -q -p v2/bad.json --mode shadow --format json
status_is 3 "when the candidate fails, its status"
pipeline ds.json ds '{"id":"r","op":"read","path":"${f}"},{"id":"w","op":"write","path":"out/sums.csv"}'
sed -i 's/"stages"/"params": {"f": null}, "stages"/' ds.json
run etl-run -q -p ds.json --against ds.json --param f=in.csv
status_is 0 "--param is of both"

# -- the same input --
pipeline stdin.json stdin '{"id":"r","op":"read","path":"-"},{"id":"w","op":"write","path":"-"}'
pipeline stdin2.json stdin '{"id":"r","op":"read","path":"-"},{"id":"f","op":"filter","where":".x < 1"},{"id":"w","op":"write","path":"-"}'
run sh -c 'etl-run -p stdin.json --against stdin.json <in.csv'
is "$status|$(verdict '.figures.outputs[0] | [.name, .result, .rows] | tojson')" '0|["stdout","same",5]' \
    "stdin is read by both, and rows for stdout are compared"
run sh -c 'cat in.csv | etl-run -q -p stdin2.json --against stdin.json'
status_is 1 "rows for stdout that differ are found"
run sh -c 'etl-run -p stdin.json --mode shadow <in.csv'
is "$status|$(verdict '.reasons | tojson')" \
    '1|["stdout: not compared: rows for standard output are published nowhere","nothing could be compared"]' \
    "where nothing could be compared the verdict is no"
mkfifo pipe
pipeline pipe.json pipe '{"id":"r","op":"read","path":"pipe","types":{"a":"string"}},{"id":"w","op":"write","path":"o.csv"}'
sh -c 'printf "a\n1\n" >pipe' >pipe.err 2>&1 &
writer=$!
run etl-run -q -p pipe.json --against pipe.json
kill "$writer" 2>/dev/null
is "$status|$err" "3|etl-run: '$PWD/pipe' is a pipe, which cannot be read by two pipelines: keep its data in a file, or send it to stdin (path \"-\")" \
    "a pipe by name is not read twice"
printf 'k,x\na,1\n' >moving.csv
pipeline moving.json moving '{"id":"r","op":"read","path":"moving.csv"},{"id":"w","op":"write","path":"o.csv"},
    {"id":"c","op":"command","run":"echo b,2 >>moving.csv","after":["w"],"shadow_safe":true}'
run etl-run -p moving.json --against moving.json
is "$status" 1 "an input that changes between the two makes the verdict no"
like "$(verdict '.reasons[]')" "^the input '.*/moving.csv' changed while the run went on" "and is named"
pipeline loud.json loud "$read,$sum,$write,{\"id\":\"c\",\"op\":\"command\",\"run\":\"touch out/sums.csv\",\"after\":[\"w\"],\"shadow_safe\":true}"
run etl-run -p loud.json --mode shadow
like "$status|$(verdict '.reasons[]')" "^1|what is published as '.*/out/sums.csv' changed" \
    "so does a command that touches what is published against its promise"

# -- commands --
pipeline cmd.json cmd "$read,$sum,$write,
    {\"id\":\"count\",\"op\":\"command\",\"run\":\"d=\$FORELINE_SHADOW; wc -l <\${d:-.}/out/sums.csv >\${d:-.}/count.txt\",\"shadow_safe\":true,\"reads\":[\"out/sums.csv\"],\"writes\":[\"count.txt\"]},
    {\"id\":\"load\",\"op\":\"command\",\"run\":\"touch LOADED; cp out/sums.csv loaded.csv\",\"reads\":[\"out/sums.csv\"],\"writes\":[\"loaded.csv\",\"postgres://h/db.t\"]},
    {\"id\":\"l\",\"op\":\"read\",\"path\":\"loaded.csv\"},{\"id\":\"lw\",\"op\":\"write\",\"path\":\"copy.csv\"},
    {\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"r\"]},{\"id\":\"sink\",\"op\":\"command\",\"input\":\"u\",\"run\":\"cat >SUNK\"}"
sed -i 's/\$d/$d/g; s/\${d:-.}/$d/g; s/d=\$FORELINE_SHADOW;/d=$FORELINE_SHADOW; [ -n \\"$d\\" ] || d=.;/' cmd.json
run etl-run -q -p cmd.json
status_is 0 "a pipeline with commands"
rm -f LOADED SUNK
before=$(listing)
run etl-run -p cmd.json --mode shadow
status_is 0 "runs as a shadow"
not_ok "without those that do not declare to be safe" test -e LOADED -o -e SUNK
is "$(listing)" "$before" "one that does finds the scratch folder, and writes there"
is "$(verdict '.figures.outputs[] | .name + " " + .result' | tr '\n' '|')" \
    "out/sums.csv same|count.txt same|loaded.csv not_compared|postgres://h/db.t not_compared|copy.csv not_compared|" \
    "the verdict says what was compared"
is "$(verdict '.reasons[3]')" "stage 'sink' was not run, what it does not compared: stage 'sink' does not declare \"shadow_safe\": true" \
    "what was not run"
is "$(verdict '.reasons[2]')" "copy.csv: not compared: stage 'load' does not declare \"shadow_safe\": true" "and why"
is "$(completion '[.stages[] | select(.status == "skipped").id] | join(" ")')" "load l lw u sink" "the completion too"
sed 's/"writes":\["count.txt"/"writes":["count2.txt"/' cmd.json >lost.json
run etl-run -p lost.json --mode shadow
like "$(verdict '.reasons[]')" "^count2.txt: stage 'count' wrote no such file in FORELINE_SHADOW$" "a file that a command does not write there is named"
pipeline fails.json fails "$read,$write,{\"id\":\"c\",\"op\":\"command\",\"run\":\"exit 7\",\"after\":[\"w\"],\"shadow_safe\":true}"
run etl-run -p fails.json --mode shadow
is "$status|$(verdict .ok)|$(completion .status)" "5||failed" "a command that fails is status 5, without a verdict"
is "$(ls tmp)" "" "and leaves nothing in TMPDIR"

# -- outputs of other kinds --
mkdir abs
pipeline kinds.json kinds "$read,{\"id\":\"a\",\"op\":\"write\",\"path\":\"a.jsonl.gz\"},{\"id\":\"b\",\"op\":\"write\",\"input\":\"r\",\"path\":\"b.tsv.zst\"},
    {\"id\":\"c\",\"op\":\"write\",\"input\":\"r\",\"path\":\"c\",\"format\":\"jsonl\"},{\"id\":\"again\",\"op\":\"read\",\"path\":\"a.jsonl.gz\"},
    {\"id\":\"d\",\"op\":\"write\",\"path\":\"$TMPDIR_TEST/work/../d.csv\"},{\"id\":\"n\",\"op\":\"write\",\"input\":\"r\",\"path\":\"/dev/null\"}"
run etl-run -q -p kinds.json
status_is 0 "JSON lines, gzip, zstd, outside of the folder"
before=$(listing)
run etl-run -p kinds.json --mode shadow
is "$status|$(verdict '.figures.outputs[] | .result' | tr '\n' ' ')" "0|same same same same not_compared " "all are compared but what is no file"
is "$(listing)" "$before" "and untouched"
gzip -dc a.jsonl.gz | sed 's/"x":3/"x":4/' | gzip >x.gz
mv x.gz a.jsonl.gz
run etl-run -p kinds.json --mode shadow
is "$status|$(verdict '.figures.outputs[0].examples[0].text')" '1|x 4 became 3 (k="c")' "a compressed one that differs is found"

# -- rejects --
printf 'k,x\na,1\nb\n' >ragged.csv
pipeline ragged.json ragged '{"id":"r","op":"read","path":"ragged.csv"},{"id":"w","op":"write","path":"ok.csv"}'
run etl-run -q -p ragged.json --reject rejects.jsonl
run etl-run -q -p ragged.json --mode shadow
status_is 3 "a bad record ends a shadow run as any"
echo old >rejects.jsonl
run etl-run -p ragged.json --mode shadow --reject rejects.jsonl
is "$status|$(cat rejects.jsonl)|$(completion .rejects)" "0|old|1" "rejects are counted, the file is left alone"

# -- bad luck --
if [ -f "$builddir/tests/fault/preload.so" ] && TMPDIR=$TMPDIR_TEST sh "$srcdir/tests/fault/preload-works" >/dev/null 2>&1; then
    before=$(listing)
    run env LD_PRELOAD="$builddir/tests/fault/preload.so" FORELINE_FAULT='write:*/foreline-shadow-*:1:ENOSPC' etl-run -q -p p.json --mode shadow
    is "$status" 4 "a full disk in the scratch folder is status 4"
    like "$err" "No space left on device" "and says so"
    is "$(listing)|$(ls tmp)" "$before|" "nothing was touched, nothing is left"
else
    skip "a full disk in the scratch folder" "LD_PRELOAD does not work here"
fi
pipeline slow.json slow "$read,$sum,$write,{\"id\":\"c\",\"op\":\"command\",\"run\":\"touch started; sleep 30\",\"after\":[\"w\"],\"shadow_safe\":true}"
interrupted() { # SIGNAL: begins slow.json, sends it when the command runs
    rm -f started
    etl-run -q -p slow.json --mode shadow 2>err.err &
    pid=$!
    for _ in $(seq 100); do
        [ ! -e started ] || break
        sleep 0.05
    done
    kill -s "$1" "$pid"
    wait "$pid"
    status=$?
}
before=$(listing)
interrupted TERM
rm -f started
is "$status|$(ls tmp)|$(listing)" "143||$before" "a signal leaves neither the scratch folder nor traces"
interrupted KILL
rm -f started
is "$status|$(listing)" "137|$before" "kill -9 leaves what is published alone"
like "$(ls tmp)" '^foreline-shadow-' "and its scratch folder behind"
chmod 000 tmp/foreline-shadow-*/out
run etl-run -q -p p.json --mode shadow
is "$status|$(ls tmp)" "0|" "which the next shadow run removes"
run env TMPDIR="$PWD/no-such-folder" etl-run -q -p p.json --mode shadow
is "$status|$err" "4|etl-run: cannot make a scratch folder in '$PWD/no-such-folder': No such file or directory: name another with TMPDIR" \
    "a TMPDIR that is not there is status 4"

TMPDIR=$TMPDIR_TEST
done_testing
