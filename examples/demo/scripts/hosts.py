"""Prepares the names of hosts, and the queries about them, for the log desk."""

import idna
import sqlparse


def ascii_name(host):
    """The name of a host as it stands in logs."""
    return idna.encode(host, uts46=True).decode("ascii")


def tables_of(query):
    """The names that stand in a query after its first FROM."""
    statement = sqlparse.parse(query)[0]
    words = [token.value for token in statement.flatten() if not token.is_whitespace]
    upper = [word.upper() for word in words]
    if "FROM" not in upper:
        return []
    return [word for word in words[upper.index("FROM") + 1 :] if word.isidentifier()]
