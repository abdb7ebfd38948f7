"""Chats, their participants, and the logs of what happens in them.

`chat` comes first in every unique key below Chat, so that a chat's rows can be stored together.
"""

from chats.models.attachments import Attachment, AttachmentUsage
from chats.models.auth_codes import AuthCode
from chats.models.chat_users import ChatUser
from chats.models.chats import Chat
from chats.models.departures import Departure
from chats.models.events import Event, EventType, MemberEvent
from chats.models.messages import Message, MessageRevision
from chats.models.notes import Note, NoteRevision
from chats.models.tokens import ChatUserToken, ChatUserTokenQuerySet

__all__ = [
    "Attachment",
    "AttachmentUsage",
    "AuthCode",
    "Chat",
    "ChatUser",
    "ChatUserToken",
    "ChatUserTokenQuerySet",
    "Departure",
    "Event",
    "EventType",
    "MemberEvent",
    "Message",
    "MessageRevision",
    "Note",
    "NoteRevision",
]
