"""A transcript with a deleted message, signed by a key that signs nothing else.

docs/transcripts.md has it, too, as the test vectors.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chats.schema.examples.chat_users import GUEST
from chats.schema.examples.chats import CHAT_BRIEF
from chats.schema.examples.events import GUEST_IN_EVENTS
from chats.transcripts import chain

SEED = bytes(range(32))
SIGNED_AT = "2021-07-05T10:00:00.000000Z"


def message(number: int, text: str) -> dict[str, Any]:
    return {
        "message_id": number,
        "author_id": GUEST["id"],
        "text": text,
        "assurance": "email_verified",
        "reply_to_id": None,
        "attachments": [],
    }


EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("chat.created", "2021-07-05T09:30:00.000000Z", CHAT_BRIEF),
    ("user.joined", "2021-07-05T09:31:00.000000Z", GUEST_IN_EVENTS),
    ("message.created", "2021-07-05T09:31:38.000000Z", message(301, "“Grüße”,\n\tZoë 🌷")),
    ("message.created", "2021-07-05T09:32:05.000000Z", message(302, "My password is …")),
    ("message.deleted", "2021-07-05T09:32:10.000000Z", {"message_id": 302}),
]
DELETED = 4  # the seq of the entry whose content is withheld


def sign() -> tuple[dict[str, Any], dict[str, Any]]:
    """The transcript, and the keys that verify it."""
    chat_id, head, entries = CHAT_BRIEF["id"], chain.START, []
    for seq, (kind, at, content) in enumerate(EVENTS, 1):
        salt = bytes([seq]) * 32
        content_hash = chain.hash_content(salt, content)
        head = chain.hash_entry(head, chat_id, seq, kind, at, content_hash)
        entry = {
            "seq": seq,
            "type": kind,
            "created_at": at,
            "content": None if seq == DELETED else content,
            "salt": None if seq == DELETED else salt.hex(),
            "content_hash": content_hash.hex(),
            "hash": head.hex(),
        }
        entries.append(entry)
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    jwk = chain.public_jwk(private.public_key().public_bytes_raw())
    people = [{name: GUEST[name] for name in ("id", "first_name", "last_name", "role")}]
    signed = chain.signed_bytes(
        CHAT_BRIEF, people, len(entries), head.hex(), [DELETED], SIGNED_AT, jwk["kid"]
    )
    transcript = {
        "chat": CHAT_BRIEF,
        "people": people,
        "entries": entries,
        "seq": len(entries),
        "head": head.hex(),
        "withheld": [DELETED],
        "signed_at": SIGNED_AT,
        "key_id": jwk["kid"],
        "signature": chain.to_base64url(private.sign(signed)),
    }
    return transcript, {"keys": [jwk]}


TRANSCRIPT, KEYS = sign()
AS_TEXT = """Transcript of chat 42: Booking 4711
Acme Travel
All times are in UTC.

#1  2021-07-05 09:30:00  Chat created: “Booking 4711”

#2  2021-07-05 09:31:00  Gina Green (guest, email verified) joined.

…
"""
AS_HTML = '<!doctype html>\n<html lang="en">…</html>\n'
