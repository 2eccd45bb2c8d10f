#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# --resume: finished stages are kept, the others run, and each is told why.
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
records() {
    printf '%s\n' "$out" | jq -r "$@"
}
completion() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}
log() {
    cat "$1" 2>/dev/null | tr '\n' ' '
}
# fresh: inputs as at first, and a run whose last stage fails
fresh() {
    rm -rf data
    mkdir data
    printf 'k,v\n1,2\n2,3\n' >data/in.csv
    printf '#!/bin/sh\necho copying >&2\ncat mid.csv >copy.csv\necho copied >>copied.log\n' >data/copy.sh
    chmod +x data/copy.sh
    cat >data/p.json <<'END'
{"pipeline": "p", "params": {"least": "0"}, "stages": [
  {"id": "in", "op": "read", "path": "in.csv"},
  {"id": "some", "op": "filter", "where": ".v > ${least}"},
  {"id": "mid", "op": "write", "path": "mid.csv"},
  {"id": "copy", "op": "command", "after": ["mid"], "reads": ["mid.csv"], "writes": ["copy.csv"], "run": "./copy.sh"},
  {"id": "back", "op": "read", "path": "copy.csv"},
  {"id": "sorted", "op": "sort", "by": ["-v"]},
  {"id": "out", "op": "write", "path": "out.csv"},
  {"id": "last", "op": "command", "after": ["out"], "run": "test -e ready && echo last >>last.log"}]}
END
    run etl-run -p data/p.json
    : >data/ready
}
# resumed WHAT: after a resume, which stages were run (those kept in brackets)
resumed() {
    completion '[.stages[] | if .status == "kept" then "[" + .id + "]" else .id end] | join(" ")'
}
line() {
    printf '%s\n' "$err" | sed -n "s/^etl-run: stage '$1': //p"
}

fresh
is "$status|$(log data/copied.log)|$(log data/last.log)" "5|copied |" "a run whose last stage fails"
first=$(completion .run_id)
run etl-run -p data/p.json --resume --dry-run --format table
like "$err" "^etl-run: stage 'out': kept: its output 'out.csv' is there$" "a dry run tells what would be kept"
is "$status|$(log data/last.log)" "0|" "and runs nothing"
run etl-run -p data/p.json --resume
is "$status|$(resumed)" "0|[in] [some] [mid] [copy] [back] [sorted] [out] last" "only what is not finished is run"
# A run that takes long says how its stages went as well.
grep -v "records in" "$err_file" >reasons
mv reasons "$err_file"
err_is "each stage has its reason" <<END
etl-run: resuming run $first: 7 of 8 stages are kept
etl-run: stage 'in': kept: no stage that is run takes its rows
etl-run: stage 'some': kept: no stage that is run takes its rows
etl-run: stage 'mid': kept: its output 'mid.csv' is there
etl-run: stage 'copy': kept: it ended well
etl-run: stage 'back': kept: no stage that is run takes its rows
etl-run: stage 'sorted': kept: no stage that is run takes its rows
etl-run: stage 'out': kept: its output 'out.csv' is there
etl-run: stage 'last': not finished: it was begun and did not end well
END
is "$(completion .resumed_from)" "$first" "the completion names the run that it went on with"
is "$(completion '.stages[2] | "\(.status) \(.records_in) \(.why)"')" "kept null its output 'mid.csv' is there" "kept stages have no figures"
is "$(records 'select(.eventType == "START" and .job.name == "p") | .run.facets.foreline_resumed.runId')" "$first" "and so do the events"
is "$(log data/copied.log)|$(log data/last.log)" "copied |last " "no command that ended is run twice"
second=$(completion .run_id)
run etl-lineage log "$second" copy
is "$status|$out" "0|copying" "what a kept stage said is shown"
run etl-lineage show "$second"
is "$(records .resumed_from)" "$first" "the store remembers it"
run etl-lineage show "$second" --format table
like "$out" "^resumed from run $first$" "and tells people"
run etl-run -p data/p.json --resume
is "$status|$err" "3|etl-run: pipeline 'p' has no run to resume: all have completed, or nothing was begun; run it without --resume" "a pipeline that has completed has nothing to resume"
run etl-run -p data/p.json --resume "$second"
is "$status|$err" "3|etl-run: run '$second' completed: there is nothing to resume" "nor has a run that completed"
run etl-run -p data/p.json --resume "$first"
is "$status|$err" "3|etl-run: run '$first' left nothing to go on with: run the pipeline without --resume" "nor one that was gone on with"

# -- what changed --
fresh
printf 'k,v\n1,2\n2,3\n3,9\n' >data/in.csv
run etl-run -p data/p.json --resume
is "$(line mid)" "run again: input 'in.csv' changed: size 12 -> 16" "a changed input is noticed"
is "$(line copy)" "run again: it reads what stage 'mid' writes, which is run again" "and what follows from it"
is "$status|$(resumed)" "0|in some mid copy back sorted out last" "all that hangs on it is run"
is "$(log data/out.csv)" "k,v 3,9 2,3 1,2 " "with the new rows"

fresh
touch -d '2001-01-01' data/in.csv
cp data/in.csv data/x && mv data/x data/in.csv
run etl-run -p data/p.json --resume
is "$(resumed)" "[in] [some] [mid] [copy] [back] [sorted] [out] last" "a small file with another time and the same content is the same"

fresh
head -c 200000 /dev/zero | tr '\000' '\n' >>data/in.csv
run etl-run -p data/p.json
touch -d '2001-01-01' data/in.csv
rm data/ready
run etl-run -p data/p.json
touch data/ready
touch data/in.csv
run etl-run -p data/p.json --resume
is "$(line mid)" "run again: input 'in.csv' changed: its time" "a large one is told by its time"

fresh
rm data/in.csv
run etl-run -p data/p.json --resume
is "$status" 4 "an input that is gone ends the resume"
like "$err" "in.csv.*No such file" "and is named"

fresh
sed -i 's/-v/v/' data/p.json
run etl-run -p data/p.json --resume
is "$(line out)" "run again: the pipeline's definition of 'sorted' changed" "a changed definition is noticed"
is "$(resumed)" "[in] [some] [mid] [copy] back sorted out last" "what comes before is kept"
fresh
run etl-run -p data/p.json --param least=2 --resume
is "$(line mid)" "run again: the pipeline's definition of 'some' changed" "and a parameter"
fresh
sed -i 's/"op": "sort",/"op": "sort", "resources": {"memory_gb": 1}, "timeout_s": 60,/' data/p.json
run etl-run -p data/p.json --resume
is "$(resumed)" "[in] [some] [mid] [copy] [back] [sorted] [out] last" "but not what changes no result"

fresh
echo '#' >>data/copy.sh
run etl-run -p data/p.json --resume
like "$(line copy)" "^run again: the command 'copy.sh' changed: size" "a changed program is noticed"
is "$(resumed)" "[in] [some] [mid] copy back sorted out last" "with what comes after it"
fresh
sqlite3 store.db "UPDATE journal SET body = json_set(body, '$.build', '0123456789abcdef') WHERE stage = ''"
run etl-run -p data/p.json --resume
like "$(line mid)" "^run again: etl-run changed: build 0123456789ab -> " "another build of etl-run is noticed"

fresh
rm data/out.csv
run etl-run -p data/p.json --resume
is "$(line out)" "run again: its output 'out.csv' is gone" "an output that is gone is made again"
is "$(resumed)" "[in] [some] [mid] [copy] back sorted out last" "out of what is there"
fresh
echo more >>data/out.csv
run etl-run -p data/p.json --resume
is "$(line out)" "run again: its output 'out.csv' was changed: size 12 -> 17" "and so is one that was changed"
fresh
rm data/copy.csv
run etl-run -p data/p.json --resume
is "$(line copy)" "run again: its output 'copy.csv' is gone" "files of commands are looked at as well"

# A command that takes away what a stage before it wrote is no reason to write it again.
fresh
sed -i 's/test -e ready/rm -f out.csv; test -e ready/' data/p.json
sed -i 's/"op": "command", "after": \["out"\], "run": "\(.*\)"}\]/"op": "command", "after": ["out"], "run": "rm out.csv"}, {"id": "end", "op": "command", "after": ["last"], "run": "test -e ready"}]/' data/p.json
rm data/ready
run etl-run -p data/p.json
touch data/ready
run etl-run -p data/p.json --resume
is "$status|$(resumed)" "0|[in] [some] [mid] [copy] [back] [sorted] [out] [last] end" "an output that a later command consumed is not made again"

# -- between ready and visible --
mkdir two
printf 'k\n1\n' >two/in.csv
cat >two/p.json <<'END'
{"pipeline": "two", "stages": [{"id": "r", "op": "read", "path": "in.csv"},
  {"id": "a", "op": "write", "input": "r", "path": "a.csv"}, {"id": "b", "op": "write", "input": "r", "path": "b.csv"}]}
END
if LD_PRELOAD=$builddir/tests/fault/preload.so etl-run --version >/dev/null 2>&1; then
    run env LD_PRELOAD="$builddir/tests/fault/preload.so" FORELINE_FAULT="rename:*b.csv:0:ENOSPC" etl-run -p two/p.json
    is "$status" 4 "an output that cannot be renamed ends a run"
    is "$(ls two/a.csv two/b.csv 2>/dev/null)" "two/a.csv" "the second of two renames fails"
    run etl-run -p two/p.json --resume
    is "$(line b)" "kept: its output 'b.csv' is ready to be published" "a resume finds the second output ready"
    is "$status|$(resumed)|$(cat two/b.csv)|$(find two -name '.*')" "0|[r] [a] [b]|k
1|" "and publishes it without running anything"
    rm two/*.csv
    printf 'k\n1\n' >two/in.csv
    run env LD_PRELOAD="$builddir/tests/fault/preload.so" FORELINE_FAULT="rename:*b.csv:0:ENOSPC" etl-run -p two/p.json
    printf 'k\n2\n' >two/in.csv
    run etl-run -p two/p.json --resume
    is "$(cat two/a.csv two/b.csv)|$(find two -name '.*')" "k
2
k
2|" "what was ready of an input that changed is swept"
    run env LD_PRELOAD="$builddir/tests/fault/preload.so" FORELINE_FAULT="rename:*b.csv:0:ENOSPC" etl-run -p two/p.json
    rm -r two
    mkdir two
    printf 'k\n2\n' >two/in.csv
    run etl-run -p data/p.json --resume "$(etl-lineage runs --pipeline two --format json | head -n 1 | jq -r .run_id)"
    like "$err" "is of pipeline 'two'$" "a run of another pipeline is refused"
else
    skip "a rename that fails" "LD_PRELOAD does not work with this build"
fi

# -- rows of commands, and what cannot be compared --
mkdir rows
cat >rows/p.json <<'END'
{"pipeline": "rows", "stages": [{"id": "gen", "op": "command", "run": "echo gen >>gen.log; printf 'k\n1\n'"},
  {"id": "a", "op": "write", "path": "a.csv"},
  {"id": "mark", "op": "command", "after": ["a"], "run": "test -e ready"},
  {"id": "b", "op": "write", "input": "gen", "path": "b.csv"}]}
END
run etl-run -p rows/p.json
touch rows/ready
run etl-run -p rows/p.json --resume
is "$status|$(resumed)|$(log rows/gen.log)" "0|gen [a] mark b|gen gen " "a command is run again when a stage that is not finished takes its rows"
is "$(line gen)" "run again: stage 'b' takes its rows" "and says who"

mkdir sql
sqlite3 sql/x.db 'CREATE TABLE t(n)'
cat >sql/p.json <<'END'
{"pipeline": "sql", "stages": [{"id": "add", "op": "sql", "connection": "sqlite:x.db", "statement": "INSERT INTO t VALUES (1)", "writes": ["sqlite:x.db#t"]},
  {"id": "end", "op": "command", "after": ["add"], "run": "test -e ready"}]}
END
run etl-run -p sql/p.json
touch sql/ready
run etl-run -p sql/p.json --resume
is "$status|$(resumed)|$(sqlite3 sql/x.db 'SELECT count(*) FROM t')" "0|[add] end|1" "a statement that was committed is not run twice"

mkdir in
cat >in/p.json <<'END'
{"pipeline": "in", "stages": [{"id": "r", "op": "read", "path": "-", "format": "csv"},
  {"id": "a", "op": "write", "path": "a.csv"}, {"id": "end", "op": "command", "after": ["a"], "run": "test -e ready"}]}
END
run sh -c "printf 'k\n1\n' | etl-run -p in/p.json"
touch in/ready
run sh -c "printf 'k\n2\n' | etl-run -p in/p.json --resume"
is "$(line a)" "run again: input '-' changed: it is a stream, which cannot be compared" "stdin is taken for changed"
is "$(log in/a.csv)" "k 2 " "and read again"

# -- rejects --
mkdir bad
printf 'k,v\n1,2\n2\n' >bad/in.csv
cat >bad/p.json <<'END'
{"pipeline": "bad", "stages": [{"id": "r", "op": "read", "path": "in.csv"}, {"id": "a", "op": "write", "path": "a.csv"},
  {"id": "end", "op": "command", "after": ["a"], "run": "test -e ready"}]}
END
run etl-run -p bad/p.json --reject bad.jsonl
touch bad/ready
run etl-run -p bad/p.json --reject bad.jsonl --resume
is "$status|$(resumed)|$(completion .rejects)" "0|[r] [a] end|1" "records that a kept stage rejected are counted"
like "$err" "^etl-run: 1 records that the kept stages rejected are not in 'bad.jsonl'$" "and said to be missing"

# -- a chain of crashes --
fresh
rm data/ready
run etl-run -p data/p.json --resume
middle=$(completion .run_id)
is "$status|$(completion '.stages[6].status')" "5|kept" "a resume may fail as well"
touch data/ready
run etl-run -p data/p.json --resume "$(printf '%.13s' "$middle")"
is "$status|$(resumed)|$(completion .resumed_from)" "0|[in] [some] [mid] [copy] [back] [sorted] [out] last|$middle" "and be resumed, by the beginning of its id"
fresh
run etl-run -p data/p.json --mode sampling --sample 100%
run etl-run -p data/p.json --resume --dry-run
like "$status|$err" "^0|7 of 8 stages are kept" "a sample does no work of a run"
run etl-run -p data/p.json
run etl-run -p data/p.json --resume
is "$status|$err" "3|etl-run: pipeline 'p' has no run to resume: all have completed, or nothing was begun; run it without --resume" "a later run that completed has done the work"

# -- errors --
fresh
run etl-run -p data/p.json --store none.db --resume
is "$status|$err|$(ls none.db 2>/dev/null)" "4|etl-run: cannot resume: no store at '$PWD/none.db'; --store names another|" "without a store"
printf 'no database, but long enough to be looked at as if it were one, with more than a hundred bytes in it, which is so' >none.db
run etl-run -p data/p.json --store none.db --resume
is "$status" 4 "a store that is none"
like "$err" "^etl-run: cannot resume: .*none.db' is not a store of foreline" "is named"
cp store.db torn.db
dd if=/dev/urandom of=torn.db bs=4096 seek=1 count=20 conv=notrunc 2>/dev/null
run etl-run -p data/p.json --store torn.db --resume
is "$status" 4 "a damaged store"
like "$err" "torn.db.*damaged|torn.db" "is named"
sqlite3 store.db "UPDATE journal SET body = '{' WHERE stage = ''"
run etl-run -p data/p.json --resume
is "$status" 4 "a damaged journal"
like "$err" "the journal of run '.*' is damaged, or of another version: run the pipeline without --resume" "says so"
run etl-run -p data/p.json --resume abcd
is "$status|$err" "3|etl-run: no run 'abcd' in the store; \`etl-lineage runs\` lists them" "an unknown run"
usage_error "a mode that publishes nothing" "option '--resume': a run in mode 'sampling' publishes nothing: run it anew" \
    etl-run -p data/p.json --resume --mode sampling
fresh
rm data/out.csv
rmdir data/none 2>/dev/null
sed -i 's,"out.csv","none/out.csv",' data/p.json
mkdir data/none
rm data/ready
run etl-run -p data/p.json
rm -r data/none
run etl-run -p data/p.json --resume
is "$status" 4 "an output folder that is gone"
like "$err" "stage 'out': cannot create '.*none/out.csv': No such file" "is named"

mkdir live
cat >live/p.json <<'END'
{"pipeline": "live", "stages": [{"id": "wait", "op": "command", "run": "echo here >&2; touch begun; sleep 60"}]}
END
etl-run -q -p live/p.json 2>/dev/null &
pid=$!
n=0
while [ ! -e live/begun ] && [ $n -lt 200 ]; do
    sleep 0.02
    n=$((n + 1))
done
run etl-run -p live/p.json --resume
is "$status" 75 "a run that is still running is not resumed"
like "$err" "^etl-run: run '.*' is still running on .* \(process $pid\)$" "and its process is named"
live=$(etl-lineage runs --pipeline live | jq -r .run_id)
n=0
while ! etl-lineage log "$live" >/dev/null && [ $n -lt 100 ]; do
    sleep 0.05
    n=$((n + 1))
done
run etl-lineage log "$(printf '%.18s' "$live")" wait
is "$status|$out" "0|here" "what its command said can be read while it runs"
run etl-lineage log "$live" wiat
is "$status|$err" "3|etl-lineage: run '$live' has no stage 'wiat'; did you mean 'wait'?" "its stages are known, too"
kill -9 $pid
wait $pid 2>/dev/null
sed -i 's/touch begun; sleep 60/true/' live/p.json
run etl-run -p live/p.json --resume
is "$status|$(line wait)" "0|not finished: it was begun and did not end well" "when it was killed, it is"

# -- a pipeline that was mended and run anew --
mkdir mended
echo a >mended/in.csv
printf '{"pipeline": "mended", "stages": [{"id": "r", "op": "read", "path": "in.csv"}, {"id": "w", "op": "write", "path": "out.csv"}, {"id": "c", "op": "command", "after": ["w"], "run": "false"}]}\n' >mended/p.json
run etl-run -p mended/p.json
is "$status" 5 "a command is wrong"
sed -i 's/"false"/"echo once >>log"/' mended/p.json
run etl-run -p mended/p.json
run etl-run -p mended/p.json --resume
is "$status|$(cat mended/log)" "3|once" "when it has completed since, there is nothing to resume"

done_testing
