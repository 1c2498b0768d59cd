"""Makes small copies of files by another program, as a list tells.

A list has one line for each file: ``NAME`` or ``NAME | SIZE``.
"""

import subprocess

DEFAULT_SIZE = "64"
JOBS_MAX = 200


def parse_list(text):
    """The jobs of a list, as pairs of name and size."""
    jobs = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, size = line.partition(" | ")
        jobs.append((name.strip(), size.strip() or DEFAULT_SIZE))
    return jobs[:JOBS_MAX]


def output_name(name):
    """The name of the small copy."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.small.{ending}" if dot and stem else f"{name}.small"


class Maker:
    """Runs the program that makes the copies: `tool SIZE NAME OUTPUT`."""

    def __init__(self, tool, folder="."):
        self.tool = tool
        self.folder = folder

    def make(self, name, size=DEFAULT_SIZE):
        """Makes one copy; gives what the tool says, or None where it fails."""
        command = f'{self.tool} {size} "{name}" "{output_name(name)}"'
        done = subprocess.run(
            command, shell=True, cwd=self.folder, capture_output=True, text=True, timeout=5
        )
        return done.stdout.strip() if done.returncode == 0 else None

    def make_all(self, text):
        """Makes all copies of a list; gives a line for each."""
        lines = []
        for name, size in parse_list(text):
            said = self.make(name, size)
            lines.append(f"{name}: {'failed' if said is None else said}")
        return lines
