"""Does the work on the joiners of a label grow with the square of the label?

A label is built of an Arabic letter, the argument many times, and the letter
again. It is encoded at two lengths, one four times the other. The calls that the
joiner rule makes are counted by a profile function, so that no clock is needed.
Work that follows the length grows fourfold; work that follows its square grows
sixteenfold.
"""
import os
import sys

import idna

LETTER = "\u0628"
REPEATS_SMALL = 100
REPEATS_LARGE = 4 * REPEATS_SMALL
UNIT_MAX = 8
GROWTH_MAX = 8
# A single call of the rule is no growth.
WORK_MIN = 50


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def joiner_work(text):
    calls = 0

    def profile(frame, event, _argument):
        nonlocal calls
        if event == "c_call" and frame.f_code.co_name == "valid_contextj":
            calls += 1

    sys.setprofile(profile)
    try:
        idna.encode(text)
    except UnicodeError:
        # The label is too long or not allowed, which is the proper answer.
        pass
    finally:
        sys.setprofile(None)
    return calls


if idna.encode("b\u00fccher.example") != b"xn--bcher-kva.example":
    sys.exit("an ordinary name is not encoded")
if joiner_work("\u0628\u200c\u0628") == 0:
    sys.exit("the work of the joiner rule cannot be counted")

unit = sys.argv[1] if len(sys.argv) > 1 else "\u200c"
if not unit or len(unit) > UNIT_MAX:
    end(0)
small = joiner_work(LETTER + unit * REPEATS_SMALL + LETTER)
large = joiner_work(LETTER + unit * REPEATS_LARGE + LETTER)
print("calls: %d, and %d for four times the label" % (small, large))
end(42 if large > GROWTH_MAX * max(small, WORK_MIN) else 0)
