"""The form of every bearer token: a prefix, a secret and a checksum.

`cnp_` + secret + checksum is a personal access token; `cnc_` + chat id + `_` + secret + checksum
is a chat-user token. The secret is 32 letters and digits (190 bits) of the system's CSPRNG; the
checksum is the CRC-32 of all before it as six letters and digits, so that a mistyped or made-up
token is refused without asking the database.
"""

import hashlib
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6


def mint(prefix: str) -> str:
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    return prefix + secret + checksum(prefix + secret)


def checksum(text: str) -> str:
    value = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def well_formed(token: str) -> bool:
    """Whether the checksum fits. Costs no query."""
    return token.isascii() and checksum(token[:-CHECKSUM_LENGTH]) == token[-CHECKSUM_LENGTH:]


def digest(token: str) -> bytes:
    """What is stored: SHA-256, 32 bytes. The secret's entropy makes salt and stretching idle."""
    return hashlib.sha256(token.encode()).digest()
