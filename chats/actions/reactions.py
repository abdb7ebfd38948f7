"""Add and remove reactions. They are stored in their message, and the chat's lock orders them."""

from typing import Any

import emoji as emojis
from django.db import transaction

from chatapi.api.errors import ApiError, ErrorCode
from chats.actions import events, messages
from chats.models import ChatUser, EventType, Message

MAX_DIFFERENT = 50  # emoji of one message


def parse_emoji(text: str) -> str:
    """The one emoji that `text` is, spelled as Unicode recommends it (fully qualified).

    Raises ApiError 422 for anything else.
    """
    qualified: str = emojis.emojize(emojis.demojize(text)) if emojis.is_emoji(text) else ""
    kind = emojis.EMOJI_DATA.get(qualified, {}).get("status")
    if kind != emojis.STATUS["fully_qualified"]:
        raise ApiError(ErrorCode.VALIDATION_FAILED, "This is not one emoji.", "emoji")
    return qualified


def add(chat_user: ChatUser, message_id: int, emoji: str) -> dict[str, Any]:
    """React to a message. Returns its public form; the same reaction again changes nothing.

    Raises ApiError 404 when there is no such message, 403 when it was deleted or the chat is
    closed, 401 for a chat user who has just left, and 422 when the message has too many different
    emoji.
    """
    with transaction.atomic():
        message = lock(chat_user, message_id)
        ids = ids_by_emoji(message)
        if chat_user.pk in ids.get(emoji, ()):
            return messages.represent(message, message.author)
        if emoji not in ids and len(ids) == MAX_DIFFERENT:
            sentence = f"A message can have at most {MAX_DIFFERENT} different emoji."
            raise ApiError(ErrorCode.VALIDATION_FAILED, sentence, "emoji")
        ids.setdefault(emoji, []).append(chat_user.pk)
        return save(message, ids, EventType.REACTION_ADDED, chat_user, emoji)


def remove(chat_user: ChatUser, message_id: int, emoji: str) -> dict[str, Any]:
    """Remove a reaction of the chat user. Returns the message; removing none changes nothing.

    Raises ApiError 404, 403 and 401 as `add` does.
    """
    with transaction.atomic():
        message = lock(chat_user, message_id)
        ids = ids_by_emoji(message)
        if chat_user.pk not in ids.get(emoji, ()):
            return messages.represent(message, message.author)
        ids[emoji].remove(chat_user.pk)
        return save(message, ids, EventType.REACTION_REMOVED, chat_user, emoji)


def lock(chat_user: ChatUser, message_id: int) -> Message:
    """The message, with its chat locked against other writers."""
    chat = events.lock_chat(chat_user.chat_id)
    message = messages.get(chat.pk, message_id)
    if not ChatUser.objects.filter(pk=chat_user.pk, status=ChatUser.Status.ACTIVE).exists():
        raise ApiError(ErrorCode.INVALID_TOKEN)
    messages.require_changeable(chat, message)
    return message


def ids_by_emoji(message: Message) -> dict[str, list[int]]:
    """Who reacted with each emoji, both in the order of time."""
    return {each["emoji"]: each["chat_user_ids"] for each in message.reactions or ()}


def save(
    message: Message,
    ids: dict[str, list[int]],
    type: EventType,
    chat_user: ChatUser,
    emoji: str,
) -> dict[str, Any]:
    stored = [{"emoji": each, "chat_user_ids": users} for each, users in ids.items() if users]
    message.reactions = stored or None
    message.save(update_fields=["reactions"])
    reaction = {"emoji": emoji, "chat_user_id": chat_user.pk}
    return messages.append_event(message, type, reaction)
