# shellcheck shell=sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Support for tests of command lines. A test is a POSIX sh script that begins
#
#     #!/bin/sh
#     # SPDX-License-Identifier: GPL-3.0-or-later
#     # What it shows.
#     . "${srcdir:?}/tests/cli/lib.sh"
#
# and ends with `done_testing`. It stands in an empty folder of its own below $TMPDIR; the programs of
# the build tree come first in PATH; stdin is /dev/null; no FORELINE_* variable of the user is set. Then:
#
#     run CMD ARG…        runs it; $status, $out and $err (without newlines at the end), and the exact
#                         bytes in the files $out_file and $err_file. Takes redirections and
#                         here-documents. For a pipe or several commands: run sh -c '… | …'
#     status_is N NAME    the status of the last run is N
#     is GOT WANT NAME    two strings are equal
#     isnt GOT BAD NAME   two strings are not
#     like TEXT ERE NAME  a line of the text matches
#     unlike TEXT ERE NAME  none does
#     out_is NAME         the last stdout is, byte for byte, what comes on stdin (a here-document)
#     err_is NAME         the same of stderr
#     same A B NAME       two files are equal byte for byte
#     ok NAME CMD ARG…    the command succeeds
#     not_ok NAME CMD ARG…  it fails
#     usage_error NAME MESSAGE TOOL ARG…  runs it: status 2, nothing on stdout, and on stderr exactly
#                         "TOOL: MESSAGE (see 'TOOL --help')"
#     skip NAME WHY       counts as skipped
#     done_testing        prints the plan; the script's status says whether all passed
#
# A test that exports FORELINE_NOW=2026-11-20T10:00:00Z has records with that time.
set -u
: "${srcdir:?is set by tests/run}" "${builddir:?is set by tests/run}"
# By hand: srcdir=$PWD builddir=$PWD sh tests/cli/X.sh
if [ -z "${logs:-}" ]; then
    TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/foreline-test.XXXXXX") || exit 1
    trap 'rm -rf "$TMPDIR"' EXIT
    HOME=$TMPDIR XDG_STATE_HOME=$TMPDIR/state XDG_CONFIG_HOME=$TMPDIR/config LC_ALL=C.UTF-8
    export TMPDIR HOME XDG_STATE_HOME XDG_CONFIG_HOME LC_ALL
fi
for _v in $(env | sed -n 's/^\(FORELINE_[A-Z0-9_]*\)=.*/\1/p; s/^\(OPENLINEAGE_[A-Z0-9_]*\)=.*/\1/p'); do
    [ "$_v" = FORELINE_LONG ] || unset "$_v"
done
unset NO_COLOR COLUMNS _v
PATH=$builddir/tools:$PATH
export PATH
mkdir -p "$TMPDIR/.test" "$TMPDIR/work"
cd "$TMPDIR/work" || exit 1
exec </dev/null

out_file=$TMPDIR/.test/out err_file=$TMPDIR/.test/err want_file=$TMPDIR/.test/want
out='' err='' status=0
_n=0 _failed=0

run() {
    "$@" >"$out_file" 2>"$err_file"
    status=$?
    # A NUL cannot stand in a variable; the files have it.
    out=$(tr -d '\000' <"$out_file")
    err=$(tr -d '\000' <"$err_file")
    _ran="$*"
    return 0
}

_pass() {
    _n=$((_n + 1))
    echo "ok $_n - $1"
}

# Says what was wrong, on stderr, where tests/run finds it.
_fail() {
    _n=$((_n + 1))
    _failed=$((_failed + 1))
    echo "not ok $_n - $1"
    {
        echo "# $1"
        printf '%s\n' "$2" | head -n 40 | sed 's/^/#   /'
    } >&2
    return 1
}

is() {
    if [ "$1" = "$2" ]; then
        _pass "$3"
    else
        _fail "$3" "got:  $1
want: $2"
    fi
}

isnt() {
    if [ "$1" != "$2" ]; then
        _pass "$3"
    else
        _fail "$3" "got what it must not be: $1"
    fi
}

like() {
    if printf '%s\n' "$1" | grep -E -q -e "$2"; then
        _pass "$3"
    else
        _fail "$3" "no line matches: $2
got: $1"
    fi
}

unlike() {
    if printf '%s\n' "$1" | grep -E -q -e "$2"; then
        _fail "$3" "a line matches: $2
got: $1"
    else
        _pass "$3"
    fi
}

status_is() {
    if [ "$status" -eq "$1" ]; then
        _pass "$2"
    else
        _fail "$2" "status $status, not $1, of: ${_ran:-}
stderr: $err"
    fi
}

same() {
    if cmp -s "$1" "$2"; then
        _pass "$3"
    else
        _fail "$3" "$(diff -a "$1" "$2" 2>&1 | head -n 20)"
    fi
}

out_is() {
    cat >"$want_file"
    same "$out_file" "$want_file" "$1"
}

err_is() {
    cat >"$want_file"
    same "$err_file" "$want_file" "$1"
}

ok() {
    _name=$1
    shift
    if "$@" >"$want_file" 2>&1; then
        _pass "$_name"
    else
        _fail "$_name" "status $? of: $*
$(cat "$want_file")"
    fi
}

not_ok() {
    _name=$1
    shift
    if "$@" >"$want_file" 2>&1; then
        _fail "$_name" "succeeded: $*
$(cat "$want_file")"
    else
        _pass "$_name"
    fi
}

usage_error() {
    _name=$1 _message=$2
    shift 2
    run "$@"
    is "$status|$out|$err" "2||$1: $_message (see '$1 --help')" "$_name"
}

skip() {
    _n=$((_n + 1))
    echo "ok $_n - $1 # SKIP $2"
}

done_testing() {
    echo "1..$_n"
    [ "$_failed" -eq 0 ] && [ "$_n" -gt 0 ]
    exit
}
