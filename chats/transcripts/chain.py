"""The hashes and the signature of a transcript, by which anyone can verify it.

docs/transcripts.md has the rules, and a shorter verification for other programs.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

START = bytes(32)  # the hash that the first entry follows
MAX_DEPTH = 20  # of the JSON of a transcript


class InvalidTranscriptError(ValueError):
    """What is wrong with a transcript, in one sentence."""


# --- Make -----------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """The canonical JSON (RFC 8785) of a value without floats whose keys are ASCII."""
    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def hash_content(salt: bytes, content: Any) -> bytes:
    return hashlib.sha256(salt + canonical(content)).digest()


def hash_entry(
    previous: bytes, chat_id: int, seq: int, type: str, created_at: str, content_hash: bytes
) -> bytes:
    """The hash of an entry, which follows the one with the hash `previous`."""
    head = {
        "chat_id": chat_id,
        "seq": seq,
        "type": type,
        "created_at": created_at,
        "content_hash": content_hash.hex(),
    }
    return hashlib.sha256(previous + canonical(head)).digest()


def hash_about(chat: Any, people: Any) -> str:
    return hashlib.sha256(canonical({"chat": chat, "people": people})).hexdigest()


def signed_bytes(
    chat: Mapping[str, Any],
    people: Any,
    seq: int,
    head: str,
    withheld: list[int],
    signed_at: str,
    key_id: str,
) -> bytes:
    """What the signature of a transcript with `seq` entries signs."""
    signed = {
        "chat_id": chat["id"],
        "about": hash_about(chat, people),
        "seq": seq,
        "head": head,
        "withheld": withheld,
        "signed_at": signed_at,
        "key_id": key_id,
    }
    return canonical(signed)


# --- Encode ---------------------------------------------------------------------------------------


def to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def public_jwk(public: bytes) -> dict[str, str]:
    """A public key as RFC 8037 writes it. Its `kid` is the thumbprint of RFC 7638."""
    required = {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(public)}
    thumbprint = hashlib.sha256(canonical(required)).digest()
    return {**required, "kid": to_base64url(thumbprint)}


def read_jwks(document: Any) -> dict[str, bytes]:
    """The Ed25519 keys of a JWKS by their ids, which are their thumbprints.

    Raises ValueError when it is none.
    """
    try:
        found = {
            each["kid"]: from_base64url(each["x"])
            for each in document["keys"]
            if each.get("crv") == "Ed25519"
        }
    except (AttributeError, KeyError, TypeError):
        raise ValueError from None
    if any(public_jwk(public)["kid"] != kid for kid, public in found.items()):
        raise ValueError
    return found


# --- Verify ---------------------------------------------------------------------------------------

FIELDS = {
    "chat",
    "people",
    "entries",
    "seq",
    "head",
    "withheld",
    "signed_at",
    "key_id",
    "signature",
}
ENTRY_FIELDS = {"seq", "type", "created_at", "content", "salt", "content_hash", "hash"}
HASH = re.compile(r"[0-9a-f]{64}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def parse(text: bytes) -> Any:
    """Parse the JSON of a transcript, which has one reading only.

    Raises InvalidTranscriptError for a key that appears twice and for a float, and another
    ValueError or RecursionError for what is not JSON.
    """
    return json.loads(
        text, object_pairs_hook=unique, parse_float=refuse_number, parse_constant=refuse_number
    )


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidTranscriptError(f"The key {key!r} appears twice in an object.")
        found[key] = value
    return found


def refuse_number(text: str) -> Any:
    raise InvalidTranscriptError(f"The number {text} is not an integer.")


def verify(document: Any, keys: Mapping[str, bytes]) -> None:
    """Verify a transcript that was read by `parse`, with public keys by their ids.

    Raises InvalidTranscriptError with the first thing that is wrong.
    """
    if not isinstance(document, dict) or depth(document) > MAX_DEPTH:
        raise InvalidTranscriptError("This is no transcript.")
    chat_id, entries = chat_id_of(document), document.get("entries")
    if chat_id is None or not isinstance(entries, list) or not entries:
        raise InvalidTranscriptError("This is no transcript: it has no chat or no entries.")
    if document.keys() != FIELDS:
        raise InvalidTranscriptError("The fields are not those of a transcript.")
    withheld = withheld_of(document, len(entries))
    previous = START
    for seq, entry in enumerate(entries, 1):
        previous = verify_entry(previous, chat_id, seq, entry, seq in withheld)
    if type(document["seq"]) is not int or document["seq"] != len(entries):
        raise InvalidTranscriptError(f"The transcript must end with entry {document['seq']!r}.")
    if document["head"] != previous.hex():
        raise InvalidTranscriptError("The head is not the hash of the last entry.")
    verify_signature(document, keys)


def depth(value: Any) -> int:
    """How deeply lists and objects are nested, up to a little more than MAX_DEPTH."""
    levels, values = 0, [value]
    while values and levels <= MAX_DEPTH:
        levels += 1
        inner: list[Any] = []
        for each in values:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list):
                inner.extend(each)
        values = inner
    return levels


def chat_id_of(document: Mapping[str, Any]) -> int | None:
    chat = document.get("chat")
    found = chat.get("id") if isinstance(chat, dict) else None
    return found if type(found) is int else None


def withheld_of(document: Mapping[str, Any], last_seq: int) -> set[int]:
    """The seqs of the withheld entries."""
    seqs = document["withheld"]
    if (
        not isinstance(seqs, list)
        or any(type(seq) is not int or not 1 <= seq <= last_seq for seq in seqs)
        or seqs != sorted(set(seqs))
    ):
        raise InvalidTranscriptError("The list of withheld entries is not valid.")
    return set(seqs)


def verify_entry(previous: bytes, chat_id: int, seq: int, entry: Any, is_withheld: bool) -> bytes:
    """The hash of entry `seq`, if it is right."""
    if not isinstance(entry, dict) or entry.keys() != ENTRY_FIELDS or type(entry["seq"]) is not int:
        raise InvalidTranscriptError(f"Entry {seq} is not an entry of a transcript.")
    if entry["seq"] != seq:
        raise InvalidTranscriptError(
            f"Entry {seq} is missing or out of place: there is entry {entry['seq']} instead."
        )
    content_hash = from_hex(entry, "content_hash")
    if entry["salt"] is None:
        if entry["content"] is not None:
            raise InvalidTranscriptError(f"Entry {seq} has content, but no salt.")
        if not is_withheld:
            raise InvalidTranscriptError(f"The content of entry {seq} was removed.")
    elif is_withheld:
        raise InvalidTranscriptError(f"Entry {seq} is withheld, but has a salt.")
    elif hash_of(seq, from_hex(entry, "salt"), entry["content"]) != content_hash:
        raise InvalidTranscriptError(f"The content of entry {seq} was changed.")
    type_, created_at = entry["type"], entry["created_at"]
    if not isinstance(type_, str) or not isinstance(created_at, str):
        raise InvalidTranscriptError(f"Entry {seq} has no type or no time.")
    try:
        found = hash_entry(previous, chat_id, seq, type_, created_at, content_hash)
    except ValueError:
        found = b""
    if entry["hash"] != found.hex():
        raise InvalidTranscriptError(f"The hash of entry {seq} does not match.")
    return found


def hash_of(seq: int, salt: bytes, content: Any) -> bytes:
    try:
        return hash_content(salt, content)
    except ValueError:  # half a surrogate pair, or a number that JSON does not have
        raise InvalidTranscriptError(f"The content of entry {seq} was changed.") from None


def from_hex(entry: Mapping[str, Any], name: str) -> bytes:
    found = entry[name]
    if not isinstance(found, str) or not HASH.fullmatch(found):
        raise InvalidTranscriptError(f"The `{name}` of entry {entry['seq']} is not a hash.")
    return bytes.fromhex(found)


def verify_signature(document: Mapping[str, Any], keys: Mapping[str, bytes]) -> None:
    """Verify the signature of a transcript whose other fields are right."""
    key_id, signed_at = document["key_id"], document["signed_at"]
    if not isinstance(key_id, str) or key_id not in keys:
        raise InvalidTranscriptError("The key that signed the transcript is not among the keys.")
    if not isinstance(signed_at, str) or not INSTANT.fullmatch(signed_at):
        raise InvalidTranscriptError("The time of the signature is not a time.")
    try:
        signed = signed_bytes(
            document["chat"],
            document["people"],
            document["seq"],
            document["head"],
            document["withheld"],
            signed_at,
            key_id,
        )
        signature = from_base64url(document["signature"])
        public = Ed25519PublicKey.from_public_bytes(keys[key_id])
        public.verify(signature, signed)
    except (InvalidSignature, TypeError, ValueError, binascii.Error):
        raise InvalidTranscriptError("The signature does not match.") from None
