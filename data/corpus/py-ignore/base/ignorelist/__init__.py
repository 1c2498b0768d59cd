"""Says which names a list of patterns leaves out."""

from .match import matches
from .patterns import IgnoreList

__all__ = ["IgnoreList", "matches"]
