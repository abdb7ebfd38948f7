"""The keys of transcripts: `TRANSCRIPT_KEYS` sign them, `TRANSCRIPT_SALT_KEY` salts the hashes.

The first key signs, and all of them verify. Without these settings, both come from SECRET_KEY.
"""

import hashlib
import hmac
from functools import cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone

from chatapi.api.encoding import instant
from chats.transcripts import chain


class Key(NamedTuple):
    """A key pair that signs. `jwk` is its public part."""

    private: Ed25519PrivateKey
    jwk: dict[str, str]


def derived(purpose: str) -> bytes:
    """A key for one purpose, from SECRET_KEY."""
    hkdf = HKDF(SHA256(), length=32, salt=None, info=f"chatapi {purpose}".encode())
    return hkdf.derive(settings.SECRET_KEY.encode())


@cache
def key_of(seed: bytes) -> Key:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return Key(private, chain.public_jwk(private.public_key().public_bytes_raw()))


def keys() -> list[Key]:
    """The keys, newest first."""
    seeds = [bytes.fromhex(each) for each in settings.TRANSCRIPT_KEYS]
    return [key_of(seed) for seed in seeds or [derived("transcript signatures")]]


def jwks() -> dict[str, list[dict[str, str]]]:
    """The public keys as a JWKS (RFC 7517)."""
    return {"keys": [each.jwk for each in keys()]}


def signature(
    chat: dict[str, Any], people: list[Any], seq: int, head: bytes, withheld: list[int]
) -> dict[str, Any]:
    """The fields of a transcript that sign it now. `withheld` are the seqs of withheld entries."""
    key = keys()[0]
    head_hex, signed_at, key_id = head.hex(), instant(timezone.now()), key.jwk["kid"]
    signed = chain.signed_bytes(chat, people, seq, head_hex, withheld, signed_at, key_id)
    return {
        "head": head_hex,
        "withheld": withheld,
        "signed_at": signed_at,
        "key_id": key_id,
        "signature": chain.to_base64url(key.private.sign(signed)),
    }


def salt(chat_id: int, seq: int) -> bytes:
    """The salt of an entry. It is derived, so that a send stores none."""
    given = settings.TRANSCRIPT_SALT_KEY
    key = bytes.fromhex(given) if given else salt_key(settings.SECRET_KEY)
    return hmac.digest(key, f"{chat_id} {seq}".encode(), hashlib.sha256)


@cache
def salt_key(secret_key: str) -> bytes:
    return derived("transcript salts")
