from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatapi.api.errors import ApiError
from companies.access.companies import get_public_company
from companies.actions.members import add_member
from companies.models import Role


class Command(BaseCommand):
    help = "Add a member to a company without an invitation. Prints the account's id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("company", help="the company's id or slug")
        parser.add_argument(
            "email", help="the member's email address; an account is created if none exists"
        )
        parser.add_argument("--role", choices=Role.values, default=Role.AGENT)

    def handle(self, *, company: str, email: str, role: str, **options: Any) -> None:
        try:
            found = get_public_company(company)
            member = add_member(found, email, Role(role))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except ApiError as error:
            raise CommandError(error.message) from None
        self.stdout.write(str(member.user_id))
