"""Sessions in a folder, one file each."""

import os

from .codec import SessionError, decode, encode


class Store:
    def __init__(self, folder):
        self.folder = folder

    def _path(self, key):
        if not key.isalnum():
            raise SessionError("bad key")
        return os.path.join(self.folder, key + ".session")

    def save(self, key, session):
        with open(self._path(key), "w", encoding="latin-1", newline="") as out:
            out.write(encode(session))

    def load(self, key):
        """The session, or an empty one where there is none."""
        try:
            with open(self._path(key), encoding="latin-1", newline="") as file:
                return decode(file.read())
        except FileNotFoundError:
            return {}
