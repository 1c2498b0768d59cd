"""Does safe mode let an element with an event handler through?

The argument is text to convert with safe mode on, which must escape all HTML. The
output is parsed by the standard library's HTML parser. An element whose name has
an odd character, and with an attribute that begins with `on`, must not be in it.
"""
import os
import re
import sys
from html.parser import HTMLParser

import markdown2

ODD = re.compile(r"\W")


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Handlers(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if ODD.search(tag):
            self.found += [(tag, name) for name, _ in attributes if name.startswith("on")]


def handlers(text):
    parser = Handlers()
    parser.feed(markdown2.markdown(text, safe_mode="escape"))
    parser.close()
    return parser.found


if "<em>usual</em>" not in markdown2.markdown("*usual*", safe_mode="escape"):
    sys.exit("ordinary text is not converted")
if "<b>" in markdown2.markdown("<b>usual</b>", safe_mode="escape"):
    sys.exit("safe mode does not work at all, so that nothing can be said")

found = handlers(sys.argv[1] if len(sys.argv) > 1 else "<flag@ onclick=set")
print("handlers: " + ascii(found))
end(42 if found else 0)
