"""Does a redirect to another host take the `Cookie` header along?

The argument is where the first answer redirects to. The pools of connections are
stubs of our own, so that nothing is sent. They keep the headers of each request.
A host is another one where scheme, name or port differ.
"""
import os
import sys

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

START = "http://first.example/start"
seen = []
locations = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Stub:
    """Answers in place of the network and keeps each request."""

    def urlopen(self, method, url, headers=None, **_options):
        names = {name.lower() for name in (headers or {})}
        seen.append(((self.scheme, self.host, self.port), names))
        if not locations:
            return urllib3.HTTPResponse(body=b"done", status=200)
        return urllib3.HTTPResponse(status=302, headers={"Location": locations.pop()})


class StubHttp(Stub, HTTPConnectionPool):
    pass


class StubHttps(Stub, HTTPSConnectionPool):
    pass


def follow(location):
    seen[:], locations[:] = [], [location]
    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": StubHttp, "https": StubHttps}
    return manager.request("GET", START, headers={"Cookie": "flag=1", "X-Usual": "1"})


follow("/other")
if len(seen) != 2 or not all({"cookie", "x-usual"} <= names for _, names in seen):
    sys.exit("a redirect on the same host does not keep the headers")

try:
    follow(sys.argv[1] if len(sys.argv) > 1 else "http://second.example/")
except (urllib3.exceptions.HTTPError, ValueError):
    end(0)
leaks = [host for host, names in seen[1:] if host != seen[0][0] and "cookie" in names]
for host in leaks:
    print("cookie sent to " + ascii(host))
end(42 if leaks else 0)
