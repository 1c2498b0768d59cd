"""Can restricted code ask a generator for its frame?

From a frame the way leads to the code around, which the restriction must hide. The
argument is a path of attributes, asked of a generator in restricted code. They are
only looked at: where the compiler refuses one of them, the way is closed.
"""
import os
import sys

from RestrictedPython import compile_restricted, safe_builtins
from RestrictedPython.Guards import safer_getattr

LINES = "def make():\n    yield 1\nsteps = make()\nresult = steps.%s\n"
# Attributes that lead from a generator to code and frames.
WAYS = ("gi_frame", "gi_code")


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def result_of(lines):
    names = {
        "__builtins__": dict(safe_builtins),
        "_getattr_": safer_getattr,
        "result": None,
    }
    exec(compile_restricted(lines, "lines", "exec"), names)
    return names["result"]


if result_of("result = 'usual'.upper()") != "USUAL":
    sys.exit("an ordinary line does not run")
if not callable(result_of(LINES % "close")):
    sys.exit("restricted code cannot make a generator")

path = sys.argv[1] if len(sys.argv) > 1 else "gi_frame.f_back"
parts = path.split(".")
if parts[0] not in WAYS or not all(part.isidentifier() for part in parts):
    end(0)
try:
    result_of(LINES % path)
except (SyntaxError, AttributeError, TypeError) as error:
    print("refused: " + type(error).__name__)
    end(0)
end(42)
