"""Does reading an infinite number as a time never end?

The argument is what a field for a time is given. A trace function counts the lines
that run and stops the reading when there are far too many. No clock is needed.
"""
import os
import sys
from datetime import datetime

from pydantic import BaseModel

LINES_MAX = 50000


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class TooManyLines(BaseException):
    """Raised to leave a loop that does not end."""


class Record(BaseModel):
    when: datetime


def ends(value):
    lines = 0

    def trace(_frame, _event, _argument):
        nonlocal lines
        lines += 1
        if lines > LINES_MAX:
            raise TooManyLines()
        return trace

    sys.settrace(trace)
    try:
        Record(when=value)
    except TooManyLines:
        return False
    except (ValueError, OverflowError) as error:
        sys.settrace(None)
        print("refused: " + type(error).__name__)
    finally:
        sys.settrace(None)
    return True


if Record(when="2021-05-12T10:00:00").when != datetime(2021, 5, 12, 10):
    sys.exit("an ordinary time is not read")
if not ends("1620813600"):
    sys.exit("an ordinary number takes too many lines")
end(0 if ends(sys.argv[1] if len(sys.argv) > 1 else "inf") else 42)
