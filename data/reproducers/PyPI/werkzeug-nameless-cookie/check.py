"""Is a cookie without a name read as a cookie with one?

A browser may send `=value`. The argument is that value; where it reads `name=...`,
a cookie of that name must not come into being.
"""
import os
import sys

from werkzeug.http import parse_cookie


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


if dict(parse_cookie("flag=plain; other=2")) != {"flag": "plain", "other": "2"}:
    sys.exit("ordinary cookies are not read")

value = sys.argv[1] if len(sys.argv) > 1 else "__Host-flag=set"
# A semicolon ends the cookie without a name, and a proper one may follow.
if ";" in value or '"' in value or "=" not in value.strip("= \t"):
    end(0)
found = {name: text for name, text in parse_cookie("=" + value).items() if name}
print("cookies: " + ascii(found))
end(42 if found else 0)
