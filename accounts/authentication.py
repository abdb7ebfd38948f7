"""Authenticate API requests by personal access tokens."""

from datetime import datetime
from typing import Any

from django.db.models import BinaryField, DateTimeField
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.actions.tokens import record_use
from accounts.models import ApiToken, User
from accounts.models.tokens import ApiTokenQuerySet
from chatapi.api import tokens
from chatapi.db.compiled import Compiled, Parameter


def bearer(request: Request, prefix: str) -> str | None:
    """Return the bearer token if it starts with `prefix`.

    Raises AuthenticationFailed when its checksum is wrong.
    """
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(prefix):
        return None
    if not tokens.well_formed(token):
        raise AuthenticationFailed
    return str(token)


def account(request: Request) -> User:
    """Return the caller's account, on a route that accepts only personal access tokens."""
    assert isinstance(request.user, User)
    return request.user


def api_token() -> ApiTokenQuerySet:
    """Return the query for a token that is live at `now`, by its `digest`, with its user."""
    now: Any = Parameter("now", DateTimeField())
    rows = ApiToken.objects.live(now).filter(digest=Parameter("digest", BinaryField()))
    return rows.select_related("user").order_by()


API_TOKEN = Compiled(api_token)


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cnp_…`. One query fetches the token and its user."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        plain = bearer(request, ApiToken.PREFIX)
        if plain is None:
            return None
        now = timezone.now()
        token = self.find(request, tokens.digest(plain), now)
        if token is None:
            raise AuthenticationFailed
        record_use(token, now)
        return token.user, token

    def find(self, request: Request, digest: bytes, now: datetime) -> ApiToken | None:
        """Return the token if it is live. Subclasses join what their routes need."""
        return API_TOKEN.first(now=now, digest=digest)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
