"""Would a download be written outside the folder that was named for it?

The argument is the address of a file. A stub stands for the transport and keeps
where the file would be written. Nothing is fetched and nothing is written.
"""
import os
import sys
import warnings

warnings.simplefilter("ignore")
from setuptools.package_index import PackageIndex  # noqa: E402

FOLDER = os.path.abspath("never-made")
written = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Stub(PackageIndex):
    def _attempt_download(self, _url, filename):
        written.append(os.path.abspath(filename))
        return filename


def outside(path):
    return os.path.commonpath([path, FOLDER]) != FOLDER


Stub().download("http://host.example/usual-1.0.zip", FOLDER)
if written != [os.path.join(FOLDER, "usual-1.0.zip")]:
    sys.exit("an ordinary file is not downloaded")

del written[:]
address = sys.argv[1] if len(sys.argv) > 1 else "http://host.example/%2Fflag"
# Other ways than these would start a program or read a file of the machine.
if not address.startswith(("http://", "https://")):
    end(0)
try:
    Stub().download(address, FOLDER)
except Exception as error:
    print("refused: " + type(error).__name__)
red = [path for path in written if outside(path)]
for path in red:
    print("would write: " + ascii(path))
end(42 if red else 0)
