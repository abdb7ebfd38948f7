"""Connect the signals of accounts and companies to the actions of chats."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.actions import browser_tokens
from accounts.actions.tokens import token_replaced, tokens_ended
from accounts.models import ApiToken, User
from chats.actions import attachments, departures, tokens
from chats.models import Attachment
from chats.tasks import finish_departures, process_attachment
from companies.actions.members import membership_ended
from companies.models import Membership


@receiver(membership_ended)
def on_membership_ended(
    sender: Any, membership: Membership, rotate_passwords: bool, **kwargs: Any
) -> None:
    departures.begin(membership, rotate_passwords=rotate_passwords)
    # If the broker is down, beat starts the task later.
    transaction.on_commit(lambda: finish_departures.delay(), robust=True)


@receiver(tokens_ended)
def on_tokens_ended(
    sender: Any, user: User, token_ids: Sequence[int] | None, **kwargs: Any
) -> None:
    tokens.revoke_by_origin(user, token_ids)


@receiver(token_replaced)
def on_token_replaced(sender: Any, former: ApiToken, token: ApiToken, **kwargs: Any) -> None:
    tokens.move_to_origin(former, token)


@receiver(browser_tokens.ended)
def on_browser_token_ended(sender: Any, user: User, **kwargs: Any) -> None:
    tokens.revoke_from_browsers(user)


@receiver(attachments.uploaded_unprocessed)
def on_uploaded_unprocessed(sender: Any, attachment: Attachment, **kwargs: Any) -> None:
    # If the broker is down, beat starts the task later.
    transaction.on_commit(lambda: process_attachment.delay(attachment.pk), robust=True)
