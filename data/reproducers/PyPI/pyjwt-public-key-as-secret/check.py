"""Is a public key taken for the secret of an HMAC?

Anybody knows a public key. Who may pass it off as a shared secret signs tokens
that the owner of the key accepts. The argument is the key; its body is made up.
Only text that begins like a public key in OpenSSH's form counts.
"""
import os
import sys

import jwt

SECRET = "an ordinary secret of thirty-two or more bytes"
CLAIMS = {"flag": "set"}
KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


token = jwt.encode(CLAIMS, SECRET, algorithm="HS256")
if jwt.decode(token, SECRET, algorithms=["HS256"]) != CLAIMS:
    sys.exit("an ordinary token is not read again")

key = sys.argv[1] if len(sys.argv) > 1 else "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"
kind, _, body = key.partition(" ")
if kind not in KEY_TYPES or not body.strip():
    end(0)
try:
    token = jwt.encode(CLAIMS, key, algorithm="HS256")
    accepted = jwt.decode(token, key, algorithms=["HS256"]) == CLAIMS
except jwt.exceptions.InvalidKeyError as error:
    print("refused: " + str(error))
    accepted = False
end(42 if accepted else 0)
