"""Messages that reply to another."""

import pytest
from django.utils import timezone

from chats.actions import messages
from chats.models import Message


@pytest.fixture
def path(chat):
    return f"/api/chats/{chat.pk}/messages"


@pytest.fixture
def question(gina):
    return messages.send(gina.chat_user, "Where is my order?" + "?" * 300)[0]


def test_a_reply_quotes_the_message_everywhere(agent_bob, gina, chat, path, question):
    answer = agent_bob.api.post(path, {"text": "On its way.", "reply_to_id": question["id"]})
    assert answer.status_code == 201
    body = answer.json()
    assert body["reply_to"] == {
        "id": question["id"],
        "seq": question["seq"],
        "author": question["author"],
        "text": question["text"][:200],
    }
    assert gina.api.get(path).json()["data"][0] == body
    assert gina.api.get(f"{path}/{body['id']}").json() == body
    events = gina.api.get(f"/api/chats/{chat.pk}/events").json()["data"]
    assert events[-1]["data"] == body
    assert gina.api.get(f"/api/chats/{chat.pk}").json()["last_message"] == body


def test_a_quote_is_shown_as_the_message_is_now(agent_bob, gina, path, question):
    reply = agent_bob.api.post(path, {"text": "Yes", "reply_to_id": question["id"]}).json()
    gina.api.put(f"{path}/{question['id']}", {"text": "Where is it now?"})
    assert agent_bob.api.get(f"{path}/{reply['id']}").json()["reply_to"]["text"] == (
        "Where is it now?"
    )
    edited = agent_bob.api.put(f"{path}/{reply['id']}", {"text": "Here"}).json()
    assert edited["reply_to"]["id"] == question["id"]
    gina.api.delete(f"{path}/{question['id']}")
    assert agent_bob.api.get(f"{path}/{reply['id']}").json()["reply_to"] == {
        **reply["reply_to"],
        "text": None,
    }


def test_a_message_that_is_no_reply_quotes_nothing(gina, path):
    assert gina.api.post(path, {"text": "Hello", "reply_to_id": None}).json()["reply_to"] is None


@pytest.mark.parametrize("reply_to_id", [0, -1, 2**63, "x", [], 999_999_999])
def test_a_reply_to_nothing_is_refused(gina, chat, path, reply_to_id, error_of):
    answer = gina.api.post(path, {"text": "Hello", "reply_to_id": reply_to_id})
    assert answer.status_code == 422
    assert error_of(answer) == "validation_failed"
    assert list(answer.json()["errors"]) == ["reply_to_id"]
    assert not Message.objects.filter(chat=chat).exists()


def test_a_reply_to_another_chats_or_a_deleted_message_is_refused(gina, hugo, path, question):
    other, _ = messages.send(hugo.chat_user, "Hello")
    messages.delete(gina.chat_user.chat_id, question["id"], None)
    for reply_to_id in (other["id"], question["id"]):
        answer = gina.api.post(path, {"text": "Hello", "reply_to_id": reply_to_id})
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["reply_to_id"]


def test_a_retry_is_answered_after_the_quoted_message_was_deleted(gina, path, question):
    body, key = {"text": "Hello", "reply_to_id": question["id"]}, {"Idempotency-Key": "a-1"}
    first = gina.api.post(path, body, headers=key).json()
    Message.objects.filter(pk=question["id"]).update(deleted_at=timezone.now())
    again = gina.api.post(path, body, headers=key)
    assert again.status_code == 201
    assert again.json()["id"] == first["id"]
    assert again.json()["reply_to"]["text"] is None
    other = gina.api.post(path, {**body, "reply_to_id": None}, headers=key)
    assert other.json()["code"] == "idempotency_conflict"


def test_an_edit_does_not_change_what_is_replied_to(gina, path, question):
    sent = gina.api.post(path, {"text": "Hello"}).json()
    gina.api.put(f"{path}/{sent['id']}", {"text": "Hi", "reply_to_id": question["id"]})
    assert gina.api.get(f"{path}/{sent['id']}").json()["reply_to"] is None
