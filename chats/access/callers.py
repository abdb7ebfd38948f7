"""The caller of a route of one chat."""

from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.api.ids import parse_id
from chats.models import ChatUser, ChatUserToken
from companies.models import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a route of one chat: a chat user of it, or a member of its company."""

    chat_id: int
    last_seq: int
    chat_user: ChatUser | None
    role: Role | None

    @property
    def is_member(self) -> bool:
        return self.role is not None

    @property
    def manages(self) -> bool:
        return self.role is not None and self.role.manages

    def require_manager(self) -> None:
        """Raises ApiError 403 for everyone but managers and owners."""
        if not self.manages:
            raise ApiError(ErrorCode.PERMISSION_DENIED, "Only managers and owners can do this.")


def caller(request: Request, reference: str) -> Caller:
    """The caller, in the chat that the URL names. Makes no query: authentication read everything.

    Raises ApiError 403 `other_chat` for a chat-user token of another chat, 404 for an outsider.
    """
    chat_id = parse_id(reference)
    if isinstance(request.auth, ChatUserToken):
        if request.auth.chat_id != chat_id:
            raise ApiError(ErrorCode.OTHER_CHAT)
        chat = request.auth.chat
        return Caller(chat.pk, chat.last_seq, request.auth.chat_user, None)
    token: Any = request.auth  # an ApiToken, annotated by MemberAuthentication
    role = token.chat_role
    if chat_id is None or role is None:
        raise not_found()
    return Caller(chat_id, token.chat_last_seq, None, Role(role))
