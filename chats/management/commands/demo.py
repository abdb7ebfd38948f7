import secrets
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts.actions.addresses import verify_address
from accounts.actions.tokens import issue_token
from accounts.actions.users import account_for
from chats.actions import chats
from chats.models import Chat
from companies.actions.companies import create_company
from companies.models import Company

OWNER = "demo@example.com"
SLUG = "demo-company"
CHAT = "First chat"
WEBSITE = "http://localhost:9000"  # the website of docs/embed.md


class Command(BaseCommand):
    help = "Create a demo company, chat and token, unless a company already exists."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--starting", action="store_true", help="for use by `make run`: the service starts next"
        )

    def handle(self, *, starting: bool = False, **options: Any) -> None:
        base = settings.PUBLIC_URL
        self.stdout.write("")
        if Company.objects.exists():
            self.stdout.write("Using the existing data.")
            manage = ".venv/bin/python manage.py"
            token = f"issue one with: {manage} issue_token {OWNER}"
            log_in = f"as before, or reset the password with: {manage} changepassword {OWNER}"
            # Only the demonstration chat: a terminal must not show passwords of other chats.
            chat = Chat.objects.filter(
                name=CHAT,
                company__slug=SLUG,
                company__memberships__user__email=OWNER,
                deleted_at=None,
                company__deleted_at=None,
            ).first()
        else:
            self.stdout.write(
                f"Created demo data: the account {OWNER}, a company, a chat and a token."
            )
            owner = account_for(OWNER)
            password = secrets.token_urlsafe(9)
            verify_address(owner, password)
            log_in = f"{OWNER}, password {password}"
            company = create_company(
                owner, name="Demo Company", slug=SLUG, allowed_origins=[WEBSITE]
            )
            chat = chats.create(company, name=CHAT)
            _, token = issue_token(owner, name="Demo")
        self.stdout.write(f"  Inbox          {base}/inbox")
        if chat:
            self.stdout.write(f"  Log in         {log_in}")
            self.stdout.write(f"  Start a chat   {base}/start/{SLUG}")
        self.stdout.write(f"  API            {base}/api")
        self.stdout.write(f"  Docs           {base}/docs")
        self.stdout.write(f"  Token          {token}")
        try:
            password = chats.password_of(chat) if chat else ""
        except InvalidToken:
            self.stderr.write("The chat's password can't be decrypted. Check CHAT_PASSWORD_KEYS.")
            password = ""
        if chat and password:
            self.stdout.write(f"  Chat           {chats.join_url(chat, password)}")
            self.stdout.write(f"  Chat id        {chat.pk}")
            self.stdout.write(f"  Chat password  {password}")
        self.stdout.write("")
        if not starting:
            return
        if settings.EMAIL_URL.startswith("consolemail"):
            self.stdout.write(
                "Emails, including auth codes, are printed here. Press Ctrl-C to stop."
            )
        else:
            self.stdout.write("Emails are sent through EMAIL_URL. Press Ctrl-C to stop.")
        self.stdout.write("")
