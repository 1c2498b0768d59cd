"""Is there no bound to the parts of a form?

The argument is a number of parts, each a few bytes long. The form is given to a
request object with the default settings, as a server would. By default it must
refuse more than a thousand parts.
"""
import io
import os
import sys

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

PARTS_ALLOWED = 1000
PARTS_MAX = 10000
PART = b'--edge\r\nContent-Disposition: form-data; name="flag"\r\n\r\n1\r\n'


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def parts_read(count):
    body = PART * count + b"--edge--\r\n"
    request = Request(
        {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "multipart/form-data; boundary=edge",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    )
    return len(request.form.getlist("flag"))


if parts_read(3) != 3:
    sys.exit("an ordinary form is not parsed")

argument = sys.argv[1] if len(sys.argv) > 1 else "2000"
if not (argument.isascii() and argument.isdigit() and len(argument) < 6):
    end(0)
count = int(argument)
if not PARTS_ALLOWED < count <= PARTS_MAX:
    end(0)
try:
    read = parts_read(count)
except RequestEntityTooLarge:
    print("refused")
    end(0)
print("parts read: %d" % read)
end(42 if read == count else 0)
