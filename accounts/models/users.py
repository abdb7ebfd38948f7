"""People with an account."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.addresses import normalize_email, parse_email
from accounts.names import name_of


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an account; without `password`, one has to be set before the first log-in."""
        user = self.model(email=normalize_email(email), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalize_email(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. They log in with their email address."""

    email = models.EmailField(unique=True, max_length=254)
    first_name = models.CharField(max_length=100, blank=True, default="")
    last_name = models.CharField(max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("can use the admin", default=False)
    # Incremented to end all sessions: a session is valid only for the number it started with.
    session_generation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    tokens_live: int  # annotated by the admin

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
        """Return Django's hash for sessions, made to depend on the generation as well."""
        found: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]  # the base has no types
        if not self.session_generation:
            return found
        return salted_hmac("accounts.session", f"{self.session_generation} {found}").hexdigest()

    @property
    def name(self) -> str:
        """The full name, or the local part of the address."""
        return name_of(self.first_name, self.last_name, self.email)
