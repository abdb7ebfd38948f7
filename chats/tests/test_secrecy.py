"""What a guest can see of a chat with notes is, byte by byte, that of one without."""

import json
import re

from chats.actions import messages, notes
from chats.hints import Hint, bus_messages, channels
from chats.models import Event, Message, Note
from chats.models.events import Audience
from chats.tests.files import upload
from conftest import make_guest

SECRET = "xylophone"
# A header that differs between any two answers.
RANDOM = {"X-Request-ID", "X-RateLimit-Remaining"}


def guests_view(gina, chat):
    """All that a guest can read: the status, headers and content of each answer, by URL."""
    base = f"/api/chats/{chat.pk}"
    message = Message.objects.filter(chat=chat).latest("pk")
    urls = [
        "/api/chat-user",
        "/api/chats",
        "/api/chats?q=a",
        "/api/chats?order=asc&per_page=1",
        base,
        f"{base}/messages",
        f"{base}/messages?order=asc",
        f"{base}/messages?around_seq=4",
        f"{base}/messages/{message.pk}",
        f"{base}/users",
        f"{base}/users/{gina.chat_user.pk}",
        f"{base}/events",
        f"{base}/events?after=2&limit=3",
        f"{base}/events?after=2.m1",
        f"{base}/events?after=100",
        f"{base}/notes",
        f"{base}/notes?per_page=1&order=asc",
        f"{base}/notes/1",
        f"{base}/notes/999999",
        f"{base}/transcript",
        f"{base}/transcript?format=text",
        f"{base}/transcript?format=html",
        f"/api/search?q={SECRET}",
        f"/api/search?q={SECRET[:5]}&order=newest",
        "/api/search?q=hello",
        "/api/search?q=hello&per_page=1",
        "/api/search?q=hello&per_page=1&order=newest",
        f"/api/search?q=hello&chat_id={chat.pk}",
        "/api/events",
        f"/api/companies/{chat.company_id}/statistics",
    ]
    seen = {}
    for url in urls:
        answer = gina.api.get(url)
        content = re.sub(rb'"request_id":"\w+"', b"", answer.content)
        # Transcripts are signed at a time, links for a time.
        content = re.sub(rb'"(signed_at|signature)":"[^"]+"', b"", content)
        content = re.sub(rb"/files/[^\"]+", b"/files/", content)
        headers = {k: v for k, v in answer.headers.items() if k not in RANDOM}
        seen[url] = (answer.status_code, headers, content)
    return seen


def note_all_kinds(chat, bob):
    """Notes that were written, edited, mention somebody, and were deleted."""
    kept = notes.create(chat.pk, bob.user, f"{SECRET} one", [bob.user.pk])
    notes.edit(chat.pk, kept.pk, bob.user, text=f"{SECRET} two")
    gone = notes.create(chat.pk, bob.user, SECRET * 500)
    notes.delete(chat.pk, gone.pk, bob.user)


def test_notes_change_nothing_that_a_guest_sees(chat, gina, agent_bob, bob):
    attachment = upload(gina).json()
    messages.send(gina.chat_user, "Hello", attachment_ids=[attachment["id"]])
    messages.send(agent_bob.chat_user, "Hello, Gina")
    before = guests_view(gina, chat)
    note_all_kinds(chat, bob)
    assert Note.objects.count() == 2
    after = guests_view(gina, chat)
    for url, answer in before.items():
        assert after[url] == answer, url
    told = b"".join(content for *_, content in after.values())
    assert SECRET.encode() not in told.replace(f"q={SECRET}".encode(), b"")


def test_what_happens_between_notes_is_the_same_as_without(chat, other_chat, gina, hugo, bob, acme):
    """The same conversation in two chats, in one of them with notes all the time."""
    told = []
    for guest, place, has_notes in ((gina, chat, True), (hugo, other_chat, False)):
        answers = []
        for text in ("Hello", "Is anybody there?", "Good bye"):
            if has_notes:
                note_all_kinds(place, bob)
            answers.append(guest.api.post(f"/api/chats/{place.pk}/messages", {"text": text}))
            first = answers[0].json()["id"]
            path = f"/api/chats/{place.pk}/messages/{first}"
            answers.append(guest.api.put(path, {"text": f"{text}!"}))
            answers.append(guest.api.put(f"{path}/reactions/👍"))
            answers.append(guest.api.put(f"/api/chats/{place.pk}/read", {"seq": 999}))
            answers.append(guest.api.get(f"/api/chats/{place.pk}/events"))
            answers.append(guest.api.get(f"/api/chats/{place.pk}"))
        told.append([normal(answer, guest, place) for answer in answers])
    assert told[0] == told[1]


def normal(answer, guest, chat):
    """An answer without what differs between two chats anyway: ids, times and names."""
    text = answer.content.decode()
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r'"((?:\w+_)?id|chat_user_ids)":(?:\[\d+\]|\d+)', r'"\1":ID', text)
    for name in (guest.chat_user.first_name, guest.chat_user.last_name, guest.chat_user.email):
        text = text.replace(json.dumps(name), '"NAME"')
    return answer.status_code, text.replace(json.dumps(chat.name), '"CHAT"')


def test_a_guests_log_has_no_gap_between_notes(chat, gina, bob):
    for _ in range(3):
        note_all_kinds(chat, bob)
        messages.send(gina.chat_user, "Hello")
    seqs = [event["seq"] for event in gina.api.get(f"/api/chats/{chat.pk}/events").json()["data"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert Event.objects.filter(chat=chat).count() == len(seqs)


def test_notes_of_a_chat_user_who_is_an_agent_are_hidden_too(chat, agent_bob, bob):
    """Its token is one of the chat. It may have been issued to a page that guests see."""
    note_all_kinds(chat, bob)
    assert SECRET not in str(guests_view_of_text(agent_bob, chat))


def guests_view_of_text(caller, chat):
    paths = ("events", "messages", "notes", "users")
    return [caller.api.get(f"/api/chats/{chat.pk}/{path}").content for path in paths]


def test_hints_of_notes_are_on_no_channel_that_streams_of_guests_read(chat):
    event = {
        "seq": 3,
        "member_seq": 1,
        "type": "note.created",
        "chat_id": chat.pk,
        "created_at": "T",
        "data": {},
    }
    hint = Hint.from_event(event)
    names = {channel for channel, _ in bus_messages(chat.company_id, hint)}
    assert names.isdisjoint(channels(chat.pk, Audience.EVERYONE))
    assert Hint.unpack(hint.pack()) == hint


def test_those_who_join_later_see_none_either(chat, gina, bob):
    messages.send(gina.chat_user, "Hello")
    note_all_kinds(chat, bob)
    assert SECRET not in str(guests_view_of_text(make_guest(chat, "Ida"), chat))
