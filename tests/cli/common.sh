#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What every tool shares: help, version, usage errors, settings, a stdout that fails. What only one
# tool does is in its own test.
. "${srcdir:?}/tests/cli/lib.sh"

widest() {
    awk '{ if (length($0) > n) n = length($0) } END { print n + 0 }' "$1"
}

# The programs of the build, whatever else stands in their folder.
tools=
for tool in "$builddir"/tools/etl-*; do
    case ${tool##*/} in
    *.*) ;;
    *) [ ! -x "$tool" ] || tools="$tools ${tool##*/}" ;;
    esac
done
isnt "$tools" "" "there are tools"

for tool in $tools; do
    forms='auto, json, table'
    [ "$tool" != etl-profile ] || forms="$forms, html"
    run "$tool" --help
    status_is 0 "$tool --help has status 0"
    is "$err" "" "$tool --help says nothing on stderr"
    ok "$tool --help fits 80 columns" test "$(widest "$out_file")" -le 80
    like "$out" "^Usage: $tool( |$)" "$tool --help begins with the usage"
    examples=$(sed -n '/^Examples:$/,$p' "$out_file" | grep -c '^  # ')
    ok "$tool --help ends with examples" test "$examples" -ge 2

    run "$tool" --version
    status_is 0 "$tool --version has status 0"
    like "$out" "^$tool \(foreline\) [0-9]+\.[0-9]+\.[0-9]+" "$tool --version names tool and version"

    # Asked for help, whatever else is wrong.
    run env FORELINE_FORMAT=xml "$tool" --help --nonsense
    status_is 0 "$tool --help works with broken settings"

    usage_error "$tool: unknown option, with a suggestion" \
        "unknown option '--fromat'; did you mean '--format'?" "$tool" --fromat json
    usage_error "$tool: unknown letter" "unknown option '-@'" "$tool" -@
    usage_error "$tool: missing value" "option '--store' needs a value (URL)" "$tool" --store
    usage_error "$tool: value where none belongs" "option '--quiet' takes no value" "$tool" --quiet=1
    usage_error "$tool: bad value" "option '--format': 'xml' is not one of $forms" \
        "$tool" --format xml

    run env FORELINE_FORMAT=xml "$tool"
    is "$status|$err" "2|$tool: FORELINE_FORMAT: 'xml' is not one of $forms (see '$tool --help')" \
        "$tool: a bad variable is named"
    mkdir -p "$XDG_CONFIG_HOME/foreline"
    echo '{"format": "xml"}' >"$XDG_CONFIG_HOME/foreline/config.json"
    run "$tool"
    is "$status|$err" "2|$tool: $XDG_CONFIG_HOME/foreline/config.json: format: 'xml' is not one of $forms (see '$tool --help')" \
        "$tool: a bad configuration file is named"
    rm "$XDG_CONFIG_HOME/foreline/config.json"
    run "$tool" --config no/such.json
    is "$status|$err" "4|$tool: cannot open 'no/such.json': No such file or directory" \
        "$tool: a configuration file that was named must exist"

    run sh -c "$tool --help >/dev/full"
    is "$status|$err" "4|$tool: cannot write to stdout: No space left on device" "$tool: full disk"
    run sh -c "$tool --help >&-"
    is "$status|$err" "4|$tool: cannot write to stdout: Bad file descriptor" "$tool: closed stdout"
    run sh -c "$tool --help | head -n 1"
    is "$status|$err" "0|" "$tool: a reader that leaves early"
    run sh -c "$tool --version <&-"
    status_is 0 "$tool: a closed stdin does not matter to what does not read it"
done
done_testing
