"""Policies: who may call an action, how often, with what body, and what a repeated call does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol, cast

from django.conf import settings
from django.urls import Resolver404, resolve
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge

# Given the request and its view, the charge for the request; None if it is not limited.
Limit = Callable[[Request, Any], Charge | None]


MULTIPART = "multipart/form-data"


class Replay(Enum):
    """What a POST does that repeats an `Idempotency-Key`."""

    NEVER = auto()  # the key is ignored
    TO_CALLER = auto()  # the first response is stored, and repeated to the same caller
    TO_TOKEN = auto()  # the same, but another token of the caller does not get it
    BY_ACTION = auto()  # the action stores the key itself


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call an action, how often, and what repeating a call does.

    `anonymous` allows a caller without a token. Without `authentication`, a token in the request is
    ignored. A body may have MAX_BODY_BYTES; one with files, `max_upload_bytes` if the action takes
    files.
    """

    authentication: tuple[type[BaseAuthentication], ...]
    permissions: tuple[type[BasePermission], ...]
    limits: tuple[Limit, ...]
    anonymous: bool = False
    replay: Replay = Replay.NEVER
    max_upload_bytes: int | None = None

    def body_limit(self, content_type: str) -> int:
        """The number of bytes that a body of this type may have."""
        if self.max_upload_bytes and content_type.lower().startswith(MULTIPART):
            return self.max_upload_bytes
        return settings.MAX_BODY_BYTES


def upload_bytes(files: int) -> int:
    """The bytes that a body with this number of files may have, with what surrounds them."""
    return files * settings.MAX_FILE_BYTES + settings.MAX_BODY_BYTES


def body_limit(method: str, path: str, content_type: str) -> int:
    """The number of bytes that the body of a request may have, from the policy of its action."""
    try:
        view = resolve(path).func
    except Resolver404:
        return settings.MAX_BODY_BYTES
    action: str = getattr(view, "actions", {}).get(method.lower(), "")
    policies: Mapping[str, Policy] = getattr(getattr(view, "cls", None), "policies", {})
    if action not in policies:
        return settings.MAX_BODY_BYTES
    return policies[action].body_limit(content_type)


class Token(Protocol):
    """The interface of both kinds of tokens, as `request.auth`."""

    @property
    def caller(self) -> str:
        """The owner: `user:1` or `chat_user:1`."""

    @property
    def limit_key(self) -> str:
        """The subject that the token's limits are counted for."""

    def missing_scope(self, method: str | None) -> str | None:
        """The scope that the HTTP method needs and the token lacks, or None."""


def token(request: Request) -> Token | None:
    found: Any = request.auth
    return cast("Token | None", found)


def by_token(name: str) -> Limit:
    """The limit `name` for a token, or LIMIT_ANONYMOUS for the address of an anonymous caller."""

    def limit(request: Request, view: Any) -> Charge:
        sent = token(request)
        if sent is None:
            return Charge("ANONYMOUS", network_address(request))
        return Charge(name, sent.limit_key)

    return limit


READ = by_token("READ")
WRITE = by_token("WRITE")
