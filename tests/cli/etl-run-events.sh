#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Run events of a pipeline and of each of its stages: order, parents, datasets, schemas, where columns come
# from, figures, failures.
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
events() {
    printf '%s\n' "$out" | jq -r "select(.eventType) | $1"
}
# of JOB TYPE FILTER
of() {
    printf '%s\n' "$out" | jq -c "select(.job.name == \"$1\" and .eventType == \"$2\") | $3"
}
printf 'id,customer,amount,note\n1,1,10,a\n2,2,7.5,\n3,1,-1,b\n' >orders.csv
printf 'customer,country\n1,CH\n2,DE\n' >customers.csv
cat >p.json <<'END'
{"pipeline": "p", "stages": [
  {"id": "orders", "op": "read", "path": "orders.csv"},
  {"id": "customers", "op": "read", "path": "customers.csv"},
  {"id": "paid", "op": "filter", "input": "orders", "where": ".amount > 0"},
  {"id": "more", "op": "derive", "set": {"net": ".amount * 0.9 + .id", "same": ".note"}},
  {"id": "pair", "op": "join", "inputs": ["more", "customers"], "on": ["customer"]},
  {"id": "named", "op": "rename", "names": {"country": "land"}},
  {"id": "lines", "op": "write", "path": "lines.csv"},
  {"id": "sums", "op": "aggregate", "input": "named", "by": ["land"], "measures": {"net": "sum(.net)", "n": "count"}},
  {"id": "sorted", "op": "sort", "by": ["-net"]},
  {"id": "out", "op": "write", "path": "out.csv"},
  {"id": "tell", "op": "command", "after": ["out"], "reads": ["out.csv"], "writes": ["told.txt", "postgres://u:secret@dw/d.t"], "run": "cat out.csv >told.txt"}]}
END
run etl-run -p p.json
status_is 0 "a pipeline runs"
ok "its records validate" sh -c '"$1" <"$2"' sh "$srcdir/tests/docs/validate" "$out_file"
is "$(events .job.name | sort | uniq -c | awk '{print $1}' | sort -u)" 2 "each job has a START and an end"
is "$(events '.eventType + " " + .job.name' | sed -n '1p;$p' | tr '\n' ' ')" "START p COMPLETE p " "the pipeline's stand around those of its stages"
is "$(events '.job.name' | awk '!seen[$0]++' | wc -l)" 12 "and every stage is a job"
is "$(printf '%s\n' "$out" | jq -s -r '[.[] | select(.eventType)] | group_by(.job.name) | map(map(.eventType) == ["START", "COMPLETE"] and (map(.run.runId) | unique | length) == 1) | all')" true \
    "START comes first, both of one run"
is "$(events 'select(.job.name != "p") | .run.facets.parent | .job.name + " " + .root.job.name + " " + .run.runId + " " + .root.run.runId' | sort -u)" \
    "p p $(of p START .run.runId | tr -d '"') $(of p START .run.runId | tr -d '"')" "parent and root are the pipeline's run"
is "$(of p.orders COMPLETE '[.inputs[].name, .inputs[0].inputFacets.inputStatistics.rowCount, (.outputs | length)]')" \
    "[\"$PWD/orders.csv\",3,0]" "a read has its file, with its figures"
is "$(of p.orders COMPLETE '.inputs[0].facets.schema.fields | map(.name + ":" + .type)')" '["id:integer","customer:integer","amount:float","note:string"]' "and its columns"
is "$(of p.sums COMPLETE '[.inputs[].name]')" "[\"$PWD/orders.csv\",\"$PWD/customers.csv\"]" "a stage between has the files that its rows come from"
is "$(of p.out COMPLETE '[.outputs[0] | .name, .outputFacets.outputStatistics.rowCount, (.facets.schema.fields | map(.name) | join(","))]')" \
    "[\"$PWD/out.csv\",2,\"land,net,n\"]" "a write has what it wrote"
is "$(of p.tell COMPLETE '[[.inputs[].name], [.outputs[] | .namespace + " " + .name]]')" "[[\"$PWD/out.csv\"],[\"file $PWD/told.txt\",\"postgres://dw d.t\"]]" "a command has what it declares"
is "$(of p.sums COMPLETE '.run.facets.foreline_stage | [.id, .operation, .records_in, .records_out, .status, .rejects, (.cpu_s > 0), (.peak_memory_bytes > 0)]')" \
    '["sums","aggregate",2,2,"completed",0,true,true]' "figures are in our facet"

# -- columns --
sources='[.inputFields[] | (.name | split("/") | last) + "." + .field + ":" + (.transformations[0] | .type + "/" + .subtype)] | join(" ")'
column() {
    of "$1" COMPLETE ".outputs[] | select(.name | endswith(\"$2\")) | .facets.columnLineage.fields[\"$3\"] | $sources" | tr -d '"'
}
is "$(column p.lines lines.csv id)" "orders.csv.id:DIRECT/IDENTITY" "a column that is passed on"
is "$(column p.lines lines.csv same)" "orders.csv.note:DIRECT/IDENTITY" "one that is passed on under another name"
is "$(column p.lines lines.csv land)" "customers.csv.country:DIRECT/IDENTITY" "one of the right side of a join, renamed"
is "$(column p.lines lines.csv net)" "orders.csv.id:DIRECT/TRANSFORMATION orders.csv.amount:DIRECT/TRANSFORMATION" "one that is computed"
is "$(column p.out out.csv net)" "orders.csv.id:DIRECT/AGGREGATION orders.csv.amount:DIRECT/AGGREGATION" "one that is added up of computed ones"
is "$(column p.out out.csv n)" "" "a count is made from no column"
whole='.outputs[] | select(.name | endswith("out.csv")) | .facets.columnLineage.dataset | map((.name | split("/") | last) + "." + .field + ":" + (.transformations[0] | .type + "/" + .subtype)) | sort | join(" ")'
is "$(of p.out COMPLETE "$whole" | tr -d '"')" \
    "customers.csv.country:INDIRECT/GROUP_BY customers.csv.customer:INDIRECT/JOIN orders.csv.amount:INDIRECT/FILTER orders.csv.amount:INDIRECT/SORT orders.csv.customer:INDIRECT/JOIN orders.csv.id:INDIRECT/SORT" \
    "what decides about records is of the whole output"
is "$(of p COMPLETE "$whole")" "$(of p.out COMPLETE "$whole")" "the pipeline's event has the same"
is "$(of p START '[.. | .columnLineage? // empty] | length')" 0 "which is not known at its start"
is "$(sqlite3 store.db "SELECT count(*) FROM event WHERE line LIKE '%columnLineage%'")" 1 "the store keeps the event with the columns"

# What a write of the pipeline put into a file goes on from its rows.
cat >twice.json <<'END'
{"pipeline": "twice", "stages": [{"id": "r", "op": "read", "path": "orders.csv"}, {"id": "mid", "op": "write", "path": "mid.csv"},
  {"id": "back", "op": "read", "path": "mid.csv"}, {"id": "few", "op": "distinct", "by": ["customer"]}, {"id": "u", "op": "union", "inputs": ["few", "back"]},
  {"id": "c", "op": "select", "columns": ["note"]}, {"id": "end", "op": "write", "path": "end.csv"}]}
END
run etl-run -p twice.json
is "$(column twice.end end.csv note)" "orders.csv.note:DIRECT/IDENTITY" "columns are followed through a file that the pipeline makes and a union"
is "$(of twice.end COMPLETE '.outputs[0].facets.columnLineage.dataset | map(.field + " " + .transformations[0].subtype)')" '["customer GROUP_BY"]' "and so are records"
cat >made.json <<'END'
{"pipeline": "made", "stages": [{"id": "c", "op": "command", "run": "printf 'k\n1\n'"}, {"id": "w", "op": "write", "path": "made.csv"}]}
END
run etl-run -p made.json
is "$(of made.w COMPLETE '.outputs[0].facets | keys')" '["schema"]' "of rows of a command nothing is claimed"

# -- how stages end --
cat >bad.json <<'END'
{"pipeline": "bad", "stages": [{"id": "r", "op": "read", "path": "orders.csv"}, {"id": "w", "op": "write", "path": "bad.csv"},
  {"id": "c", "op": "command", "input": "r", "run": "cat >/dev/null; echo broken >&2; exit 3"}, {"id": "later", "op": "command", "after": ["w", "c"], "run": "true"}]}
END
run etl-run -p bad.json
is "$status|$(events 'select(.job.name != "bad") | .job.name + " " + .eventType' | sort | tr '\n' ';')" \
    "5|bad.c FAIL;bad.c START;bad.r COMPLETE;bad.r START;bad.w ABORT;bad.w START;" "a stage that fails, a write that is not published, one that never began"
is "$(of bad.c FAIL .run.facets.errorMessage.message)" "\"stage 'c': ended with status 3\"" "a failure has its reason"
is "$(printf '%s\n' "$out" | tail -n 1 | jq -c '[.stages[].status]')" '["completed","cancelled","failed","skipped"]' "as in the completion"

run env OPENLINEAGE_NAMESPACE=prod OPENLINEAGE_PARENT_ID=airflow/daily.load/0193478f-0000-7000-8000-000000000000 etl-run -p made.json
is "$(of made.w START '[.job.namespace, .run.facets.parent.job.name, .run.facets.parent.root.job.name, .run.facets.parent.root.run.runId]')" \
    '["prod","made","daily.load","0193478f-0000-7000-8000-000000000000"]' "the root is the run that we were told of"
run env OPENLINEAGE_DISABLED=true etl-run -p p.json
is "$(events .eventType)" "" "OPENLINEAGE_DISABLED ends all events"
touch told.txt
run etl-run -p bad.json
sed -i 's/exit 3/exit 0/' bad.json
run etl-run -p bad.json --resume
is "$status|$(events '.job.name' | sort -u | tr '\n' ' ')" "0|bad bad.c bad.later bad.r bad.w " "a resumed run has events of the stages that it runs"

# -- a chain that ends in etl-lineage --
run sh -c 'etl-run -p p.json | etl-lineage add --strict --store chain.db'
status_is 0 "the events are as the standard has them"
run etl-lineage --store chain.db runs --pipeline p
is "$status|$(printf '%s\n' "$out" | jq -r .status)" "0|completed" "and are understood"

done_testing
