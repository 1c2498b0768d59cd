"""Does taking out a comment cost far more with a few more line ends?

The argument is put into a comment many times. One comment has ten line ends more
than the other. Where the pattern tries every way to read each line end, as one or
as two, the cost grows manyfold; else it hardly grows. Costs are compared with each
other only.
"""
import os
import sys
import time

import sqlparse

ENDS_SMALL = 8
ENDS_LARGE = 18
UNIT_MAX = 8
ROUNDS = 3
# Between these nothing is said.
FLAT_MAX = 5
GROWN_MIN = 20
# Below this the clock says little, so that a small cost counts as this much.
FLOOR_S = 0.001


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def cost_s(text):
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        sqlparse.format(text, strip_comments=True)
        spent = time.process_time() - start
        best = spent if best is None else min(best, spent)
    return best


usual = sqlparse.format("select 1 /* usual */ from t", strip_comments=True)
if usual.split() != ["select", "1", "from", "t"]:
    sys.exit("an ordinary comment is not taken out")

unit = sys.argv[1] if len(sys.argv) > 1 else "\r\n"
ends = unit.count("\r\n")
if not ends or len(unit) > UNIT_MAX:
    end(0)
small = cost_s("select 1 /*" + unit * (ENDS_SMALL // ends) + "x*/")
large = cost_s("select 1 /*" + unit * (ENDS_LARGE // ends) + "x*/")
growth = large / max(small, FLOOR_S)
print("growth: %.1f" % growth)
if FLAT_MAX <= growth <= GROWN_MIN:
    sys.exit("the cost grows neither clearly nor clearly not")
end(42 if growth > GROWN_MIN else 0)
