"""Is a body sent again after the answer 303?

That answer turns any method into GET, and a GET has no use for the body. The
argument is where the answer redirects to. The pools of connections are stubs of
our own, so that nothing is sent. They keep method and body of each request.
"""
import os
import sys

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

START = "http://first.example/start"
BODY = b"flag=1"
seen = []
answers = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Stub:
    """Answers in place of the network and keeps each request."""

    def urlopen(self, method, url, body=None, **_options):
        seen.append((method, body))
        if not answers:
            return urllib3.HTTPResponse(body=b"done", status=200)
        status, location = answers.pop()
        return urllib3.HTTPResponse(status=status, headers={"Location": location})


class StubHttp(Stub, HTTPConnectionPool):
    pass


class StubHttps(Stub, HTTPSConnectionPool):
    pass


def follow(status, location):
    seen[:], answers[:] = [], [(status, location)]
    manager = urllib3.PoolManager()
    manager.pool_classes_by_scheme = {"http": StubHttp, "https": StubHttps}
    manager.request("POST", START, body=BODY, headers={"Content-Type": "text/plain"})


# The answer 307 keeps method and body, and that is right.
follow(307, "/next")
if seen != [("POST", BODY), ("POST", BODY)]:
    sys.exit("a redirect with status 307 does not keep method and body")

try:
    follow(303, sys.argv[1] if len(sys.argv) > 1 else "/next")
except (urllib3.exceptions.HTTPError, ValueError):
    end(0)
print("requests: " + ascii(seen))
end(42 if ("GET", BODY) in seen[1:] else 0)
