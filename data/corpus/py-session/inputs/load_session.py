"""Decodes a session in a scratch folder; 42 if that leaves anything there."""

import os
import sys
import tempfile

sys.path.insert(0, os.getcwd())
from sessions import SessionError, decode  # noqa: E402

with open(sys.argv[1], encoding="latin-1", newline="") as file:
    text = file.read()
with tempfile.TemporaryDirectory() as scratch:
    before = os.getcwd()
    os.chdir(scratch)
    try:
        print(sorted(decode(text).items()))
    except SessionError as error:
        print(f"refused: {error}")
    red = bool(os.listdir(scratch))
    os.chdir(before)
sys.exit(42 if red else 0)
