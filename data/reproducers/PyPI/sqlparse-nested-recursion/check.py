"""Do deeply nested brackets end in an unhandled `RecursionError`?

The argument is an opening bracket. A statement with very many of them must be
refused with the package's own error, or be parsed. Python's own error is caught
here, so nothing breaks.
"""
import os
import sys

import sqlparse
from sqlparse.exceptions import SQLParseError

PAIRS = {"[": "]", "(": ")"}
DEPTH = 400
# A lower limit than usual, so that the depth can be small and the run short.
FRAMES_MAX = 300


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


if str(sqlparse.parse("select (1)")[0]) != "select (1)":
    sys.exit("an ordinary statement is not parsed")

sys.setrecursionlimit(FRAMES_MAX)
opening = sys.argv[1] if len(sys.argv) > 1 else "["
if opening not in PAIRS:
    end(0)
try:
    statement = sqlparse.parse(opening * DEPTH + PAIRS[opening] * DEPTH)[0]
    list(statement.flatten())
except SQLParseError as error:
    print("refused: " + str(error))
    end(0)
except RecursionError:
    print("RecursionError came through")
    end(42)
end(0)
