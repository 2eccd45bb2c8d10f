#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The operation sql in a real PostgreSQL server, started here on a socket of its own and stopped at the end.
# shellcheck disable=SC2016 # ${…} is the pipeline's
. "${srcdir:?}/tests/cli/lib.sh"

bin=$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -n 1)
bin=${bin%/initdb}
if [ -z "$bin" ]; then
    if [ -n "${CI:-}" ]; then
        not_ok "PostgreSQL is there (apt-get install postgresql)" true
    else
        skip "pipelines with PostgreSQL" "no server (apt-get install postgresql)"
    fi
    done_testing
fi
FORELINE_STORE=$PWD/store.db
export FORELINE_STORE

# The server does not run as root.
db=$(mktemp -d /tmp/foreline-pg.XXXXXX)
as=
if [ "$(id -u)" = 0 ]; then
    as='setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/tmp'
    chown nobody:nogroup "$db"
fi
user=$($as id -un)
# shellcheck disable=SC2086 # words
start() {
    (cd / && $as "$bin/initdb" -D "$db/data" -A trust -U "$user" -E UTF8 --no-locale -N >"$TMPDIR/pg.log" 2>&1 &&
        $as "$bin/pg_ctl" -D "$db/data" -w -l "$db/log" -o "-k $db -c listen_addresses= -c fsync=off" start) >>"$TMPDIR/pg.log" 2>&1
}
# shellcheck disable=SC2086,SC2317 # words; called by the trap
stop() {
    (cd / && $as "$bin/pg_ctl" -D "$db/data" -m immediate stop) >/dev/null 2>&1
    rm -rf "$db"
}
trap stop EXIT
if ! start; then
    sed 's/^/# /' "$TMPDIR/pg.log" "$db/log" 2>/dev/null
    not_ok "the server starts" true
    done_testing
fi
url="postgres://$user@/postgres?host=$db"
db_says() { psql -X -q -A -t -d "$url" -c "$1"; }
pipeline() { # pipeline NAME: the stages come on stdin, URL stands for the database
    {
        printf '{"pipeline": "%s", "stages": [' "$1"
        sed "s|URL|$url|g"
        echo ']}'
    } >"$1.json"
}
db_says "CREATE TABLE sales(id bigint, country text, amount numeric(12,4), price float8, small real, paid boolean, day date,
  at timestamptz, local timestamp, doc jsonb, raw bytea, tags text[], none int);
 INSERT INTO sales VALUES (9007199254740993, 'DE', 10.5000, 0.1, 0.1, true, '2026-01-02', '2026-01-02 03:04:05+02', '2026-01-02 03:04:05.25',
  '{\"a\": [1, 2]}', '\\x00ff', '{a,b}', NULL), (2, '', 12345678.9012, 'NaN', NULL, false, NULL, NULL, NULL, 'null', NULL, NULL, NULL),
  (3, NULL, NULL, 1e300, 2, NULL, '2026-12-31', 'epoch', NULL, NULL, NULL, NULL, NULL)"

pipeline source <<'END'
{"id": "sales", "op": "sql", "connection": "URL", "statement": "SELECT * FROM sales ORDER BY id DESC"},
{"id": "out", "op": "write", "path": "sales.csv"},
{"id": "json", "op": "write", "input": "sales", "path": "sales.jsonl"}
END
run etl-run -q -p source.json
is "$status|$err" "0|" "a statement without inputs is a source"
is "$(cat sales.csv)" 'id,country,amount,price,small,paid,day,at,local,doc,raw,tags,none
9007199254740993,DE,10.5000,0.1,0.1,true,2026-01-02,2026-01-02T01:04:05Z,2026-01-02T03:04:05.25,"{""a"": [1, 2]}",\x00ff,"{a,b}",
3,,,1e+300,2,,2026-12-31,1970-01-01T00:00:00Z,,,,,
2,"",12345678.9012,NaN,,false,,,,null,,,' "every type comes as it is written here"
is "$(sed -n 1p sales.jsonl)" '{"id":9007199254740993,"country":"DE","amount":10.5000,"price":"0.1","small":0.1,"paid":true,"day":"2026-01-02","at":"2026-01-02T01:04:05Z","local":"2026-01-02T03:04:05.25","doc":{"a": [1, 2]},"raw":"\\x00ff","tags":"{a,b}","none":null}' \
    "a column with a NaN is text, as no number can be one"

cat >orders.csv <<'END'
id,country,amount,day,at,ok,text
1,DE,1.50,2026-01-02,2026-01-02T03:04:05Z,true,"a ""b"", c"
2,,2.25,2026-01-03,,false,"two
lines"
3,"",,,,,\.
END
cat >rates.csv <<'END'
country,rate
DE,2
FR,3
END
pipeline filter <<'END'
{"id": "orders", "op": "read", "path": "orders.csv"},
{"id": "rates", "op": "read", "path": "rates.csv"},
{"id": "priced", "op": "sql", "connection": "URL", "inputs": ["orders", "rates"],
 "statement": "SELECT o.*, pg_typeof(at)::text AS kind, amount * rate AS total FROM orders o LEFT JOIN rates r ON o.country IS NOT DISTINCT FROM r.country ORDER BY o.id"},
{"id": "out", "op": "write", "path": "priced.csv"}
END
run etl-run -q -p filter.json
is "$status|$err" "0|" "stages named in 'inputs' are tables of their names"
is "$(cat priced.csv)" 'id,country,amount,day,at,ok,text,kind,total
1,DE,1.5,2026-01-02,2026-01-02T03:04:05Z,true,"a ""b"", c",timestamp with time zone,3
2,,2.25,2026-01-03,,false,"two
lines",timestamp with time zone,
3,"",,,,,\.,timestamp with time zone,' "rows go in and come out with types, nulls and quotes as they were"

pipeline sink <<'END'
{"id": "orders", "op": "read", "path": "orders.csv"},
{"id": "load", "op": "sql", "connection": "URL", "inputs": ["orders"], "writes": ["postgres://db:5432/dw.public.kept"],
 "statement": "CREATE TABLE kept AS SELECT id, amount FROM orders"}
END
run etl-run -p sink.json
is "$status|$(db_says 'SELECT count(*), sum(amount) FROM kept')" "0|3|3.75" "a stage whose rows nobody reads writes into the database"
like "$out" '"namespace":"postgres://db:5432","name":"dw.public.kept"' "and its output is named"

pipeline half <<'END'
{"id": "orders", "op": "read", "path": "orders.csv"},
{"id": "load", "op": "sql", "connection": "URL", "inputs": ["orders"],
 "statement": "DELETE FROM kept; INSERT INTO kept SELECT id FROM no_such_table"}
END
run etl-run -q -p half.json
is "$status|$err" "5|etl-run: stage 'load': the statement failed: ERROR:  relation \"no_such_table\" does not exist" "what fails says why"
is "$(db_says 'SELECT count(*) FROM kept')" 3 "and leaves the database as it was"

seq 1 300000 | sed '1i n' >many.csv
pipeline many <<'END'
{"id": "n", "op": "read", "path": "many.csv"},
{"id": "sums", "op": "sql", "connection": "URL", "inputs": ["n"], "statement": "SELECT n % 100000 AS k, sum(n) AS s FROM n GROUP BY 1 ORDER BY 1"},
{"id": "all", "op": "aggregate", "measures": {"k": "count", "s": "sum(.s)"}},
{"id": "out", "op": "write", "path": "sums.csv"}
END
run etl-run -q -p many.json
is "$status|$(cat sums.csv)" "0|k,s
100000,45000150000" "many rows go both ways"

pipeline slow <<'END'
{"id": "x", "op": "sql", "connection": "URL", "timeout_s": 0.3, "statement": "SELECT pg_sleep(60)"}
END
run etl-run -q -p slow.json
is "$status|$err" "5|etl-run: stage 'x': timed out after 0.3 s (timeout_s)" "a statement that takes too long is ended"
is "$(db_says "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sl' || 'eep(60)%' AND state = 'active'")" 0 "on the server too"

pipeline stopped <<'END'
{"id": "x", "op": "sql", "connection": "URL", "statement": "SELECT pg_sleep(60)"}
END
etl-run -q -p stopped.json 2>stopped.err &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ "$(db_says "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sl' || 'eep(60)%' AND state = 'active'")" = 1 ] && break
    sleep 0.1
done
kill -TERM "$pid"
wait "$pid"
is "$?" 143 "a signal ends a statement that runs"

db_says "CREATE ROLE eve LOGIN PASSWORD 'hunter2'"
pipeline secret <<'END'
{"id": "x", "op": "sql", "connection": "postgres://eve:${env:SECRET}@127.0.0.1:1/postgres", "retries": 1, "statement": "SELECT 1"}
END
run env SECRET=hunter2 etl-run -p secret.json
status_is 4 "a server that is not there is status 4, after another attempt"
like "$err" "cannot connect to PostgreSQL: connection to server at .*127.0.0.1.*refused" "and it says which"
like "$err" "x.*(again|retr)" "what is tried again is said"
unlike "$out$err" "hunter2" "a password stands in no record and no message"
done_testing
