from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.tokens import revoke_token
from accounts.models import ApiToken
from chatapi.api import tokens


class Command(BaseCommand):
    help = "Revoke a personal access token, given by its id or in full."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token", help="the id shown by list_tokens, or the full token")

    def handle(self, *, token: str, **options: Any) -> None:
        if token.startswith(ApiToken.PREFIX):
            found = ApiToken.objects.filter(digest=tokens.digest(token)).first()
        elif token.isdecimal() and len(token) < 19:
            found = ApiToken.objects.filter(pk=int(token)).first()
        else:
            raise CommandError("Enter the id shown by list_tokens or the full token.")
        if found is None:
            raise CommandError("This token does not exist.")
        if revoke_token(found):
            self.stdout.write(f"Revoked {found} of {found.user}.")
        else:
            self.stdout.write(f"{found} of {found.user} was already revoked.")
