"""Can others read the file of a private key at the moment it is made?

The package may make the file first and take rights away afterwards; in between
others can open it. A stub stands for that later step, so that the first mode of
the file is seen. The key is made for this program and goes with its folder. It
takes no input.
"""
import os
import stat
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
import paramiko  # noqa: E402

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def mode_of(key, path):
    key.write_private_key_file(path)
    return stat.S_IMODE(os.stat(path).st_mode)


# Without a mask, so that the mode is the one which the package asks for.
os.umask(0)
key = paramiko.ECDSAKey.generate()
with tempfile.TemporaryDirectory() as folder:
    final = mode_of(key, os.path.join(folder, "usual"))
    read = paramiko.ECDSAKey.from_private_key_file(os.path.join(folder, "usual"))
    if read != key or final & OTHERS:
        sys.exit("an ordinary key is not written for its owner alone")
    os.chmod = lambda *_arguments, **_options: None
    first = mode_of(key, os.path.join(folder, "first"))
print("first mode: %o" % first)
end(42 if first & OTHERS else 0)
