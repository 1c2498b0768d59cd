"""Does a string without end cost far more with a few more backslashes?

The argument is the quotation mark that opens the string. One string has ten
backslashes more than the other. Where the pattern tries every way to read them,
singly or in pairs, the cost grows manyfold; else it hardly grows. Costs are
compared with each other only.
"""
import os
import sys
import time

import sqlparse

BACKSLASHES_SMALL = 20
BACKSLASHES_LARGE = 30
OPENING_MAX = 8
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
        sqlparse.parse(text)
        spent = time.process_time() - start
        best = spent if best is None else min(best, spent)
    return best


usual = "select 'it''s usual' from t"
if str(sqlparse.parse(usual)[0]) != usual:
    sys.exit("an ordinary statement is not parsed")

opening = sys.argv[1] if len(sys.argv) > 1 else "'"
if len(opening) > OPENING_MAX:
    end(0)
small = cost_s("select " + opening + "\\" * BACKSLASHES_SMALL)
large = cost_s("select " + opening + "\\" * BACKSLASHES_LARGE)
growth = large / max(small, FLOOR_S)
print("growth: %.1f" % growth)
if FLAT_MAX <= growth <= GROWN_MIN:
    sys.exit("the cost grows neither clearly nor clearly not")
end(42 if growth > GROWN_MIN else 0)
