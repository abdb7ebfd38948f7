"""The format of bearer tokens: a prefix, a secret and a checksum.

`cnp_` + secret + checksum is a personal access token; `cnc_` + chat id + `_` + secret + checksum
is a chat-user token. The secret is 32 letters and digits (190 bits) from the system's CSPRNG. The
checksum is the CRC-32 of everything before it, as six letters and digits, so that a mistyped or
invented token is refused without a query.
"""

import hashlib
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6


def mint(prefix: str) -> str:
    """Create a token."""
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
    """Return whether the checksum matches."""
    return token.isascii() and checksum(token[:-CHECKSUM_LENGTH]) == token[-CHECKSUM_LENGTH:]


def digest(token: str) -> bytes:
    """The SHA-256 that is stored, 32 bytes.

    The secret has 190 bits of entropy; salting or stretching would add nothing.
    """
    return hashlib.sha256(token.encode()).digest()
