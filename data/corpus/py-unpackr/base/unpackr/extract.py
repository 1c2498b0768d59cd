"""Writes a bundle's files below a folder."""

import os

from .bundle import BundleError, read_bundle


def _target(folder, name):
    """Where a file of a bundle goes; bundles from elsewhere may have backslashes."""
    name = name.replace("\\", "/")
    return os.path.join(folder, name)


def extract(text, folder, overwrite=False):
    """Unpacks into a folder and gives the names that were written."""
    written = []
    for name, content in read_bundle(text):
        target = _target(folder, name)
        if os.path.exists(target) and not overwrite:
            raise BundleError(f"{name}: is there already")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as out:
            out.write(content)
        written.append(name)
    return written
