"""Links with which the owner of an account makes a browser known."""

from django.core import signing

SALT = "unknown-browser"
MAX_AGE = 3600  # seconds


def link_key(user_id: int) -> str:
    """Return the secret part of the link that makes a browser known."""
    return signing.dumps(user_id, salt=SALT)


def user_id_from_link_key(key: str) -> int | None:
    """Return the account's id, or None when the key is invalid or has expired."""
    try:
        return int(signing.loads(key, salt=SALT, max_age=MAX_AGE))
    except (signing.BadSignature, ValueError, TypeError):
        return None
