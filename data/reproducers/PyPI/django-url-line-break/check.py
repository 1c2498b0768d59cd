"""Does the validator of addresses accept a line break?

The argument is an address. One that holds a line break or a tab must be refused,
for it may end up in a header or a log. Nothing is fetched.
"""
import os
import sys

from django.conf import settings

settings.configure()

from django.core.exceptions import ValidationError  # noqa: E402
from django.core.validators import URLValidator  # noqa: E402

BREAKS = "\t\r\n"


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def accepted(address):
    try:
        URLValidator()(address)
    except ValidationError:
        return False
    return True


if not accepted("http://shop.example/path?x=1") or accepted("no address"):
    sys.exit("ordinary addresses are not judged as they should be")

address = sys.argv[1] if len(sys.argv) > 1 else "http://shop.example/\nflag"
if not any(character in address for character in BREAKS):
    end(0)
end(42 if accepted(address) else 0)
