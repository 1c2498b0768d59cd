"""Does a request that checks certificates get connections that were not checked?

One session asks the same address twice: first without a check of certificates,
then with one. A stub stands for the sending and keeps which pool of connections
was used. The second request must not use the pool of the first, whose open
connections nobody checked. The argument is the address.
"""
import io
import os
import sys
import warnings

warnings.simplefilter("ignore")
import requests  # noqa: E402
import urllib3  # noqa: E402
from urllib3.connectionpool import HTTPConnectionPool  # noqa: E402

pools = []


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def keep(pool, *_arguments, **_options):
    pools.append(pool)
    return urllib3.HTTPResponse(body=io.BytesIO(b"done"), status=200, preload_content=False)


def pools_used(address, checks):
    del pools[:]
    session = requests.Session()
    session.trust_env = False
    for check in checks:
        session.get(address, verify=check)
    return list(pools)


HTTPConnectionPool.urlopen = keep
usual = pools_used("https://usual.example/", [True, True])
if len(usual) != 2 or usual[0] is not usual[1]:
    sys.exit("ordinary requests do not share a pool")

address = sys.argv[1] if len(sys.argv) > 1 else "https://host.example/"
# Where there is no TLS, there is nothing to check.
if not address.lower().startswith("https://"):
    end(0)
try:
    used = pools_used(address, [False, True])
except (requests.RequestException, ValueError):
    end(0)
end(42 if len(used) == 2 and used[0] is used[1] else 0)
