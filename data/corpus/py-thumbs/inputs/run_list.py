"""Works off a list with a harmless tool in a scratch folder; 42 if a file comes to be there."""

import os
import sys
import tempfile

sys.path.insert(0, os.getcwd())
import thumbs  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
with tempfile.TemporaryDirectory() as scratch:
    for line in thumbs.Maker("echo", scratch).make_all(text):
        print(line)
    sys.exit(42 if os.listdir(scratch) else 0)
