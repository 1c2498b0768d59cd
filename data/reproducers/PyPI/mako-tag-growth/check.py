"""Does the cost of reading a tag grow faster than the tag?

The argument is repeated inside a tag that is never closed. One tag has twelve
quotation marks more than the other. Where the pattern tries every way to pair
them, the cost grows manyfold; else it hardly grows. Costs are compared with each
other only.
"""
import os
import sys
import time

from mako.exceptions import MakoException
from mako.lexer import Lexer

MARKS_SMALL = 16
MARKS_LARGE = 28
UNIT_MAX = 8
ROUNDS = 3
# Between these nothing is said.
FLAT_MAX = 10
GROWN_MIN = 30
# Below this the clock says little, so that a small cost counts as this much.
FLOOR_S = 0.0003


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def parsed(text):
    try:
        return Lexer(text).parse()
    except MakoException:
        return None


def cost_s(text):
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        parsed(text)
        spent = time.process_time() - start
        best = spent if best is None else min(best, spent)
    return best


usual = parsed('<%def name="greeting()">hello</%def>')
if usual is None or len(usual.nodes) != 1:
    sys.exit("an ordinary tag is not read")

unit = sys.argv[1] if len(sys.argv) > 1 else '"'
marks = unit.count('"')
# Blanks and commas are read in many ways by the mended pattern too.
if not marks or len(unit) > UNIT_MAX or any(c.isspace() or c == "," for c in unit):
    end(0)
small = cost_s("<%def name" + unit * (MARKS_SMALL // marks))
large = cost_s("<%def name" + unit * (MARKS_LARGE // marks))
growth = large / max(small, FLOOR_S)
print("growth: %.1f" % growth)
if FLAT_MAX <= growth <= GROWN_MIN:
    sys.exit("the cost grows neither clearly nor clearly not")
end(42 if growth > GROWN_MIN else 0)
