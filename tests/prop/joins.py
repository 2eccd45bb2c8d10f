#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every algorithm of a join, built from either side and with next to no memory, gives the same bytes,
and they are what sqlite3 computes.

Keys are integers, floats, both, texts, booleans, two columns; null, unique, few, one alone; in order or
not; sides may be empty. 10 seeded cases; with FORELINE_LONG=1 1,000. By hand:
    builddir=$PWD tests/prop/joins.py SEED    runs one case and keeps its folder
"""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ETL_RUN = os.path.join(os.environ["builddir"], "tools", "etl-run")
WAYS = [("hash", "right"), ("hash", "left"), ("sort_merge", None), ("nested_loop", None), ("external", None)]
TEXTS = ["", "a", "ab", "abcdefgh", "abcdefghi", "abcdefghij", "\u00e4\u65e5", "\U0001f600", "B", "1", "1.0"]


def number(rng, kind, spread):
    v = rng.randrange(spread) - spread // 3
    if kind == "integer":
        return str(v)
    return "%d.%s" % (v, rng.choice(["0", "5", "00"]))


def key_value(rng, kind, spread):
    if rng.random() < 0.05:
        return None
    if kind in ("integer", "float"):
        return number(rng, kind, spread)
    if kind == "boolean":
        return rng.choice(["true", "false"])
    if kind == "big":
        return str(rng.choice([2**53, 2**53 + 1, -2**63, 2**63 - 1, 0, rng.randrange(2**62)]))
    return rng.choice(TEXTS) + (str(rng.randrange(spread)) if spread > 20 else "")


def as_sql(kind, text):
    if text is None:
        return None
    return {"integer": int, "big": int, "float": float,
            "boolean": lambda t: t == "true"}.get(kind, str)(text)


def field(text):
    return "" if text is None else '"%s"' % text if text == "" else text


class Case:
    def __init__(self, seed, folder):
        self.rng = rng = random.Random(seed)
        self.folder = folder
        kinds = ["integer", "float", "text", "boolean", "big"]
        pairs = [(k, k) for k in kinds] + [("integer", "float"), ("float", "integer")]
        self.keys = [rng.choice(pairs) for _ in range(rng.choice([1, 1, 1, 2]))]
        self.sides = [self.side(i) for i in range(2)]
        # The pairs that come out stay few enough to compare.
        self.type = rng.choice(["inner", "left", "semi", "anti"])
        self.columns = rng.choice([None, ["l0"], ["r0"]])

    def side(self, i):
        rng = self.rng
        n = rng.choice([0, 1, 3, 700, 3000, 6000])
        spread = rng.choice([1, 5, 300, 3000, 9000]) if i else rng.choice([300, 3000, 9000])
        spread = max(spread, n // 20, 1)
        rows = []
        for k in range(n):
            keys = [key_value(rng, pair[i], spread) for pair in self.keys]
            rows.append(keys + [str(k), rng.choice([None, "x", "", "y" * 30])])
        if rng.random() < 0.4:
            kinds = [pair[i] for pair in self.keys]
            rows.sort(key=lambda r: [(v is not None, as_sql(kinds[c], v) if v is not None else 0)
                                     for c, v in enumerate(r[:len(kinds)])])
        if not n:
            return rows
        # Types are found from the values: one of each kind stands first.
        rows[0][:len(self.keys)] = [{"float": "0.5", "text": "text", "boolean": "true"}.get(p[i], "1")
                                    for p in self.keys]
        return rows

    def write(self):
        for i, name in enumerate("lr"):
            with open(os.path.join(self.folder, name + ".csv"), "w", encoding="utf-8") as f:
                f.write(",".join(["%sk%d" % (name, k) for k in range(len(self.keys))] +
                                 [name + "0", name + "1"]) + "\n")
                for row in self.sides[i]:
                    f.write(",".join(map(field, row)) + "\n")
        types = [{"%sk%d" % (name, k): {"text": "string", "big": "integer"}.get(p[i], p[i])
                  for k, p in enumerate(self.keys)} for i, name in enumerate("lr")]
        for i, name in enumerate("lr"):
            types[i].update({name + "0": "integer", name + "1": "string"})
        stages = [{"id": n, "op": "read", "path": n + ".csv", "types": types[i]}
                  for i, n in enumerate("lr")]
        stages.append({"id": "j", "op": "join", "inputs": ["l", "r"], "type": self.type,
                       "on": {"lk%d" % k: "rk%d" % k for k in range(len(self.keys))}})
        if self.columns and (self.columns != ["r0"] or self.type in ("inner", "left")):
            stages.append({"id": "s", "op": "select", "columns": self.columns})
        stages.append({"id": "o", "op": "write", "path": "out.jsonl"})
        self.stages = stages
        self.path = os.path.join(self.folder, "p.json")
        with open(self.path, "w", encoding="utf-8") as f:
            json.dump({"pipeline": "joins", "stages": stages}, f)

    def run(self, *args):
        env = dict(os.environ, MALLOC_PERTURB_="85", TMPDIR=self.folder,
                   FORELINE_STORE=os.path.join(os.path.dirname(self.folder), "joins-prop.db"))
        done = subprocess.run([ETL_RUN] + list(args), cwd=self.folder, env=env, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True)
        if done.returncode:
            raise RuntimeError("etl-run %s: status %d: %s" % (args, done.returncode, done.stderr))
        return done.stdout

    def expected(self):
        db = sqlite3.connect(":memory:")
        for i, name in enumerate("lr"):
            cols = ["%sk%d" % (name, k) for k in range(len(self.keys))] + [name + "0", name + "1"]
            db.execute("CREATE TABLE %s (n INTEGER PRIMARY KEY, %s)" % (name, ", ".join(cols)))
            kinds = [p[i] for p in self.keys] + ["integer", "text"]
            db.executemany("INSERT INTO %s VALUES (%s)" % (name, ",".join("?" * (len(cols) + 1))),
                           [[n] + [as_sql(k, v) for k, v in zip(kinds, row)]
                            for n, row in enumerate(self.sides[i])])
        on = " AND ".join("l.lk%d = r.rk%d" % (k, k) for k in range(len(self.keys)))
        db.execute("CREATE INDEX i ON r (%s)" % ", ".join("rk%d" % k for k in range(len(self.keys))))
        if self.type in ("inner", "left"):
            names = (["lk%d" % k for k in range(len(self.keys))] + ["l0", "l1", "r0", "r1"])
            sql = "SELECT %%s FROM l %s JOIN r ON %s ORDER BY l.n, r.n" % (self.type.upper(), on)
        else:
            names = ["lk%d" % k for k in range(len(self.keys))] + ["l0", "l1"]
            sql = "SELECT %%s FROM l WHERE %s EXISTS (SELECT 1 FROM r WHERE %s) ORDER BY n" % (
                "NOT" if self.type == "anti" else "", on)
        if self.stages[-2]["id"] == "s":
            names = self.columns
        kinds = {"lk%d" % k: p[0] for k, p in enumerate(self.keys)}
        return [{c: (bool(v) if kinds.get(c) == "boolean" and v is not None else v)
                 for c, v in zip(names, row)} for row in db.execute(sql % ", ".join(names))]

    def check(self):
        self.write()
        plan = [json.loads(line) for line in self.run("-p", "p.json", "--dry-run").splitlines()]
        want = self.expected()
        for way, build in WAYS:
            for limit in (None, 65536):
                if way == "nested_loop" and len(self.sides[0]) * len(self.sides[1]) > 4e6:
                    continue
                for rec in plan:
                    # What `resources` says is a limit that nothing raises.
                    for s in rec["definition"]["stages"]:
                        if s["id"] == "j":
                            s["resources"] = {"memory_gb": limit / 2**30} if limit else {}
                    for s in rec["stages"] if rec["record"] == "plan" else []:
                        if s["id"] != "j":
                            continue
                        s.update({"algorithm": way, "memory_gb": limit and limit / 2**30})
                        s.pop("build", None)
                        if build:
                            s["build"] = build
                with open(os.path.join(self.folder, "plan.jsonl"), "w", encoding="utf-8") as f:
                    f.writelines(json.dumps(rec) + "\n" for rec in plan)
                self.run("-q", "plan.jsonl")
                with open(os.path.join(self.folder, "out.jsonl"), "rb") as f:
                    got = f.read()
                if way == "hash" and build == "right" and not limit:
                    first = got
                    rows = [json.loads(line) for line in got.decode().splitlines()]
                    if rows != want:
                        at = next((i for i, (a, b) in enumerate(zip(rows, want)) if a != b), min(len(rows), len(want)))
                        return "%d records, not %d; first other: %d: %s, not %s" % (
                            len(rows), len(want), at, rows[at:at + 1], want[at:at + 1])
                elif got != first:
                    return "%s, %s, limit %s: other bytes" % (way, build, limit)
        return None


def one(seed, keep):
    folder = tempfile.mkdtemp(prefix="joins-%d-" % seed)
    try:
        wrong = Case(seed, folder).check()
    except (RuntimeError, ValueError) as e:
        wrong = str(e)
    if keep:
        print("%s\n%s" % (folder, wrong or "equal"))
    else:
        shutil.rmtree(folder)
        if wrong:
            sys.stderr.write("# seed %d: %s\n" % (seed, wrong))
    return wrong is None


def main():
    if len(sys.argv) > 1:
        return 0 if one(int(sys.argv[1]), True) else 1
    cases = int(os.environ.get("CASES", 1000 if os.environ.get("FORELINE_LONG") else 10))
    failed = [seed for seed in range(1, cases + 1) if not one(seed, False)]
    print("1..1")
    print("%s 1 - %d random joins are the same with every algorithm, and as sqlite3 computes them%s" % (
        "not ok" if failed else "ok", cases,
        " (not seeds %s)" % ", ".join(map(str, failed[:20])) if failed else ""))
    return 1 if failed else 0


sys.exit(main())
