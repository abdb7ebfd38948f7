"""/api/chats/{id}/messages/{id}/reactions/{emoji}"""

from urllib.parse import quote

import pytest

from chatapi.tests.races import at_once
from chats.actions import messages, reactions
from chats.models import Event, Message


@pytest.fixture
def message(gina):
    return messages.send(gina.chat_user, "Hello")[0]


@pytest.fixture
def path(chat, message):
    return f"/api/chats/{chat.pk}/messages/{message['id']}"


def put(person, path, emoji):
    return person.api.put(f"{path}/reactions/{quote(emoji, safe='')}")


def delete(person, path, emoji):
    return person.api.delete(f"{path}/reactions/{quote(emoji, safe='')}")


def events(chat):
    return list(Event.objects.filter(chat=chat).values_list("type", flat=True))


def test_a_reaction_counts_each_person_once(gina, agent_bob, chat, path, message):
    first = put(agent_bob, path, "👍")
    assert first.status_code == 200
    assert first.json() == {
        **message,
        "reactions": [{"emoji": "👍", "count": 1, "chat_user_ids": [agent_bob.chat_user.pk]}],
    }
    assert put(agent_bob, path, "👍").json() == first.json()
    both = put(gina, path, "👍").json()["reactions"]
    assert both == [
        {
            "emoji": "👍",
            "count": 2,
            "chat_user_ids": [agent_bob.chat_user.pk, gina.chat_user.pk],
        }
    ]
    assert gina.api.get(path).json()["reactions"] == both
    assert events(chat).count("reaction.added") == 2


def test_a_removed_reaction_is_gone(gina, agent_bob, chat, path, message):
    put(gina, path, "🎉")
    put(agent_bob, path, "🎉")
    left = delete(gina, path, "🎉").json()["reactions"]
    assert left == [{"emoji": "🎉", "count": 1, "chat_user_ids": [agent_bob.chat_user.pk]}]
    assert delete(gina, path, "🎉").json()["reactions"] == left
    assert delete(agent_bob, path, "🎉").json() == message
    assert events(chat).count("reaction.removed") == 2


def test_the_log_says_who_reacted_and_how(gina, chat, path):
    put(gina, path, "👍")
    delete(gina, path, "👍")
    added, removed = gina.api.get(f"/api/chats/{chat.pk}/events").json()["data"][-2:]
    reaction = {"emoji": "👍", "chat_user_id": gina.chat_user.pk}
    assert (added["type"], removed["type"]) == ("reaction.added", "reaction.removed")
    assert added["data"]["reaction"] == removed["data"]["reaction"] == reaction
    assert added["data"]["reactions"] == []  # events show a message as it is now
    assert added["data"]["text"] == "Hello"


def test_reactions_keep_the_order_of_first_use(gina, agent_bob, path):
    for emoji in ("🎉", "👍", "❤️"):
        put(gina, path, emoji)
    found = put(agent_bob, path, "👍").json()["reactions"]
    assert [each["emoji"] for each in found] == ["🎉", "👍", "❤️"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("❤", "❤️"),  # without the variation selector
        ("👩‍❤‍👨", "👩‍❤️‍👨"),
        ("👍🏽", "👍🏽"),
        ("🇩🇪", "🇩🇪"),
        ("1️⃣", "1️⃣"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
    ],
)
def test_an_emoji_has_one_spelling(gina, path, sent, stored):
    assert put(gina, path, sent).json()["reactions"][0]["emoji"] == stored
    assert put(gina, path, stored).json()["reactions"][0]["count"] == 1
    assert delete(gina, path, sent).json()["reactions"] == []


@pytest.mark.parametrize(
    "text",
    ["a", "1", "👍👍", "👍" * 10, "👍 ", ":+1:", "🏽", "<b>", "\u200d", "é", "x" * 5000],
)
def test_what_is_not_one_emoji_is_refused(gina, chat, path, text, error_of):
    before = events(chat)
    for response in (put(gina, path, text), delete(gina, path, text)):
        assert response.status_code == 422
        assert error_of(response) == "validation_failed"
    assert events(chat) == before


def test_a_message_has_a_limited_number_of_emoji(gina, path, message, error_of, monkeypatch):
    monkeypatch.setattr(reactions, "MAX_DIFFERENT", 2)
    put(gina, path, "👍")
    put(gina, path, "🎉")
    assert error_of(put(gina, path, "❤️")) == "validation_failed"
    assert put(gina, path, "🎉").status_code == 200


def test_a_deleted_message_loses_its_reactions_and_gets_none(gina, path, error_of):
    put(gina, path, "👍")
    assert gina.api.delete(path).json()["reactions"] == []
    answer = put(gina, path, "👍")
    assert answer.status_code == 403
    assert error_of(answer) == "message_deleted"


def test_a_closed_chat_takes_no_reactions(gina, alice, chat, path, error_of):
    put(gina, path, "👍")
    alice.api.put(f"/api/chats/{chat.pk}", {"status": "closed"})
    for response in (put(gina, path, "🎉"), delete(gina, path, "👍")):
        assert response.status_code == 403
        assert error_of(response) == "chat_closed"


def test_a_message_of_another_chat_is_not_found(gina, hugo, chat):
    other, _ = messages.send(hugo.chat_user, "Hello")
    for message_id in (other["id"], 999_999_999, "x"):
        path = f"/api/chats/{chat.pk}/messages/{message_id}"
        assert put(gina, path, "👍").status_code == 404


def test_reactions_are_neither_unread_nor_edits(gina, agent_bob, chat, path):
    gina.api.put(f"/api/chats/{chat.pk}/read", {"seq": 99})
    body = put(agent_bob, path, "👍").json()
    assert body["edited_at"] is None
    assert gina.api.get(f"/api/chats/{chat.pk}").json()["unread_count"] == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_reactions_at_the_same_time_lose_none(gina, agent_bob, chat, message):
    emoji = ["👍", "🎉", "❤️", "😀", "😢"]
    people = (gina.chat_user, agent_bob.chat_user)
    at_once(
        *[
            lambda person=person, each=each: reactions.add(person, message["id"], each)
            for each in emoji
            for person in people
        ]
    )
    stored = Message.objects.get(pk=message["id"]).reactions
    assert {each["emoji"]: sorted(each["chat_user_ids"]) for each in stored} == {
        each: sorted(person.pk for person in people) for each in emoji
    }
    seqs = list(Event.objects.filter(chat=chat).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
