from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.addresses import normalize_email
from accounts.models import ApiToken, User


class Command(BaseCommand):
    help = (
        "List an account's personal access tokens without their secrets. `chats` is the number "
        "of chat-user tokens that were issued with each token and are revoked with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **options: Any) -> None:
        user = User.objects.filter(email=normalize_email(email)).first()
        if user is None:
            raise CommandError(f"No account with the address {email} exists.")
        row = "{:>6}  {:<10}{:<24}{:<12}{:<12}{:<18}{:<7}{}"
        self.stdout.write(
            row.format("id", "starts", "name", "scopes", "expires", "used", "chats", "state")
        )
        for token in user.api_tokens.with_chats(timezone.now()).order_by("pk"):
            self.stdout.write(
                row.format(
                    token.pk,
                    token.hint,
                    token.name[:22],
                    token.scopes,
                    f"{token.expires_at:%Y-%m-%d}",
                    f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never",
                    token.chats,
                    self.state(token),
                )
            )

    @staticmethod
    def state(token: ApiToken) -> str:
        if token.revoked_at:
            return f"revoked {token.revoked_at:%Y-%m-%d}"
        return "expired" if token.expires_at <= timezone.now() else "live"
