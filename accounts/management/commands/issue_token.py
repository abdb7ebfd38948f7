from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.tokens import DEFAULT_TOKEN_DAYS, issue_token_and_notify
from accounts.actions.users import account_for


class Command(BaseCommand):
    help = (
        "Issue a personal access token; prints it, and nothing else, on stdout."
        " The person is told by mail."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="whose token; the account is made if there is none")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument("--days", type=int, default=DEFAULT_TOKEN_DAYS)
        parser.add_argument("--scopes", default="read,write", help="read, write or both")

    def handle(self, *, email: str, name: str, days: int, scopes: str, **options: Any) -> None:
        try:
            user = account_for(email)
            _, plain = issue_token_and_notify(
                user, name[:100], days, [scope.strip() for scope in scopes.split(",")]
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(plain)
