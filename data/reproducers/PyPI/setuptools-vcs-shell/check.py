"""Is the address of a repository put into a line that a shell runs?

The argument is an address with a character that means something to a shell. Stubs
stand for the ways to start a program and keep what they are given: nothing runs.
A line of text for a shell that holds such an address is the flaw; a list of
arguments is not.
"""
import os
import subprocess
import sys
import warnings

warnings.simplefilter("ignore")
from setuptools.package_index import PackageIndex  # noqa: E402

SHELL_CHARACTERS = ";|&$`<>()"
lines = []
lists = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def keep(command, *_arguments, **_options):
    (lines if isinstance(command, str) else lists).append(command)
    return 0


def download(address):
    del lines[:], lists[:]
    PackageIndex().download(address, "never-made")


os.system = keep
subprocess.check_call = keep
download("git+https://host.example/usual")
if not any("https://host.example/usual" in command for command in lines + lists):
    sys.exit("an ordinary repository is not downloaded")

address = sys.argv[1] if len(sys.argv) > 1 else "git+https://host.example/project;flag"
if not address.startswith(("git+http", "hg+http")):
    end(0)
try:
    download(address)
except Exception as error:
    print("refused: " + type(error).__name__)
red = [line for line in lines if any(character in line for character in SHELL_CHARACTERS)]
for line in red:
    print("line for a shell: " + ascii(line))
end(42 if red else 0)
