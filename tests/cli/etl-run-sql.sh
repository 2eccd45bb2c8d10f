#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The operation sql in SQLite: rows in and out, types, transactions, what goes wrong.
# shellcheck disable=SC2016 # ${…} is the pipeline's
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
pipeline() { # pipeline NAME: the stages come on stdin
    printf '{"pipeline": "%s", "stages": [' "$1" >"$1.json"
    cat >>"$1.json"
    echo ']}' >>"$1.json"
}
sqlite3 shop.db "CREATE TABLE sales(id INTEGER PRIMARY KEY, country TEXT, amount REAL, paid BOOLEAN, day DATE, odd, note);
 INSERT INTO sales VALUES (1,'DE',10.5,1,'2026-01-02',7,NULL), (2,'FR',0.1,0,'2026-01-03','seven',''),
  (9007199254740993,NULL,1e300,NULL,NULL,1.25,x'00ff');"

pipeline source <<'END'
{"id": "sales", "op": "sql", "connection": "sqlite:shop.db", "statement": "SELECT * FROM sales ORDER BY id"},
{"id": "csv", "op": "write", "path": "sales.csv"},
{"id": "json", "op": "write", "input": "sales", "path": "sales.jsonl"}
END
run etl-run -q -p source.json
status_is 0 "a statement without inputs is a source"
is "$(cat sales.csv)" 'id,country,amount,paid,day,odd,note
1,DE,10.5,true,2026-01-02,7,
2,FR,0.1,false,2026-01-03,seven,""
9007199254740993,,1e+300,,,1.25,\x00ff' "null and the empty text differ, whole numbers of 64 bits keep their digits"
is "$(sed -n 1p sales.jsonl)" '{"id":1,"country":"DE","amount":10.5,"paid":true,"day":"2026-01-02","odd":"7","note":null}' \
    "a column of numbers and texts is text, declared booleans are booleans"

cat >orders.csv <<'END'
id,country,amount,big,day,ok
1,DE,1.50,9007199254740993,2026-01-02,true
2,,2.25,,2026-01-03,false
3,"",0.5,-1,,
END
cat >rates.csv <<'END'
country,rate
DE,2
FR,3
END
pipeline filter <<'END'
{"id": "orders", "op": "read", "path": "orders.csv"},
{"id": "rates", "op": "read", "path": "rates.csv"},
{"id": "priced", "op": "sql", "connection": "sqlite::memory:", "inputs": ["orders", "rates"],
 "statement": "SELECT o.*, typeof(o.big) AS kind, amount * rate AS total FROM orders o LEFT JOIN rates r ON o.country = r.country ORDER BY o.id -- in order"},
{"id": "some", "op": "filter", "where": ".total != null or .id > 1"},
{"id": "out", "op": "write", "path": "priced.csv"}
END
run etl-run -q -p filter.json
status_is 0 "stages named in 'inputs' are tables of their names"
is "$(cat priced.csv)" 'id,country,amount,big,day,ok,kind,total
1,DE,1.5,9007199254740993,2026-01-02,true,integer,3
2,,2.25,,2026-01-03,false,null,
3,"",0.5,-1,,,integer,' "values come through with their types, nulls and empty texts apart"

pipeline sink <<'END'
{"id": "orders", "op": "read", "path": "orders.csv"},
{"id": "load", "op": "sql", "connection": "sqlite:out.db", "inputs": ["orders"], "writes": ["sqlite:out.db#orders"],
 "statement": "CREATE TABLE IF NOT EXISTS kept(id, amount); INSERT INTO kept SELECT id, amount FROM orders; SELECT 1"}
END
run etl-run -p sink.json
status_is 0 "a stage whose rows nobody reads writes into the database"
is "$(sqlite3 out.db 'SELECT * FROM kept')" '1|1.5
2|2.25
3|0.5' "and what it wrote is there"
like "$out" '"name":"out.db#orders"|sqlite:out.db#orders' "its 'writes' is an output of the run"

pipeline half <<'END'
{"id": "orders", "op": "read", "path": "orders.csv"},
{"id": "load", "op": "sql", "connection": "sqlite:out.db", "inputs": ["orders"],
 "statement": "DELETE FROM kept; INSERT INTO kept SELECT id FROM no_such_table"}
END
run etl-run -q -p half.json
status_is 5 "a statement that fails is status 5"
like "$err" "^etl-run: stage 'load': the statement failed in '.*out.db': no such table: no_such_table$" "with what the database says"
is "$(sqlite3 out.db 'SELECT count(*) FROM kept')" 3 "and the database is as it was"

pipeline none <<'END'
{"id": "x", "op": "sql", "connection": "sqlite::memory:", "statement": "CREATE TABLE t(a)"},
{"id": "out", "op": "write", "path": "none.csv"}
END
run etl-run -q -p none.json
status_is 5 "rows that are read must come"
is "$err" "etl-run: stage 'x': the statement gives no rows, and a stage reads them: end it with a SELECT" "and it says so"

pipeline twice <<'END'
{"id": "x", "op": "sql", "connection": "sqlite::memory:", "statement": "SELECT 1 AS a, 2 AS a"},
{"id": "out", "op": "write", "path": "none.csv"}
END
run etl-run -q -p twice.json
status_is 3 "two columns of one name are refused"
is "$err" "etl-run: stage 'x': the statement gives two columns called 'a': name one with AS" "and named"

pipeline last <<'END'
{"id": "x", "op": "sql", "connection": "sqlite::memory:", "statement": "SELECT 1 AS a; SELECT 'z' AS b UNION ALL SELECT NULL; CREATE TABLE t(a);"},
{"id": "out", "op": "write", "path": "last.csv"}
END
run etl-run -q -p last.json
is "$status|$(tr '\n' '/' <last.csv)" "0|b/z//" "the rows are those of the last statement that gives any"

pipeline empty <<'END'
{"id": "x", "op": "sql", "connection": "sqlite:shop.db", "statement": "SELECT id, day FROM sales WHERE id < 0"},
{"id": "out", "op": "write", "path": "empty.csv"}
END
run etl-run -q -p empty.json
is "$status|$(cat empty.csv)" "0|id,day" "no rows are a header"

pipeline many <<'END'
{"id": "x", "op": "sql", "connection": "sqlite::memory:", "statement": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i, i * 0.5 AS half, CASE WHEN i = 9999 THEN 'late' ELSE i END AS mixed FROM n"},
{"id": "a", "op": "aggregate", "measures": {"n": "count", "s": "sum(.half)", "m": "max(.mixed)"}},
{"id": "out", "op": "write", "path": "many.csv"}
END
run etl-run -q -p many.json
is "$status|$(sed 1d many.csv)" "0|10000,25002500,late" "types are found from all rows, not from the first"

pipeline slow <<'END'
{"id": "x", "op": "sql", "connection": "sqlite::memory:", "timeout_s": 0.3, "statement": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n"},
{"id": "out", "op": "write", "path": "none.csv"}
END
run etl-run -q -p slow.json
is "$status|$err" "5|etl-run: stage 'x': timed out after 0.3 s (timeout_s)" "a statement that does not end is ended"

pipeline gone <<'END'
{"id": "x", "op": "sql", "connection": "sqlite:no/such/folder.db", "statement": "SELECT 1"}
END
run etl-run -q -p gone.json
status_is 4 "a database that cannot be opened is status 4"
like "$err" "^etl-run: stage 'x': cannot open the database in '.*no/such/folder.db': unable to open database file$" "and named"

pipeline where <<'END'
{"id": "x", "op": "sql", "connection": "mysql://h/d", "statement": "SELECT 1"}
END
run etl-run -q -p where.json
status_is 3 "another kind of database is a fault of the pipeline"
like "$err" "'connection' must be sqlite:PATH or postgres://HOST:PORT/DATABASE$" "with what there is"

pipeline secret <<'END'
{"id": "x", "op": "sql", "connection": "sqlite:${env:WHERE}", "statement": "SELECT * FROM sales"},
{"id": "out", "op": "write", "path": "secret.csv"}
END
WHERE=shop.db run env WHERE=shop.db etl-run -p secret.json
status_is 0 "a connection may hold secrets"
unlike "$out" "shop\.db" "which stand in no record"

pipeline validate <<'END'
{"id": "r", "op": "read", "path": "orders.csv"},
{"id": "x", "op": "sql", "connection": "sqlite::memory:", "statement": "SELECT 1"}
END
run etl-run --validate -p validate.json
status_is 0 "nothing runs when it is only checked"
like "$err" "nothing reads its result" "a statement takes no rows but of its inputs"
done_testing
