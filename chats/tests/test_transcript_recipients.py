"""Who is mailed a transcript and how often, and what many edits cost; see test_transcripts, too."""

import tracemalloc

import pytest

from chatapi.models import OutgoingMail
from chats.access import transcripts as access
from chats.actions import chats as chat_actions
from chats.actions import messages, transcripts
from chats.models import ChatUser, MessageRevision
from companies.actions.companies import update_company
from companies.actions.members import mark_ended
from conftest import make_guest

URL = "/api/chats/{}/transcript"


def ask(caller, chat, **body):
    return caller.api.post(URL.format(chat.pk), body)


def test_an_agent_has_it_mailed_as_long_as_they_are_a_member(chat, agent_bob, bob, acme, mary):
    assert ask(agent_bob, chat).status_code == 202
    mark_ended(acme.memberships.get(user=bob.user))
    # Tokens end at once, the chat user a moment later.
    assert ChatUser.objects.get(pk=agent_bob.chat_user.pk).status == ChatUser.Status.ACTIVE
    assert not access.may_be_mailed(chat.pk, bob.user.email)
    assert ask(mary, chat, email=bob.user.email).status_code == 422


def test_a_deactivated_account_gets_none(chat, agent_bob, bob, mary):
    bob.user.is_active = False
    bob.user.save()
    assert ask(mary, chat, email=bob.user.email).status_code == 422


@pytest.fixture
def closes(chat, acme):
    update_company(acme, {"mail_transcripts": True})

    def close_again(place=chat):
        chat_actions.update(place.pk, {"status": "closed"})
        chat_actions.update(place.pk, {"status": "open"})

    return close_again


def test_what_was_requested_takes_nothing_from_the_mail_at_closing(chat, gina, closes):
    for _ in range(6):
        ask(gina, chat)
    requested = OutgoingMail.objects.filter(kind="transcript").count()
    closes()
    assert OutgoingMail.objects.filter(kind="transcript").count() == requested + 1


def test_an_address_has_a_limit_over_all_chats(chat, acme, closes):
    for number in range(25):
        place = chat_actions.create(acme, name=f"Chat {number}")
        guest = make_guest(place, "Ida").chat_user
        ChatUser.objects.filter(pk=guest.pk).update(email="ida@guest.test")
        closes(place)
    assert OutgoingMail.objects.filter(kind="transcript").count() <= 20


def test_a_message_has_a_limit_of_edits(chat, gina, monkeypatch, error_of):
    monkeypatch.setattr(messages, "MAX_EDITS", 3)
    message, _ = messages.send(gina.chat_user, "0")
    path = f"/api/chats/{chat.pk}/messages/{message['id']}"
    for number in range(1, 4):
        assert gina.api.put(path, {"text": f"{number}"}).status_code == 200
    assert gina.api.put(path, {"text": "3"}).status_code == 200  # no change
    answer = gina.api.put(path, {"text": "4"})
    assert answer.status_code == 422
    assert "text" in answer.json()["errors"]
    assert MessageRevision.objects.count() == 3


def test_a_page_reads_only_the_texts_that_it_needs(chat, gina, monkeypatch):
    monkeypatch.setattr(access, "PAGE", 2)
    message, _ = messages.send(gina.chat_user, "start")
    for number in range(60):
        messages.edit(gina.chat_user, message["id"], f"{number}" + "😀" * 9_000)
    found = access.transcript(chat.pk, for_member=True)
    tracemalloc.start()
    texts = [
        entry.content["text"]
        for entry in found.entries
        if entry.type in {"message.created", "message.updated"} and len(entry.content["text"]) > 5
    ]
    assert len(texts) == 60
    del texts
    tracemalloc.reset_peak()
    for entry in access.transcript(chat.pk, for_member=True).entries:
        assert entry.hash
    assert tracemalloc.get_traced_memory()[1] < 2_000_000  # of 2.2 MB of text in 30 pages
    tracemalloc.stop()
    transcripts.seal_message(MessageRevision.objects.first().message)
