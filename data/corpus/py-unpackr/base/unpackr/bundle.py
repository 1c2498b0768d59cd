"""The format: a line ``== NAME`` begins each file; its lines follow."""

ENTRIES_MAX = 1000


class BundleError(ValueError):
    """A bundle that cannot be read, or must not be unpacked."""


def read_bundle(text):
    """Gives pairs of name and content, in the order of the bundle."""
    entries = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.startswith("== "):
            name = line[3:].strip()
            if not name:
                raise BundleError(f"line {number}: a file needs a name")
            if len(entries) == ENTRIES_MAX:
                raise BundleError("too many files")
            entries.append((name, []))
        elif entries:
            entries[-1][1].append(line)
        elif line.strip():
            raise BundleError(f"line {number}: text before the first file")
    return [(name, "".join(lines)) for name, lines in entries]
