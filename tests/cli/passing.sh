#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How filters treat the bytes of their input and output: CR LF, empty lines, no newline at the end, lines
# that are not JSON, long lines, a stdout or stdin that fails. (tests/chain shows the chain at work.)
. "${srcdir:?}/tests/cli/lib.sh"
cp "$srcdir"/share/examples/*.csv "$srcdir/share/examples/delays.json" .

# Known and unknown records, a newer version, odd spacing, numbers that a double cannot hold, CR LF, empty
# lines, values that are no objects, and no newline at the end.
{
    printf '{"record":"profile","v":1,"dataset":"x","volume":{"records":1,"bytes":2},"columns":[]}\n'
    printf '{"record":"unheard_of","v":1,"n":9007199254740993,"m":1.50}\n'
    printf '{ "record" : "plan",  "v": 2, "later": true }\n\n'
    printf '{"eventType":"START","run":{"runId":"0"}}\r\n'
    printf '   \t\n[1, 2]\nnull\n"text"\n{"\\u00e9":"\303\251"}\n{}'
} >lines
size=$(wc -c <lines)

# forwards NAME STATUS TOOL ARG…: STATUS is an extended regular expression.
forwards() {
    _what=$1 _want=$2
    shift 2
    _tool=$1
    run "$@" <lines
    head -c "$size" "$out_file" >first
    same first lines "$_what forwards every byte"
    like "$status" "^($_want)\$" "$_what: status"
    unlike "$err" 'not JSON' "$_what takes all of that as JSON"
    if [ "$(wc -c <"$out_file")" -gt "$size" ]; then
        tail -c +$((size + 1)) "$out_file" >rest
        is "$(head -c 1 rest | od -An -c | tr -d ' ')" '\n' "$_what begins its own records on a new line"
        ok "$_what writes JSON lines" jq -e . rest
    fi
    # The same with lines that are not JSON, the second and the fourth.
    printf '{"a":1}\nnot json\n{}\n{"record":\n' >bad
    run "$@" <bad
    head -n 4 "$out_file" >first
    same first bad "$_what forwards what is not JSON"
    like "$err" "^$_tool: stdin:2: not JSON: " "$_what reports line 2"
    like "$err" "^$_tool: stdin:4: not JSON: " "$_what reports line 4"
    # A line of 1 MiB, and an output that fails.
    awk 'BEGIN { printf "{\"long\":\""; for (i = 0; i < 65536; i++) printf "0123456789abcdef"; print "\"}" }' >long
    run "$@" <long
    head -n 1 "$out_file" >first
    same first long "$_what forwards a line of 1 MiB"
    run sh -c 'f=$1; shift; "$@" <"$f" >/dev/full' sh long "$@"
    is "$status" 4 "$_what: a full disk is status 4"
    like "$err" "^$_tool: cannot write to stdout: No space left on device\$" "$_what: a full disk is named"
    run sh -c 'f=$1; shift; "$@" <"$f" >&-' sh long "$@"
    is "$status" 4 "$_what: a closed stdout is status 4"
    run sh -c 'f=$1; shift; { "$@" <"$f"; echo "$?" >&2; } | head -c 1 >/dev/null' sh long "$@"
    unlike "$err" 'Broken pipe|cannot write' "$_what: a reader that leaves is no error"
    run "$@" <&-
    is "$status" 4 "$_what: a closed stdin is status 4"
}
forwards etl-predict 0 etl-predict -p delays.json
forwards etl-plan 3 etl-plan
forwards etl-run 3 etl-run
forwards 'etl-lineage add' 0 etl-lineage add
done_testing
