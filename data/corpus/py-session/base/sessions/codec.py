"""How a session becomes text and back.

A session is a dict of plain values: texts, numbers, truth values, None, lists and dicts. What is
written is pickle's oldest protocol, which is text.
"""

import io
import pickle

SIZE_MAX = 16_384


class SessionError(ValueError):
    """A text that is no session."""


def encode(session):
    return pickle.dumps(session, protocol=0).decode("latin-1")


def _is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, int, float, bool))


def decode(text):
    if len(text) > SIZE_MAX:
        raise SessionError("too long")
    try:
        session = pickle.load(io.BytesIO(text.encode("latin-1")))
    except Exception as error:
        raise SessionError("not a session") from error
    if not isinstance(session, dict) or not _is_plain(session):
        raise SessionError("not plain")
    return session
