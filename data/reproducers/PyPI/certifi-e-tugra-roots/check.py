"""Does the bundle trust a root certificate of E-Tugra?

The bundle is loaded into a TLS context, as a client would do. Nothing connects.
Then the subjects of the trusted roots are read. It takes no input: the bundle
itself is what is judged.
"""
import os
import ssl
import sys

import certifi

# Parts of the owner's name, in lower case.
OWNER_NAMES = ("e-tugra", "e-tuğra")
# A real bundle has well over a hundred roots.
ROOTS_MIN = 50


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def subject_values(certificate):
    return [value for part in certificate["subject"] for _, value in part]


context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(cafile=certifi.where())
roots = context.get_ca_certs()
if len(roots) < ROOTS_MIN:
    sys.exit("the bundle has too few roots to say anything")

found = [
    value
    for root in roots
    for value in subject_values(root)
    if any(name in value.lower() for name in OWNER_NAMES)
]
for value in found:
    print("trusted: " + ascii(value))
end(42 if found else 0)
