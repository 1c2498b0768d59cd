"""Would a file beside the served folder be served?

A temporary folder holds `shown`, which is served, and two siblings whose names
begin alike. The argument is the path asked for. Only the look-up is done. What it
finds must lie in the served folder.
"""
import os
import sys
import tempfile

from starlette.staticfiles import StaticFiles

SIBLINGS = ("shown-not", "shown.old")


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def write(*parts):
    path = os.path.join(*parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write("flag")


def outside(top, asked):
    for name in ("shown",) + SIBLINGS:
        write(top, name, "flag.txt")
    served = os.path.join(top, "shown")
    files = StaticFiles(directory=served)
    usual, details = files.lookup_path("flag.txt")
    if details is None or not os.path.samefile(usual, os.path.join(served, "flag.txt")):
        sys.exit("an ordinary file is not found")
    try:
        found, details = files.lookup_path(asked)
    except (OSError, ValueError):
        return False
    if details is None:
        return False
    print("found: " + ascii(os.path.relpath(found, top)))
    return os.path.commonpath([os.path.realpath(found), served]) != served


with tempfile.TemporaryDirectory() as folder:
    red = outside(os.path.realpath(folder), sys.argv[1] if len(sys.argv) > 1 else "x")
end(42 if red else 0)
