"""Personal access tokens as a DRF authentication class."""

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
    """The request's bearer token when it starts with `prefix`, its checksum checked."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token.startswith(prefix):
        return None
    if not tokens.well_formed(token):
        raise AuthenticationFailed
    return str(token)


def account(request: Request) -> User:
    """The account that calls, on a route that takes personal access tokens alone."""
    assert isinstance(request.user, User)
    return request.user


def api_token() -> ApiTokenQuerySet:
    """A token that is good at the time `now`, by its `digest`, with its user."""
    now: Any = Parameter("now", DateTimeField())
    rows = ApiToken.objects.live(now).filter(digest=Parameter("digest", BinaryField()))
    return rows.select_related("user").order_by()


API_TOKEN = Compiled(api_token)


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cnp_…`. One query finds the token and its user."""

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
        """The token if it is good now; a subclass joins what its routes need."""
        return API_TOKEN.first(now=now, digest=digest)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
