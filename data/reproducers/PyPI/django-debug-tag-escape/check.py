"""Does the tag `debug` write a variable without escaping it?

The argument is the value of a variable. A template with the tag is rendered. Where
the value has a `<`, it must not come out as it went in.
"""
import os
import sys

import django
from django.conf import settings

settings.configure(
    DEBUG=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django.template import Context, Engine  # noqa: E402


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def rendered(text, value):
    return Engine(debug=True).from_string(text).render(Context({"flag": value}))


if rendered("{{ flag }}", "<b>") != "&lt;b&gt;":
    sys.exit("an ordinary variable is not escaped")
if "usual" not in rendered("{% debug %}", "usual"):
    sys.exit("the tag does not show the variable, so that nothing can be said")

value = sys.argv[1] if len(sys.argv) > 1 else "<b>flag</b>"
if "<" not in value:
    end(0)
output = rendered("{% debug %}", value)
# The tag writes values as `repr` does.
end(42 if repr(value)[1:-1] in output else 0)
