#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random pipelines over random data give what sqlite3 computes from SQL that spells the meanings out.

Each stage becomes one SQL statement whose result keeps a column `n`, the place of the record, so
that order is compared as well as values. What three threads give, of pieces of a few records, is the
same byte for byte. 200 seeded cases; with FORELINE_LONG=1 10,000. By hand:
    builddir=$PWD tests/prop/engine.py SEED    runs one case and keeps its folder
"""
import csv
import fractions
import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ETL_RUN = os.path.join(os.environ["builddir"], "tools", "etl-run")
LANES = os.path.join(os.environ["builddir"], "tests", "prop", "lanes")
BIG = [2**53 + 1, 2**53, -(2**53) - 1, 2**63 - 1, -(2**63), 0, 1]
TEXTS = ["", "a", "b", "ab", "B", "\u00e4", "\u65e5\u672c", "a,b", 'q"q', "line\nbreak", "null",
         " a ", "abcdefgh", "abcdefghi", "\U0001f600", "0", "1.50"]
FLOATS = ["0", "-0.0", "1.50", "1.5", "2e2", "0.1", "-7.25", "1e300", "-1e300", "5e-324", "3",
          "0.30000000000000004", "123456.789"]
CALM = ["0", "1.5", "-2.25", "1000000.1", "1000000.2", "3", "0.1"]


class Column:
    def __init__(self, name, kind, nullable=True):
        self.name, self.kind, self.nullable = name, kind, nullable


def value_of(kind, text):
    """What sqlite is given for a field's text."""
    if text is None:
        return None
    if kind in ("integer", "big"):
        return int(text)
    if kind in ("float", "calm"):
        return float(text)
    if kind == "boolean":
        return 1 if text == "true" else 0
    return text


def random_text(rng, kind):
    if kind == "integer":
        return str(rng.randint(-2, 4))
    if kind == "big":
        return str(rng.choice(BIG))
    if kind == "float":
        return rng.choice(FLOATS)
    if kind == "calm":
        return rng.choice(CALM)
    if kind == "boolean":
        return rng.choice(["true", "false"])
    if kind == "date":
        return "2026-11-%02d" % rng.randint(1, 5)
    return rng.choice(TEXTS)


class Case:
    def __init__(self, seed, folder):
        self.rng = random.Random(seed)
        self.folder = folder
        self.db = sqlite3.connect(":memory:")
        self.register()
        self.stages = []  # of the pipeline
        self.tables = []  # (id, table, [Column])
        self.count = 0
        self.names = 0

    def register(self):
        def aggregate(name, arity, final):
            class Agg:
                def __init__(self):
                    self.rows = []

                def step(self, *args):
                    self.rows.append(args)

                def finalize(self):
                    return final(self.rows)
            self.db.create_aggregate(name, arity, Agg)

        def known(rows):
            return [r[0] for r in rows if r[0] is not None]

        def total(rows):
            v = known(rows)
            return math.fsum(v) if v else None

        def mean(rows):
            v = known(rows)
            return math.fsum(v) / len(v) if v else None

        def stddev(rows):
            v = [fractions.Fraction(x) for x in known(rows)]
            n = len(v)
            if n < 2:
                return None
            num = n * sum(x * x for x in v) - sum(v) ** 2
            return math.sqrt(float(num) / n / (n - 1))

        def quantile(rows):
            v = sorted(float(x) for x in known(rows))
            if not v:
                return None
            h = (len(v) - 1) * rows[0][1]
            i = math.floor(h)
            if i + 1 >= len(v):
                return v[-1]
            return v[i] if h == i else v[i] + (h - i) * (v[i + 1] - v[i])

        def at(rows, pick):
            v = [(n, x) for x, n in rows if x is not None]
            return pick(v)[1] if v else None
        aggregate("xsum", 1, total)
        aggregate("xmean", 1, mean)
        aggregate("xstddev", 1, stddev)
        aggregate("xquantile", 2, quantile)
        aggregate("xfirst", 2, lambda rows: at(rows, min))
        aggregate("xlast", 2, lambda rows: at(rows, max))

    # -- naming --

    def fresh(self, what):
        self.names += 1
        return "%s%d" % (what, self.names)

    def add(self, stage, columns, sql):
        """A stage whose rows are `sql`: SELECT n, columns…; n is renumbered in its order."""
        ident = self.fresh("s")
        self.stages.append(dict({"id": ident}, **stage))
        names = ", ".join('"%s"' % c.name for c in columns)
        self.db.execute("CREATE TABLE %s AS SELECT row_number() OVER (ORDER BY n) AS n, %s FROM (%s)"
                        % (ident, names or "1 AS one", sql))
        self.tables.append((ident, columns))

    # -- stages --

    def read(self):
        kinds = ["integer", "float", "string", "boolean", "date", "big", "calm"]
        self.rng.shuffle(kinds)
        prefix = self.fresh("c")
        columns = [Column("%s_%s" % (prefix, k), k) for k in kinds[:self.rng.randint(2, 7)]]
        if not any(c.kind == "integer" for c in columns):
            columns.append(Column(prefix + "_integer", "integer"))
        n = self.rng.choice([0, 1, 2, 5, 12, 30, 30, 60])
        if self.rng.random() < 0.03:
            n = self.rng.choice([2047, 2048, 2049, 5000])
        name = prefix + ".csv"
        rows = []
        for _ in range(n):
            rows.append([None if self.rng.random() < 0.2 else random_text(self.rng, c.kind)
                         for c in columns])
        with open(os.path.join(self.folder, name), "w", newline="") as f:
            f.write(",".join(c.name for c in columns) + "\n")
            for row in rows:
                f.write(",".join("" if v is None else '"%s"' % v.replace('"', '""')
                                 if v == "" or any(x in v for x in ',"\n') else v for v in row) + "\n")
        ident = self.fresh("s")
        names = {"big": "integer", "calm": "float"}
        self.stages.append({"id": ident, "op": "read", "path": name,
                            "types": {c.name: names.get(c.kind, c.kind) for c in columns}})
        self.db.execute("CREATE TABLE %s (n INTEGER, %s)"
                        % (ident, ", ".join('"%s"' % c.name for c in columns)))
        self.db.executemany(
            "INSERT INTO %s VALUES (%s)" % (ident, ", ".join("?" * (len(columns) + 1))),
            [[i + 1] + [value_of(c.kind, v) for c, v in zip(columns, row)]
             for i, row in enumerate(rows)])
        self.tables.append((ident, columns))

    def pick(self):
        return self.rng.choice(self.tables[-4:])

    def condition(self, columns, depth=0):
        """(jq, SQL) of a condition; the SQL is 0 or 1."""
        r = self.rng
        if depth < 2 and r.random() < 0.3:
            a, x = self.condition(columns, depth + 1)
            b, y = self.condition(columns, depth + 1)
            return r.choice([("(%s) and (%s)" % (a, b), "((%s) AND (%s))" % (x, y)),
                             ("(%s) or (%s)" % (a, b), "((%s) OR (%s))" % (x, y)),
                             ("(%s) | not" % a, "(NOT (%s))" % x)])
        c = r.choice(columns)
        j, q = "." + c.name, '"%s"' % c.name
        if r.random() < 0.15:
            return r.choice([(j + " == null", q + " IS NULL"), (j + " != null", q + " IS NOT NULL")])
        if c.kind == "boolean":
            return r.choice([(j, "(%s IS 1)" % q), (j + " == false", "(%s IS 0)" % q)])
        lit = random_text(r, c.kind)
        if c.kind in ("string", "date"):
            jl, ql = json.dumps(lit, ensure_ascii=False), "'%s'" % lit.replace("'", "''")
        else:
            jl = lit
            ql = lit if c.kind in ("integer", "big") else repr(float(lit))
            if c.kind == "big":
                if abs(int(lit)) > 2**53:
                    jl = lit = "3"
                    ql = "3"
                ql = ql if int(ql) >= 0 else "(%s)" % ql
        op = r.choice(["<", "<=", ">", ">=", "==", "!="])
        sql = {"<": "(%s IS NULL OR %s < %s)" % (q, q, ql),
               "<=": "(%s IS NULL OR %s <= %s)" % (q, q, ql),
               ">": "coalesce(%s > %s, 0)" % (q, ql), ">=": "coalesce(%s >= %s, 0)" % (q, ql),
               "==": "(%s IS %s)" % (q, ql), "!=": "(%s IS NOT %s)" % (q, ql)}[op]
        return "%s %s %s" % (j, op, jl), sql

    def filter(self):
        ident, columns = self.pick()
        jq, sql = self.condition(columns)
        self.add({"op": "filter", "input": ident, "where": jq}, columns,
                 "SELECT * FROM %s WHERE %s" % (ident, sql))

    def expression(self, columns):
        """(jq, SQL, kind)"""
        r = self.rng
        c = r.choice(columns)
        j, q = "." + c.name, '"%s"' % c.name
        if c.kind in ("integer", "calm"):
            real = "CAST(coalesce(%s, %s) AS REAL)"
            return r.choice([
                (j + " + 1", (real % (q, 0)) + " + 1.0", "calm"),
                ("(%s // 1) * 2.5" % j, (real % (q, 1)) + " * 2.5", "calm"),
                ("(%s // 3) - 0.1" % j, (real % (q, 3)) + " - 0.1", "calm"),
                ("(%s // 3) / 4" % j, (real % (q, 3)) + " / 4.0", "calm"),
                ("if %s > 1 then \"hi\" else \"lo\" end" % j,
                 "CASE WHEN %s > 1 THEN 'hi' ELSE 'lo' END" % q, "string"),
                (j, q, c.kind)])
        if c.kind == "string":
            return r.choice([(j + " + \"x\"", "coalesce(%s, '') || 'x'" % q, "string"),
                             ("(%s // \"\") | ascii_downcase" % j, "lower(coalesce(%s, ''))" % q, "string"),
                             (j + " | length", "CAST(coalesce(length(%s), 0) AS REAL)" % q, "calm"),
                             (j, q, c.kind)])
        jq, sql = self.condition(columns, 2)
        return r.choice([(j, q, c.kind), ("(%s) and true" % jq, sql, "boolean")])

    def derive(self):
        ident, columns = self.pick()
        sets, new = {}, list(columns)
        sql = {c.name: '"%s"' % c.name for c in columns}
        for _ in range(self.rng.randint(1, 3)):
            name = self.rng.choice(columns).name if self.rng.random() < 0.3 else self.fresh("d")
            if name in sets:
                continue
            jq, text, kind = self.expression(columns)
            sets[name] = jq
            sql[name] = text
            at = [i for i, c in enumerate(new) if c.name == name]
            if at:
                new[at[0]] = Column(name, kind)
            else:
                new.append(Column(name, kind))
        self.add({"op": "derive", "input": ident, "set": sets}, new,
                 "SELECT n, %s FROM %s" % (", ".join('%s AS "%s"' % (sql[c.name], c.name) for c in new),
                                           ident))

    def select(self):
        ident, columns = self.pick()
        some = self.rng.sample(columns, self.rng.randint(1, len(columns)))
        self.add({"op": "select", "input": ident, "columns": [c.name for c in some]}, some,
                 "SELECT * FROM %s" % ident)

    def rename(self, ident=None, columns=None, all_columns=False):
        if ident is None:
            ident, columns = self.pick()
        some = columns if all_columns else self.rng.sample(columns, 1)
        names = {c.name: self.fresh("r") for c in some}
        new = [Column(names.get(c.name, c.name), c.kind) for c in columns]
        self.add({"op": "rename", "input": ident, "names": names}, new,
                 "SELECT n, %s FROM %s" % (", ".join('"%s" AS "%s"' % (c.name, names.get(c.name, c.name))
                                                     for c in columns), ident))

    def join(self):
        left, lcols = self.pick()
        right, rcols = self.pick()
        if {c.name for c in lcols} & {c.name for c in rcols}:
            self.rename(right, rcols, True)
            right, rcols = self.tables[-1]
        number = ("integer", "big", "float", "calm")
        pairs = [(a, b) for a in lcols for b in rcols
                 if a.kind == b.kind or (a.kind in number and b.kind in number)]
        if not pairs:
            return
        self.rng.shuffle(pairs)
        on, used = [], set()
        for a, b in pairs[:self.rng.choice([1, 1, 1, 2])]:
            if a.name not in used and b.name not in used:
                on.append((a, b))
                used |= {a.name, b.name}
        if self.db.execute("SELECT (SELECT count(*) FROM %s) * (SELECT count(*) FROM %s)"
                           % (left, right)).fetchone()[0] > 200000:
            return
        how = self.rng.choice(["inner", "left", "semi", "anti"])
        stage = {"op": "join", "inputs": [left, right], "type": how,
                 "on": {a.name: b.name for a, b in on}}
        cond = " AND ".join('l."%s" = r."%s"' % (a.name, b.name) for a, b in on)
        if how in ("semi", "anti"):
            self.add(stage, lcols, "SELECT * FROM %s l WHERE %s EXISTS (SELECT 1 FROM %s r WHERE %s)"
                     % (left, "NOT" if how == "anti" else "", right, cond))
            return
        keys = {b.name for _, b in on}
        rest = [c for c in rcols if c.name not in keys]
        names = ", ".join(['l."%s" AS "%s"' % (c.name, c.name) for c in lcols] +
                          ['r."%s" AS "%s"' % (c.name, c.name) for c in rest])
        self.add(stage, lcols + rest,
                 "SELECT row_number() OVER (ORDER BY l.n, r.n) AS n, %s FROM %s l %s JOIN %s r ON %s"
                 % (names, left, "LEFT" if how == "left" else "", right, cond))

    def aggregate(self):
        ident, columns = self.pick()
        by = self.rng.sample(columns, self.rng.choice([0, 1, 1, 2]) if len(columns) > 1 else 1)
        measures, new, sql = {}, list(by), []
        for _ in range(self.rng.randint(1, 4)):
            name = self.fresh("m")
            c = self.rng.choice(columns)
            j, q = "." + c.name, '"%s"' % c.name
            kinds = ["count", "distinct", "min", "max", "first", "last"]
            if c.kind in ("integer", "float", "calm"):
                kinds += ["sum", "mean", "quantile"]
            if c.kind in ("integer", "calm"):
                kinds += ["stddev"]
            if c.kind == "boolean":
                kinds = ["count", "distinct", "first", "last"]
            kind = self.rng.choice(kinds)
            quant = self.rng.choice([0, 0.25, 0.5, 0.9, 1])
            measures[name] = {"count": "count", "quantile": "quantile(%s; %s)" % (j, quant)}.get(
                kind, "%s(%s)" % (kind, j))
            sql.append({"count": "count(*)", "distinct": "count(DISTINCT %s)" % q,
                        "min": "min(%s)" % q, "max": "max(%s)" % q, "sum": "xsum(%s)" % q,
                        "mean": "xmean(%s)" % q, "stddev": "xstddev(%s)" % q,
                        "quantile": "xquantile(%s, %s)" % (q, quant), "first": "xfirst(%s, n)" % q,
                        "last": "xlast(%s, n)" % q}[kind] + ' AS "%s"' % name)
            new.append(Column(name, c.kind if kind in ("min", "max", "first", "last") else
                              "integer" if kind in ("count", "distinct") else "float"))
        keys = ['"%s"' % c.name for c in by]
        first = ["xfirst(%s, n) AS %s" % (k, k) for k in keys]
        self.add({"op": "aggregate", "input": ident, "by": [c.name for c in by],
                  "measures": measures}, new,
                 "SELECT min(n) AS n, %s FROM %s %s" % (", ".join(first + sql), ident,
                                                        "GROUP BY " + ", ".join(keys) if keys else ""))

    def sort(self):
        ident, columns = self.pick()
        keys = self.rng.sample(columns, min(len(columns), self.rng.choice([1, 1, 2])))
        by, sql = [], []
        for c in keys:
            down = self.rng.random() < 0.5
            by.append(("-" if down else "") + c.name)
            sql.append('"%s"%s' % (c.name, " DESC" if down else ""))
        self.add({"op": "sort", "input": ident, "by": by}, columns,
                 "SELECT row_number() OVER (ORDER BY %s, n) AS n, %s FROM %s"
                 % (", ".join(sql), ", ".join('"%s"' % c.name for c in columns), ident))

    def distinct(self):
        ident, columns = self.pick()
        keys = [] if self.rng.random() < 0.4 else self.rng.sample(columns, 1)
        stage = {"op": "distinct", "input": ident}
        if keys:
            stage["by"] = [c.name for c in keys]
        part = ", ".join('"%s"' % c.name for c in (keys or columns))
        self.add(stage, columns, "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY %s ORDER BY n)"
                 " AS first FROM %s) WHERE first = 1" % (part, ident))

    def union(self):
        ident, columns = self.pick()
        self.filter_of(ident, columns)
        other = self.tables[-1][0]
        names = ", ".join('"%s"' % c.name for c in columns)
        self.add({"op": "union", "inputs": [other, ident]}, columns,
                 "SELECT n, %s FROM %s UNION ALL SELECT n + 1000000, %s FROM %s"
                 % (names, other, names, ident))

    def filter_of(self, ident, columns):
        jq, sql = self.condition(columns)
        self.add({"op": "filter", "input": ident, "where": jq}, columns,
                 "SELECT * FROM %s WHERE %s" % (ident, sql))

    def limit(self):
        ident, columns = self.pick()
        n = self.rng.choice([0, 1, 3, 10, 3000])
        self.add({"op": "limit", "input": ident, "count": n}, columns,
                 "SELECT * FROM %s ORDER BY n LIMIT %d" % (ident, n))

    # -- running --

    def build(self):
        for _ in range(self.rng.randint(1, 2)):
            self.read()
        ops = [self.filter, self.derive, self.select, self.rename, self.join, self.join,
               self.aggregate, self.aggregate, self.sort, self.distinct, self.union, self.limit]
        for _ in range(self.rng.randint(1, 7)):
            self.rng.choice(ops)()
        self.outputs = []
        for ident, columns in [self.tables[-1], self.pick()]:
            path = "%s-%d.jsonl" % (ident, len(self.outputs))
            self.stages.append({"id": self.fresh("w"), "op": "write", "input": ident, "path": path})
            self.outputs.append((path, ident, columns))
        with open(os.path.join(self.folder, "p.json"), "w") as f:
            json.dump({"pipeline": "random", "stages": self.stages}, f, indent=1)

    def run_tool(self, *args):
        store = os.path.join(os.path.dirname(self.folder), "engine-prop.db")
        # Memory from the heap is not clean: what is read before it was written shows.
        env = dict(os.environ, MALLOC_PERTURB_="85")
        done = subprocess.run([ETL_RUN, "--store", store] + list(args), cwd=self.folder, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            return "etl-run %s: status %d: %s" % (" ".join(args), done.returncode, done.stderr)
        self.stdout = done.stdout
        return None

    def in_lanes(self):
        first = self.read_outputs()
        lanes, rows = self.rng.choice([(3, 1), (3, 2), (2, 3), (5, 7)])
        memory = self.rng.choice([0, 0, 1, 100000])
        done = subprocess.run([LANES, "p.json", str(lanes), str(rows), str(memory)],
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        what = "%d threads, pieces of %d, memory of %d" % (lanes, rows, memory)
        if done.returncode:
            return "%s: status %d: %s" % (what, done.returncode, done.stderr)
        if self.read_outputs() != first:
            return "%s: other bytes than of one thread" % what
        return None

    def read_outputs(self):
        result = []
        for path, _, _ in self.outputs:
            with open(os.path.join(self.folder, path), "rb") as f:
                result.append(f.read())
        return result

    def compare(self):
        for (path, ident, columns), text in zip(self.outputs, self.read_outputs()):
            got = [json.loads(line) for line in text.decode().splitlines()]
            want = self.db.execute("SELECT %s FROM %s ORDER BY n" % (
                ", ".join('"%s"' % c.name for c in columns), ident)).fetchall()
            if len(got) != len(want):
                return "%s: %d records, not %d" % (path, len(got), len(want))
            for i, (g, w) in enumerate(zip(got, want)):
                w = [bool(v) if c.kind == "boolean" and v is not None else v
                     for c, v in zip(columns, w)]
                if list(g) != [c.name for c in columns]:
                    return "%s: columns %s, not %s" % (path, list(g), [c.name for c in columns])
                for c, a, b in zip(columns, g.values(), w):
                    if a != b or isinstance(a, bool) != isinstance(b, bool):
                        return "%s: record %d, column %s: %r, not %r" % (path, i + 1, c.name, a, b)
        return None

    def with_plan(self, change, what):
        """Runs the plan after change(stage), which says whether it changed; the same must come out."""
        first = self.read_outputs()
        wrong = self.run_tool("-p", "p.json", "--dry-run")
        if wrong:
            return wrong
        with open(os.path.join(self.folder, "plan.jsonl"), "w") as f:
            for line in self.stdout.splitlines():
                rec = json.loads(line)
                for s in rec.get("stages", []) if rec["record"] == "plan" else []:
                    change(s)
                f.write(json.dumps(rec) + "\n")
        wrong = self.run_tool("-q", "plan.jsonl")
        if not wrong and self.read_outputs() != first:
            wrong = what
        return wrong

    def check(self):
        self.build()
        wrong = self.run_tool("-q", "-p", "p.json") or self.compare() or self.in_lanes()
        if not wrong and any(s["op"] in ("aggregate", "distinct", "sort") for s in self.stages):
            def tiny(stage):
                stage["memory_gb"] = self.rng.choice([1e-9, 1e-4])
            wrong = self.with_plan(tiny, "within a tiny memory something else comes out")
        joins = any(s["op"] == "join" for s in self.stages)
        if wrong or not joins or self.rng.random() < 0.5:
            return wrong

        def other(stage):
            if stage["algorithm"] in ("hash", "nested_loop"):
                stage["algorithm"] = "nested_loop" if stage["algorithm"] == "hash" else "hash"
        return self.with_plan(other, "hash and nested_loop differ")


def one(seed, keep):
    folder = tempfile.mkdtemp(prefix="engine-%d-" % seed)
    case = Case(seed, folder)
    wrong = case.check()
    if wrong and not keep:
        sys.stderr.write("# seed %d: %s\n" % (seed, wrong))
    if keep:
        print("%s\n%s" % (folder, wrong or "equal"))
    else:
        shutil.rmtree(folder)
    return wrong is None


def main():
    if len(sys.argv) > 1:
        return 0 if one(int(sys.argv[1]), True) else 1
    cases = 10000 if os.environ.get("FORELINE_LONG") else 200
    failed = [seed for seed in range(1, cases + 1) if not one(seed, False)]
    print("1..1")
    print("%s 1 - %d random pipelines give what sqlite3 computes%s" % (
        "not ok" if failed else "ok", cases,
        " (not seeds %s)" % ", ".join(map(str, failed[:20])) if failed else ""))
    return 1 if failed else 0


sys.exit(main())
