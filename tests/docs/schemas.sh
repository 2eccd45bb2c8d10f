#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every record kind has a schema that is itself valid, accepts its valid example, refuses its invalid
# one and lets unknown fields and newer versions pass.
set -u
: "${srcdir:?}"
dir=$srcdir/share/schemas
check=$srcdir/tests/docs/validate
kinds='profile sketch drift verdict forecast execution_profile resource_estimate anomaly environment plan
provisioning_request allocation suggestion experiment partition_health migration checkpoint completion
node run pipeline dataset sighting access log estimate'
n=0
result() { # status, name
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
# shellcheck disable=SC2086
set -- $kinds
echo "1..$(($# * 5 + 5))"
for kind; do
    /usr/bin/python3 - "$dir/$kind.schema.json" "$kind" <<'PY' >&2
import json, sys
import jsonschema
s = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(s)
assert s["title"] == sys.argv[2] and s["description"]
assert s["properties"]["record"]["const"] == sys.argv[2] and s["properties"]["v"]["const"] == 1
assert {"record", "v"} <= set(s["required"]) and "additionalProperties" not in s
PY
    result $? "the schema of $kind is a schema"
    "$check" --strict --min 1 "$dir/examples/$kind.valid.jsonl" >&2
    result $? "the valid example of $kind validates"
    if "$check" --strict "$dir/examples/$kind.invalid.jsonl" >&2; then false; else true; fi
    result $? "the invalid example of $kind does not"
    sed 's/^{/{"x_unknown":[{"a":1}],/' "$dir/examples/$kind.valid.jsonl" | "$check" --strict --min 1 >&2
    result $? "a $kind with an unknown field validates"
    sed 's/"v":1/"v":2/' "$dir/examples/$kind.invalid.jsonl" | "$check" --strict >&2
    result $? "a newer $kind passes"
done
# shellcheck disable=SC2012
have=$(ls "$dir" | sed -n 's/\.schema\.json$//p' | sort | tr '\n' ' ')
want=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
[ "$have" = "$want" ]
result $? "there is a schema for each kind and no other"
printf '{"eventType":"START"}\n{"record":"mine","v":1}\n' | "$check"
result $? "OpenLineage events and foreign kinds are passed over"
if printf '{"record":"profile","v":1}\n' | "$check" >&2; then false; else true; fi
result $? "a record without its fields is refused"
if printf 'not json\n' | "$check" >&2; then false; else true; fi
result $? "a line that is not JSON is refused"
if printf '{"eventType":"START"}\n' | "$check" --min 1 >&2; then false; else true; fi
result $? "--min refuses an input without records"
