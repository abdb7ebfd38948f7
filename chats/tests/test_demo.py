"""demo"""

from io import StringIO

import pytest
from django.core.management import call_command

from chats.models import Chat
from companies.models import Company


def demo(*arguments):
    out, err = StringIO(), StringIO()
    call_command("demo", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_it_is_made_once_and_shown_again():
    made, _ = demo()
    again, _ = demo("--starting")
    chat = Chat.objects.get()
    assert Company.objects.count() == 1
    for text in (made, again):
        assert f"Chat id        {chat.pk}" in text
    assert "Using the existing data." in again
    assert "issue_token" in again  # tokens are stored as hashes
    assert "Press Ctrl-C to stop." in again
    assert "Press Ctrl-C to stop." not in made


@pytest.mark.django_db
def test_passwords_of_other_chats_are_not_shown(chat):
    text, _ = demo()
    assert "Using the existing data." in text
    assert "Chat password" not in text


@pytest.mark.django_db
def test_a_password_that_another_key_has_sealed(settings):
    demo()
    Chat.objects.update(sealed_password="sealed by another key")
    text, errors = demo()
    assert "Check CHAT_PASSWORD_KEYS." in errors
    assert "Chat password" not in text
