"""GET /api/chat-user and /api/chats/{id}/users"""

import pytest

from chats.actions import chat_users
from chats.models import Event


@pytest.fixture
def path(chat):
    return f"/api/chats/{chat.pk}/users"


def test_the_current_chat_user_with_chat_and_company(gina, chat, acme):
    body = gina.api.get("/api/chat-user").json()
    assert body["id"] == gina.chat_user.pk
    assert body["email"] == "gina@guest.test"
    assert body["chat"]["id"] == chat.pk
    assert body["company"] == {"id": acme.pk, "name": "Acme", "slug": "acme", "logo_url": ""}


def test_guests_do_not_see_each_others_addresses(gina, agent_bob, bob, path):
    shown = {user["first_name"]: user["email"] for user in gina.api.get(path).json()["data"]}
    assert shown == {"Gina": "gina@guest.test", "Bob": None}
    shown = {user["first_name"]: user["email"] for user in bob.api.get(path).json()["data"]}
    assert shown == {"Gina": "gina@guest.test", "Bob": "bob@acme.test"}


def test_nor_does_the_log_tell_them(gina, agent_bob, chat):
    assert b"@" not in agent_bob.api.get(f"/api/chats/{chat.pk}/events").content


def test_who_left_stays_listed(gina, bob, path):
    answer = gina.api.delete(f"{path}/{gina.chat_user.pk}")
    assert answer.status_code == 200
    assert answer.json()["status"] == "left"
    (shown,) = bob.api.get(path).json()["data"]
    assert shown["status"] == "left"
    assert shown["left_at"] is not None
    assert gina.api.get(path).status_code == 401


def test_a_member_removes_and_again_nothing_happens(gina, bob, chat, path):
    mine = f"{path}/{gina.chat_user.pk}"
    assert bob.api.delete(mine).json()["status"] == "removed"
    head = Event.objects.filter(chat=chat).count()
    assert bob.api.delete(mine).json()["status"] == "removed"
    assert Event.objects.filter(chat=chat).count() == head
    assert Event.objects.filter(chat=chat).latest("seq").type == "user.removed"


def test_an_agent_who_deletes_itself_leaves(agent_bob, bob, path):
    assert bob.api.delete(f"{path}/{agent_bob.chat_user.pk}").json()["status"] == "left"


def test_a_guest_changes_its_own_name_only(gina, agent_bob, path, chat):
    mine, bobs = f"{path}/{gina.chat_user.pk}", f"{path}/{agent_bob.chat_user.pk}"
    answer = gina.api.put(mine, {"first_name": "Georgina", "status": "banned", "email": "x@y.z"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["first_name"], body["status"]) == ("Georgina", "active")
    assert body["email"] == "gina@guest.test"
    assert Event.objects.filter(chat=chat).latest("seq").type == "user.updated"
    assert gina.api.put(bobs, {"first_name": "Bobby"}).status_code == 403
    assert gina.api.delete(bobs).status_code == 403


def test_a_member_bans_and_lifts_the_ban(gina, bob, path):
    mine = f"{path}/{gina.chat_user.pk}"
    assert bob.api.put(mine, {"status": "banned"}).json()["status"] == "banned"
    assert gina.api.get("/api/chat-user").status_code == 401
    assert bob.api.put(mine, {"status": "removed"}).json()["status"] == "removed"
    assert bob.api.put(mine, {"status": "active"}).status_code == 422


def test_an_agent_is_not_banned(agent_bob, mary, path):
    answer = mary.api.put(f"{path}/{agent_bob.chat_user.pk}", {"status": "banned"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["status"]


def test_a_change_that_is_refused_changes_nothing(agent_bob, mary, path):
    body = {"first_name": "Changed", "status": "banned"}
    assert mary.api.put(f"{path}/{agent_bob.chat_user.pk}", body).status_code == 422
    agent_bob.chat_user.refresh_from_db()
    assert agent_bob.chat_user.first_name == "Bob"


def test_removed_takes_an_active_guest_out(gina, bob, path):
    answer = bob.api.put(f"{path}/{gina.chat_user.pk}", {"status": "removed"})
    assert answer.json()["status"] == "removed"
    assert gina.api.get("/api/chat-user").status_code == 401


def test_users_of_another_chat_are_not_found(gina, hugo, bob, path):
    for caller in (gina, bob):
        assert caller.api.get(f"{path}/{hugo.chat_user.pk}").status_code == 404
    assert bob.api.delete(f"{path}/{hugo.chat_user.pk}").status_code == 404


@pytest.mark.parametrize("name", ["none", "0", "-1", "99999999999999999999"])
def test_what_is_no_id(bob, path, name):
    assert bob.api.get(f"{path}/{name}").status_code == 404


def test_a_name_is_checked(gina, path):
    answer = gina.api.put(f"{path}/{gina.chat_user.pk}", {"first_name": ""})
    assert answer.status_code == 422


def test_leaving_ends_every_token_at_once(gina):
    from chats.actions import tokens
    from conftest import Client

    _, second = tokens.issue(gina.chat_user, 30)
    chat_users.leave(gina.chat_user)
    assert Client(second).get("/api/chat-user").status_code == 401
