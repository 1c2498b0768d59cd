"""Does restricted code read a hidden attribute through formatting?

The argument is a line of restricted code. It runs with the guards that the package
offers, and sees an object of our own with the attribute `_flag`, which the guards
must hide. What matters is whether the mark comes out.
"""
import os
import sys

from RestrictedPython import compile_restricted, safe_builtins
from RestrictedPython.Guards import safer_getattr

MARK = "the-hidden-mark"


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Item:
    name = "seen"

    def __init__(self):
        self._flag = MARK


def result_of(line):
    names = {
        "__builtins__": dict(safe_builtins),
        "_getattr_": safer_getattr,
        "item": Item(),
        "result": None,
    }
    exec(compile_restricted(line, "line", "exec"), names)
    return names["result"]


if result_of("result = item.name + str(1)") != "seen1":
    sys.exit("an ordinary line does not run")
try:
    hidden = result_of("result = item._flag") != MARK
except SyntaxError:
    hidden = True
if not hidden:
    sys.exit("the guards hide nothing, so that nothing can be said")

try:
    result = result_of(sys.argv[1] if len(sys.argv) > 1 else "result = 1")
except Exception as error:
    print("refused: " + ascii(str(error)))
    end(0)
end(42 if MARK in str(result) else 0)
