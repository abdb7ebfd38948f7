from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.tokens import revoke_token
from accounts.models import ApiToken
from chatapi.api import tokens


class Command(BaseCommand):
    help = "Revoke a personal access token, named by its id or by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token", help="the id that list_tokens shows, or the token")

    def handle(self, *, token: str, **options: Any) -> None:
        if token.startswith(ApiToken.PREFIX):
            found = ApiToken.objects.filter(digest=tokens.digest(token)).first()
        elif token.isdecimal() and len(token) < 19:
            found = ApiToken.objects.filter(pk=int(token)).first()
        else:
            raise CommandError("Name the token by the id that list_tokens shows, or by itself.")
        if found is None:
            raise CommandError("There is no such token.")
        if revoke_token(found):
            self.stdout.write(f"Revoked {found} of {found.user}.")
        else:
            self.stdout.write(f"{found} of {found.user} had been revoked before.")
