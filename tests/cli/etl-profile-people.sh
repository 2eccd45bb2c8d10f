#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What etl-profile prints for people: the table at several widths, the page as a file.
. "${srcdir:?}/tests/cli/lib.sh"
examples=$srcdir/share/examples
{
    echo 'id,state,size,very_long_name_of_a_column_that_nobody_types,mail'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        echo "$i,NA,$((i * i)),a text that is longer than the table has room for $i,user$i@example.org"
    done
    echo '13,,many,x,-'
} >t.csv
widest() { # the widest line of standard output
    /usr/bin/python3 -c 'import sys; print(max(len(l.rstrip("\n")) for l in open(sys.argv[1], encoding="utf-8")))' "$out_file"
}
for width in 80 120 200; do
    COLUMNS=$width run etl-profile --format table t.csv
    status_is 0 "a table of $width columns"
    ok "fits $width columns" test "$(widest)" -le "$width"
done
COLUMNS=80 run etl-profile --format table t.csv
out_is "80 columns" <<'E2'
t.csv: 13 records, 1022 B, 5 columns
column            type    null % distinct          min          max distribution
id                integer    0.0       13            1           13 ██████▄
state             string     7.7        1           NA           NA
size              string     0.0       13            1         many
very_long_name_o… string     0.0       13 a text that…            x
mail              string     0.0       13            - user9@examp…
quality 0.9692: completeness 0.9846, consistency 0.9843, accuracy 1.0000
  size: 1 value of another kind than most (integer 12, string 1), in line 14
  state: 12 "NA", which may stand for null, first in line 2
  mail: 1 "-", which may stand for null, in line 14
  state: 1 null (7.7 %), in line 14

E2
cat >schema.json <<'E2'
{"fields": [{"name": "id", "type": "integer", "constraints": {"maximum": 10}},
            {"name": "size", "type": "integer"}, {"name": "state", "constraints": {"enum": ["AK"], "required": true}}]}
E2
COLUMNS=200 run etl-profile --format table --expect schema.json t.csv
like "$out" '^  id: 3 values are too large \("11"\), first in line 12$' "what a schema expects is said in words"
like "$out" '^  state: 1 null where a value is required, in line 14$' "one of them, too"
like "$out" '^  mail: is not in the schema$' "and what it does not know"
run etl-profile --format html t.csv
status_is 0 "a page"
cat >check.py <<'PY'
import sys
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}

class Check(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.n, self.bad = [], {}, []
    def handle_starttag(self, tag, attrs):
        self.n[tag] = self.n.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        a = dict(attrs)
        if tag == "svg" and (a.get("role") != "img" or not a.get("aria-label")):
            self.bad.append("a picture without a text")
        if tag == "th" and a.get("scope") not in ("row", "col"):
            self.bad.append("a heading of nothing")
        if tag in ("script", "img", "iframe") or a.get("src") or a.get("href", "#")[:1] not in "#d":
            self.bad.append("fetches")
    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append("</%s>" % tag)

c = Check()
page = open(sys.argv[1], encoding="utf-8").read()
c.feed(page)
c.close()
print(c.n["section"], c.n["article"], c.open, c.bad, "default-src 'none'" in page, "prefers-color-scheme:dark" in page)
PY
is "$(/usr/bin/python3 check.py "$out_file")" "1 5 [] [] True True" "is well formed and complete in itself"
run etl-profile --format html "$examples/flights.csv" "$examples/airports.csv"
is "$(/usr/bin/python3 check.py "$out_file")" "2 12 [] [] True True" "two inputs are one page"
run etl-profile --format html --records r.jsonl t.csv no-such.csv
is "$status" 4 "a missing file is status 4"
is "$(/usr/bin/python3 check.py "$out_file")" "1 5 [] [] True True" "and the others have their page"
ok "--records has the record" "$srcdir/tests/docs/validate" --strict --min 1 r.jsonl
printf 'a,b\n' >empty.csv
run etl-profile --format html empty.csv
is "$status|$(/usr/bin/python3 check.py "$out_file")" "0|1 2 [] [] True True" "no records are a page, too"
run etl-profile --format html -q t.csv
is "$status|$out" "0|" "-q prints nothing"
run etl-plan --format html
is "$status|$(echo "$err" | grep -c html)" "2|1" "other tools have no page"
done_testing
