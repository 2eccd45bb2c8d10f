#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people see on stderr while a pipeline runs: a live view on a terminal, lines of stages elsewhere."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

TOOL = os.path.join(os.environ["builddir"], "tools", "etl-run")
FRAME = re.compile("\r\x1b\\[[0-9]+A\x1b\\[J")
count = 0
failed = 0


def ok(good, name, *more):
    global count, failed
    count += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    for text in () if good else more:
        print("#   " + text.replace("\n", "\n#   "))


def on_terminal(rows, *args):
    """Runs it with stderr on a terminal of so many rows and 80 columns; what was written there."""
    pid, fd = pty.fork()
    if pid == 0:
        out = os.open("out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.execv(TOOL, [TOOL, *args])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    seen = b""
    while True:
        try:
            got = os.read(fd, 65536)
        except OSError:
            break
        if not got:
            break
        seen += got
    os.waitpid(pid, 0)
    return seen.decode()


def main():
    os.chdir(os.environ["TMPDIR"])
    os.environ["FORELINE_STORE"] = os.path.join(os.getcwd(), "store.db")
    with open("in.csv", "w") as f:
        f.write("n\n" + "".join("%d\n" % i for i in range(5000)))
    with open("slow.json", "w") as f:
        f.write('{"pipeline": "slow", "stages": [{"id": "rows", "op": "read", "path": "in.csv"},'
                ' {"id": "out", "op": "write", "path": "out.csv"},'
                ' {"id": "nap", "op": "command", "run": "sleep 2.4", "after": ["out"]}]}')
    with open("quick.json", "w") as f:
        f.write('{"pipeline": "quick", "stages": [{"id": "rows", "op": "read", "path": "in.csv"},'
                ' {"id": "out", "op": "write", "path": "out.csv"}]}')
    seen = on_terminal(24, "-p", "slow.json")
    frames = [f.replace("\x1b[K", "").replace("\r", "") for f in FRAME.split(seen)]
    ok(len(frames) >= 3, "a run of more than two seconds is shown again and again", seen)
    lines = frames[1].split("\n") if len(frames) > 1 else [""]
    ok(re.match("stage +operation +records +records/s +memory$", lines[0]), "with what the columns are", frames[0])
    ok(any(re.match("rows +read +5,000 +done ", x) for x in lines), "stages that have ended say so", frames[0])
    ok(any(re.match("nap +command ", x) for x in lines), "and those that run stand beside them", frames[0])
    ok(any(re.search("2\\.[0-9]+ s", x) for x in lines[4:]), "the time stands below", frames[0])
    ok(all(len(x) < 80 for f in frames for x in f.split("\n")), "no line is wider than the terminal")
    ok(frames[-1] == "", "at the end the view is gone", frames[-1])
    seen = on_terminal(3, "-p", "slow.json")
    tall = max(f.count("\n") for f in FRAME.split(seen))
    ok(0 < tall < 3, "a low terminal shows the last lines", seen)
    ok(on_terminal(24, "-p", "quick.json") == "", "a quick run shows nothing")
    ok(on_terminal(24, "-q", "-p", "slow.json") == "", "and with -q nothing is shown")
    done = subprocess.run([TOOL, "-p", "slow.json"], capture_output=True, text=True, check=False)
    want = ["stage 'rows': read, 5,000 records in ", "stage 'out': write, 5,000 records in ", "stage 'nap': command, "]
    got = done.stderr.splitlines()
    ok(len(got) == 3 and all(g.startswith("etl-run: " + w) for g, w in zip(got, want)),
       "elsewhere each stage has a line when it has ended", done.stderr)
    done = subprocess.run([TOOL, "-p", "quick.json"], capture_output=True, text=True, check=False)
    ok(done.stderr == "", "which a quick run does not need", done.stderr)
    print("1..%d" % count)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
