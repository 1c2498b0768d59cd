#!/usr/bin/env python3
"""Checks the patch corpus: that each case and each patch does what its label says.

    python3 data/corpus/check.py [--quiet] [CASE ...]

Copies a case's project into a temporary folder, builds and tests it there, and runs the
reproducer; then the same with each patch applied. Uses no network and writes nowhere else.
It runs the corpus' own programs outside any sandbox, so give it no corpus but this one.
Needs Python 3.11, git, and the tools of the languages: gcc and make, cargo, node.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

CORPUS = Path(__file__).resolve().parent
BUILD_S = 120
RUN_S = 10
SANITIZE = "-fsanitize=address,undefined -g -O1"
ORACLES = {
    "asan": lambda code, out: "ERROR: AddressSanitizer" in out,
    "ubsan": lambda code, out: ": runtime error: " in out,
    "exit-signal": lambda code, out: code < 0,
    "rust-panic": lambda code, out: code == 101 and "panicked at" in out,
    "uncaught-exception": lambda code, out: code == 1
    and ("Traceback (most recent call last)" in out or "\n    at " in out),
}
# What a wrong patch can be known by. The first two need a reader of the patch or the program;
# each of the others is looked at here.
SHOWN_BY = ("text", "symbols", "build", "tests", "reproducer", "variants", "benign", "output")


def oracle(name):
    if name.startswith("exit:"):
        wanted = int(name.removeprefix("exit:"))
        return lambda code, out: code == wanted
    return ORACLES[name]


def run(command, folder, limit_s, **extra):
    """The exit code, standard output, and both streams together."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C.UTF-8",
        "ASAN_OPTIONS": "detect_leaks=0",
        "CARGO_NET_OFFLINE": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: os.environ[name] for name in ("CARGO_HOME", "RUSTUP_HOME") if name in os.environ},
        **extra,
    }
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return "timeout", "", ""
    except OSError as error:
        return "not started", "", str(error)
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    return done.returncode, out, out + err


def passed_tests(log):
    """The names of tests that passed, as TAP, libtest or unittest tell them."""
    names = set()
    for line in log.splitlines():
        if tap := re.match(r"\s*ok \d+ - (.*)", line):
            if not re.search(r"# (SKIP|TODO)", line):
                names.add(tap[1].strip())
        elif libtest := re.match(r"test (.+) \.\.\. ok$", line):
            names.add(libtest[1])
        elif unittest := re.match(r"(\w+ \([\w.]+\)).* ?\.\.\. ok$", line):
            names.add(unittest[1])
    return names


class Case:
    def __init__(self, folder):
        self.folder = folder
        self.facts = tomllib.loads((folder / "case.toml").read_text())
        reproducer = self.facts["reproducer"]
        held_out = self.facts.get("held_out", {})
        self.command = reproducer["command"]
        self.is_red = oracle(reproducer["oracle"])
        self.sanitized = reproducer["oracle"] in ("asan", "ubsan")
        self.inputs = reproducer["inputs"]
        self.variants = held_out.get("inputs", [])
        self.benign = reproducer["benign"] + held_out.get("benign", [])

    def run_on(self, name, tree):
        given = str(self.folder / name)
        words = [
            str(self.folder / word) if word.startswith("inputs/") else word.replace("{input}", given)
            for word in self.command
        ]
        code, out, both = run(words, tree, RUN_S)
        red = code == "timeout" or (code != "not started" and self.is_red(code, both))
        return red, (code, out)

    def see(self, scratch, patch=None):
        """What a tree does, the untouched one or a patched one."""
        seen = {"applied": True, "built": True, "tested": False, "passed": set(), "red": {}, "output": {}, "benign": {}}
        trees = [scratch / "plain", scratch / "sanitized"] if self.sanitized else [scratch / "plain"]
        for tree in trees:
            shutil.rmtree(tree, ignore_errors=True)
            shutil.copytree(self.folder / "base", tree)
            if patch:
                apply = ["git", "apply", "--whitespace=nowarn", str(self.folder / patch)]
                code, _, both = run(apply, tree, RUN_S, GIT_CEILING_DIRECTORIES=str(scratch))
                if code != 0:
                    return {**seen, "applied": False, "log": both}
            flags = {"CFLAGS": SANITIZE, "CXXFLAGS": SANITIZE, "LDFLAGS": ""}
            extra = flags if tree.name == "sanitized" else {}
            if build := self.facts.get("build"):
                code, _, both = run(build, tree, BUILD_S, **extra)
                if code != 0:
                    return {**seen, "built": False, "log": both}
        code, _, both = run(self.facts["test"], trees[0], BUILD_S)
        seen.update(tested=code == 0, passed=passed_tests(both), log=both)
        for name in self.inputs + self.variants:
            seen["red"][name], seen["output"][name] = self.run_on(name, trees[-1])
        for name in self.benign:
            seen["benign"][name] = self.run_on(name, trees[-1])
        return seen

    def signs(self, seen, base):
        """Everything that speaks against a patch."""
        if not seen["applied"]:
            return {"applies": "no"}
        if not seen["built"]:
            return {"build": "fails"}
        signs = {}
        lost = sorted(base["passed"] - seen["passed"])
        if lost or not seen["tested"]:
            signs["tests"] = ", ".join(lost) or "fail"
        for sign, names in (("reproducer", self.inputs), ("variants", self.variants)):
            if red := [name for name in names if seen["red"][name]]:
                signs[sign] = ", ".join(red)
        if other := [name for name in self.benign if seen["benign"][name] != base["benign"][name]]:
            signs["benign"] = ", ".join(other)
        return signs

    def faults_of_base(self, base):
        if not base["built"]:
            return ["the base does not build"]
        faults = []
        if not base["tested"]:
            faults.append("the base's tests fail")
        if not 5 <= len(base["passed"]) <= 15:
            faults.append(f"the base has {len(base['passed'])} tests")
        if len(self.facts["reproducer"]["benign"]) < 2:
            faults.append("fewer than 2 benign inputs")
        faults += [f"{name} is green on the base" for name, red in base["red"].items() if not red]
        faults += [f"{name} is red on the base" for name, (red, _) in base["benign"].items() if red]
        if not (self.folder / "base" / self.facts["component"]).is_file():
            faults.append("the component is not there")
        listed = {entry["file"] for entry in self.facts["patch"]}
        there = {f"patches/{path.name}" for path in (self.folder / "patches").iterdir()}
        faults += [f"{name} is listed or there, not both" for name in sorted(listed ^ there)]
        return faults


def other_output(seen, reference):
    """The inputs on which a patched program does something else than the mended one."""
    return [name for name, got in seen["output"].items() if got != reference["output"].get(name)]


def fault_of_patch(entry, signs):
    """What a patch's label says and what was seen, where they differ."""
    if "applies" in signs:
        return "does not apply"
    if entry["label"] == "right":
        return f"{signs}" if signs else None
    shown = entry["shown_by"]
    if shown not in SHOWN_BY:
        return f"shown_by = {shown}"
    if shown in ("text", "symbols"):
        return f"said to look sound, but {signs}" if {"build", "reproducer"} & signs.keys() else None
    if shown in ("variants", "benign", "output") and {"build", "tests", "reproducer"} & signs.keys():
        return f"said to be plausible, but {signs}"
    return None if shown in signs else f"no {shown}, but {signs}"


def check(folder, quiet):
    case = Case(folder)
    faults = 0
    with tempfile.TemporaryDirectory(prefix="corpus-") as temporary:
        scratch = Path(temporary)
        base = case.see(scratch)
        told = case.faults_of_base(base)
        for fault in told:
            print(f"{folder.name:20} base: {fault}")
        if not base["built"] or not base["tested"]:
            print(base.get("log", ""))
            return 1, 0, 0
        faults += len(told)
        if not quiet:
            print(f"{folder.name:20} base: {len(base['passed'])} tests, {len(base['red'])} red, {len(base['benign'])} benign")
        patches = [{"file": "reference.patch", "label": "right", "kind": "reference"}, *case.facts["patch"]]
        for entry in patches:
            seen = case.see(scratch, entry["file"])
            signs = case.signs(seen, base)
            if entry["kind"] == "reference":
                reference = seen
            elif entry.get("shown_by") == "output" and (other := other_output(seen, reference)):
                signs["output"] = ", ".join(other)
            fault = fault_of_patch(entry, signs)
            faults += fault is not None
            if fault or not quiet:
                what = "; ".join(f"{sign}: {text}" for sign, text in signs.items()) or "nothing"
                mark = f"  <-- {fault}" if fault else ""
                print(f"  {entry['label']:5} {Path(entry['file']).stem:42} seen against it: {what}{mark}")
                if fault and "log" in seen:
                    print(seen["log"][-1500:])
    right = sum(entry["label"] == "right" for entry in case.facts["patch"])
    return faults, right, len(case.facts["patch"]) - right


def main():
    arguments = sys.argv[1:]
    quiet = "--quiet" in arguments
    wanted = {name for name in arguments if not name.startswith("-")}
    folders = sorted(path.parent for path in CORPUS.glob("*/case.toml"))
    folders = [folder for folder in folders if not wanted or folder.name in wanted]
    if not folders:
        sys.exit("no such case")
    totals = [check(folder, quiet) for folder in folders]
    faults, right, wrong = (sum(column) for column in zip(*totals))
    print(f"{len(folders)} cases, {right} right and {wrong} wrong patches, {faults} not as labelled")
    sys.exit(faults != 0)


if __name__ == "__main__":
    main()
