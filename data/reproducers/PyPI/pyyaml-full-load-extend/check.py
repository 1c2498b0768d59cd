"""Does text read by `full_load` call a function of its own choice?

The text makes an object, puts a function into it as the method `extend`, and gives
the object items, so that the loader calls that method. The function is one of this
program and sets a flag. The argument is the name of the method to put there.
"""
import os
import sys

import yaml

calls = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Holder:
    """What the text makes an object of."""


def mark(items):
    calls.append(items)


TEXT = """
!!python/object/new:__main__.Holder
state: {%s: !!python/name:__main__.mark }
listitems: [flag]
"""

usual = yaml.full_load("{a: [1, two, 3.0]}")
if usual != {"a": [1, "two", 3.0]}:
    sys.exit("ordinary text is not read")

try:
    yaml.full_load(TEXT % (sys.argv[1] if len(sys.argv) > 1 else "extend"))
except Exception as error:
    print("refused: " + type(error).__name__)
end(42 if calls else 0)
