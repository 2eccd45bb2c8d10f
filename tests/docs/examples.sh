#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the documents tell people to type works as it stands, in a copy of share/examples: README's blocks
# marked "sh run" (with a "text output" block behind, it is what they print), the examples of each
# tool's --help, and those of the man pages behind a line `.\" run`.
. "${srcdir:?}/tests/cli/lib.sh"

# A folder of its own, so that what one document leaves behind does not help another.
enter() {
    rm -rf "$TMPDIR/examples-$1" "$XDG_STATE_HOME"
    cp -R "$srcdir/share/examples" "$TMPDIR/examples-$1"
    chmod -R u+w "$TMPDIR/examples-$1"
    cd "$TMPDIR/examples-$1" || exit 1
}

# The command succeeds, without a word on stderr, and prints what is expected where that is known.
works() {
    run sh -e "$1"
    is "$status|$err" "0|" "$2"
    if [ -e "$3" ]; then
        same "$out_file" "$3" "$2: output"
    fi
}

# N.sh and, when the output is given, N.out.
mkdir "$TMPDIR/readme"
awk -v dir="$TMPDIR/readme" '
    /^```sh run$/ { file = dir "/" ++n ".sh"; next }
    /^```text output$/ { file = dir "/" n ".out"; next }
    /^```/ { file = ""; next }
    file != "" { print > file }
    END { print n + 0 > (dir "/count") }' "$srcdir/README.md"
enter readme
n=0
while [ "$n" -lt "$(cat "$TMPDIR/readme/count")" ]; do
    n=$((n + 1))
    works "$TMPDIR/readme/$n.sh" "README example $n: $(head -n 1 "$TMPDIR/readme/$n.sh")" "$TMPDIR/readme/$n.out"
done
ok "README has examples" test "$n" -gt 0

# A pipeline on this page is not only shown: it is checked.
awk '/^```json$/ { on = 1; next } /^```/ { on = 0 } on' "$srcdir/README.md" >shown.json
echo 'etl-run -p shown.json --validate' >"$TMPDIR/shown.sh"
works "$TMPDIR/shown.sh" "README's pipeline is valid" -

"$builddir/tests/docs/gendocs" --examples >"$TMPDIR/examples"
enter tools
etl-run -q -p delays.json >/dev/null 2>&1
tab=$(printf '\t')
while IFS=$tab read -r tool command; do
    printf '%s\n' "$command" >"$TMPDIR/example.sh"
    works "$TMPDIR/example.sh" "$tool --help: $command" - </dev/null # the list is not its input
done <"$TMPDIR/examples"

# Every kind and every field of the records that came out is described.
etl-profile flights.csv airports.csv | etl-predict -p delays.json | etl-plan | etl-run >all.jsonl 2>/dev/null
{
    etl-lineage runs
    etl-lineage show
    etl-lineage show flights.csv
    etl-lineage show "$(etl-lineage runs --limit 1 | jq -r .run_id)"
    etl-lineage upstream delays.csv
    etl-run -p delays.json --mode sampling --sample 20%
} >>all.jsonl 2>/dev/null
jq -r 'select(.record) | .record, keys[]' all.jsonl | sort -u |
    while read -r word; do
        sed 's/^\.Bl .*//' "$srcdir/share/man/etl-records.5" | grep -qw -e "$word" || echo "$word"
    done >undescribed
is "$(cat undescribed)" "" "etl-records(5) describes every field"
is "$(jq -r 'select(.record) | .record' all.jsonl | sort -u | tr '\n' ' ')" \
    "access completion dataset environment estimate execution_profile node pipeline plan profile run sighting " \
    "there was one of each kind"

for page in foreline.7 etl-records.5; do
    mkdir "$TMPDIR/$page"
    awk -v dir="$TMPDIR/$page" '
        /^\.\\" run$/ { want = 1; next }
        /^\.Bd / && want { file = dir "/" ++n ".sh"; want = 0; next }
        /^\.Ed/ { file = ""; next }
        file != "" { gsub(/\\-/, "-"); gsub(/\\\(dq/, "\""); gsub(/\\\(aq/, "\047"); gsub(/\\e/, "\\"); print > file }' \
        "$srcdir/share/man/$page"
    enter "$page"
    for f in "$TMPDIR/$page"/*.sh; do
        works "$f" "$page: $(head -n 1 "$f")" -
    done
done
done_testing
