"""Are entities put in that are made of one another?

Each level of entities doubles the text, so that a short document becomes as long
as its author likes. The argument is the number of levels, kept small here.
"""
import os
import sys

import untangle

LEVELS_MIN = 2
LEVELS_MAX = 8


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def document(levels):
    lines = ['<!DOCTYPE top [<!ENTITY level0 "flag">']
    for level in range(1, levels + 1):
        lines.append('<!ENTITY level%d "&level%d;&level%d;">' % (level, level - 1, level - 1))
    lines.append("]><top>&level%d;</top>" % levels)
    return "\n".join(lines)


if untangle.parse("<top><flag>usual</flag></top>").top.flag.cdata != "usual":
    sys.exit("an ordinary document is not parsed")

argument = sys.argv[1] if len(sys.argv) > 1 else "3"
if not (argument.isascii() and argument.isdigit() and len(argument) < 3):
    end(0)
levels = int(argument)
if not LEVELS_MIN <= levels <= LEVELS_MAX:
    end(0)
try:
    text = untangle.parse(document(levels)).top.cdata
except Exception as error:
    print("refused: " + type(error).__name__)
    end(0)
print("copies: %d" % text.count("flag"))
end(42 if text.count("flag") == 2 ** levels else 0)
