"""prune"""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiToken
from chatapi.models import IdempotencyRecord
from chats.actions import auth_codes, messages
from chats.actions import chats as actions
from chats.models import AuthCode, Chat, ChatUserToken, Message
from companies.models import Company


def prune():
    out = StringIO()
    call_command("prune", stdout=out)
    return out.getvalue()


def test_nothing_that_is_in_use_goes(chat, gina, alice):
    messages.send(gina.chat_user, "Hello")
    auth_codes.mail_code(gina.chat_user)
    assert prune() == ""
    assert gina.api.get("/api/chat-user").status_code == 200


def test_what_has_had_its_time_goes(acme, chat, other_chat, gina, alice):
    old = timezone.now() - timedelta(days=31)
    messages.send(gina.chat_user, "Hello")
    AuthCode.objects.update(expires_at=old)
    alice.api.post("/api/chats", {"company_id": acme.pk}, headers={"Idempotency-Key": "k"})
    IdempotencyRecord.objects.update(created_at=old)
    ApiToken.objects.update(revoked_at=old)
    ChatUserToken.objects.update(expires_at=old)
    actions.delete(chat)
    prune()
    assert Chat.objects.filter(pk=chat.pk).exists()  # deleted today
    Chat.objects.filter(pk=chat.pk).update(deleted_at=old)
    told = prune()
    assert "1 deleted chats" in told
    assert not Message.objects.exists()
    assert Chat.objects.filter(pk=other_chat.pk).exists()
    for model in (AuthCode, IdempotencyRecord, ApiToken, ChatUserToken):
        assert not model.objects.exists()


def test_what_was_restored_meanwhile_stays(chat, gina):
    gone = Q(deleted_at__lt=timezone.now() - timedelta(days=30))
    Chat.objects.filter(pk=chat.pk).update(deleted_at=None)
    assert actions.purge(chat.pk, gone) is False
    assert gina.api.get("/api/chat-user").status_code == 200


def test_a_deleted_company_goes_with_all_it_had(acme, chat, gina):
    Company.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    prune()
    assert not Company.objects.exists()
    assert not Chat.objects.exists()


def test_a_chat_that_cannot_be_deleted_stops_no_other(chat, other_chat, monkeypatch):
    def purge(chat_id, expired, purge=actions.purge):
        if chat_id == chat.pk:
            raise DatabaseError("deadlock detected")
        return purge(chat_id, expired)

    Chat.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    monkeypatch.setattr(actions, "purge", purge)
    err = StringIO()
    call_command("prune", stdout=StringIO(), stderr=err)
    assert err.getvalue() == f"Chat {chat.pk} could not be deleted: deadlock detected\n"
    assert list(Chat.objects.all()) == [chat]
