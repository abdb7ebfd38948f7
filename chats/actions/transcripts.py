"""Keep the hashes of what is deleted, so that transcripts stay whole, and mail transcripts."""

from collections.abc import Iterable

from chatapi.limits.limiter import Charge, limiter
from chatapi.mail import outbox
from chats.access import transcripts as access
from chats.models import Chat, Event, EventType, Message
from chats.transcripts import chain, keys


def seal_message(message: Message) -> None:
    """Store the hashes of a message's texts, before they are deleted. The chat must be locked."""
    earlier = list(message.revisions.order_by("pk").values_list("text", flat=True))
    of_message = access.page(message.chat_id).filter(message_id=message.pk)
    rows = list(of_message.filter(seq=message.seq))
    if earlier:
        # Limited, because no index has the events of a message.
        edits = of_message.filter(seq__gt=message.seq, type=EventType.MESSAGE_UPDATED)
        rows += edits[: len(earlier)]
    for row, text in zip(rows, [*earlier, message.text], strict=False):
        seal(row, text)


def seal_events(chat_id: int, seqs: Iterable[int]) -> None:
    """The same for events that are not of messages, before their `data` is erased."""
    rows = access.page(chat_id).filter(seq__in=seqs, message__isnull=True, content_hash=None)
    for row in rows:
        seal(row)


def seal(row: access.Row, text: str | None = None) -> None:
    salt = keys.salt(row["chat_id"], row["seq"])
    content_hash = chain.hash_content(salt, access.content(row, text))
    events = Event.objects.filter(chat_id=row["chat_id"], seq=row["seq"])
    events.update(content_hash=content_hash)


def mail_charges(reason: str, chat_id: int, email: str) -> list[Charge]:
    """The charges for mailing a transcript of a chat to an address. Each reason counts apart."""
    return [
        Charge("CODE_MAIL", f"transcript {reason} {chat_id} {email}"),
        Charge("MAIL", f"transcript {email}"),
    ]


def mail(chat_id: int, email: str) -> None:
    """Mail a transcript of a chat, as it is when the mail is sent."""
    outbox.post("transcript", chat_id, email)


def mail_at_closing(chat: Chat) -> None:
    """Mail it to the guests who are in the chat, but not each time a chat is closed again."""
    for email in access.chat_users_to_mail(chat.pk).values_list("email", flat=True):
        if limiter().take(mail_charges("closing", chat.pk, email)).allowed:
            mail(chat.pk, email)
