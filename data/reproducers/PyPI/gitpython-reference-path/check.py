"""Does the name of a reference lead out of the repository?

A temporary folder holds a small repository and, beside its folder `.git`, a file
`flag` that looks like a reference. The argument is a name to look up. Git does not
run. Where the value of that file comes back, a file outside was read.
"""
import os
import sys
import tempfile

os.environ["GIT_PYTHON_REFRESH"] = "quiet"
from git import Repo  # noqa: E402
from git.refs import SymbolicReference  # noqa: E402

INSIDE = "1" * 40
OUTSIDE = "2" * 40


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def write(text, *parts):
    path = os.path.join(*parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text + "\n")


def value_of(top, name):
    git = os.path.join(top, "project", ".git")
    write("ref: refs/heads/main", git, "HEAD")
    write(INSIDE, git, "refs", "heads", "main")
    write("[core]\n\tbare = false", git, "config")
    write(OUTSIDE, top, "project", "flag")
    os.makedirs(os.path.join(git, "objects"), exist_ok=True)
    repository = Repo(os.path.join(top, "project"))
    if SymbolicReference.dereference_recursive(repository, "refs/heads/main") != INSIDE:
        sys.exit("an ordinary reference is not looked up")
    try:
        return SymbolicReference.dereference_recursive(repository, name)
    except (ValueError, OSError) as error:
        print("refused: " + ascii(str(error)))
        return None


with tempfile.TemporaryDirectory() as folder:
    value = value_of(folder, sys.argv[1] if len(sys.argv) > 1 else "../flag")
end(42 if value == OUTSIDE else 0)
