"""Does a quotation mark in a file name change the header of a download?

The argument is the name under which an empty file is offered. The header that
comes out is read by the rules for quoted text: the name must be one quoted text,
and nothing may follow it.
"""
import io
import os
import re
import sys

from django.conf import settings

settings.configure()

from django.http import FileResponse  # noqa: E402

# A quoted text in which a backslash takes the meaning from what follows it.
HEADER = re.compile(r'attachment; filename="(?:[^"\\]|\\.)*"', re.DOTALL)


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def header(name):
    response = FileResponse(io.BytesIO(b""), as_attachment=True, filename=name)
    return response.headers["Content-Disposition"]


if header("usual.txt") != 'attachment; filename="usual.txt"':
    sys.exit("an ordinary name is not written as expected")

name = sys.argv[1] if len(sys.argv) > 1 else 'flag.txt"; other="set'
if '"' not in name or not (name.isascii() and name.isprintable()):
    end(0)
written = header(name)
print("header: " + ascii(written))
end(0 if HEADER.fullmatch(written) else 42)
