from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.users import account_for
from chatapi.api.errors import ApiError
from companies.actions.companies import create_company
from companies.serializers.companies import CompanyInput


class Command(BaseCommand):
    help = "Create a company. Prints its id and slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--owner",
            required=True,
            help="the owner's email address; an account is created if none exists",
        )
        parser.add_argument("--slug", default=None)

    def handle(self, *, name: str, owner: str, slug: str | None, **options: Any) -> None:
        given = {"name": name} | ({"slug": slug} if slug else {})
        fields = CompanyInput(data=given)
        if not fields.is_valid():
            raise CommandError(
                " ".join(f"{field}: {text[0]}" for field, text in fields.errors.items())
            )
        try:
            company = create_company(account_for(owner), **fields.validated_data)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except ApiError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{company.pk} {company.slug}")
