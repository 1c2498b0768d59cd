"""Is the name of a branch given to Mercurial where it is read as an option?

The argument is the branch to check out. The commands are not run: a stub keeps how
they would have been called. What begins with a hyphen must stand behind `--`.
"""
import os
import sys
import tempfile

from cookiecutter import vcs

calls = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def keep(command, *_arguments, **_options):
    calls.append(list(command))
    return b""


def checkout(branch):
    del calls[:]
    with tempfile.TemporaryDirectory() as folder:
        vcs.clone("hg+https://host.example/usual", branch, folder, no_input=True)
    return [command for command in calls if command[:2] == ["hg", "checkout"]]


vcs.subprocess.check_output = keep
vcs.is_vcs_installed = lambda _name: True

usual = checkout("stable")
if len(usual) != 1 or usual[0][-1] != "stable":
    sys.exit("an ordinary branch is not checked out")

branch = sys.argv[1] if len(sys.argv) > 1 else "--debugger"
if not branch.startswith("-"):
    end(0)
red = False
for command in checkout(branch):
    print("command: " + ascii(command))
    if branch in command and "--" not in command[: command.index(branch)]:
        red = True
end(42 if red else 0)
