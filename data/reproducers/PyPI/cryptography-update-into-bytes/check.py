"""Does a cipher write its output into an object that must not change?

A `bytes` object may be shared by anybody who holds the same text. The cipher is
told to write into one of our own, which nobody else holds. That must be refused.
The argument is the length of the text to encrypt.
"""
import os
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY = bytes(range(16))
NONCE = bytes(16)
BLOCK = 16
LENGTH_MAX = 4096


def end(code):
    print(os.environ.get("BACKSTITCH_TOKEN", ""))
    sys.exit(code)


def encrypt_into(target, length):
    encryptor = Cipher(algorithms.AES(KEY), modes.CTR(NONCE)).encryptor()
    return encryptor.update_into(b"\0" * length, target)


usual = bytearray(2 * BLOCK)
if encrypt_into(usual, BLOCK) != BLOCK or not any(usual):
    sys.exit("an ordinary buffer is not written")

argument = sys.argv[1] if len(sys.argv) > 1 else "16"
if not (argument.isascii() and argument.isdigit() and len(argument) < 5):
    end(0)
length = int(argument)
if not 0 < length <= LENGTH_MAX:
    end(0)
# Built here, so that Python shares it with nothing.
target = bytes(bytearray(length + BLOCK))
try:
    encrypt_into(target, length)
except (BufferError, TypeError, ValueError) as error:
    print("refused: " + type(error).__name__)
end(42 if any(target) else 0)
