from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chats.actions import search_index
from chats.models import Message, Note


class Command(BaseCommand):
    help = (
        "Make messages and notes searchable that are not, such as those that an old process wrote "
        "during an update. It can be interrupted, and repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="index all again")

    def handle(self, *, verbosity: int = 1, **options: Any) -> None:
        for model, name in ((Message, "messages"), (Note, "notes")):
            count = sum(search_index.fill(model, again=options["all"]))
            if verbosity:
                self.stdout.write(f"{count} {name}")
