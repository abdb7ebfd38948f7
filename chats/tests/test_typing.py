"""POST /api/chats/{id}/typing."""

import pytest

from chats.models import Chat, Event

pytestmark = pytest.mark.django_db


def test_typing_is_for_chat_users_in_open_chats(gina, bob, chat, error_of):
    path = f"/api/chats/{chat.pk}/typing"
    assert gina.api.post(path, {}).status_code == 200
    assert error_of(bob.api.post(path, {})) == "join_first"
    wrong = gina.api.post(path, {"typing": "perhaps"})
    assert (wrong.status_code, error_of(wrong)) == (422, "validation_failed")
    Chat.objects.filter(pk=chat.pk).update(status="closed")
    closed = gina.api.post(path, {})
    assert (closed.status_code, error_of(closed)) == (403, "chat_closed")


def test_nothing_of_it_is_stored(gina, chat):
    before = Event.objects.count()
    gina.api.post(f"/api/chats/{chat.pk}/typing", {})
    gina.api.put(f"/api/chats/{chat.pk}/read", {"seq": 1})
    assert Event.objects.count() == before
