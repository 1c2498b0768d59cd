"""Installs what a project locks, and the project, into a virtual environment. Run by Backstitch
in its run phase, without a network: source archives are built here.

What is installed already and has the right version stays, so that an attempt installs only what
it changes. Conflicts that were not there before are an error: what they were is kept in the
environment itself.

Arguments: the file of wishes (JSON), the directory of what was downloaded, the environment; then
perhaps a command of the user's own that builds the project.
"""

import glob
import hashlib
import json
import os
import re
import subprocess
import sys


def main(wishes_path, downloads, environment, own):
    with open(wishes_path, encoding="utf-8") as file:
        wishes = json.load(file)
    python = os.path.join(environment, "bin", "python")
    if not os.path.exists(os.path.join(environment, "pyvenv.cfg")):
        venv = ["venv"] if old_pip() else ["venv", "--without-pip"]
        run([sys.executable, "-I", "-m", *venv, environment], "make a virtual environment")
    there = installed(environment)
    pins = [pin for pin in wishes["pins"] if os.path.exists(mark_of(downloads, pin["line"]))]
    new = [pin for pin in pins if there.get(plain(pin["name"])) != pin["version"]]
    base = pip(python) + ["install", "--no-index", "--find-links", downloads, "--no-compile"]
    if new:
        path = write("pins.txt", [pin["line"] for pin in new])
        run(base + ["--no-deps", "-r", path], "install the locked packages")
    if wishes["loose"]:
        constraints = write("constraints.txt", wishes["constraints"] + [bare(pin) for pin in pins])
        loose = write("loose.txt", wishes["loose"])
        run(base + ["-c", constraints, "-r", loose], "install what is not pinned")
    if wishes["project"]:
        # Without its repository a project cannot tell its own version.
        os.environ.setdefault("SETUPTOOLS_SCM_PRETEND_VERSION", "0.0.0")
        os.environ.setdefault("PBR_VERSION", "0.0.0")
        run(base + ["--no-deps", "-e", "."], "install the project")
    stop_at_others(wishes["pins"], pins, installed(environment))
    check(pip(python) + ["check"], os.path.join(environment, "backstitch-conflicts.json"))
    if own:
        run(own, "build the project with the user's own command")


def stop_at_others(all_pins, pins, there):
    """What could not be fetched may be lacking, but no other release may stand in for it."""
    for pin in all_pins:
        found = there.get(plain(pin["name"]), pin["version"])
        if pin not in pins and found != pin["version"]:
            print(f"error: `{pin['name']}` {pin['version']} was not fetched, and {found} is installed", flush=True)
            sys.exit(1)


def old_pip():
    """Before 22.3 pip installs only into the environment that it is in."""
    import pip as module

    return tuple(int(number) for number in re.findall(r"\d+", module.__version__)[:2]) < (22, 3)


def pip(python):
    if old_pip():
        return [python, "-m", "pip"]
    return [sys.executable, "-I", "-m", "pip", "--python", python]


def mark_of(downloads, line):
    return os.path.join(downloads, ".had", hashlib.sha256(line.encode()).hexdigest())


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def bare(pin):
    return pin["line"].split(" --hash")[0]


def installed(environment):
    """Names and versions, by the folders that pip leaves."""
    found = {}
    for path in glob.glob(os.path.join(environment, "lib", "python*", "site-packages", "*.dist-info")):
        name, _, version = os.path.basename(path)[: -len(".dist-info")].rpartition("-")
        found[plain(name)] = version
    return found


def write(name, lines):
    path = os.path.join("/tmp", name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def run(command, doing):
    print("$ " + " ".join(command), flush=True)
    ran = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    errors = []
    for line in ran.stdout:
        text = line.decode("utf-8", "replace")
        sys.stdout.write(text)
        if re.match(r"\s*(ERROR|error|[A-Za-z.]*Error):", text):
            errors = errors[-4:] + [text.strip()]
    sys.stdout.flush()
    if ran.wait() != 0:
        print(f"error: {doing}: " + "; ".join(errors), flush=True)
        sys.exit(1)


def check(command, path):
    """Compares conflicts by who has one with whom, since versions are meant to change."""
    print("$ " + " ".join(command), flush=True)
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    lines = said.stdout.decode("utf-8", "replace").splitlines()
    conflicts = {}
    for line in lines:
        print(line)
        found = re.match(r"(\S+) \S+ (?:requires|has requirement) ([A-Za-z0-9._-]+)", line)
        if found:
            conflicts[f"{plain(found[1])} {plain(found[2])}"] = line
    sys.stdout.flush()
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = json.load(file)
        new = [line for key, line in sorted(conflicts.items()) if key not in before]
        if new:
            print("error: packages no longer fit together: " + "; ".join(new), flush=True)
            sys.exit(1)
    else:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(sorted(conflicts), file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
