"""People with an account, and the personal access tokens they act by."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.addresses import normal_email, parse_email


def lacking_scope(scopes: str, method: str | None) -> str | None:
    """The scope that an HTTP method needs and is not among `scopes`; None when there is none.

    PUT, PATCH and DELETE answer with what is there, so they read as well as write.
    """
    given = scopes.split(",")
    if method != "POST" and "read" not in given:
        return "read"
    if method not in {"GET", "HEAD"} and "write" not in given:
        return "write"
    return None


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person with an account; without `password` they can't log in by one."""
        user = self.model(email=normal_email(email), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normal_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. The e-mail address is the name they log in by."""

    email = models.EmailField(unique=True, max_length=254)
    first_name = models.CharField(max_length=100, blank=True, default="")
    last_name = models.CharField(max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may use the admin", default=False)
    # Raised when all sessions are ended at once; a session is good for the number it began with.
    session_generation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        try:
            self.email = parse_email(self.email)
        except ValidationError as error:
            raise ValidationError({"email": error}) from None

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's, which a session keeps; another one for each generation of sessions."""
        found: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        if not self.session_generation:
            return found
        return salted_hmac("accounts.session", f"{self.session_generation} {found}").hexdigest()

    @property
    def name(self) -> str:
        """The full name, or what stands before the @ of the address."""
        return f"{self.first_name} {self.last_name}".strip() or self.email.partition("@")[0]


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self, now: datetime) -> "ApiTokenQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)

    def with_chats(self, now: datetime) -> "ApiTokenQuerySet":
        """Each with `chats`: how many live chat-user tokens were issued with it."""
        # Counted from this side: their app looks here, not back.
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
        return self.annotate(chats=Coalesce(Subquery(counted), 0))


class ApiToken(models.Model):
    """A personal access token. Only its SHA-256 is stored; `hint` is how it starts."""

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

    class Meta:
        verbose_name = "personal access token"

    def __str__(self) -> str:
        return f"{self.hint}… {self.name}".strip()

    # What a view asks of any kind of token.

    @property
    def caller(self) -> str:
        return f"user:{self.user_id}"

    @property
    def limit_key(self) -> str:
        return f"api:{self.pk}"

    def missing_scope(self, method: str | None) -> str | None:
        return lacking_scope(self.scopes, method)
