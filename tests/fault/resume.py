#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at any instant: `etl-run --resume`, killed itself now and then, ends with the outputs of a run
that nobody killed, byte for byte, and runs no command twice that the journal knew to have ended.

Kills come after a random time, or right before a random write, fsync, rename or unlink (preload.so).
20 seeded kills; with FORELINE_LONG=1 1,000. By hand:
    builddir=$PWD tests/fault/resume.py SEED    runs one case and keeps its folder
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["builddir"]
ETL_RUN = os.path.join(BUILD, "tools", "etl-run")
PRELOAD = os.path.join(BUILD, "tests", "fault", "preload.so")
PRELOADS = subprocess.run([ETL_RUN, "--version"], env={"LD_PRELOAD": PRELOAD}, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0  # not with a sanitizer's runtime
OUTPUTS = ["sorted.csv", "joined.csv", "halfway.csv", "copy.csv"]
STAGES = [
    {"id": "orders", "op": "read", "path": "orders.csv"},
    {"id": "customers", "op": "read", "path": "customers.csv"},
    {"id": "halfway", "op": "write", "input": "orders", "path": "halfway.csv"},
    {"id": "copy", "op": "command", "after": ["halfway"], "reads": ["halfway.csv"],
     "writes": ["copy.csv"], "run": "cat halfway.csv >copy.csv"},
    {"id": "append", "op": "command", "after": ["copy"], "run": "echo once >>appended.log"},
    {"id": "again", "op": "read", "path": "copy.csv"},
    {"id": "order", "op": "sort", "input": "again", "by": ["-amount", "customer"]},
    {"id": "sorted", "op": "write", "input": "order", "path": "sorted.csv"},
    {"id": "pair", "op": "join", "inputs": ["again", "customers"], "on": ["customer"]},
    {"id": "joined", "op": "write", "input": "pair", "path": "joined.csv"},
    {"id": "load", "op": "command", "after": ["sorted", "joined"], "reads": ["joined.csv"],
     "run": "wc -l <joined.csv >>loaded.log"},
]


def lines_of(path):
    try:
        with open(path) as f:
            return len(f.readlines())
    except FileNotFoundError:
        return 0


class Case:
    def __init__(self, seed, folder):
        self.rng, self.folder = random.Random(seed), folder
        self.store = os.path.join(folder, "store.db")
        self.elsewhere = os.path.join(folder, "elsewhere")
        self.data = os.path.join(folder, "data")
        os.mkdir(self.data)
        os.mkdir(self.elsewhere)
        rng = random.Random(1)  # every case has the same data
        with open(self.path("orders.csv"), "w") as f:
            f.write("id,customer,amount\n")
            for i in range(3000):
                f.write("%d,%d,%d\n" % (i, rng.randrange(60), rng.randrange(500)))
        with open(self.path("customers.csv"), "w") as f:
            f.write("customer,name\n" + "".join("%d,c%d\n" % (i, i % 7) for i in range(50)))
        with open(self.path("p.json"), "w") as f:
            json.dump({"pipeline": "p", "stages": STAGES}, f)

    def path(self, name):
        return os.path.join(self.data, name)

    def start(self, *args, fault=None):
        env = {"PATH": os.environ["PATH"], "HOME": self.folder, "FORELINE_STORE": self.store,
               "TMPDIR": self.folder, "LC_ALL": "C.UTF-8"}
        if fault:
            env.update(LD_PRELOAD=PRELOAD, FORELINE_FAULT=fault)
        # Not in the folder of the data: whoever is there is a command.
        return subprocess.Popen([ETL_RUN, "-p", self.path("p.json"), "--records", self.path("records")]
                                + list(args), cwd=self.elsewhere, env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait_for_commands(self):
        """The guard ends the commands of a run that was killed; until then they may still do something."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            there = False
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    there = there or os.readlink("/proc/%s/cwd" % pid) == self.data
                except OSError:
                    pass
            if not there:
                return
            time.sleep(0.002)
        raise RuntimeError("a command outlived its run")

    def ended(self):
        """The commands that the journal to be resumed says have ended; None: there is no journal."""
        if not os.path.exists(self.store):
            return None
        db = sqlite3.connect(self.store)
        try:
            rows = db.execute("SELECT stage, body FROM journal JOIN run ON run.id = run "
                              "WHERE status <> 'completed'").fetchall()
        except sqlite3.OperationalError:
            rows = []  # killed before the store was made
        db.close()
        if not rows:
            return None
        return {s for s, body in rows if s and json.loads(body).get("step") == "ended"}

    def kill_one(self, *args):
        """Runs and kills; true when it was killed, false when it ended first."""
        calls = ["write:*", "fsync:*", "rename:*", "unlink:*", "write:*store.db*", "fsync:*store.db*"]
        if self.rng.random() < 0.5 and PRELOADS:
            p = self.start(*args, fault="%s:%d:KILL" % (self.rng.choice(calls), self.rng.randrange(1, 9)))
        else:
            p = self.start(*args)
            time.sleep(self.rng.random() * 0.07)
            p.send_signal(signal.SIGKILL)
        self.said = p.communicate()[1]
        self.wait_for_commands()
        if p.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError("status %d: %s" % (p.returncode, self.said))
        return p.returncode != 0

    def read(self):
        texts = {}
        for name in OUTPUTS:
            with open(self.path(name), "rb") as f:
                texts[name] = f.read()
        return texts

    def resume(self, kill):
        """One resume, or a first run when nothing was begun; true when it was killed."""
        known = self.ended()
        before = {log: lines_of(self.path(log)) for log in ("appended.log", "loaded.log")}
        args = [] if known is None else ["--resume"]
        if kill:
            killed = self.kill_one(*args)
        else:
            p = self.start(*args)
            self.said = p.communicate()[1]
            killed = False
            if p.returncode != 0:
                raise RuntimeError("resume: status %d: %s" % (p.returncode, self.said))
        for stage, log in (("append", "appended.log"), ("load", "loaded.log")):
            more = lines_of(self.path(log)) - before[log]
            most = 0 if known and stage in known else 1
            if more > most or (more < most and not killed):
                raise RuntimeError("stage '%s' ran %d times, not %d: %s" % (stage, more, most, self.said))
        return killed

    def check(self, want):
        left = self.rng.choice((1, 1, 1, 2, 3))  # kills
        kills = 0
        while left and self.resume(True):
            left -= 1
            kills += 1
        if left == 0:
            self.resume(False)
        got = self.read()
        for name in OUTPUTS:
            if got[name] != want[name]:
                raise RuntimeError("%s differs: %s" % (name, self.said))
        hidden = [n for n in os.listdir(self.data) if n.startswith(".")]
        if hidden:
            raise RuntimeError("left behind: %s" % hidden)
        return kills


def one(seed, want, keep):
    folder = tempfile.mkdtemp(prefix="resume-%d-" % seed)
    case = Case(seed, folder)
    kills, wrong = 0, None
    try:
        kills = case.check(want)
    except (RuntimeError, OSError) as e:
        wrong = str(e)
        sys.stderr.write("# seed %d: %s\n" % (seed, wrong))
    if keep:
        print("%s\n%s" % (folder, wrong or "equal after %d kills" % kills))
    else:
        shutil.rmtree(folder)
    return kills, wrong is None


def uninterrupted():
    folder = tempfile.mkdtemp(prefix="resume-")
    case = Case(0, folder)
    case.resume(False)
    want = case.read()
    shutil.rmtree(folder)
    return want


def main():
    want = uninterrupted()
    if len(sys.argv) > 1:
        return 0 if one(int(sys.argv[1]), want, True)[1] else 1
    least = 1000 if os.environ.get("FORELINE_LONG") else 20
    kills, seed, failed = 0, 0, []
    while kills < least and seed < 4 * least:
        seed += 1
        n, well = one(seed, want, False)
        kills += n
        if not well:
            failed.append(seed)
    print("1..2")
    print("%s 1 - after %d kills each resume ends with the outputs of a run that nobody killed%s" % (
        "not ok" if failed else "ok", kills,
        " (not seeds %s)" % ", ".join(map(str, failed[:20])) if failed else ""))
    print("%s 2 - that many kills hit a run" % ("ok" if kills >= least else "not ok"))
    return 1 if failed or kills < least else 0


sys.exit(main())
