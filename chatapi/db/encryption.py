"""What must be shown again is encrypted at rest: chat passwords, answers kept for replay.

Keys come from `CHAT_PASSWORD_KEYS`, newest first; each may be any text. To rotate, put a new one in
front: it encrypts from then on, and the others still decrypt.
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
    # `check --deploy` warns when the keys are left to SECRET_KEY, which then can't be changed.
    return _ring(tuple(settings.CHAT_PASSWORD_KEYS) or (f"chat-passwords:{settings.SECRET_KEY}",))


def encrypt(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decrypt(sealed: str) -> str:
    """The text of `encrypt`. Raises cryptography.fernet.InvalidToken when no key fits."""
    return _keys().decrypt(sealed.encode()).decode()
