"""Does the name of a locale lead to a file outside the folder of the locales?

Such a file would be unpickled. The argument is the name of a locale. A stub stands
for the opening of its file and keeps the path, so that nothing is read.
"""
import os
import sys

from babel import Locale, localedata

FOLDER = os.path.join(os.path.dirname(os.path.realpath(localedata.__file__)), "locale-data")
opened = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Opened(Exception):
    """Raised in place of an opening."""


def keep(path, *_arguments, **_options):
    opened.append(os.path.realpath(path))
    raise Opened()


def asked_path(name):
    del opened[:]
    try:
        localedata.load(name, merge_inherited=False)
    except Opened:
        return opened[0]
    except (ValueError, LookupError, OSError):
        pass
    return None


if Locale.parse("en_GB").get_display_name("en") != "English (United Kingdom)":
    sys.exit("an ordinary locale is not loaded")

# The module looks its own names up before the built-in ones.
localedata.open = keep
if asked_path("fr") != os.path.join(FOLDER, "fr.dat"):
    sys.exit("the path of an ordinary locale is not seen")
path = asked_path(sys.argv[1] if len(sys.argv) > 1 else "../../flag")
print("would read: " + ascii(path and os.path.relpath(path, FOLDER)))
end(42 if path and os.path.dirname(path) != FOLDER else 0)
