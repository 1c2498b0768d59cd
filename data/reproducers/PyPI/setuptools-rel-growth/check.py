"""Does the cost of reading an index page grow faster than the page?

The argument is the beginning of a tag. Many spaces follow, and the tag is never
closed. One run of spaces is four times as long as the other. Where the pattern tries every
way to share the blanks out, the cost grows far more than fourfold. Costs are
compared with each other only, and no page is fetched.
"""
import os
import sys
import time
import warnings

warnings.simplefilter("ignore")
from setuptools.package_index import find_external_links  # noqa: E402

SIZE_SMALL = 70
SIZE_LARGE = 4 * SIZE_SMALL
BEGINNING_MAX = 80
ROUNDS = 5
# Between these nothing is said.
FLAT_MAX = 7
GROWN_MIN = 12
# Below this the clock says little, so that a small cost counts as this much.
FLOOR_S = 0.0001
BASE = "http://index.example/"


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def cost_s(page):
    best = None
    for _ in range(ROUNDS):
        start = time.process_time()
        list(find_external_links(BASE, page))
        spent = time.process_time() - start
        best = spent if best is None else min(best, spent)
    return best


usual = list(find_external_links(BASE, '<a rel="download" href="one-1.0.tar.gz">one</a>'))
if usual != [BASE + "one-1.0.tar.gz"]:
    sys.exit("an ordinary link is not found")

beginning = sys.argv[1] if len(sys.argv) > 1 else "<a rel="
if len(beginning) > BEGINNING_MAX:
    end(0)
small = cost_s(beginning + " " * SIZE_SMALL)
large = cost_s(beginning + " " * SIZE_LARGE)
growth = large / max(small, FLOOR_S)
print("growth for four times the spaces: %.1f" % growth)
if FLAT_MAX <= growth <= GROWN_MIN:
    sys.exit("the cost grows neither clearly nor clearly not")
end(42 if growth > GROWN_MIN else 0)
