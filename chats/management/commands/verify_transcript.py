from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chats.transcripts import chain, keys


class Command(BaseCommand):
    help = "Verify a transcript in JSON: its entries, their order, and the signature."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--keys",
            type=Path,
            metavar="JWKS_FILE",
            help="the public keys, as /api/transcript-keys lists them; by default, those of this "
            "installation",
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        document = read_json(file)
        given = options["keys"]
        jwks = keys.jwks() if given is None else read_json(given)
        try:
            known = chain.read_jwks(jwks)
        except ValueError:
            raise CommandError(f"{given} is no JWKS.") from None
        try:
            chain.verify(document, known)
        except chain.InvalidTranscriptError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"The transcript of chat {document['chat']['id']} is valid: {document['seq']} entries,"
            f" of which {len(document['withheld'])} are withheld, signed at {document['signed_at']}"
            f" by {document['key_id']}."
        )


def read_json(path: Path) -> Any:
    try:
        return chain.parse(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from None
    except chain.InvalidTranscriptError as error:
        raise CommandError(str(error)) from None
    except (ValueError, RecursionError):
        raise CommandError(f"{path} is not JSON.") from None
