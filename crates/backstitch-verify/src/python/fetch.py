"""Downloads what a project's lockfile names. Run by Backstitch in its fetch phase, with a network.

Nothing of the project's and nothing of what is downloaded is run: pip is told to take wheels
only, is kept from building, and is given nothing but names and versions; source archives are
fetched as files and looked into. Every package that is there is
marked, so that the next run asks for what is new alone.

Arguments: the file of wishes (JSON), the directory for what is downloaded, and `fetch`, or
`resolve` to tell only what pip would install.
Exit codes: 0 done; 3 the network is not there. Lines that begin with `note: ` are for people.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from html.parser import HTMLParser

FILE_BYTES_MAX = 512 << 20
PAGE_BYTES_MAX = 128 << 20
ARCHIVE_MEMBERS_MAX = 100_000
DEFAULT_BUILD = ["setuptools>=40.8.0", "wheel"]
NETWORK = (
    "Retrying (Retry(",
    "Temporary failure in name resolution",
    "Connection refused",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ProxyError",
)
# pip takes what is at an address for a source archive, whatever it is told of wheels: this pip
# stops where it would build one.
PIP = """
import sys
from pip._internal.distributions.sdist import SourceDistribution
from pip._internal.exceptions import InstallationError

def refuse(*arguments, **more):
    raise InstallationError("a source archive is not built here")

if not hasattr(SourceDistribution, "prepare_distribution_metadata"):
    sys.exit("ERROR: this pip cannot be kept from building source archives")
SourceDistribution.prepare_distribution_metadata = refuse
from pip._internal.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
# What may be handed to pip, as in requirement.rs: PEP 508 without addresses.
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
VERSION = r"(?:===?|~=|!=|<=|>=|<|>) *[A-Za-z0-9][A-Za-z0-9._*+!-]*"
VERSIONS = rf"(?:{VERSION}(?: *, *{VERSION})*)?"
QUOTED = r""""[^"\\$#]*"|'[^'\\$#]*'"""
PLAIN = re.compile(
    rf"(?P<package>(?P<name>{NAME}) *(?:\[ *(?:{NAME}(?: *, *{NAME})*)? *\] *)?"
    rf"(?:{VERSIONS}|\( *{VERSIONS} *\))) *"
    rf"(?:;(?: *(?:[A-Za-z0-9_.<>=!~()]|{QUOTED}))+ *)?"
)
ARCHIVES = tuple(".whl .zip .tar .gz .tgz .bz2 .tbz .xz .txz .lz .tlz .lzma".split())


class NoNetwork(Exception):
    """A server could not be reached."""


def main(wishes_path, downloads, what):
    with open(wishes_path, encoding="utf-8") as file:
        wishes = json.load(file)
    for kind in ("build", "loose", "constraints"):
        wishes[kind] = plain_ones(wishes[kind])
    if not all(is_pin(pin["line"]) for pin in wishes["pins"]):
        sys.exit("error: what is pinned is not a name and a version")
    if what == "resolve":
        return resolve(wishes)
    marks = os.path.join(downloads, ".had")
    os.makedirs(marks, exist_ok=True)
    os.makedirs(os.path.join(downloads, ".logs"), exist_ok=True)
    pins = [pin for pin in wishes["pins"] if not is_had(marks, pin["line"])]
    if pins and wishes["offline"]:
        names = ", ".join(pin["name"] for pin in pins[:5])
        raise NoNetwork(f"packages are not on this machine: {names}")
    for pin in wheels(pins, downloads, marks):
        source(pin, downloads, marks)
    builds = {tuple(sorted(wishes["build"]))}
    for pin in wishes["pins"]:
        if is_had(marks, pin["line"]):
            with open(mark_of(marks, pin["line"]), encoding="utf-8") as file:
                builds.add(tuple(sorted(plain_ones(json.load(file)))))
    builds.discard(())
    if any(re.match(r"setuptools\b", text) for needed in builds for text in needed):
        # What setuptools asks for in passing, and does not state.
        builds.add(tuple(DEFAULT_BUILD))
    for needed in sorted(builds):
        whole(list(needed), [], downloads, marks, wishes["offline"])
    facts(wishes["pins"], downloads)
    requirements, constraints = loose(wishes, downloads)
    if requirements:
        whole(requirements, constraints, downloads, marks, wishes["offline"])


def loose(wishes, downloads):
    """What is asked for without a version, and its bounds. Asking so for what is pinned, too, asks
    for what the pin requires: a wheel says that, and of a source archive only its build could."""
    pins = {plain(pin["name"]): pin for pin in wishes["pins"]}
    archives = os.listdir(downloads)
    requirements, constraints = [], list(wishes["constraints"])
    for text in wishes["loose"]:
        pin = pins.get(plain(PLAIN.fullmatch(text)["name"]))
        if pin is None:
            requirements.append(text)
        elif not any(is_source(name, pin) for name in archives):
            requirements.append(text)
            constraints.append(pin["line"].split(" --hash=")[0])
    return requirements, constraints


def resolve(wishes):
    """Tells what pip would install for what is not pinned; a line that begins with `resolved: ` each."""
    with tempfile.TemporaryDirectory() as folder:
        listed, bounds, report = (os.path.join(folder, name) for name in ("listed", "bounds", "report"))
        with open(listed, "w", encoding="utf-8") as file:
            file.write("\n".join(wishes["loose"]) + "\n")
        with open(bounds, "w", encoding="utf-8") as file:
            pins = [pin["line"].split(" --hash=")[0] for pin in wishes["pins"]]
            file.write("\n".join(wishes["constraints"] + pins) + "\n")
        done, said = pip(
            [
                "install",
                "--dry-run",
                "--ignore-installed",
                "--only-binary=:all:",
                "--quiet",
                "--report",
                report,
                "-c",
                bounds,
                "-r",
                listed,
            ]
        )
        if not done:
            sys.exit("error: " + last_error(said))
        with open(report, encoding="utf-8") as file:
            answer = json.load(file)
    for one in answer.get("install", []):
        about = one.get("metadata", {})
        told = {
            "name": about.get("name"),
            "version": about.get("version"),
            "requires": about.get("requires_dist", []),
        }
        print("resolved: " + json.dumps(told))


def is_plain(text):
    """Is this a package from an index, and on a line of its own?"""
    found = PLAIN.fullmatch(text)
    # pip begins its options at a dash after a space, and takes files from the folder it is in.
    return bool(
        found
        and " -" not in text
        and all(" " <= letter <= "~" for letter in text)
        and not found["name"].lower().endswith(ARCHIVES)
        and not found["package"].rstrip().lower().endswith(ARCHIVES)
    )


def is_pin(line):
    text, *hashes = line.split(" --hash=")
    return is_plain(text) and all(re.fullmatch("sha256:[0-9A-Fa-f]+", text) for text in hashes)


def plain_ones(texts):
    refused = [text for text in texts if not is_plain(text)]
    for text in refused:
        print(f"note: `{ascii(text)[1:-1]}` is no package of an index; it was not fetched")
    return [text for text in texts if text not in refused]


def mark_of(marks, line):
    return os.path.join(marks, hashlib.sha256(line.encode()).hexdigest())


def is_had(marks, line):
    return os.path.exists(mark_of(marks, line))


def mark(marks, line, needed):
    put(mark_of(marks, line), json.dumps(needed).encode())


def put(path, body):
    """Writes a file that several may read and write at one time."""
    part = os.path.join(os.path.dirname(path), f".part-{os.urandom(8).hex()}")
    with open(part, "wb") as file:
        file.write(body)
    os.replace(part, path)


def pip(arguments):
    """Runs pip; answers whether it succeeded, and what it said."""
    command = [sys.executable, "-I", "-c", PIP, *arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = ran.stdout.decode("utf-8", "replace")
    print(said, flush=True)
    if ran.returncode != 0 and any(word in said for word in NETWORK):
        raise NoNetwork(said.strip().splitlines()[-1])
    return ran.returncode == 0, said


def download(requirements, downloads, constraints=(), more=()):
    # Several may fetch at one time, and the folder is shared: nothing appears in it half written.
    own = tempfile.mkdtemp(prefix="fetch-", dir=os.path.join(downloads, ".logs"))
    try:
        texts = {"requirements": requirements, "constraints": constraints}
        paths = {name: os.path.join(own, f"{name}.txt") for name in texts}
        for name, lines in texts.items():
            with open(paths[name], "w", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in lines))
        arguments = ["download", "--only-binary=:all:", "--quiet", *more]
        arguments += ["--dest", os.path.join(own, "had")]
        arguments += ["-c", paths["constraints"], "-r", paths["requirements"]]
        done, said = pip(arguments)
        if done:
            for name in os.listdir(os.path.join(own, "had")):
                os.replace(os.path.join(own, "had", name), os.path.join(downloads, name))
        return done, said
    finally:
        shutil.rmtree(own, ignore_errors=True)


def wheels(pins, downloads, marks):
    """Downloads the wheels of all pins; yields those that have none for this machine."""
    left = list(pins)
    while left:
        done, said = download([pin["line"] for pin in left], downloads, more=["--no-deps"])
        if done:
            for pin in left:
                mark(marks, pin["line"], [])
            return
        lacking = {
            (plain(name), version)
            for name, version in re.findall(
                r"No matching distribution found for ([A-Za-z0-9._-]+)(?:\[[^\]]*\])?===?([^\s;()]+)",
                said,
            )
        }
        without = [pin for pin in left if (plain(pin["name"]), pin["version"]) in lacking]
        if not without:
            sys.exit("error: pip could not download the packages: " + last_error(said))
        yield from without
        left = [pin for pin in left if pin not in without]


def last_error(said):
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
    return errors[-1] if errors else said.strip()[-500:]


def whole(requirements, constraints, downloads, marks, offline):
    """Downloads requirements with everything that they require. Lacking one is no error yet."""
    line = "\n".join(sorted(requirements) + ["--"] + sorted(constraints))
    if is_had(marks, line):
        return
    if offline:
        print(f"note: offline, and not on this machine: {', '.join(requirements)}")
        return
    done, said = download(requirements, downloads, constraints)
    if done:
        mark(marks, line, [])
    else:
        print(f"note: not downloaded: {', '.join(requirements)}: {last_error(said)}")


def facts(pins, downloads):
    """Writes down what each package says of itself, once, for whoever compares releases."""
    folder = os.path.join(downloads, ".facts")
    os.makedirs(folder, exist_ok=True)
    wanted = {}
    for pin in pins:
        key = f"{plain(pin['name'])}-{pin['version']}"
        if not os.path.exists(os.path.join(folder, key + ".json")):
            wanted[key] = pin
    for name in sorted(os.listdir(downloads)) if wanted else []:
        parts = name.split("-")
        is_wheel = name.endswith(".whl") and len(parts) >= 5
        key = f"{plain(parts[0])}-{parts[1]}" if is_wheel else None
        source_of = [key for key, pin in wanted.items() if is_source(name, pin)]
        for key in [key] if key in wanted else source_of:
            try:
                known = facts_of_wheel(os.path.join(downloads, name)) if is_wheel else {"source": True}
            except (zipfile.BadZipFile, OSError, ValueError):
                continue
            put(os.path.join(folder, key + ".json"), json.dumps(known).encode())


def facts_of_wheel(path):
    licence = runtime = None
    with zipfile.ZipFile(path) as archive:
        members = archive.namelist()[:ARCHIVE_MEMBERS_MAX]
        about = [name for name in members if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        for line in archive.read(about[0]).decode("utf-8", "replace").splitlines() if about else []:
            if not line.strip():
                break
            key, _, value = line.partition(":")
            value = value.strip()
            if key in ("License-Expression", "License") and value and len(value) < 100:
                licence = value
            elif key == "Classifier" and value.startswith("License ::") and licence is None:
                licence = value.rpartition(" :: ")[2]
            elif key == "Requires-Python":
                runtime = value
    # A name with an underscore first is nobody else's business.
    modules = [name[:-3] for name in members if name.endswith(".py")]
    public = {name for name in modules if not re.search(r"(^|/)_(?!_init__$)", name)}
    startup = [name for name in members if re.fullmatch(r"[^/]+\.pth", name)]
    return {
        "source": False,
        "licence": licence,
        "runtime": runtime,
        "startup": startup[0] if startup else None,
        "modules": sorted(re.sub(r"/__init__$", "", name).replace("/", ".") for name in public),
    }


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def get(url, bytes_max, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "backstitch"})
    context = None
    cert = os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE")
    if cert and url.startswith("https:"):
        import ssl

        context = ssl.create_default_context(cafile=cert)
    try:
        with urllib.request.urlopen(request, timeout=120, context=context) as response:
            body = response.read(bytes_max + 1)
            kind = response.headers.get("Content-Type", "")
    except urllib.error.HTTPError:
        raise
    except OSError as error:
        raise NoNetwork(f"{url}: {error}") from error
    if len(body) > bytes_max:
        sys.exit(f"error: {url} has more than {bytes_max} bytes")
    return body, kind


class Links(HTMLParser):
    """Every link of a page."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.found.extend(value for name, value in attributes if name == "href" and value)


def files_of(name):
    """The files of a project: name, address and SHA-256."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    page = f"{index}/{plain(name)}/"
    accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
    body, kind = get(page, PAGE_BYTES_MAX, accept)
    if "json" in kind:
        for file in json.loads(body)["files"]:
            address = urllib.parse.urljoin(page, file["url"])
            yield file["filename"], address, file.get("hashes", {}).get("sha256")
        return
    links = Links()
    links.feed(body.decode("utf-8", "replace"))
    for link in links.found:
        address, _, digest = urllib.parse.urljoin(page, link).partition("#")
        sha256 = digest[len("sha256=") :] if digest.startswith("sha256=") else None
        yield urllib.parse.unquote(address.rsplit("/", 1)[-1]), address, sha256


def source(pin, downloads, marks):
    """Downloads a source archive as a file, and marks it with what building it needs."""
    for name, address, sha256 in files_of(pin["name"]):
        if not is_source(name, pin):
            continue
        body, _ = get(address, FILE_BYTES_MAX)
        digest = hashlib.sha256(body).hexdigest()
        if sha256 and digest != sha256 or pin["hashes"] and f"sha256:{digest}" not in pin["hashes"]:
            sys.exit(f"error: {name} does not have the hash that it should have")
        path = os.path.join(downloads, os.path.basename(name))
        put(path, body)
        mark(marks, pin["line"], needed_to_build(path))
        print(f"note: `{pin['name']}` {pin['version']} has no wheel for this machine; it is built from source")
        return
    if pin["is_changed"]:
        sys.exit(f"error: `{pin['name']}` {pin['version']} has nothing for this machine")
    print(f"note: `{pin['name']}` {pin['version']} has nothing for this machine; it is not installed")


def is_source(name, pin):
    for end in (".tar.gz", ".zip", ".tar.bz2"):
        if name.endswith(end):
            stem = name[: -len(end)]
            return any(
                plain(stem[: at.start()]) == plain(pin["name"])
                and stem[at.end() :] == pin["version"]
                for at in re.finditer("-", stem)
            )
    return False


def needed_to_build(path):
    """The `[build-system]` of an archive, read without unpacking it."""
    text = None
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist()[:ARCHIVE_MEMBERS_MAX]:
                if re.fullmatch(r"[^/]+/pyproject\.toml", member):
                    text = archive.read(member)
    else:
        with tarfile.open(path) as archive:
            for count, member in enumerate(archive):
                if count > ARCHIVE_MEMBERS_MAX:
                    break
                if member.isfile() and re.fullmatch(r"(\./)?[^/]+/pyproject\.toml", member.name):
                    text = archive.extractfile(member).read(1 << 20)
                    break
    if text is None:
        return DEFAULT_BUILD
    try:
        try:
            import tomllib
        except ImportError:
            from pip._vendor import tomli as tomllib
        needed = tomllib.loads(text.decode("utf-8")).get("build-system", {}).get("requires")
    except Exception:
        return DEFAULT_BUILD
    if not isinstance(needed, list):
        return DEFAULT_BUILD
    return plain_ones([text.strip() for text in needed if isinstance(text, str)])


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3])
    except NoNetwork as error:
        print(f"error: {error}")
        sys.exit(3)
    except urllib.error.HTTPError as error:
        sys.exit(f"error: {error.url}: {error}")
