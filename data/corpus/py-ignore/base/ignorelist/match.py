"""One pattern against one name.

``*`` is any number of characters, ``?`` is one, and ``\\`` takes the next one as it is.
"""


def _tokens(pattern):
    """The pattern as pairs: what kind of token, and its character."""
    tokens = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            tokens.append(("one", next(characters, "\\")))
        elif character in "*?":
            tokens.append((character, ""))
        else:
            tokens.append(("one", character))
    return tokens


def _fits(token, character):
    kind, wanted = token
    return kind == "?" or (kind == "one" and wanted == character)


def _match(tokens, name, at, pos):
    while at < len(tokens):
        if tokens[at][0] == "*":
            for skip in range(pos, len(name) + 1):
                if _match(tokens, name, at + 1, skip):
                    return True
            return False
        if pos == len(name) or not _fits(tokens[at], name[pos]):
            return False
        at, pos = at + 1, pos + 1
    return pos == len(name)


def matches(pattern, name):
    """Does the whole name fit the pattern?"""
    return _match(_tokens(pattern), name, 0, 0)
