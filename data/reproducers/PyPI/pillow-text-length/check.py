"""Is a text of any length measured?

Measuring and drawing a text takes memory that grows with it. By default a text of
more than a million characters must be refused. The argument is the length of a
text whose size is asked for with the small built-in font; no picture is made.
"""
import os
import sys

from PIL import ImageFont

LENGTH_ALLOWED = 1000000
LENGTH_MAX = 2000000


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


font = ImageFont.load_default()
usual = font.getbbox("usual text")
if not usual[2] > 0:
    sys.exit("an ordinary text is not measured")

argument = sys.argv[1] if len(sys.argv) > 1 else "1000001"
if not (argument.isascii() and argument.isdigit() and len(argument) < 8):
    end(0)
length = int(argument)
if not LENGTH_ALLOWED < length <= LENGTH_MAX:
    end(0)
try:
    width = font.getbbox("a" * length)[2]
except ValueError as error:
    print("refused: " + str(error))
    end(0)
print("measured: %d" % width)
end(42 if width > 0 else 0)
