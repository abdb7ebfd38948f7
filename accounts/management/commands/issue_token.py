from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.tokens import DEFAULT_TOKEN_DAYS, issue_token_and_notify
from accounts.actions.users import account_for


class Command(BaseCommand):
    help = (
        "Issue a personal access token. Only the token is printed on stdout. The account's "
        "owner is notified by email."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", help="the account's email address; the account is created if it does not exist"
        )
        parser.add_argument("--name", default="", help="a name for the token")
        parser.add_argument("--days", type=int, default=DEFAULT_TOKEN_DAYS)
        parser.add_argument("--scopes", default="read,write", help="read, write or read,write")

    def handle(self, *, email: str, name: str, days: int, scopes: str, **options: Any) -> None:
        try:
            user = account_for(email)
            _, plain = issue_token_and_notify(
                user, name[:100], days, [scope.strip() for scope in scopes.split(",")]
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(plain)
