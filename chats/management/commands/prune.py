from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiToken
from chatapi.files.stores import StorageDownError
from chatapi.models import IdempotencyRecord, OutgoingMail
from chats.actions import attachments
from chats.actions import chats as actions
from chats.models import AuthCode, Chat, ChatUserToken
from companies.models import Company, Membership


class Command(BaseCommand):
    help = (
        "Permanently remove expired codes and tokens, old replay answers and emails, and "
        "deleted chats and companies."
    )

    def handle(self, *, verbosity: int = 1, **options: Any) -> None:
        now = timezone.now()
        # Ended tokens are kept for a while, so that staff can see what was revoked.
        ended = now - timedelta(days=30)
        deleted = now - timedelta(days=settings.KEEP_DELETED_DAYS)
        replays = now - timedelta(hours=settings.IDEMPOTENCY_HOURS)
        for what, rows in {
            "auth codes": AuthCode.objects.filter(expires_at__lt=now - timedelta(hours=6)),
            "chat-user tokens": ChatUserToken.objects.filter(expires_at__lt=ended),
            "revoked chat-user tokens": ChatUserToken.objects.filter(revoked_at__lt=ended),
            "personal access tokens": ApiToken.objects.filter(expires_at__lt=ended),
            "revoked personal access tokens": ApiToken.objects.filter(revoked_at__lt=ended),
            "answers kept for replay": IdempotencyRecord.objects.filter(created_at__lt=replays),
            "ended invitations": Membership.objects.filter(user=None, ended_at__lt=ended),
            "sent emails": OutgoingMail.objects.filter(created_at__lt=ended),
        }.items():
            count, by_model = rows.delete()
            if verbosity and count:
                self.stdout.write(f"{by_model.get(rows.model._meta.label, 0)} {what}")
        expired = Q(deleted_at__lt=deleted) | Q(company__deleted_at__lt=deleted)
        count = 0
        for chat_id in list(Chat.objects.filter(expired).values_list("pk", flat=True)):
            try:
                count += actions.purge(chat_id, expired)
            except DatabaseError as error:  # one failure must not stop the rest
                self.stderr.write(f"Chat {chat_id} could not be deleted: {error}")
        if verbosity and count:
            self.stdout.write(f"{count} deleted chats")
        try:
            orphans = attachments.prune(now)
        except StorageDownError as error:
            self.stderr.write(f"Files could not be removed: {error.__cause__}")
        else:
            if verbosity and orphans:
                self.stdout.write(f"{orphans} files without attachments")
        Company.objects.filter(deleted_at__lt=deleted, chats=None).delete()
