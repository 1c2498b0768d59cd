"""Would a storage of one's own save outside its folder?

The class below makes names by itself and does not judge them. It keeps the names
it is asked to save under, but writes nothing. The argument is the name of an
upload. A name that leads out of the folder must be refused before it is asked.
"""
import os
import posixpath
import sys

from django.conf import settings

settings.configure()

from django.core.exceptions import SuspiciousFileOperation  # noqa: E402
from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import Storage  # noqa: E402

asked = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Keeping(Storage):
    def generate_filename(self, filename):
        return filename

    def get_available_name(self, name, max_length=None):
        return name

    def _save(self, name, content):
        asked.append(name)
        # The name that the class reports is a proper one.
        return "saved.txt"


def leads_out(name):
    normal = posixpath.normpath(name)
    return normal.startswith("/") or normal.split("/")[0] == ".."


def save(name):
    storage = Keeping()
    return storage.save(storage.generate_filename(name), ContentFile(b"flag"))


if save("usual.txt") != "saved.txt" or asked != ["usual.txt"]:
    sys.exit("an ordinary upload is not saved")

del asked[:]
name = sys.argv[1] if len(sys.argv) > 1 else "../flag.txt"
try:
    save(name)
except SuspiciousFileOperation as error:
    print("refused: " + ascii(str(error)))
red = [path for path in asked if leads_out(path)]
for path in red:
    print("would write: " + ascii(path))
end(42 if red else 0)
