"""Does one key of `xmlattr` make two attributes?

The argument is a key. The filter's output is put into a tag and parsed by the
standard library's HTML parser. One key may make one attribute at most. Only keys
with a blank are judged: other characters are the matter of a later advisory.
"""
import os
import sys
from html.parser import HTMLParser

from jinja2 import Environment

BLANKS = " \t\n\r\f\v"


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class FirstTag(HTMLParser):
    attributes = None

    def handle_starttag(self, _tag, attributes):
        if self.attributes is None:
            self.attributes = attributes


def attributes(key):
    template = Environment(autoescape=True).from_string("<b{{ {key: value}|xmlattr }}>")
    parser = FirstTag()
    parser.feed(template.render(key=key, value="1"))
    parser.close()
    return parser.attributes


if attributes("title") != [("title", "1")]:
    sys.exit("an ordinary attribute is not written")

key = sys.argv[1] if len(sys.argv) > 1 else "title onflag"
if not any(blank in key for blank in BLANKS):
    end(0)
try:
    found = attributes(key)
except ValueError as error:
    print("refused: " + ascii(str(error)))
    end(0)
print("attributes: " + ascii(found))
end(42 if found is not None and len(found) > 1 else 0)
