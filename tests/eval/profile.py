#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# How true etl-profile is (`make eval-profile`): its records beside an independent computation in plain
# Python, over real files and over the data of the bench, with the floor of each figure beside it. Not a
# test: the data is not ours. Ends with status 1 when a floor is missed.
#   usage: profile BUILD DATA BYTES      BUILD has tools/ and tests/, DATA has profile/
import bisect
import collections
import datetime
import gzip
import json
import math
import os
import re
import subprocess
import sys
import tempfile

BUILD, DATA, BYTES = sys.argv[1:4]
PROFILE = os.path.join(BUILD, "tools", "etl-profile")
QUOTED = re.compile(r'"((?:[^"]|"")*)"(?=[,\r\n]|\Z)')
PLAIN = re.compile(r"[^,\r\n]*")
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?"
                       r"([Zz]|[-+][0-9]{2}:?[0-9]{2})?\Z")
SPELLINGS = ("", " ", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NULL", "null", "Null", "None",
             "none", "NONE", "nil", "NaN", "nan", "NAN", "\\N", "-", "--", "?", ".")
rows, missed = [], False


def row(what, got, floor, good):
    global missed
    missed = missed or not good
    rows.append((what, got, floor, "ok" if good else "MISSED"))


def records(text):
    """(first line, [value or None]) of each record; a quoted empty field is a value."""
    pos, line = 0, 1
    while pos < len(text):
        began, fields = line, []
        while True:
            m = QUOTED.match(text, pos)
            if m:
                fields.append(m.group(1).replace('""', '"'))
            else:
                m = PLAIN.match(text, pos)
                fields.append(m.group(0) or None)
            line += text.count("\n", pos, m.end())
            pos = m.end()
            if text[pos:pos + 1] != ",":
                break
            pos += 1
        if text[pos:pos + 2] == "\r\n":
            pos += 2
            line += 1
        elif pos < len(text):
            line += 1
            pos += 1
        yield began, fields


def is_date(s):
    m = DATE.match(s)
    try:
        return m is not None and datetime.date(*map(int, m.groups())) is not None
    except ValueError:
        return False


def kind(s):
    first = s[:1]
    if first in "-0123456789" and first:
        if INTEGER.match(s):
            return "integer" if -2 ** 63 <= int(s) < 2 ** 63 else "string"
        if FLOAT.match(s):
            return "float" if math.isfinite(float(s)) else "string"
        if is_date(s):
            return "date"
        m = TIMESTAMP.match(s)
        if m and is_date(m.group(1)) and int(m.group(2)) < 24 and int(m.group(3)) < 60 and int(m.group(4)) < 60:
            return "timestamp"
    return "boolean" if s in ("true", "false", "True", "False", "TRUE", "FALSE") else "string"


def order(values):
    up = any(a < b for a, b in zip(values, values[1:]))
    down = any(a > b for a, b in zip(values, values[1:]))
    tied = any(a == b for a, b in zip(values, values[1:]))
    if len(values) < 2:
        return None
    if up and down:
        return "none"
    return "constant" if not up and not down else \
        ("" if tied else "strictly_") + ("increasing" if up else "decreasing")


def quantile(xs, p):
    pos = p * (len(xs) - 1)
    lo = math.floor(pos)
    return xs[lo] + (pos - lo) * (xs[min(lo + 1, len(xs) - 1)] - xs[lo])


def rank_error(xs, p, q):
    """How far q lies from the rank that was asked for, as a share of the values."""
    want, left, right = p * (len(xs) - 1), bisect.bisect_left(xs, q), bisect.bisect_right(xs, q)
    low, high = (left, right - 1) if right > left else (left - 1, left)
    return max(0.0, low - want, want - high) / len(xs)


def close(a, b, tolerance):
    return a == b or (a is not None and b is not None and abs(a - b) <= tolerance * max(1.0, abs(b)))


class Sums:
    """What all columns of a part of the report give together."""

    def __init__(self):
        self.wrong, self.columns, self.values = [], 0, 0
        self.distinct, self.ranks, self.bound, self.missed_top = [], [], 0, []


def numbers(sums, where, c, values):
    xs = sorted(float(v) for v in values)
    n, mean = len(xs), math.fsum(xs) / len(xs)
    if not close(c["mean"], mean, 1e-12):
        sums.wrong.append("%s: mean %r, not %r" % (where, c["mean"], mean))
    if n > 1:
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in xs) / (n - 1))
        if not close(c["stddev"], deviation, 1e-12):
            sums.wrong.append("%s: stddev %r, not %r" % (where, c["stddev"], deviation))
    if not close(float(c["min"]), xs[0], 0) or not close(float(c["max"]), xs[-1], 0):
        sums.wrong.append("%s: range %r to %r, not %r to %r" % (where, c["min"], c["max"], xs[0], xs[-1]))
    for p, q in c["quantiles"].items():
        if c["quantile_error"] == 0 and not close(q, quantile(xs, float(p)), 1e-12):
            sums.wrong.append("%s: quantile %s %r" % (where, p, q))
        error = rank_error(xs, float(p), q)
        sums.ranks.append(error)
        sums.bound += error > c["quantile_error"] + 1 / n


def heavy(sums, where, c, counts, n):
    """Nothing above 0.1 % is missing in the list of ten but what ten others surpass, and bounds hold."""
    listed = {t["value"].encode("utf-8"): t for t in c["top"]}
    for value, t in listed.items():
        true = counts.get(value)
        if true is not None and not t["count"] - t["error"] <= true <= t["count"]:
            sums.missed_top.append("%s: %r %d is not within its bounds" % (where, value, true))
    room = len(c["top"]) < 10
    least = min((t["count"] for t in c["top"]), default=0)
    for value, true in counts.most_common(11):
        if true > 0.001 * n and true > 1 and value[:256] not in listed and (room or true > least) and \
                "\ufffd" not in "".join(t["value"] for t in c["top"]):
            sums.missed_top.append("%s: %r (%d) is missing" % (where, value, true))


def column(sums, where, c, cells):
    """cells: (line, text or None) of each record; texts hold bytes as Latin-1."""
    values = [v for _, v in cells if v is not None]
    sums.columns += 1
    sums.values += len(values)
    kinds, first = collections.Counter(), {}
    for line, v in cells:
        if v is not None:
            k = kind(v)
            kinds[k] += 1
            first.setdefault(k, line)
    for what, got, want in (("nulls", c["nulls"], len(cells) - len(values)), ("types", c["types"], dict(kinds)),
                            ("first lines", c["first_lines"], first),
                            ("spellings", c["null_spellings"],
                             {" " if s.strip(" \t\r\n") == "" and s else s: k for s, k in
                              blanks(collections.Counter(values)).items()})):
        if got != want:
            sums.wrong.append("%s: %s %r, not %r" % (where, what, got, want))
    if not values:
        return
    counts = collections.Counter(v.encode("latin-1") for v in values)
    sums.distinct.append(abs(c["distinct"] - len(counts)) / len(counts))
    if len(counts) <= 4096 and c["distinct"] != len(counts):
        sums.wrong.append("%s: %r distinct, not %d" % (where, c["distinct"], len(counts)))
    number = set(kinds) <= {"integer", "float"}
    ordered = [int(v) if kinds["float"] == 0 else float(v) for v in values] if number else \
        [v.encode("latin-1") for v in values]
    if c["type"] != "json" and c["monotone"] != order(ordered):
        sums.wrong.append("%s: monotone %r, not %r" % (where, c["monotone"], order(ordered)))
    if c["unique"] is not None and c["unique"] != (len(counts) == len(values)):
        sums.wrong.append("%s: unique %r" % (where, c["unique"]))
    lengths = c["length_bytes"]
    if (lengths["min"], lengths["max"]) != (min(map(len, values)), max(map(len, values))):
        sums.wrong.append("%s: lengths %r" % (where, lengths))
    if number:
        numbers(sums, where, c, values)
    heavy(sums, where, c, counts, len(values))


def blanks(counter):
    out = collections.Counter()
    for s, k in counter.items():
        if s in SPELLINGS:
            out[s] += k
        elif s.strip(" \t\r\n") == "":
            out[" "] += k
    return out


def profile(path):
    p = subprocess.run([PROFILE, "--dataset", "d", path], capture_output=True, check=False,
                       env=dict(os.environ, FORELINE_STORE="/nowhere/store.db"))
    record = json.loads(p.stdout) if p.returncode == 0 else None
    return p.returncode, record


def table(sums, path, record, text):
    data = list(records(text))[1:]
    data = [(line, f) for line, f in data if f != [None] or len(record["columns"]) == 1]
    for i, c in enumerate(record["columns"]):
        cells = [(line, f[i] if i < len(f) else None) for line, f in data]
        column(sums, "%s: %s" % (os.path.basename(path), c["name"]), c, cells)


def real_files():
    folder = os.path.join(DATA, "profile", "fivethirtyeight")
    if not os.path.isdir(folder):
        print("eval-profile: real files skipped: no folder %s (set FORELINE_DATA)" % folder)
        return
    sums, ended, shape, latin, all_latin, n = Sums(), 0, 0, 0, 0, 0
    for entry in open(os.path.join(folder, "expected.tsv"), encoding="utf-8").read().split("\n")[1:]:
        if not entry:
            continue
        name, _, utf8, want_rows, want_columns = entry.split("\t")[:5]
        path = os.path.join(folder, name)
        path = path if os.path.exists(path) else path + ".gz"
        raw = gzip.open(path).read() if path.endswith(".gz") else open(path, "rb").read()
        raw = raw[3:] if raw.startswith(b"\xef\xbb\xbf") else raw
        n += 1
        status, record = profile(path)
        ended += status == 0
        if record is None:
            print("  %s: status %d" % (name, status))
            continue
        good = record["volume"]["records"] + 1 == int(want_rows) and len(record["columns"]) == int(want_columns)
        shape += good
        if not good:
            print("  %s: %d records of %d columns" % (name, record["volume"]["records"], len(record["columns"])))
        said = any(i["rule"] == "invalid_utf8" and i["first_line"] > 0 for i in record["quality"]["issues"])
        all_latin += utf8 == "no"
        latin += utf8 == "no" and said
        if utf8 != "no" and said:
            sums.wrong.append("%s: said not to be UTF-8" % name)
        table(sums, path, record, raw.decode("latin-1"))
        if name.startswith("nutrition-studies__p_values"):
            na = [i for i in record["quality"]["issues"]
                  if i["rule"] == "null_spelling" and i["column"] == "p_values" and i["value"] == "NA"]
            row("NA of the p-values named in line", na[0]["first_line"] if na else None, "25342",
                bool(na) and na[0]["first_line"] == 25342)
    row("real files profiled", "%d of %d" % (ended, n), "all", ended == n)
    row("their records and columns", "%d of %d" % (shape, n), "all", shape == n)
    row("Latin-1 said, with a line", "%d of %d" % (latin, all_latin), "all", latin == all_latin)
    row("columns whose exact figures are right", "%d of %d" % (
        sums.columns - len({w.rsplit(": ", 1)[0] for w in sums.wrong}), sums.columns), "all", not sums.wrong)
    estimates("real files", sums)
    for w in sums.wrong[:20] + sums.missed_top[:20]:
        print("  " + w)


def estimates(name, sums):
    row(name + ": distinct, worst error", "%.2f %%" % (100 * max(sums.distinct)), "2 %", max(sums.distinct) <= 0.02)
    mean = sum(sums.distinct) / len(sums.distinct)
    row(name + ": distinct, mean error", "%.3f %%" % (100 * mean), "0.6 %", mean <= 0.006)
    mean = sum(sums.ranks) / len(sums.ranks)
    row(name + ": quantiles, mean rank error", "%.4f %%" % (100 * mean), "0.02 %", mean <= 0.0002)
    row(name + ": quantiles, worst rank error", "%.4f %%" % (100 * max(sums.ranks)), "0.2 %", max(sums.ranks) <= 0.002)
    row(name + ": quantiles beyond their bound", "%d of %d" % (sums.bound, len(sums.ranks)), "1 %",
        sums.bound <= max(1, len(sums.ranks) / 100))
    row(name + ": frequent values missed or off", str(len(sums.missed_top)), "0", not sums.missed_top)


def generated():
    sums = Sums()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "generated.csv")
        with open(path, "wb") as out:
            subprocess.run([os.path.join(BUILD, "tests", "bench", "generate"), BYTES], stdout=out, check=True)
        status, record = profile(path)
        if record is None:
            row("the data of the bench", "status %d" % status, "0", False)
            return
        table(sums, path, record, open(path, encoding="latin-1", newline="").read())
    row("the data of the bench: columns right", "%d of %d" % (
        sums.columns - len({w.rsplit(": ", 1)[0] for w in sums.wrong}), sums.columns), "all", not sums.wrong)
    estimates("bench, %s" % BYTES, sums)
    for w in sums.wrong[:20] + sums.missed_top[:20]:
        print("  " + w)


def odd_files(name, floor):
    folder = os.path.join(DATA, "profile", name)
    if not os.path.isdir(folder):
        print("eval-profile: %s skipped: no folder %s (set FORELINE_DATA)" % (name, folder))
        return
    program = os.path.join(BUILD, "tests", "eval", name.replace("-", "_"))
    out = subprocess.run([program, folder], capture_output=True, text=True, check=True).stdout
    right, n = map(int, re.search(r"(\d+) of (\d+) right", out.split("\n")[-2]).groups())
    found = re.search(r"(\d+) when the dialect is found", out.split("\n")[-2])
    flawed = re.search(r"; ([1-9]\d*) of the others differ", out)
    if flawed:
        print("  %s: %s of its files differ in nothing but a text that is expected of them and that they do not hold" %
              (name, flawed.group(1)))
    row("%s: files read right" % name, "%d of %d" % (right, n), "%g %%" % (100 * floor), right >= floor * n)
    if found:
        row("%s: with the dialect found" % name, "%s of %d" % (found.group(1), n), "%g %%" % (100 * floor),
            int(found.group(1)) >= floor * n)


real_files()
generated()
odd_files("pollock", 0.98)
odd_files("csv-spectrum", 1)
width = [max(len(str(r[i])) for r in rows) for i in range(3)]
for r in rows:
    print("%-*s  %*s  %*s  %s" % (width[0], r[0], width[1], r[1], width[2], r[2], r[3]))
print("eval-profile: %d of %d floors held" % (sum(r[3] == "ok" for r in rows), len(rows)))
sys.exit(missed)
