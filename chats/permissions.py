"""What a caller may do in the chat of the URL. Reading `view.caller` raises 404 or 403.

In the schema, `who` begins the description of each action, and `errors` are added to its codes.
"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chatapi.api.errors import ApiError, ErrorCode


class InChat(BasePermission):
    """A chat user of this chat, or a member of its company."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.caller is not None


class MayJoin(BasePermission):
    """Anyone without a token, who needs the password, or a member; not a chat user."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is None or view.caller.is_member


class Member(InChat):
    who = "For members."

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(view.caller.is_member)


class Manager(InChat):
    who = "For managers and owners."

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(view.caller.manages)


class Participant(InChat):
    """A chat user of this chat; a member must join first."""

    who = "For chat users; members must join the chat first."
    errors = (ErrorCode.JOIN_FIRST,)

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.caller.chat_user is None:
            raise ApiError(ErrorCode.JOIN_FIRST)
        return True


class AuthorOrManager(InChat):
    """A chat user, whose authorship the action checks, or a manager."""

    who = "For the author, managers and owners."

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.caller.chat_user is not None or bool(view.caller.manages)


class SelfOrMember(InChat):
    """The chat user of the URL, or a member."""

    who = "For the chat user itself and for members."

    def has_permission(self, request: Request, view: Any) -> bool:
        own = view.caller.chat_user
        return bool(view.caller.is_member or view.kwargs["pk"] == str(own.pk))
