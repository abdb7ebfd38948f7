"""/api/chats/{id}/messages"""

from datetime import timedelta

import pytest
from django.utils import timezone

from chats.actions import chat_users, messages
from chats.models import Event, Message, MessageRevision


@pytest.fixture
def path(chat):
    return f"/api/chats/{chat.pk}/messages"


def test_a_message_as_it_is_answered(gina, chat, path):
    answer = gina.api.post(path, {"text": "  Hello  "})
    assert answer.status_code == 201
    body = answer.json()
    assert body["text"] == "Hello"
    assert body["author"] == {
        "id": gina.chat_user.pk,
        "first_name": "Gina",
        "last_name": "Guest",
        "role": "guest",
    }
    assert body["assurance"] == "email_verified"
    assert body["created_at"].endswith("Z")
    assert len(body["created_at"]) == len("2021-07-05T09:31:38.000000Z")
    assert gina.api.get(f"{path}/{body['id']}").json() == body
    event = Event.objects.filter(chat=chat).latest("seq")
    assert (event.type, event.seq, event.message_id) == ("message.created", body["seq"], body["id"])


@pytest.mark.parametrize("text", ["😀", "مرحبا بالعالم", "‏שלום", "a" * 10_000, "line\nline", "<b>"])
def test_what_people_write_comes_back_as_it_was(gina, path, text):
    assert gina.api.post(path, {"text": text}).json()["text"] == text
    assert gina.api.get(path).json()["data"][0]["text"] == text


@pytest.mark.parametrize("text", ["", "   \n ", "a" * 10_001, None, [], {}, True, "a\0b"])
def test_what_is_no_text_is_refused_and_leaves_nothing(gina, chat, path, text):
    head = Event.objects.filter(chat=chat).count()
    answer = gina.api.post(path, {"text": text})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["text"]
    chat.refresh_from_db()
    assert chat.last_seq == head == Event.objects.filter(chat=chat).count()


def test_a_member_joins_first(bob, path, error_of):
    answer = bob.api.post(path, {"text": "Hello"})
    assert answer.status_code == 403
    assert error_of(answer) == "join_first"


def test_a_closed_chat_is_read_and_not_written_to(gina, alice, chat, path, error_of):
    mine = gina.api.post(path, {"text": "Hello"}).json()
    alice.api.put(f"/api/chats/{chat.pk}", {"status": "closed"})
    answer = gina.api.post(path, {"text": "Hello?"})
    assert answer.status_code == 403
    assert error_of(answer) == "chat_closed"
    assert gina.api.put(f"{path}/{mine['id']}", {"text": "x"}).status_code == 403
    assert gina.api.get(path).status_code == 200
    alice.api.put(f"/api/chats/{chat.pk}", {"status": "open"})
    assert gina.api.post(path, {"text": "Hello!"}).status_code == 201


def test_the_same_key_and_body_is_one_message(gina, chat, path):
    key = {"Idempotency-Key": "a-1"}
    first = gina.api.post(path, {"text": "Hello"}, headers=key)
    again = gina.api.post(path, {"text": " Hello "}, headers=key)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Message.objects.filter(chat=chat).count() == 1


def test_the_first_answer_is_given_whatever_became_of_the_message(gina, chat, alice, path):
    key = {"Idempotency-Key": "a-1"}
    first = gina.api.post(path, {"text": "Hello"}, headers=key).json()
    gina.api.put(f"{path}/{first['id']}", {"text": "Bye"})
    assert gina.api.post(path, {"text": "Hello"}, headers=key).json() == first
    gina.api.delete(f"{path}/{first['id']}")
    alice.api.put(f"/api/chats/{chat.pk}", {"status": "closed"})
    assert gina.api.post(path, {"text": "Hello"}, headers=key).json() == first
    assert gina.api.post(path, {"text": "New"}, headers={"Idempotency-Key": "b"}).status_code == 403


def test_the_same_key_with_another_body_is_a_conflict(gina, path, error_of):
    key = {"Idempotency-Key": "a-1"}
    gina.api.post(path, {"text": "Hello"}, headers=key)
    answer = gina.api.post(path, {"text": "Bye"}, headers=key)
    assert answer.status_code == 422
    assert error_of(answer) == "idempotency_conflict"


def test_a_key_is_the_chat_users_own_and_outlives_a_token(gina, agent_bob, path, newest_code):
    from chats.actions import tokens
    from conftest import Client

    key = {"Idempotency-Key": "a-1"}
    first = gina.api.post(path, {"text": "Hello"}, headers=key).json()
    other = agent_bob.api.post(path, {"text": "Hello"}, headers=key).json()
    assert other["id"] != first["id"]
    _, plain = tokens.issue(gina.chat_user, 1)
    assert Client(plain).post(path, {"text": "Hello"}, headers=key).json() == first


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a b"])
def test_a_key_that_is_none_is_refused(gina, path, key):
    answer = gina.api.post(path, {"text": "Hello"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_an_edit_keeps_the_seq_and_the_earlier_text_for_members(gina, bob, path):
    mine = gina.api.post(path, {"text": "Helo"}).json()
    edited = gina.api.put(f"{path}/{mine['id']}", {"text": "Hello"})
    assert edited.status_code == 200
    assert edited.json() | {"edited_at": None} == mine | {"text": "Hello"}
    assert edited.json()["edited_at"] is not None
    assert "revisions" not in gina.api.get(f"{path}/{mine['id']}").json()
    (earlier,) = bob.api.get(f"{path}/{mine['id']}").json()["revisions"]
    assert earlier["text"] == "Helo"


def test_an_edit_that_changes_nothing_is_no_event(gina, chat, path):
    mine = gina.api.post(path, {"text": "Hello"}).json()
    head = Event.objects.filter(chat=chat).count()
    assert gina.api.patch(f"{path}/{mine['id']}", {"text": "Hello"}).json()["edited_at"] is None
    assert gina.api.put(f"{path}/{mine['id']}", {}).status_code == 200
    assert Event.objects.filter(chat=chat).count() == head


def test_only_the_author_edits(gina, agent_bob, path, error_of):
    mine = gina.api.post(path, {"text": "Hello"}).json()
    answer = agent_bob.api.put(f"{path}/{mine['id']}", {"text": "Hacked"})
    assert answer.status_code == 403
    assert error_of(answer) == "not_author"


def test_the_time_for_edits_ends(gina, path, error_of):
    mine = gina.api.post(path, {"text": "Hello"}).json()
    Message.objects.update(created_at=timezone.now() - timedelta(minutes=15, seconds=1))
    answer = gina.api.put(f"{path}/{mine['id']}", {"text": "Late"})
    assert answer.status_code == 403
    assert error_of(answer) == "edit_window_over"


def test_a_delete_leaves_a_tombstone(gina, bob, chat, path):
    mine = gina.api.post(path, {"text": "Secret"}).json()
    gina.api.put(f"{path}/{mine['id']}", {"text": "Very secret"})
    answer = gina.api.delete(f"{path}/{mine['id']}")
    assert answer.status_code == 200
    assert answer.json()["text"] is None
    assert answer.json()["deleted_at"] is not None
    assert (answer.json()["seq"], answer.json()["id"]) == (mine["seq"], mine["id"])
    assert gina.api.delete(f"{path}/{mine['id']}").json() == answer.json()
    assert gina.api.put(f"{path}/{mine['id']}", {"text": "x"}).json()["code"] == "message_deleted"
    # The text is nowhere any more, in the log neither.
    assert not MessageRevision.objects.exists()
    log = bob.api.get(f"/api/chats/{chat.pk}/events").content
    assert b"ecret" not in log
    assert log.count(b"message.deleted") == 1


def test_a_manager_deletes_an_agent_does_not(gina, agent_bob, bob, mary, path):
    mine = gina.api.post(path, {"text": "Hello"}).json()
    assert agent_bob.api.delete(f"{path}/{mine['id']}").json()["code"] == "not_author"
    assert bob.api.delete(f"{path}/{mine['id']}").json()["code"] == "permission_denied"
    assert mary.api.delete(f"{path}/{mine['id']}").status_code == 200


def test_a_message_of_another_chat_is_not_found(gina, hugo, alice, path, other_chat):
    theirs, _ = messages.send(hugo.chat_user, "Hello")
    for caller in (gina, alice):
        assert caller.api.get(f"{path}/{theirs['id']}").status_code == 404
    assert gina.api.put(f"{path}/{theirs['id']}", {"text": "x"}).status_code == 404
    assert alice.api.delete(f"{path}/{theirs['id']}").status_code == 404


@pytest.mark.parametrize(
    "name", ["none", "0", "-1", "99999999999999999999", "1e3", "%00", "\u0661"]
)
def test_what_is_no_id_is_not_found(gina, path, name):
    assert gina.api.get(f"{path}/{name}").status_code == 404
    assert gina.api.delete(f"{path}/{name}").status_code == 404


def test_sending_reads_up_to_ones_own_message(gina, agent_bob, chat, path):
    agent_bob.api.post(path, {"text": "One"})
    agent_bob.api.post(path, {"text": "Two"})
    (mine,) = gina.api.get("/api/chats").json()["data"]
    assert mine["unread_count"] == 2
    gina.api.post(path, {"text": "Three"})
    assert gina.api.get(f"/api/chats/{chat.pk}").json()["unread_count"] == 0
    assert agent_bob.api.get(f"/api/chats/{chat.pk}").json()["unread_count"] == 1


def test_who_is_removed_while_sending_has_no_say(gina, chat):
    """The token was good when it was looked up; the row says otherwise by now."""
    from chatapi.api.errors import ApiError

    chat_users.remove(gina.chat_user)
    with pytest.raises(ApiError) as refused:
        messages.send(gina.chat_user, "Still here")
    assert refused.value.status_code == 401
    assert not Message.objects.filter(chat=chat).exists()


class TestPages:
    @pytest.fixture(autouse=True)
    def forty(self, gina):
        for number in range(1, 41):
            messages.send(gina.chat_user, f"{number}")

    def texts(self, answer):
        return [int(message["text"]) for message in answer.json()["data"]]

    def test_newest_first_and_what_a_page_says_of_itself(self, gina, path):
        answer = gina.api.get(f"{path}?page=2")
        body = answer.json()
        assert self.texts(answer) == list(range(25, 10, -1))
        del body["data"]
        assert isinstance(body.pop("next_cursor"), str)
        url = f"http://testserver{path}"
        assert body == {
            "current_page": 2,
            "first_page_url": f"{url}?page=1",
            "from": 16,
            "next_page_url": f"{url}?page=3",
            "path": url,
            "per_page": 15,
            "prev_page_url": f"{url}?page=1",
            "to": 30,
        }

    def test_the_last_page_and_one_past_it(self, gina, path):
        last = gina.api.get(f"{path}?page=3").json()
        assert (last["next_page_url"], last["from"], last["to"]) == (None, 31, 40)
        past = gina.api.get(f"{path}?page=4").json()
        assert (past["data"], past["from"], past["to"]) == ([], None, None)
        assert past["next_page_url"] is None

    def test_oldest_first(self, gina, path):
        assert self.texts(gina.api.get(f"{path}?order=asc&per_page=3")) == [1, 2, 3]

    def test_before_after_and_around_a_seq(self, gina, path):
        seq = Message.objects.get(text="20").seq
        get = gina.api.get
        assert self.texts(get(f"{path}?before_seq={seq}&per_page=3")) == [19, 18, 17]
        assert self.texts(get(f"{path}?after_seq={seq}&per_page=3")) == [23, 22, 21]
        assert self.texts(get(f"{path}?around_seq={seq}&per_page=5&order=asc")) == [
            18,
            19,
            20,
            21,
            22,
        ]
        assert self.texts(get(f"{path}?around_seq=1&per_page=3&order=asc")) == [1, 2, 3]

    @pytest.mark.parametrize("order", ["asc", "desc"])
    def test_following_the_links_meets_each_message_once(self, gina, path, order):
        start = "after_seq=0" if order == "asc" else "before_seq=999999"
        url, met = f"{path}?{start}&per_page=7&order={order}", []
        while url:
            answer = gina.api.get(url)
            met += self.texts(answer)
            url = answer.json()["next_page_url"]
        assert met == (list(range(1, 41)) if order == "asc" else list(range(40, 0, -1)))

    def test_by_creation(self, gina, path):
        moment = Message.objects.get(text="30").created_at
        stamp = moment.isoformat().replace("+00:00", "Z")
        assert self.texts(gina.api.get(f"{path}?after={stamp}")) == list(range(40, 30, -1))
        before = gina.api.get(f"{path}?before={stamp}&per_page=249")
        assert self.texts(before) == list(range(29, 0, -1))
        tomorrow = (moment + timedelta(days=1)).date().isoformat()
        assert self.texts(gina.api.get(f"{path}?after={tomorrow}")) == []

    @pytest.mark.parametrize(
        "query",
        [
            "per_page=0",
            "per_page=250",
            "per_page=-1",
            "per_page=x",
            "page=0",
            "page=abc",
            "page=99999999999999999999",
            "order=newest",
            "before=yesterday",
            "after=2021-13-01",
            "before_seq=x",
            "before_seq=-1",
            "after_seq=99999999999999999999",
            "before_seq=1&after_seq=2",
            "around_seq=%00",
            "after=0001-01-01T00:00:00%2B14:00",
        ],
    )
    def test_a_wrong_parameter_is_said(self, gina, path, query):
        answer = gina.api.get(f"{path}?{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"]
