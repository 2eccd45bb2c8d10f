#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The page of etl-profile --format html opens in headless Chromium as it was meant: the elements that
# are expected, no error on the console, and nothing of hostile data became markup.
. "${srcdir:?}/tests/cli/lib.sh"
browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || {
    skip "the page opens in a browser" "chromium is not installed"
    done_testing
}
# A page of our own, in a container perhaps, where the browser's sandbox cannot work.
open_page() { # PAGE: its document as the browser has it, and what the console says
    # shellcheck disable=SC2317 # called by ok
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$PWD/browser" --enable-logging=stderr --dump-dom "file://$PWD/$1" \
        >dom.html 2>log
}
cat >count.py <<'PY'
import sys
from html.parser import HTMLParser

class Count(HTMLParser):
    def __init__(self):
        super().__init__()
        self.n, self.text, self.bad, self.ids, self.links = {}, [], [], set(), []
    def handle_starttag(self, tag, attrs):
        self.n[tag] = self.n.get(tag, 0) + 1
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcset", "action"):
                self.bad.append("%s %s" % (tag, name))
            if name == "id":
                self.ids.add(value)
            if name == "href" and tag == "a":
                self.links.append(value)
            if name == "href" and not value.startswith(("#", "data:,")):
                self.bad.append("%s href %s" % (tag, value))
    def handle_data(self, data):
        self.text.append(data)

c = Count()
c.feed(open(sys.argv[1], encoding="utf-8").read())
for tag in ("script", "img", "iframe", "b", "object", "form"):
    if c.n.get(tag):
        c.bad.append("%d %s" % (c.n[tag], tag))
c.bad += ["nowhere: " + l for l in c.links if l[1:] not in c.ids]
print(" ".join("%s=%d" % (t, c.n.get(t, 0)) for t in ("section", "article", "h3", "svg", "caption")))
print("bad: " + "; ".join(c.bad))
text = "".join(c.text)
for want in sys.argv[2:]:
    print("text: " + ("there" if want in text else "missing " + want))
PY
count() { /usr/bin/python3 count.py "$@"; }

run etl-profile --format html "$srcdir/share/examples/flights.csv" "$srcdir/share/examples/airports.csv"
cp "$out_file" page.html
ok "a page of two files opens" open_page page.html
is "$(count dom.html 'Data profile' '3,376' 'key candidate' 'destination' 'May stand for null: NA × 12')" \
    'section=2 article=12 h3=12 svg=14 caption=3
bad: 
text: there
text: there
text: there
text: there
text: there' "it has a card for each column, a picture for each distribution, and what was found"
is "$(grep CONSOLE log || true)" "" "the console is empty"

run etl-profile -q --store s.db --dataset d "$srcdir/share/examples/flights.csv"
sed '2,9000s/,[0-9-]*,/,500,/' "$srcdir/share/examples/flights.csv" >later.csv
run etl-profile --store s.db --dataset d --compare last --fail-on drift,quality=0.1 --format html later.csv
is "$status" 1 "a page of data that drifted ends with status 1"
cp "$out_file" page.html
ok "and opens" open_page page.html
is "$(count dom.html 'Drift against d: 1 of 5 columns' 'its mean moved by')" \
    'section=1 article=5 h3=5 svg=6 caption=2
bad: 
text: there
text: there' "it says what drifted"
is "$(grep CONSOLE log || true)" "" "the console is empty"

cat >hostile.csv <<'E2'
"</script><script>alert(1)</script>",<img src=x onerror=alert(1)>,a'b"c&lt;,"x
y"
</td></table><b>bold</b>,1,'" onmouseover='alert(1),%s%n
"<!-- ",2,]]>,&amp;
E2
printf '\342\200\256live,3,\001\033[31m,\377\376\n' >>hostile.csv
run etl-profile --format html hostile.csv
cp "$out_file" page.html
ok "a page of hostile data opens" open_page page.html
is "$(count dom.html '</script><script>alert(1)</script>' '<img src=x onerror=alert(1)>' '</td></table><b>bold</b>' \
    "'\" onmouseover='alert(1)" '&amp;' '<!-- ' '\u202elive' '\x01\x1b[31m' '\xff\xfe' 'x\x0ay')" \
    'section=1 article=4 h3=4 svg=2 caption=2
bad: 
text: there
text: there
text: there
text: there
text: there
text: there
text: there
text: there
text: there
text: there' "all of it is text"
is "$(grep CONSOLE log || true)" "" "and the console stays empty"
done_testing
