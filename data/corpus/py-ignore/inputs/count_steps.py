"""Asks an ignore list about names and counts the lines that are run for it; 42 beyond the most.

The file has the patterns, a line `--`, and the names.
"""

import os
import sys

sys.path.insert(0, os.getcwd())
from ignorelist import IgnoreList  # noqa: E402

STEPS_MAX = 150_000
steps = 0


def count(frame, event, argument):
    global steps
    steps += 1
    if steps > STEPS_MAX:
        sys.settrace(None)
        print("too many steps")
        sys.stdout.flush()
        os._exit(42)
    return count


with open(sys.argv[1], encoding="utf-8") as file:
    patterns, _, names = file.read().partition("\n--\n")
sys.settrace(count)
rules = IgnoreList(patterns)
answers = [(name, rules.ignores(name)) for name in names.splitlines()]
sys.settrace(None)
for name, ignored in answers:
    print(name[:60], "ignored" if ignored else "kept")
