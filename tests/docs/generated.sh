#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The option tables are sound; what is generated from them is current, lints, and loads in the shells.
. "${srcdir:?}/tests/cli/lib.sh"
gendocs=$builddir/tests/docs/gendocs

ok "the option tables are sound" "$gendocs" --check

# Stale or forgotten copies, in both directions.
ok "documents are generated" "$gendocs" .
for tool in $("$gendocs" --names); do
    for file in share/man/$tool.1 completions/bash/$tool completions/zsh/_$tool completions/fish/$tool.fish; do
        same "$file" "$srcdir/$file" "$file is current (make docs)"
    done
done
ls share/man/etl-*.1 completions/*/* >made 2>/dev/null
(cd "$srcdir" && ls share/man/etl-*.1 completions/*/* 2>/dev/null) >committed
same made committed "no page or completion of a tool that does not exist"

# The sample table has an option of every kind and all characters that need care.
mkdir sample
ok "the sample is generated" "$gendocs" --sample sample

if command -v mandoc >/dev/null; then
    # The pages as an installed tree: mandoc looks up what they refer to.
    mkdir -p man/man1 man/man5 man/man7
    cp "$srcdir"/share/man/*.1 man/man1 2>/dev/null
    cp "$srcdir"/share/man/*.5 man/man5 2>/dev/null
    cp "$srcdir"/share/man/*.7 man/man7 2>/dev/null
    for page in man/man?/*; do
        # Pages of other packages need not be installed.
        run env MANPATH="$PWD/man:" mandoc -T lint -W style "$page"
        is "$(printf '%s' "$out" | grep -v 'manual not found: Xr [^ef]')" "" "$page lints"
    done
    run mandoc -T lint -W style sample/share/man/etl-sample.1
    is "$(printf '%s' "$out" | grep -v 'referenced manual not found')" "" "the sample page lints"
    # Without the overstriking that makes letters bold.
    run sh -c 'mandoc -T ascii sample/share/man/etl-sample.1 | sed "s/.$(printf "\\b")//g"'
    # shellcheck disable=SC2016
    like "$out" 'A `quick` ~/look\^\.' "special characters of the table survive in the page"
    like "$out" "printf '%s\\\\n' one two" "examples can be copied from the page"
else
    skip "man pages lint" "mandoc is not installed"
fi

# bash: what a completion offers, by its own variables.
cat >complete.bash <<'E2'
file=$1 tool=$2
shift 2
source "$file"
COMP_WORDS=("$tool" "$@") COMP_CWORD=$# COMPREPLY=()
"_${tool//-/_}"
printf '%s\n' "${COMPREPLY[@]}" | sort
E2
offers() {
    bash complete.bash "sample/completions/bash/etl-sample" etl-sample "$@" 2>&1 | tr '\n' ' '
}
: >file.csv
: >p.json
mkdir -p dir
if command -v bash >/dev/null; then
    is "$(offers --fo)" "--format " "bash completes options"
    is "$(offers --format '')" "auto json table " "bash completes values"
    is "$(offers --format = t)" "table " "bash completes values behind an equals sign"
    is "$(offers --format =)" "auto json table " "bash completes values at an equals sign"
    is "$(offers -i c)" "csv " "bash completes values of letters"
    is "$(offers r)" "runs " "bash completes commands"
    is "$(offers runs fil)" "file.csv " "bash completes files as operands"
    is "$(offers -p '' | tr ' ' '\n' | grep -c json)" 1 "bash completes pipelines"
    is "$(offers --state di)" "dir " "bash completes folders"
    is "$(offers --dataset '')" " " "bash completes nothing where nothing can be known"
    for f in "$srcdir"/completions/bash/*; do
        [ -e "$f" ] || continue
        tool=${f##*/}
        is "$(bash complete.bash "$f" "$tool" --versio)" "--version" "$tool's bash completion works"
    done
    if command -v shellcheck >/dev/null; then
        ok "shellcheck reads bash completions" shellcheck sample/completions/bash/etl-sample
    else
        skip "shellcheck reads bash completions" "shellcheck is not installed"
    fi
else
    skip "bash completion" "bash is not installed"
fi

# fish says what it would offer.
fish_offers() {
    HOME=$TMPDIR fish --no-config -c "source $1; complete -C '$2'" 2>&1 | cut -f 1 | sort | tr '\n' ' '
}
if command -v fish >/dev/null; then
    sample=sample/completions/fish/etl-sample.fish
    is "$(fish_offers $sample 'etl-sample --form')" "--format " "fish completes options"
    is "$(fish_offers $sample 'etl-sample --format ')" "auto json table " "fish completes values"
    is "$(fish_offers $sample 'etl-sample -i ')" "csv jsonl tsv " "fish completes values of letters"
    is "$(fish_offers $sample 'etl-sample ru')" "runs " "fish completes commands"
    is "$(fish_offers $sample 'etl-sample runs fil')" "file.csv " "fish completes files as operands"
    is "$(fish_offers $sample 'etl-sample --state di')" "dir/ " "fish completes folders"
    for f in "$srcdir"/completions/fish/*.fish; do
        [ -e "$f" ] || continue
        tool=${f##*/} tool=${tool%.fish}
        is "$(fish_offers "$f" "$tool --versio")" "--version " "$tool's fish completion works"
    done
else
    skip "fish completion" "fish is not installed"
fi

# zsh completes only at a terminal: lines are typed into one, and the buffer is shown after each.
cat >complete.zsh <<'E2'
zmodload zsh/zpty || exit 1
folder=$1
shift
zpty z zsh -f -i
zpty -w z "stty -echo; PS1= PS2= RPS1= KEYTIMEOUT=1; fpath=(${(q)folder} \$fpath); autoload -Uz compinit; compinit -u -D
show() { print -r -- \"<\$BUFFER>\" }; zle -N show; bindkey '^X' show; bindkey '^I' complete-word; print ready"
zpty -r z line '*ready*' || exit 1
for typed; do
    zpty -w -n z "$typed"$'\t'$'\x18'
    zpty -r z line '*<*>*' || exit 1
    line=${line##*<}
    print -r -- "${line%%>*}"
    zpty -w -n z $'\x15'
done
zpty -d z
E2
if command -v zsh >/dev/null; then
    mkdir zsh-all
    cp sample/completions/zsh/_* "$srcdir"/completions/zsh/_* zsh-all
    set -- 'etl-sample --form' 'etl-sample --format=t' 'etl-sample -i j' 'etl-sample ru' 'etl-sample runs fil' \
        'etl-sample --state di'
    for f in "$srcdir"/completions/zsh/_*; do
        set -- "$@" "${f##*/_} --versio"
    done
    timeout 60 zsh -f complete.zsh "$PWD/zsh-all" "$@" 2>&1 | tr -d '\r' >zsh-gave
    zsh_gave() {
        sed -n "$1p" zsh-gave
    }
    is "$(zsh_gave 1)" "etl-sample --format=" "zsh completes options"
    is "$(zsh_gave 2)" "etl-sample --format=table " "zsh completes values"
    is "$(zsh_gave 3)" "etl-sample -i jsonl " "zsh completes values of letters"
    is "$(zsh_gave 4)" "etl-sample runs " "zsh completes commands"
    is "$(zsh_gave 5)" "etl-sample runs file.csv " "zsh completes files as operands"
    is "$(zsh_gave 6)" "etl-sample --state dir/" "zsh completes folders"
    n=6
    for f in "$srcdir"/completions/zsh/_*; do
        n=$((n + 1))
        is "$(zsh_gave $n)" "${f##*/_} --version " "${f##*/_}'s zsh completion works"
    done
else
    skip "zsh completion" "zsh is not installed"
fi
done_testing
