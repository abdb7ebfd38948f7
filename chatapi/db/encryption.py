"""Encrypt secrets that must be shown again: chat passwords, and responses stored for replay.

The keys come from `CHAT_PASSWORD_KEYS`, newest first; a key may be any text. To rotate them, put a
new one in front: it encrypts from then on, and the others still decrypt.
"""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@cache
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )


def _keys() -> MultiFernet:
    # Without keys, SECRET_KEY encrypts and cannot be changed later; `check --deploy` warns.
    return _ring(tuple(settings.CHAT_PASSWORD_KEYS) or (f"chat-passwords:{settings.SECRET_KEY}",))


def encrypt(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decrypt(sealed: str) -> str:
    """Reverse `encrypt`. Raises cryptography.fernet.InvalidToken when no key matches."""
    return _keys().decrypt(sealed.encode()).decode()
