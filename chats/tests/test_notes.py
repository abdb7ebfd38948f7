"""/api/chats/{id}/notes, and the members' log; what guests see is tested in test_secrecy."""

from datetime import timedelta

import pytest
from django.core import mail as django_mail
from django.db import connection
from django.utils import timezone

from chatapi.mail.delivery import deliver, due
from chatapi.models import OutgoingMail
from chats.access import events as event_access
from chats.actions import chats as chat_actions
from chats.actions import messages, notes
from chats.actions.mentions import MAIL_PAUSE
from chats.models import Chat, EventType, MemberEvent, Note, NoteRevision
from chats.models.events import EVENT_KINDS, Audience
from chats.stream import log_reader
from companies.actions.members import end_membership
from companies.models import Role


def url(chat, suffix=""):
    return f"/api/chats/{chat.pk}/notes{suffix}"


def write(caller, chat, text="Hello", **fields):
    answer = caller.api.post(url(chat), {"text": text, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def events(caller, chat, query=""):
    answer = caller.api.get(f"/api/chats/{chat.pk}/events{query}")
    assert answer.status_code == 200
    return answer.json()


def places(page):
    return [(event["seq"], event.get("member_seq")) for event in page["data"]]


def test_a_member_writes_a_note_without_joining(chat, gina, bob):
    seq = messages.send(gina.chat_user, "Hello")[0]["seq"]
    note = write(bob, chat, "  A regular guest. ")
    assert note == {
        "id": note["id"],
        "chat_id": chat.pk,
        "seq": seq,
        "member_seq": 1,
        "text": "A regular guest.",
        "author": {"id": bob.user.pk, "name": bob.user.name},
        "mentions": [],
        "created_at": note["created_at"],
        "edited_at": None,
        "deleted_at": None,
        "revisions": [],
    }
    assert bob.api.get(url(chat, f"/{note['id']}")).json() == note


def test_the_list_is_newest_first_and_in_pages(chat, gina, bob, mary):
    for number in range(3):
        write(mary, chat, f"{number}")
        messages.send(gina.chat_user, "Hello")
    page = bob.api.get(url(chat, "?per_page=2")).json()
    assert [note["text"] for note in page["data"]] == ["2", "1"]
    page = bob.api.get(url(chat, f"?per_page=2&cursor={page['next_cursor']}")).json()
    assert [note["text"] for note in page["data"]] == ["0"]
    newest, middle, oldest = Note.objects.filter(chat=chat).order_by("-pk")
    page = bob.api.get(url(chat, f"?order=asc&after_seq={middle.seq}")).json()
    assert [note["id"] for note in page["data"]] == [middle.pk, newest.pk]
    page = bob.api.get(url(chat, f"?before_seq={middle.seq}")).json()
    assert [note["id"] for note in page["data"]] == [oldest.pk]


def test_an_edit_keeps_the_earlier_text_for_members(chat, bob, mary):
    note = write(bob, chat, "Helo")
    answer = bob.api.put(url(chat, f"/{note['id']}"), {"text": "Hello"})
    assert answer.status_code == 200
    edited = mary.api.get(url(chat, f"/{note['id']}")).json()
    assert (edited["text"], edited["member_seq"]) == ("Hello", 1)
    assert edited["edited_at"]
    assert [each["text"] for each in edited["revisions"]] == ["Helo"]
    # The same again is no change.
    bob.api.put(url(chat, f"/{note['id']}"), {"text": "Hello"})
    assert [each.type for each in member_log(chat)] == ["note.created", "note.updated"]


def test_an_edit_has_the_rules_of_messages(chat, bob, mary, error_of):
    note = write(bob, chat)
    path = url(chat, f"/{note['id']}")
    assert error_of(mary.api.put(path, {"text": "No"})) == "not_author"
    Note.objects.update(created_at=timezone.now() - timedelta(minutes=16))
    assert error_of(bob.api.put(path, {"text": "Late"})) == "edit_window_over"
    assert bob.api.delete(path).status_code == 200
    assert error_of(bob.api.put(path, {"text": "Gone"})) == "message_deleted"


def test_a_deleted_note_is_a_tombstone(chat, bob, mary, error_of):
    note = write(bob, chat, "Secret", mentions=[mary.user.pk])
    path = url(chat, f"/{note['id']}")
    bob.api.put(path, {"text": "More secret"})
    for _ in range(2):  # the second time changes nothing
        deleted = mary.api.delete(path).json()
        assert deleted["text"] is None
        assert deleted["mentions"] == deleted["revisions"] == []
        assert deleted["deleted_at"]
    assert not NoteRevision.objects.exists()
    assert Note.objects.get().terms is None
    assert len(member_log(chat)) == 3
    assert "ecret" not in str(events(bob, chat))


def test_an_agent_deletes_only_notes_of_their_own(chat, bob, mary, error_of):
    note = write(mary, chat)
    assert error_of(bob.api.delete(url(chat, f"/{note['id']}"))) == "not_author"
    assert mary.api.delete(url(chat, f"/{note['id']}")).status_code == 200


def test_a_closed_chat_takes_notes(chat, bob):
    chat_actions.update(chat.pk, {"status": "closed"})
    note = write(bob, chat)
    assert bob.api.put(url(chat, f"/{note['id']}"), {"text": "New"}).status_code == 200
    assert bob.api.delete(url(chat, f"/{note['id']}")).status_code == 200


def test_a_deleted_chat_takes_none(chat, bob, mary):
    chat_actions.delete(chat)
    assert bob.api.post(url(chat), {"text": "Hello"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": " \u200b "},
        {"text": "x" * 10_001},
        {"text": ["Hello"]},
        {"text": "Hello", "mentions": ["x"]},
        {"text": "Hello", "mentions": [0]},
        {"text": "Hello", "mentions": [10**20]},
        {"text": "Hello", "mentions": "bob"},
        {"text": "Hello", "mentions": list(range(1, 60))},
    ],
)
def test_a_wrong_body_is_said(chat, bob, body):
    answer = bob.api.post(url(chat), body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Note.objects.exists()
    assert not MemberEvent.objects.exists()


def test_only_members_of_the_company_are_mentioned(chat, bob, mary, alice, charlie, gina):
    note = write(bob, chat, mentions=[mary.user.pk, alice.user.pk, mary.user.pk])
    assert note["mentions"] == [mary.user.pk, alice.user.pk]
    path = url(chat, f"/{note['id']}")
    assert bob.api.patch(path, {"mentions": []}).json()["mentions"] == []
    answer = bob.api.post(url(chat), {"text": "Hello", "mentions": [charlie.user.pk]})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["mentions"]
    assert Note.objects.count() == 1


def test_a_note_of_another_chat_is_not_found(chat, other_chat, bob):
    note = write(bob, other_chat)
    for path in (url(chat, f"/{note['id']}"), url(chat, "/x"), url(chat, "/0")):
        assert bob.api.get(path).status_code == 404
        assert bob.api.put(path, {"text": "No"}).status_code == 404
        assert bob.api.delete(path).status_code == 404


def test_a_retry_is_answered_once(chat, bob):
    key = {"headers": {"Idempotency-Key": "one"}}
    first = bob.api.post(url(chat), {"text": "Hello"}, **key)
    again = bob.api.post(url(chat), {"text": "Hello"}, **key)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Note.objects.count() == 1


def test_the_note_of_a_former_member_stays(chat, bob, mary, acme):
    note = write(bob, chat)
    end_membership(acme.memberships.get(user=bob.user), Role.OWNER, leaves=True)
    assert bob.api.get(url(chat)).status_code == 404
    assert mary.api.get(url(chat, f"/{note['id']}")).json()["author"]["id"] == bob.user.pk
    bob.user.delete()
    assert mary.api.get(url(chat, f"/{note['id']}")).json()["author"] is None
    assert events(mary, chat)["data"][-1]["data"]["author"] is None


# --- The members' log ---


def member_log(chat):
    return list(MemberEvent.objects.filter(chat=chat).order_by("member_seq"))


def test_each_type_is_in_one_log():
    assert set(EVENT_KINDS) == set(EventType)
    of_members = {t.value for t, kind in EVENT_KINDS.items() if kind.audience is Audience.MEMBERS}
    assert of_members == {
        "note.created",
        "note.updated",
        "note.deleted",
        "mention.created",
    }


def test_members_read_both_logs_as_one(chat, gina, bob):
    write(bob, chat, "First")  # after 3 events
    write(bob, chat, "Second")
    messages.send(gina.chat_user, "Hello")
    write(bob, chat, "Third")
    page = events(bob, chat)
    expected = [(1, None), (2, None), (3, None), (3, 1), (3, 2), (4, None), (4, 3)]
    assert places(page) == expected
    assert (page["last_seq"], page["last_member_seq"], page["last_id"]) == (4, 3, "4.m3")
    event = page["data"][3]
    assert set(event) == {"seq", "member_seq", "type", "chat_id", "created_at", "data"}
    assert event["type"] == "note.created"
    assert event["data"]["text"] == "First"
    assert events(bob, chat, "?after=4.m3") == {**page, "data": []}
    # In portions of any size, by their ids.
    for limit in range(1, 8):
        found, last_id = [], "0"
        while portion := events(bob, chat, f"?after={last_id}&limit={limit}")["data"]:
            last_id = events(bob, chat, f"?after={last_id}&limit={limit}")["last_id"]
            found += portion
        assert places({"data": found}) == expected
    # A seq alone stands for both logs from there.
    assert places(events(bob, chat, "?after=2")) == expected[2:]
    assert places(events(bob, chat, "?after=3")) == expected[3:]
    assert places(events(bob, chat, "?after=4")) == expected[6:]
    assert places(events(bob, chat, "?after=3.m2")) == expected[5:]
    assert events(bob, chat, "?after=99")["last_id"] == "4.m3"


def test_a_chat_without_notes_has_both_numbers_all_the_same(chat, gina, bob):
    page = events(bob, chat)
    assert (page["last_id"], page["last_member_seq"]) == ("3.m0", 0)
    # Or the first note would be taken for one that the reader may have had.
    write(bob, chat)
    assert places(events(bob, chat, "?after=3.m0&wait=1")) == [(3, 1)]


@pytest.mark.parametrize("wait", [0, 1])
@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_reader_that_continues_by_seqs_alone_gets_on(chat, gina, bob, limit, wait):
    for number in range(3):
        write(bob, chat, f"{number}")
    messages.send(gina.chat_user, "Hello")
    write(bob, chat, "Last")
    found, after = [], 0
    while True:
        page = events(bob, chat, f"?after={after}&limit={limit}&wait={wait}")
        found += places(page)
        if not page["data"] or page["data"][-1]["seq"] == after:
            break
        after = page["data"][-1]["seq"]
        if after == page["last_seq"]:
            break
    shared = [seq for seq, member_seq in found if member_seq is None]
    assert shared == [1, 2, 3, 4]
    assert {member_seq for _, member_seq in found} >= {None, 1, 2, 3}


def test_a_position_far_after_the_end(chat, bob):
    write(bob, chat)
    end = 2**63 - 1
    for after in (f"{end}", f"{end}.m0", f"{end}.m{end}", f"0.m{end}"):
        assert events(bob, chat, f"?after={after}")["data"] == []


@pytest.mark.parametrize(
    "after", ["3.m", "3.mx", "m3", "3.m-1", "3.m01", "3m1", "3.m99999999999999999999"]
)
def test_a_wrong_position_is_said(chat, bob, gina, after):
    assert bob.api.get(f"/api/chats/{chat.pk}/events?after={after}").status_code == 422


def test_an_event_shows_the_note_as_it_is_now(chat, bob):
    note = write(bob, chat, "Helo")
    bob.api.put(url(chat, f"/{note['id']}"), {"text": "Hello"})
    shown = [event["data"] for event in events(bob, chat)["data"] if "member_seq" in event]
    assert [each["text"] for each in shown] == ["Hello", "Hello"]
    assert [each["member_seq"] for each in shown] == [1, 1]


def test_what_is_rolled_back_leaves_no_gap(chat, bob, charlie):
    write(bob, chat)
    bob.api.post(url(chat), {"text": "Hello", "mentions": [charlie.user.pk]})
    assert write(bob, chat)["member_seq"] == 2


def test_all_chats_show_notes_to_members(chat, other_chat, gina, hugo, bob, charlie):
    start = bob.api.get("/api/events").json()["last_id"]
    write(bob, chat, "First")
    messages.send(hugo.chat_user, "Hello")
    write(bob, other_chat, "Second")
    page = bob.api.get(f"/api/events?after={start}").json()
    notes_of = {
        event["chat_id"]: (event["id"], event["data"]["text"])
        for event in page["data"]
        if event["type"] == "note.created"
    }
    assert {text for _, text in notes_of.values()} == {"First", "Second"}
    assert all(identifier.endswith(".m1") for identifier, _ in notes_of.values())
    assert page["last_id"] == page["data"][-1]["id"]
    assert len({event["id"] for event in page["data"]}) == len(page["data"])
    full = bob.api.get(f"/api/events?after={start}&limit=1").json()
    assert bob.api.get(f"/api/events?after={full['last_id']}").status_code == 200
    assert charlie.api.get(f"/api/events?after={start}").json()["data"] == []


def test_the_feed_reads_pages_of_both_logs(chat, gina, bob):
    write(bob, chat, "First")
    messages.send(gina.chat_user, "Hello")
    write(bob, chat, "Second")
    requests = [log_reader.PageRequest(chat.pk, after) for after in range(7)]
    shared, both = log_reader.chat_events(requests), log_reader.member_events(requests)
    ids = ["1", "2", "3", "3.m1", "4.m1", "4.m2"]
    for after in range(7):
        of_members = both[requests[after]]
        assert [str(hint.log_position) for hint in of_members] == ids[after:]
        of_guests = shared[requests[after]]
        assert [hint.seq for hint in of_guests] == list(range(after + 1, 5))
        assert not any(hint.for_members for hint in of_guests)


def test_a_page_is_right_whatever_is_committed_meanwhile(chat, gina, bob, monkeypatch):
    """Between the two queries of a page, others write to both logs."""
    write(bob, chat, "First")
    head = event_access.heads([chat.pk])[chat.pk]
    read = event_access.events_after

    def meanwhile(*arguments):
        monkeypatch.setattr(event_access, "events_after", read)
        notes.create(chat.pk, bob.user, "Second")
        messages.send(gina.chat_user, "Hello")
        return read(*arguments)

    monkeypatch.setattr(event_access, "events_after", meanwhile)
    found = event_access.entries_after(chat.pk, 0, 100, head)
    assert [str(position) for position, _ in found] == ["1", "2", "3", "3.m1"]


def test_a_purged_chat_takes_its_notes_along(chat, bob):
    note = write(bob, chat)
    bob.api.put(url(chat, f"/{note['id']}"), {"text": "New"})
    Chat.objects.filter(pk=chat.pk).delete()
    assert not Note.objects.exists()
    assert not MemberEvent.objects.exists()
    connection.check_constraints()


# --- Mails to those who are mentioned ---


@pytest.fixture
def mails():
    def send():
        """What the worker does: send all that is due. Returns the mails."""
        django_mail.outbox = []
        for mail_id in due(timezone.now()):
            deliver(mail_id)
        return django_mail.outbox

    return send


def test_a_mentioned_member_gets_a_mail(chat, bob, mary, mails):
    write(bob, chat, "Please call <her>.", mentions=[mary.user.pk, bob.user.pk])
    (letter,) = mails()
    assert letter.to == [mary.user.email]
    assert letter.subject == f"{bob.user.name} mentioned you"
    assert "Please call <her>." in letter.body
    assert f"/inbox#chat={chat.pk}" in letter.body
    html = letter.alternatives[0][0]
    assert "Please call &lt;her&gt;." in html


def test_only_those_who_are_new_in_an_edit_get_a_mail(chat, bob, mary, alice, mails):
    note = write(bob, chat, mentions=[mary.user.pk])
    mails()
    path = url(chat, f"/{note['id']}")
    bob.api.put(path, {"text": "New", "mentions": [mary.user.pk, alice.user.pk]})
    assert [letter.to for letter in mails()] == [[alice.user.email]]


def test_there_is_a_pause_between_two_mails_about_a_chat(chat, other_chat, bob, mary, mails):
    for _ in range(3):
        write(bob, chat, mentions=[mary.user.pk])
    write(bob, other_chat, mentions=[mary.user.pk])
    assert len(mails()) == 2
    OutgoingMail.objects.update(created_at=timezone.now() - MAIL_PAUSE)
    write(bob, chat, mentions=[mary.user.pk])
    assert len(mails()) == 1


def test_no_mail_about_a_note_that_was_deleted_meanwhile(chat, bob, mary, mails):
    note = write(bob, chat, mentions=[mary.user.pk])
    bob.api.delete(url(chat, f"/{note['id']}"))
    assert mails() == []


# --- Mentions in messages ---


def send_with_mentions(caller, chat, ids, **options):
    body = {"text": "@Mary?", "mentions": ids}
    return caller.api.post(f"/api/chats/{chat.pk}/messages", body, **options)


def test_an_agent_mentions_members_in_a_message(chat, gina, agent_bob, bob, mary, mails):
    answer = send_with_mentions(agent_bob, chat, [mary.user.pk, mary.user.pk])
    assert answer.status_code == 201
    message = answer.json()
    assert "mentions" not in message
    event = events(mary, chat)["data"][-1]
    assert (event["type"], event["member_seq"], event["seq"]) == (
        "mention.created",
        1,
        message["seq"],
    )
    assert event["data"] == {
        "message_id": message["id"],
        "seq": message["seq"],
        "author": message["author"],
        "mentions": [mary.user.pk],
    }
    for caller in (gina, agent_bob):
        assert "mention" not in str(events(caller, chat))
    (letter,) = mails()
    assert letter.to == [mary.user.email]
    assert "@Mary?" in letter.body


def test_a_retry_mentions_once(chat, agent_bob, mary, mails):
    key = {"headers": {"Idempotency-Key": "one"}}
    for _ in range(2):
        assert send_with_mentions(agent_bob, chat, [mary.user.pk], **key).status_code == 201
    assert MemberEvent.objects.count() == 1
    assert len(mails()) == 1


def test_a_wrong_mention_sends_nothing(chat, gina, agent_bob, mary, charlie):
    before = events(mary, chat)
    for caller, ids in ((agent_bob, [charlie.user.pk]), (gina, [mary.user.pk]), (gina, [10**9])):
        answer = send_with_mentions(caller, chat, ids)
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["mentions"]
    assert events(mary, chat) == before


def test_no_mail_about_a_message_that_was_deleted_meanwhile(chat, agent_bob, mary, mails):
    message = send_with_mentions(agent_bob, chat, [mary.user.pk]).json()
    messages.delete(chat.pk, message["id"], None)
    assert mails() == []


def test_the_pause_holds_for_edits_of_an_older_note(chat, bob, mary, mails):
    note = write(mary, chat)
    Note.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    for _ in range(3):
        for ids in ([bob.user.pk], []):
            answer = mary.api.patch(url(chat, f"/{note['id']}"), {"mentions": ids})
            assert answer.status_code == 200
            assert answer.json()["edited_at"]
    assert OutgoingMail.objects.filter(kind="mention").count() == 1


def test_no_mail_to_somebody_who_has_left_or_is_no_longer_mentioned(
    chat, bob, mary, alice, acme, agent_bob, mails
):
    note = write(alice, chat, "Secret", mentions=[bob.user.pk, mary.user.pk])
    send_with_mentions(agent_bob, chat, [mary.user.pk])
    alice.api.patch(url(chat, f"/{note['id']}"), {"mentions": [mary.user.pk]})
    end_membership(acme.memberships.get(user=mary.user), Role.OWNER, leaves=False)
    assert mails() == []


def test_no_mail_to_a_deactivated_account(chat, bob, mary, agent_bob, mails):
    write(bob, chat, mentions=[mary.user.pk])
    mary.user.is_active = False
    mary.user.save()
    assert mails() == []
