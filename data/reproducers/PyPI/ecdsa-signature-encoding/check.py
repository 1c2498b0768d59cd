"""Is a signature accepted in an encoding that DER forbids?

DER allows one encoding only, so that nobody can make a second valid signature out
of a first. A fixed key signs a text, and the signature is written again in a
forbidden way. The argument says which. It must be refused.
"""
import hashlib
import os
import sys

import ecdsa
from ecdsa.util import sigdecode_der

CURVE = ecdsa.NIST256p
MESSAGE = b"flag"
# Any numbers do: the key protects nothing, and the nonce makes it repeatable.
SECRET, NONCE = 123456789, 987654321


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def integer(number, padding=b""):
    body = number.to_bytes(33, "big").lstrip(b"\0")
    if body[0] & 0x80:
        body = b"\0" + body
    body = padding + body
    return b"\x02" + bytes([len(body)]) + body


def sequence(body, declared=None, long_form=False):
    length = bytes([len(body) if declared is None else declared])
    return b"\x30" + (b"\x81" if long_form else b"") + length + body


def encoded(way, r, s):
    plain = integer(r) + integer(s)
    return {
        "proper": sequence(plain),
        "padded-integer": sequence(integer(r, b"\0\0") + integer(s)),
        "long-length": sequence(plain, long_form=True),
        "length-past-end": sequence(plain, declared=len(plain) + 1),
    }[way]


key = ecdsa.SigningKey.from_secret_exponent(SECRET, CURVE, hashfunc=hashlib.sha256)
r, s = key.sign(MESSAGE, sigencode=lambda r, s, _order: (r, s), k=NONCE)


def accepted(way):
    try:
        return key.get_verifying_key().verify(encoded(way, r, s), MESSAGE, sigdecode=sigdecode_der)
    except Exception as error:
        print("refused: " + type(error).__name__)
        return False


if not accepted("proper"):
    sys.exit("a proper signature is not accepted")
way = sys.argv[1] if len(sys.argv) > 1 else "padded-integer"
if way not in ("padded-integer", "long-length", "length-past-end"):
    end(0)
end(42 if accepted(way) else 0)
