"""What a caller may do in the chat of the URL. Asking for the caller is what tells 404 and 403."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chatapi.api.errors import ErrorCode, forbidden


class InChat(BasePermission):
    """A chat user of this chat, or a member of its company."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.caller is not None


class MayJoin(BasePermission):
    """Anybody without a token, who needs the password; a member. Not who is in already."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is None or view.caller.is_member


class Member(InChat):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(view.caller.is_member)


class Manager(InChat):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(view.caller.manages)


class Participant(InChat):
    """A chat user of this chat; a member has to join first."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.caller.chat_user is None:
            raise forbidden(ErrorCode.JOIN_FIRST)
        return True


class AuthorOrManager(InChat):
    """A chat user, whose message the action then checks, or a manager."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return view.caller.chat_user is not None or bool(view.caller.manages)


class ItselfOrMember(InChat):
    """The chat user of the URL itself, or a member."""

    def has_permission(self, request: Request, view: Any) -> bool:
        own = view.caller.chat_user
        return bool(view.caller.is_member or view.kwargs["pk"] == str(own.pk))
