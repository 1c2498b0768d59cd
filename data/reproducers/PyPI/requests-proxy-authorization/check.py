"""Does a redirect to https carry the proxy's password to the destination?

The argument is where the first answer redirects to. An adapter of our own gives
both answers, so that nothing is sent. What a request to https carries in its own
headers travels through the tunnel and is read by the destination.
"""
import os
import sys

import requests
from requests.adapters import BaseAdapter

START = "http://first.example/"
PROXY = "http://proxy-user:proxy-word@proxy.example:3128"


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


class Stub(BaseAdapter):
    """Answers in place of the network and keeps each request."""

    def __init__(self, location):
        super().__init__()
        self.location = location
        self.seen = []

    def send(self, request, **_options):
        self.seen.append(request)
        response = requests.Response()
        response.url, response.request = request.url, request
        response.status_code, response._content = 200, b"done"
        if self.location is not None:
            response.status_code = 302
            response.headers["Location"] = self.location
            self.location = None
        return response

    def close(self):
        pass


def requests_seen(location):
    session, stub = requests.Session(), Stub(location)
    session.trust_env = False
    session.proxies = {"http": PROXY, "https": PROXY}
    session.mount("http://", stub)
    session.mount("https://", stub)
    response = session.get(START)
    return response, stub.seen


response, seen = requests_seen(None)
if response.text != "done" or len(seen) != 1:
    sys.exit("an ordinary request is not answered")
response, seen = requests_seen("/other")
if response.text != "done" or len(seen) != 2:
    sys.exit("an ordinary redirect is not followed")

try:
    _, seen = requests_seen(sys.argv[1] if len(sys.argv) > 1 else "https://second.example/")
except (requests.RequestException, ValueError):
    end(0)
leaks = [
    request.url
    for request in seen
    if request.url.startswith("https:") and "Proxy-Authorization" in request.headers
]
for url in leaks:
    print("password carried to " + ascii(url))
end(42 if leaks else 0)
