#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Which version of a pipeline file stands in records: git's commit for one that is tracked and unchanged, else
# the hash of its text.
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
git() {
    command git -c user.name=n -c user.email=e@example.org -c init.defaultBranch=main "$@" >/dev/null 2>&1
}
version() { # of the pipeline file
    etl-run -p "$1" --dry-run --format json | jq -r 'select(.record == "plan").code_version'
}
text='{"pipeline": "p", "stages": [{"id": "r", "op": "read", "path": "/dev/null", "format": "csv"}]}'
hash=sha256:$(printf '%s' "$text" | sha256sum | cut -d ' ' -f 1)
mkdir -p repo/sub
for name in p.json 'a b.json' "it's.json" '[x]*.json' ignored.json; do
    printf '%s' "$text" >"repo/sub/$name"
done
echo ignored.json >repo/.gitignore
is "$(version repo/sub/p.json)" "$hash" "outside of git it is the hash of the text"
git -C repo init
is "$(version repo/sub/p.json)" "$hash" "before the first commit too"
git -C repo add .gitignore 'sub/a b.json' "sub/it's.json" 'sub/[[]x]*.json' sub/p.json
git -C repo commit -m one
commit=$(command git -C repo rev-parse HEAD)
for name in p.json 'a b.json' "it's.json" '[x]*.json'; do
    is "$(version "repo/sub/$name")" "$commit" "the commit for a file that is tracked and unchanged ($name)"
done
is "$(version repo/sub/ignored.json)" "$hash" "the hash for one that is ignored"
printf '%s' "$text" >repo/sub/new.json
is "$(version repo/sub/new.json)" "$hash" "and for one that is not tracked"
printf '%s\n' "$text" >repo/sub/p.json
isnt "$(version repo/sub/p.json)" "$commit" "and for one that was changed"
git -C repo add sub/p.json
isnt "$(version repo/sub/p.json)" "$commit" "also when the change is staged"
git -C repo commit -m two
is "$(version repo/sub/p.json)" "$(command git -C repo rev-parse HEAD)" "until it is committed"
run env PATH="$builddir/tools" etl-run -p 'repo/sub/a b.json' --dry-run --format json
is "$(printf '%s' "$out" | jq -r 'select(.record == "plan").code_version')" "$hash" "without git it is the hash"
done_testing
