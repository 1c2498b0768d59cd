"""Does the cost of checking a wheel's file name grow faster than the name?

The argument is repeated to make a name that no wheel has. One name is three times
as long as the other. Where the pattern tries every way to share the hyphens out,
the cost grows far more than threefold. Costs are compared with each other only.
The name is refused before a file would be opened.
"""
import os
import sys
import time

from wheel.wheelfile import WheelFile

REPEATS_SMALL = 16
REPEATS_LARGE = 3 * REPEATS_SMALL
UNIT_MAX = 8
ROUNDS = 5
# Between these nothing is said.
FLAT_MAX = 6
GROWN_MIN = 12
# Below this the clock says little, so that a small cost counts as this much.
FLOOR_S = 0.0001


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def refused(name):
    try:
        WheelFile(name)
    except (Exception, SystemExit) as error:
        return type(error).__name__
    return None


def cost_s(name):
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        refused(name)
        spent = time.process_time() - start
        best = spent if best is None else min(best, spent)
    return best


# A proper name gets past the check, and then its file is missing.
if refused("missing-1.0-py3-none-any.whl") != "FileNotFoundError":
    sys.exit("a proper name is not accepted")
if refused("missing") != "WheelError":
    sys.exit("an improper name is not refused")

unit = sys.argv[1] if len(sys.argv) > 1 else "-"
if not unit or len(unit) > UNIT_MAX or "/" in unit or "\0" in unit:
    end(0)
small = cost_s("a" + unit * REPEATS_SMALL)
large = cost_s("a" + unit * REPEATS_LARGE)
growth = large / max(small, FLOOR_S)
print("growth for three times the name: %.1f" % growth)
if FLAT_MAX <= growth <= GROWN_MIN:
    sys.exit("the cost grows neither clearly nor clearly not")
end(42 if growth > GROWN_MIN else 0)
