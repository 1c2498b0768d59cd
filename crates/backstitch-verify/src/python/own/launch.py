"""Starts Poetry or Pipenv so that it only writes a lockfile. Run by Backstitch in its fetch phase,
with the Python that the tool is installed with, in a folder of copies of the manifests.

To learn what a source archive requires, either tool would build it, and so run it. Here no program
is started, and no other program takes this one's place: what would have to be built is refused, with
words that Backstitch knows.

Arguments: `poetry` and those of the tool; or `pipenv`, `lock` and what is to be moved, each as
`NAME==VERSION`, by its plain name.
"""

import json
import os
import re
import sys

REFUSED = os.environ["BACKSTITCH_NOTHING_IS_BUILT"]
STARTING = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
)


def refuse(event, _):
    if event in STARTING:
        raise OSError(REFUSED)


def poetry():
    sys.addaudithook(refuse)
    import poetry.inspection.info as info
    import poetry.repositories.pypi_repository as pypi
    from poetry.packages.direct_origin import DirectOrigin
    from poetry.utils.env import EnvManager

    def build(*_, **__):
        # Poetry takes an archive that it cannot build for one that requires nothing.
        sys.exit(REFUSED)

    elsewhere = ("get_package_from_url", "get_package_from_vcs")
    if not hasattr(info, "get_pep517_metadata") or any(not hasattr(DirectOrigin, one) for one in elsewhere):
        sys.exit("this Poetry cannot be kept from building source archives")
    info.get_pep517_metadata = build
    # A release may require what is at an address of its own.
    for one in elsewhere:
        setattr(DirectOrigin, one, staticmethod(build))
    # What a lockfile says does not hang on where packages would be installed.
    EnvManager.create_venv = lambda *_, **__: EnvManager.get_system_env(naive=True)
    by_page(pypi.PyPiRepository)
    from poetry.console.application import main

    return main()


def by_page(repository):
    """Where an index has no page for a single release, as most mirrors, what it requires is read
    beside its files."""
    from poetry.inspection.info import PackageInfo
    from poetry.repositories import exceptions

    # It was called otherwise before 2.0.
    lacking = getattr(exceptions, "PackageNotFoundError", None) or exceptions.PackageNotFound

    mirror = os.environ.get("PIP_INDEX_URL", "").rstrip("/")
    if mirror.endswith("/simple"):
        begin = repository.__init__

        def at_mirror(self, *arguments, **more):
            begin(self, *arguments, **more)
            self._base_url = mirror[: -len("simple")]
            self._url = mirror

        repository.__init__ = at_mirror
    of_release = repository._get_release_info

    def release_info(self, name, version):
        try:
            return of_release(self, name, version)
        except lacking:
            links = list(self.get_page(name).links_for_version(name, version))
            about = PackageInfo(
                name=name,
                version=version.text,
                summary="",
                requires_dist=[],
                requires_python=None,
                files=[],
                yanked=self.get_page(name).yanked(name, version),
                cache_version=str(self.CACHE_VERSION),
            )
            return self._links_to_data(links, about)

    repository._get_release_info = release_info


def pipenv():
    """Pipenv moves more than it is asked to. So everything that is locked is asked for as it is, and
    of what it then writes only what is new is taken over."""
    os.environ.update(VIRTUAL_ENV=sys.prefix, PIPENV_RESOLVER_PARENT_PYTHON="1", PIPENV_VERBOSITY="-1")
    sys.addaudithook(refuse)
    wanted = dict(text.split("==", 1) for text in sys.argv[2:])
    if not os.path.exists("Pipfile.lock"):
        return pipenv_lock()
    own, before = read("Pipfile"), read("Pipfile.lock")
    old = json.loads(before)
    if dumped(old) != before:
        sys.exit("the lockfile is not as pipenv writes it")
    write("Pipfile", pinned(own, old, wanted))
    try:
        code = pipenv_lock()
    finally:
        write("Pipfile", own)
    if code:
        return code
    merged(old, json.loads(read("Pipfile.lock")))
    from pipenv.project import Project

    # It stood elsewhere before 2026.
    project = Project()
    digest = getattr(project, "calculate_pipfile_hash", None) or project.pipfile.calculate_hash
    old["_meta"]["hash"]["sha256"] = digest()
    write("Pipfile.lock", dumped(old))
    return 0


def pipenv_lock():
    from pipenv import cli

    sys.argv = ["pipenv", "lock"]
    try:
        return cli()
    except SystemExit as end:
        return end.code


def pinned(own, old, wanted):
    """A Pipfile that asks for all that is locked, and for what is wanted instead."""
    from pipenv.vendor import tomlkit

    pipfile = tomlkit.parse(own)
    for group, entries in old.items():
        if group == "_meta":
            continue
        table = {}
        for name, entry in entries.items():
            asked = {"extras": entry["extras"]} if "extras" in entry else {}
            version = wanted.get(plain(name))
            table[name] = {**asked, "version": f"=={version}" if version else entry["version"]}
        pipfile[{"default": "packages", "develop": "dev-packages"}.get(group, group)] = table
    return tomlkit.dumps(pipfile)


def merged(old, new):
    for group, entries in new.items():
        if group == "_meta":
            continue
        known = old.setdefault(group, {})
        for name, entry in entries.items():
            before = known.get(name)
            if before and before.get("version") == entry.get("version"):
                continue
            entry.pop("index", None)
            if before and "index" in before:
                entry["index"] = before["index"]
            known[name] = entry


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def dumped(lock):
    return json.dumps(lock, indent=4, separators=(",", ": "), sort_keys=True) + "\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    tool = sys.argv[1]
    sys.argv = sys.argv[1:]
    os.makedirs(os.environ["HOME"], exist_ok=True)
    sys.exit({"poetry": poetry, "pipenv": pipenv}[tool]())
