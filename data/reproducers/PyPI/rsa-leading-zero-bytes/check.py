"""Is a ciphertext decrypted that has zero bytes before it?

A ciphertext is exactly as long as the key's modulus. The argument is the number of
zero bytes that are put before a good one. The result must be refused.
"""
import os
import sys

import rsa

MESSAGE = b"hello"
ZEROS_MAX = 4096
# A key made once for this program, so that no chance is needed. It protects nothing.
E = 65537
D = int(
    "241307FE2690F9CF6459564FEA9EFA2AA5EE3B74953CC5F07146AC05988F3FE8"
    "C2EDD8B18C409D63C83ECAE87263D58D401A48212BD1B2297F7BB85B346A8869",
    16,
)
P = 0xE80AF0AF3E1A63B1E245DDA9ED8B12801A5908BD6CF2F03B18CAA25184F2507429DF
Q = 0xBF8872F04A6ED786B6F45906D433F6F182880A19D2102AB9238841A94977
# What that key makes of the message.
CRYPTO = bytes.fromhex(
    "a8d017892ff3841a59dfcd36fad92175511f90a6ecbd3bdddef18fae06db8649"
    "b8869fcacec1256c225f5ba865e6bfccca8c893728b746ef5e1da9bbc11101cc"
)


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


private = rsa.PrivateKey(P * Q, E, D, P, Q)
if rsa.decrypt(CRYPTO, private) != MESSAGE:
    sys.exit("an ordinary message is not decrypted")

argument = sys.argv[1] if len(sys.argv) > 1 else "1"
if not (argument.isascii() and argument.isdigit() and len(argument) < 5):
    end(0)
zeros = int(argument)
if not 0 < zeros <= ZEROS_MAX:
    end(0)
try:
    accepted = rsa.decrypt(b"\0" * zeros + CRYPTO, private) == MESSAGE
except rsa.DecryptionError:
    accepted = False
end(42 if accepted else 0)
