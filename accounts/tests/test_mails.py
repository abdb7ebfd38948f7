"""Mails that are no longer wanted when it is their turn."""

import pytest
from allauth.account.models import EmailAddress

from accounts.actions.addresses import verify_address
from accounts.actions.tokens import issue_token, revoke_token
from chatapi.mail.letters import KINDS


def built(kind, number):
    return KINDS[kind].build(number)


@pytest.mark.parametrize("kind", ["password_reset", "account_exists"])
def test_an_account_that_was_switched_off_gets_no_link(alice, kind):
    verify_address(alice.user)
    address = EmailAddress.objects.get(user=alice.user)
    assert alice.user.email in built(kind, address.pk).text
    alice.user.is_active = False
    alice.user.save()
    assert built(kind, address.pk) is None


def test_a_verified_address_needs_no_confirmation(alice):
    address = EmailAddress.objects.create(user=alice.user, email=alice.user.email, verified=False)
    assert built("email_confirmation", address.pk) is not None
    address.verified = True
    address.save()
    assert built("email_confirmation", address.pk) is None


def test_a_token_that_was_revoked_at_once_is_not_announced(alice):
    token, _ = issue_token(alice.user, name="Laptop")
    assert "Laptop" in built("token_issued", token.pk).text
    revoke_token(token)
    assert built("token_issued", token.pk) is None


def test_a_deleted_account_gets_no_notice(alice):
    number = alice.user.pk
    assert built("password_changed", number) is not None
    alice.user.delete()
    assert built("password_changed", number) is None
