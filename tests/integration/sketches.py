#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apache DataSketches reads our images, and we read theirs. Run by sketches.sh."""
import base64
import bisect
import json
import os
import random
import subprocess
import sys

import datasketches as ds

PROGRAM = os.path.join(os.environ["builddir"], "tests", "integration", "sketch_images")
ETL_PROFILE = os.path.join(os.environ["builddir"], "tools", "etl-profile")
SCRATCH = os.environ["TMPDIR"]
cases = failed = 0


def ok(holds, name, note=""):
    global cases, failed
    cases += 1
    if not holds:
        failed += 1
    print("%sok %d - %s" % ("" if holds else "not ", cases, name), flush=True)
    if not holds and note:
        print("# %s" % (note,), file=sys.stderr)


def ours(kind, size, lines):
    text = "".join("%s\n" % line for line in lines).encode()
    return subprocess.run([PROGRAM, "write", kind, str(size)], input=text, check=True,
                          stdout=subprocess.PIPE).stdout


def read(kind, *images):
    paths = []
    for i, image in enumerate(images):
        paths.append(os.path.join(SCRATCH, "image%d" % i))
        with open(paths[-1], "wb") as f:
            f.write(image)
    out = subprocess.run([PROGRAM, "read", kind, *paths], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False)
    return json.loads(out.stdout) if out.returncode == 0 else out.stdout.decode()


def near(a, b, relative):
    return abs(a - b) <= relative * max(abs(a), abs(b))


def words(n, start=0):
    return ["v%d" % i for i in range(start, start + n)]


def their_hll(lg_k, kind, values):
    h = ds.hll_sketch(lg_k, kind)
    for v in values:
        h.update(v)
    return h


def registers(h):
    """What decides: all coupons, whatever their order, or the array of HLL_8."""
    image = h.serialize_compact()
    mode = image[7] & 3
    if mode == 2:
        return image[40:]
    start = 8 if mode == 0 else 12
    return sorted(image[i:i + 4] for i in range(start, len(image), 4))


def hll():
    for lg_k, n in [(15, 0), (15, 1), (15, 7), (15, 8), (15, 24), (15, 3072), (15, 3073),
                    (15, 4096), (15, 4097), (15, 100000), (12, 380), (12, 385), (12, 50000),
                    (7, 3), (7, 9), (4, 1000), (21, 3000)]:
        values = words(n)
        image = ours("hll", lg_k, values)
        h = ds.hll_sketch.deserialize(image)
        reference = their_hll(lg_k, ds.HLL_8, values)
        bound = 3.0 * 1.04 / (2 ** lg_k) ** 0.5
        ok(h.lg_config_k == lg_k and near(h.get_estimate(), n, bound),
           "they read our hll of %d values, lg_k %d" % (n, lg_k), h.get_estimate())
        ok(registers(h) == registers(reference),
           "and it is what they make of the same %d values" % n)
    for kind in (ds.HLL_4, ds.HLL_6, ds.HLL_8):
        for lg_k, n in [(12, 0), (12, 5), (12, 100), (12, 1000), (12, 100000), (6, 30), (17, 20000)]:
            h = their_hll(lg_k, kind, words(n))
            reference = read("hll", ours("hll", lg_k, words(n)))
            for form in (h.serialize_compact(), h.serialize_updatable()):
                ok(read("hll", form) == reference,
                   "we read their %s of %d values, lg_k %d" % (kind.name, n, lg_k),
                   (read("hll", form), reference))
    a, b = words(40000), words(40000, 20000)
    both = read("hll", ours("hll", 12, words(60000)))
    for kind in (ds.HLL_4, ds.HLL_6, ds.HLL_8):
        union = read("hll", ours("hll", 12, a), their_hll(12, kind, b).serialize_compact())
        ok(union == both, "a union of ours and their %s counts a value once" % kind.name)
    union = read("hll", ours("hll", 15, a), their_hll(12, ds.HLL_8, b).serialize_compact())
    ok(union == both, "also with another lg_k: it is that of the smaller")
    u = ds.hll_union(12)
    u.update(ds.hll_sketch.deserialize(ours("hll", 12, a)))
    u.update(their_hll(12, ds.HLL_8, b))
    ok(near(u.get_estimate(), both["estimate"], 0.01), "their union of both agrees with ours",
       (u.get_estimate(), both["estimate"]))
    odd = ["", "a", "\u00e4\u00f6\u00fc", "x" * 1000, "12345678", "123456789012345", "1234567890123456"]
    ok(registers(ds.hll_sketch.deserialize(ours("hll", 12, odd[1:]))) ==
       registers(their_hll(12, ds.HLL_8, odd)),
       "texts of all lengths hash alike; they pass over the empty one")


def kll():
    rng = random.Random(7)
    for n, k in [(0, 4096), (1, 4096), (2, 4096), (4000, 4096), (4097, 4096), (50000, 4096),
                 (150000, 4096), (50000, 256), (1000, 64)]:
        values = [round(rng.gauss(100, 30), 3) for _ in range(n)]
        s = ds.kll_doubles_sketch.deserialize(ours("kll", k, values))
        holds = s.n == n and s.is_empty() == (n == 0)
        values.sort()
        error = s.normalized_rank_error(False)
        if n > 0:
            holds = holds and s.get_min_value() == values[0] and s.get_max_value() == values[-1]
            holds = holds and near(error, 2.296 / k ** 0.9723, 1e-9)
            for p in range(1, 100):
                q = s.get_quantile(p / 100)
                low = bisect.bisect_left(values, q) / n
                high = bisect.bisect_right(values, q) / n
                holds = holds and low - error - 1 / n <= p / 100 <= high + error + 1 / n
        ok(holds, "they read our kll of %d values, k %d, and its error is its own" % (n, k))
    s = ds.kll_doubles_sketch.deserialize(ours("kll", 4096, range(100000)))
    for v in range(100000, 200000):
        s.update(v)
    other = ds.kll_doubles_sketch(200)
    for v in range(200000, 300000):
        other.update(v)
    s.merge(other)
    ok(s.n == 300000 and abs(s.get_rank(150000) - 0.5) < 0.02, "they go on with ours and merge it")
    for n, k in [(0, 200), (1, 200), (2, 200), (500, 200), (30000, 200), (30000, 8), (60000, 4096)]:
        s = ds.kll_doubles_sketch(k)
        values = [rng.random() for _ in range(n)]
        for v in values:
            s.update(v)
        values.sort()
        got = read("kll", s.serialize())
        holds = not isinstance(got, str) and got["n"] == n
        if holds and n > 0:
            error = 1.5 * s.normalized_rank_error(False) + 1 / n
            holds = got["min"] == values[0] and got["max"] == values[-1]
            for i, q in enumerate(got["quantiles"]):
                rank = bisect.bisect_right(values, q) / n
                holds = holds and abs(rank - (i + 1) / 100) <= error
        ok(holds, "we read their kll of %d values, k %d" % (n, k), got)
    a = ds.kll_doubles_sketch(1000)
    for v in range(50000):
        a.update(v)
    got = read("kll", ours("kll", 1000, range(50000, 100000)), a.serialize())
    ok(got["n"] == 100000 and abs(got["quantiles"][49] - 50000) < 500, "and merge it with ours", got)


def frequent():
    rng = random.Random(11)

    def draw(n):
        return ["w%d" % int(rng.paretovariate(1.1)) for _ in range(n)]

    def counts_of(values):
        counts = {}
        for v in values:
            counts[v] = counts.get(v, 0) + 1
        return counts

    def bounds_hold(items, error, counts):
        seen = {text for text, _, _ in items}
        return all(low <= counts.get(text, 0) <= high for text, low, high in items) and \
            all(count <= error for text, count in counts.items() if text not in seen)

    for n, lg in [(0, 12), (1, 12), (2000, 12), (200000, 12), (100000, 6), (30000, 4)]:
        values = draw(n)
        f = ds.frequent_strings_sketch.deserialize(ours("frequent", lg, values))
        items = [(t, low, high) for t, _, low, high in
                 f.get_frequent_items(ds.frequent_items_error_type.NO_FALSE_NEGATIVES, 0)]
        error = f.get_upper_bound("a value that nobody has seen")
        ok(f.total_weight == n and bounds_hold(items, error, counts_of(values)),
           "they read our frequent items of %d values, 2^%d" % (n, lg))
    for n, lg in [(0, 12), (1, 12), (200000, 12), (100000, 6), (30000, 3)]:
        values = draw(n)
        f = ds.frequent_strings_sketch(lg)
        for v in values:
            f.update(v)
        got = read("frequent", f.serialize())
        ok(not isinstance(got, str) and got["total"] == n and
           bounds_hold(got["items"], got["error"], counts_of(values)),
           "we read their frequent items of %d values, 2^%d" % (n, lg), got)
        more = draw(20000)
        got = read("frequent", ours("frequent", lg if lg > 4 else 4, more), f.serialize())
        ok(got["total"] == n + 20000 and
           bounds_hold(got["items"], got["error"], counts_of(values + more)),
           "and merge them with ours")
    f = ds.frequent_strings_sketch(8)
    f.update("", 3)
    f.update("\u00e4" * 300, 5)
    got = read("frequent", f.serialize())
    ok(got["items"] == [["\u00e4" * 128, 5, 5], ["", 3, 3]], "texts are cut at a character", got)


def merged(sketches, profile):
    """The profile that etl-profile makes of these records."""
    path, out = os.path.join(SCRATCH, "records"), os.path.join(SCRATCH, "merged")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(line) + "\n" for line in [profile, *sketches])
    subprocess.run([ETL_PROFILE, "--merge", "-q", "--records", out, path], check=True)
    with open(out, encoding="utf-8") as f:
        return json.load(f)


def records():
    """What etl-profile --sketches writes of data with all kinds of values."""
    rng = random.Random(5)
    path = os.path.join(SCRATCH, "data.csv")
    rows = [(i, round(rng.gauss(0, 1), 4), rng.choice("abcde")) for i in range(30000)]
    with open(path, "w", encoding="utf-8") as f:
        f.write("id,number,letter\n")
        f.writelines("%d,%s,%s\n" % row for row in rows)
    out = subprocess.run([ETL_PROFILE, "--sketches", path], check=True, stdout=subprocess.PIPE).stdout
    profile, *sketches = [json.loads(line) for line in out.splitlines()]
    images = {(s["column"], s["kind"]): base64.b64decode(s["image"]) for s in sketches}
    for i, column in enumerate(profile["columns"]):
        name = column["name"]
        h = ds.hll_sketch.deserialize(images[name, "hll"])
        ok(abs(h.get_estimate() - column["distinct"]) <= 0.02 * column["distinct"],
           "distinct values of %s" % name, (h.get_estimate(), column["distinct"]))
        u = ds.hll_union(15)
        u.update(h)
        u.update(their_hll(15, ds.HLL_4, [str(row[i]) for row in rows]))
        ok(registers(u.get_result(ds.HLL_8)) == registers(h) or len(images[name, "hll"]) < 100,
           "the same values, put into a union, change nothing in %s" % name)
        f = ds.frequent_strings_sketch.deserialize(images[name, "frequent_items"])
        ok(f.total_weight == 30000 and all(
            f.get_lower_bound(t["value"]) <= t["count"] <= f.get_upper_bound(t["value"])
            for t in column["top"]), "frequent values of %s" % name)
    k = ds.kll_doubles_sketch.deserialize(images["number", "kll"])
    ok(all(abs(k.get_quantile(float(p)) - q) < 0.02
           for p, q in profile["columns"][1]["quantiles"].items()), "quantiles")
    theirs = {"hll": their_hll(15, ds.HLL_4, [str(row[0]) for row in rows]).serialize_compact()}
    k, f = ds.kll_doubles_sketch(1000), ds.frequent_strings_sketch(12)
    for row in rows:
        k.update(row[0])
        f.update(str(row[0]))
    theirs["kll"], theirs["frequent_items"] = k.serialize(), f.serialize()
    for s in sketches:
        if s["column"] == "id" and s["kind"] in theirs:
            s["image"] = base64.b64encode(theirs[s["kind"]]).decode()
    one, other = profile["columns"][0], merged(sketches, profile)["columns"][0]
    ok(one["distinct"] == other["distinct"] and all(
        abs(q - other["quantiles"][p]) < 300 for p, q in one["quantiles"].items()),
       "their sketches can stand in the place of ours", other)


hll()
kll()
frequent()
records()
print("1..%d" % cases)
sys.exit(failed > 0)
