"""Personal access tokens."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models.users import User


def missing_scope(scopes: str, method: str | None) -> str | None:
    """Return the scope that an HTTP method requires but `scopes` lacks; None when it is allowed.

    PUT, PATCH and DELETE return the object, so they require both scopes.
    """
    given = scopes.split(",")
    if method != "POST" and "read" not in given:
        return "read"
    if method not in {"GET", "HEAD"} and "write" not in given:
        return "write"
    return None


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self, now: datetime) -> "ApiTokenQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)

    def with_chats(self, now: datetime) -> "ApiTokenQuerySet":
        """Annotate each with `chats`: the number of live chat-user tokens issued with it."""
        # By the reverse relation, because this app must not import chats.
        counted = (
            ApiToken.objects.filter(
                pk=OuterRef("pk"),
                chat_user_tokens__revoked_at=None,
                chat_user_tokens__expires_at__gt=now,
            )
            .order_by()
            .values("pk")
            .annotate(n=Count("chat_user_tokens"))
            .values("n")
        )
        return self.annotate(chats=Coalesce(Subquery(counted), 0))  # type: ignore[no-redef]  # declared by the model


class ApiToken(models.Model):
    """A personal access token. Only its SHA-256 digest and its first characters are stored."""

    PREFIX: ClassVar[str] = "cnp_"
    SCOPES: ClassVar[tuple[str, ...]] = ("read", "write")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True, default="")
    hint = models.CharField(max_length=12, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    scopes = models.CharField(max_length=50, default="read,write")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    chats: int  # annotated by `with_chats`

    class Meta:
        verbose_name = "personal access token"

    def __str__(self) -> str:
        return f"{self.hint}… {self.name}".strip()

    # The interface that views expect of every kind of token.

    @property
    def caller(self) -> str:
        return f"user:{self.user_id}"

    @property
    def limit_key(self) -> str:
        return f"api:{self.pk}"

    def missing_scope(self, method: str | None) -> str | None:
        return missing_scope(self.scopes, method)
