"""Checks a token; 42 if it is accepted though its signature is not the whole one.

In the file, @SIG:N@ stands for the first N digits of the right signature.
"""

import os
import re
import sys

sys.path.insert(0, os.getcwd())
import tokens  # noqa: E402

KEY = b"a key that nobody knows"
with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read().strip()
name, _, rest = text.partition(".")
expires = int(rest.partition(".")[0] or 0)
right = tokens.make(KEY, name or "nobody", expires)
digits = right.rpartition(".")[2]
text = re.sub("@SIG:([0-9]+)@", lambda found: digits[: int(found[1])], text)
text = text.replace("@SIG-IN-CAPITALS@", digits.upper())
try:
    who = tokens.check(KEY, text, now=1000)
except tokens.TokenError as error:
    print(f"refused: {error}")
    sys.exit(0)
print(f"accepted as {who}")
sys.exit(0 if text.lower() == right.lower() else 42)
