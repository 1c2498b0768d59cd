"""Does the cost of lexing Smithy text grow faster than the text?

The argument is a blank. It is put behind `metadata`, many times, with no equals
sign to follow. One run of blanks is four times as long as the other. Where the
rule tries every way to share the blanks out, the cost grows far more than
fourfold. Costs are compared with each other only.
"""
import os
import sys
import time

from pygments.lexers.smithy import SmithyLexer

SIZE_SMALL = 70
SIZE_LARGE = 4 * SIZE_SMALL
ROUNDS = 5
# Between these nothing is said.
FLAT_MAX = 7
GROWN_MIN = 12
# Below this the clock says little, so that a small cost counts as this much.
FLOOR_S = 0.0001


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def cost_s(lexer, text):
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        for _token in lexer.get_tokens(text):
            pass
        spent = time.process_time() - start
        best = spent if best is None else min(best, spent)
    return best


lexer = SmithyLexer()
usual = list(lexer.get_tokens('metadata greeting = "hello"\n'))
if "".join(value for _, value in usual) != 'metadata greeting = "hello"\n':
    sys.exit("the lexer does not keep an ordinary line")

blank = sys.argv[1] if len(sys.argv) > 1 else " "
if not blank or blank.strip(" \t"):
    end(0)
small = cost_s(lexer, "metadata" + blank * (SIZE_SMALL // len(blank)))
large = cost_s(lexer, "metadata" + blank * (SIZE_LARGE // len(blank)))
growth = large / max(small, FLOOR_S)
print("growth for four times the text: %.1f" % growth)
if FLAT_MAX <= growth <= GROWN_MIN:
    sys.exit("the cost grows neither clearly nor clearly not")
end(42 if growth > GROWN_MIN else 0)
