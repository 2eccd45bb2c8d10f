#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Memory and processors of commands: hard limits of the pipeline file, soft ones of the plan.
# shellcheck disable=SC2016 # dollars belong to the commands
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
mkdir scratch
TMPDIR=$PWD/scratch
export TMPDIR
pipeline() {
    printf '{"pipeline": "%s", "stages": [%s]}\n' "$1" "$2" >"$1.json"
}
completion() {
    printf '%s\n' "$out" | tail -n 1 | jq -r "$1"
}
w='{"id":"w","op":"write","path":"out.csv"}'
r='{"id":"r","op":"read","path":"in.csv"}'
printf 'a,b\n1,2\n3,4\n' >in.csv

# -- memory --
cat >hog.py <<'END'
import sys, time
held = []
for i in range(int(sys.argv[1]) // 10):
    held.append(bytearray(b"x" * 10000000))
    time.sleep(0.005)
time.sleep(0.3)
END
hog() {
    printf '{"id":"c","op":"command","resources":{"memory_gb":%s},"retries":3,"run":"%s"}' "$1" "$2"
}
if command -v python3 >/dev/null; then
    pipeline m "$(hog 0.0625 'python3 hog.py 200 & wait $!')"
    run timeout 60 etl-run -p m.json
    like "$status|$err" "^5\|" "a command beyond its memory fails"
    like "$err" "^etl-run: stage 'c': out of memory: it held [0-9.]+ MiB, its limit is 64.0 MiB \(resources.memory_gb\): raise that, or let it need less$" "which is said to be so"
    unlike "$err" "trying again" "and not tried again, blindly, although it has retries"
    is "$(completion '.stages[0].allocated | [.memory_gb, .basis] | join(" ")')" "0.0625 resources" "the completion says what it had"
    like "$(completion '.stages[0].allocated.enforced')" '^(cgroup|watched)$' "and how that was kept"
    pipeline m "$r,$(hog 0.0625 'python3 hog.py 200' | sed 's/"op"/"input":"r","op"/'),$w"
    run timeout 60 etl-run -p m.json
    like "$status $(printf '%s' "$err" | tail -n 1)" "^5 etl-run: stage 'c': out of memory" "also when it takes rows"
    pipeline m "$(hog 0.5 'python3 hog.py 100')"
    run timeout 60 etl-run -p m.json
    is "$status|$(completion '.stages[0].peak_memory_bytes > 1e8')" "0|true" "one within its memory runs"
    # A plan's figure is soft: it gets more where there is more.
    printf '{"pipeline":"m","stages":[{"id":"c","op":"command","run":"python3 hog.py 200"}]}' >m.json
    etl-run --dry-run -p m.json 2>/dev/null |
        jq -c 'if .record == "plan" then .stages[0].memory_gb = 0.0625 elif .record == "execution_profile" then .stages[0].peak_memory_bytes = {p50: 2e8, p95: 3e8} else . end' >plan.jsonl
    run timeout 60 etl-run -v plan.jsonl
    status_is 0 "a command beyond what was planned for it goes on"
    like "$err" "needs more memory than 64.0 MiB \(its plan\): goes on with 358.0 MiB \(the predicted p95\)" "with the next allocation that the prediction offers"
    is "$(completion '.stages[0].allocated | [.memory_gb, .basis, .enforced] | map(tostring) | join(" ")')" "0.349609375 predicted watched" "as the completion says"
else
    skip "memory of commands" "python3 is not installed"
fi
pipeline n '{"id":"c","op":"command","resources":{"cpu_cores":1,"memory_gb":1},"run":"echo n; nproc"},'"$w"
run etl-run -p n.json
is "$status|$(cat out.csv)" "0|n
1" "a command with one core sees no other"
enforced=$(completion '.stages[0].allocated.enforced')
if [ -n "${FORELINE_LONG:-}" ] && [ "$enforced" != cgroup ]; then
    skip "a fork bomb" "no control group can be made here, and without one it would take this machine down"
elif [ -n "${FORELINE_LONG:-}" ]; then
    printf '{"pipeline":"b","stages":[{"id":"c","op":"command","resources":{"memory_gb":0.03125},"timeout_s":2,"run":"f() { f | f & f; }; f"}]}' >b.json
    run timeout 60 etl-run -q -p b.json
    like "$status $(printf '%s' "$err" | tail -n 1)" "^5 etl-run: stage 'c': (out of memory|timed out)" "a fork bomb is ended and told"
fi

groups=$(sed -n 's/^[0-9]*:memory://p; s/^0:://p' /proc/self/cgroup)
left=
for g in $groups; do
    for top in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/unified /sys/fs/cgroup/pids /sys/fs/cgroup/cpu; do
        for d in "$top$g"/foreline-*; do
            [ ! -d "$d" ] || [ -e "/proc/$(basename "$d" | cut -d - -f 2)" ] || left="$left $d"
        done
    done
done
is "$left" "" "nor a control group"

done_testing
