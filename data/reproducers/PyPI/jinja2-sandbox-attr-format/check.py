"""Does a template in the sandbox read a hidden attribute?

The argument is a template. It sees an object of our own with the attribute
`_flag`, which the sandbox must hide. What matters is whether the mark comes out.
"""
import os
import sys

from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

MARK = "the-hidden-mark"


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Item:
    name = "seen"

    def __init__(self):
        self._flag = MARK


def rendered(text):
    return SandboxedEnvironment().from_string(text).render(item=Item())


if rendered("{{ '{0.name}'.format(item) }}") != "seen":
    sys.exit("an ordinary template is not rendered")
try:
    direct = rendered("{{ '{0._flag}'.format(item) }}")
except TemplateError:
    direct = ""
if MARK in direct:
    sys.exit("the sandbox hides nothing, so that nothing can be said")

try:
    text = rendered(sys.argv[1] if len(sys.argv) > 1 else "")
except Exception as error:
    print("refused: " + ascii(str(error)))
    end(0)
end(42 if MARK in text else 0)
