"""Unpacks a bundle two folders deep in a scratch folder; 42 if anything lands outside the inner one."""

import os
import sys
import tempfile

sys.path.insert(0, os.getcwd())
from unpackr import BundleError, extract  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
with tempfile.TemporaryDirectory() as scratch:
    inner = os.path.join(scratch, "work", "out")
    os.makedirs(inner)
    try:
        print(extract(text.replace("@SCRATCH@", scratch), inner))
    except BundleError as error:
        print(f"refused: {str(error).replace(scratch, '')}")
    outside = False
    for folder, _, files in sorted(os.walk(scratch)):
        for name in sorted(files):
            path = os.path.join(folder, name)
            print(os.path.relpath(path, inner), os.path.getsize(path))
            outside |= not path.startswith(inner + os.sep)
sys.exit(42 if outside else 0)
