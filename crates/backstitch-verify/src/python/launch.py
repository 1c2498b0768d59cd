"""Runs a reproducer, where the package is there in the version that is to be judged. Run by
Backstitch with the environment's interpreter, in its run phase.

Arguments: the package, its version, the program; then what the program is given.
Exit codes: 3 there is another version or none; any other is the program's.
"""

import os
import re
import sys
from importlib.metadata import distributions


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def bare(version):
    """What is written in two ways is one version: zeros at the end, and capitals."""
    return re.sub(r"(?:\.0+)+$", "", version.lower().lstrip("v"))


def main(package, version, program, *given):
    known = [one for one in distributions() if plain(one.metadata["Name"] or "") == plain(package)]
    found = known[0].version if known else None
    # The first is what is imported. A build of one's own has a name after a plus.
    same = found is not None and bare(version) in (bare(found), bare(found.partition("+")[0]))
    if not same:
        print(f"error: `{package}` {version} is not what is installed, but {found or 'nothing'}")
        sys.exit(3)
    os.execv(sys.executable, [sys.executable, "-I", program, *given])


if __name__ == "__main__":
    main(*sys.argv[1:])
