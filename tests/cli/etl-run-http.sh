#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# OPENLINEAGE_URL: events reach a server, and no server can fail a run or hold it up for long.
. "${srcdir:?}/tests/cli/lib.sh"

FORELINE_STORE=$PWD/store.db
export FORELINE_STORE
if ! command -v python3 >/dev/null; then
    skip "events to a server" "there is no python3"
    done_testing
fi
printf 'k,v\n1,2\n' >in.csv
cat >p.json <<'END'
{"pipeline": "p", "stages": [{"id": "r", "op": "read", "path": "in.csv"}, {"id": "w", "op": "write", "path": "out.csv"}]}
END
mkdir srv
python3 "$srcdir/tests/cli/http_server.py" srv &
pid=$!
trap 'kill $pid 2>/dev/null' EXIT
n=0
while [ ! -e srv/port ] && [ $n -lt 500 ]; do
    sleep 0.02
    n=$((n + 1))
done
port=$(cat srv/port)
# with MODE COMMAND…: runs it with a server that answers so; what it was asked is in $requests
with() {
    mode=$1
    shift
    rm -f out.csv srv/requests.jsonl
    before=$(date +%s)
    run env OPENLINEAGE_URL="http://127.0.0.1:$port/$mode" "$@"
    took=$(($(date +%s) - before))
    requests=$(cat srv/requests.jsonl 2>/dev/null)
}
asked() {
    printf '%s\n' "$requests" | jq -r "$1"
}

with ok etl-run -p p.json
is "$status|$err" "0|" "a run with a server"
is "$(asked '.event.eventType + " " + .event.job.name' | tr '\n' ';')" \
    "$(printf '%s\n' "$out" | jq -r 'select(.eventType) | .eventType + " " + .job.name' | tr '\n' ';')" "all its events come, in order"
printf '%s\n' "$out" | jq -c 'select(.eventType)' >sent
asked '.event | tojson' | jq -c . >came
same came sent "as they are on stdout"
is "$(asked '.path + " " + .type + " " + (.authorization | tostring)' | sort -u)" "/ok/api/v1/lineage application/json null" "at the usual place"
with ok env OPENLINEAGE_API_KEY=t0ken OPENLINEAGE_ENDPOINT=/x/y etl-run -q -p p.json
is "$out|$(asked '.path + " " + .authorization' | sort -u)" "|/ok/x/y Bearer t0ken" "at another place, with a token, and without words"
with ok env OPENLINEAGE_DISABLED=true etl-run -p p.json
is "$status|$requests" "0|" "none when they are disabled"
with ok etl-run -p p.json --dry-run
is "$status|$requests" "0|" "nor of a dry run"
with flaky etl-run -p p.json
is "$status|$err|$(asked 'select(.status == 200) | .event.eventType' | wc -l)" "0||6" "what a server refuses for a moment is sent again"
with slow etl-run -p p.json
is "$status|$err|$(asked .event.eventType | wc -l)" "0||6" "a slow server gets its time"
with 400 etl-run -p p.json
is "$status|$(cat out.csv)|$err" "0|k,v
1,2|etl-run: 6 of 6 run events were not sent to OPENLINEAGE_URL: it answered with status 400" "a server that refuses"
is "$(asked .status | wc -l)" 3 "is left alone after three"
with 500 etl-run -p p.json
is "$status|$err" "0|etl-run: 6 of 6 run events were not sent to OPENLINEAGE_URL: it answered with status 500" "one that fails"
with drop etl-run -p p.json
is "$status" 0 "one that drops connections"
like "$err" "^etl-run: 6 of 6 run events were not sent to OPENLINEAGE_URL: " "is told of once"
with hang etl-run -p p.json
is "$status|$err" "0|etl-run: 6 of 6 run events were not sent to OPENLINEAGE_URL: the run ended before the answer came" "one that never answers"
ok "costs some seconds at most" [ "$took" -le 5 ]
rm in.csv
with ok etl-run -p p.json
is "$status|$(asked .event.eventType | tr '\n' ' ')" "4|START FAIL " "a run that fails tells so"
printf 'k,v\n1,2\n' >in.csv
with ok env OPENLINEAGE_URL=ftp://x etl-run -p p.json
is "$status|$err" "0|etl-run: OPENLINEAGE_URL: not an address that begins with http:// or https://: run events are not sent" "an address that is none"
: >srv/end
wait $pid
run env OPENLINEAGE_URL="http://127.0.0.1:$port" etl-run -p p.json
is "$status" 0 "one that is not there"
like "$err" "^etl-run: 6 of 6 run events were not sent to OPENLINEAGE_URL: .*onnect" "is told of"
run env OPENLINEAGE_URL="http://me:hush@127.0.0.1:$port/" OPENLINEAGE_API_KEY=hush etl-run -p p.json
unlike "$err$out" hush "secrets are not repeated"
done_testing
