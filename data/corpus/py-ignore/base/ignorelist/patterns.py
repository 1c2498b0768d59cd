"""A list of patterns, the last that fits deciding."""

from .match import matches

PATTERNS_MAX = 500


class IgnoreList:
    def __init__(self, text):
        self.rules = []
        for line in text.splitlines()[:PATTERNS_MAX]:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            keep = line.startswith("!")
            self.rules.append((line[keep:], keep))

    def ignores(self, path):
        """Is a path, or a folder that it lies in, left out?"""
        parts = path.split("/")
        ignored = False
        for pattern, keep in self.rules:
            if self._fits(pattern, path, parts):
                ignored = not keep
        return ignored

    @staticmethod
    def _fits(pattern, path, parts):
        if "/" in pattern.strip("/"):
            return matches(pattern.strip("/"), path)
        return any(matches(pattern.strip("/"), part) for part in parts)
