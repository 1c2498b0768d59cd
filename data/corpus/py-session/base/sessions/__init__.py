from .codec import SessionError, decode, encode
from .store import Store

__all__ = ["SessionError", "Store", "decode", "encode"]
