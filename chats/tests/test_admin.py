"""The admin's pages of chats, chat users and messages."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import User
from chatapi.admin import base
from chats.actions import chat_users, chats, messages, notes
from chats.admin import transcript
from chats.models import Chat, ChatUser, Event, Message
from companies.actions.companies import create_company, delete_company
from conftest import make_guest

CHATS = "/admin/chats/chat/"
CHAT_USERS = "/admin/chats/chatuser/"
MESSAGES = "/admin/chats/message/"
INLINE = {"users-TOTAL_FORMS": 0, "users-INITIAL_FORMS": 0}


@pytest.fixture
def root(db, client):
    client.force_login(User.objects.create_superuser("root@chat.test"))
    return client


def act(client, where, action, *rows, **more):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(where, chosen, follow=True).content.decode()


def listed(client, where, **query):
    return list(client.get(where, query).context["cl"].result_list)


def page_of(client, chat, **query):
    return client.get(f"{CHATS}{chat.pk}/change/", query)


def log_of(chat):
    return list(Event.objects.filter(chat=chat).order_by("seq").values_list("type", flat=True))


# --- Chats -------------------------------------------------------------------------------------


def test_close_and_reopen_are_in_the_log(root, chat, other_chat, gina):
    chats.update(other_chat.pk, {"status": "closed"})
    text = act(root, CHATS, "close", chat, other_chat)
    assert "1 chat closed." in text
    assert "Nothing to do for 1 chat." in text
    assert log_of(chat)[-1] == "chat.closed"
    assert log_of(other_chat).count("chat.closed") == 1
    sent = gina.api.post(f"/api/chats/{chat.pk}/messages", {"text": "Hello?"})
    assert sent.json()["code"] == "chat_closed"
    assert "1 chat reopened." in act(root, CHATS, "reopen", chat)
    assert log_of(chat)[-1] == "chat.reopened"
    assert LogEntry.objects.filter(object_id=str(chat.pk)).count() == 2


def test_delete_hides_and_restore_brings_back(root, chat, gina):
    assert "1 chat deleted." in act(root, CHATS, "delete_softly", chat)
    assert gina.api.get(f"/api/chats/{chat.pk}").status_code == 401
    assert listed(root, CHATS, deleted="yes") == [chat]
    assert "1 chat restored." in act(root, CHATS, "restore", chat)
    assert gina.api.get(f"/api/chats/{chat.pk}").status_code == 200
    assert listed(root, CHATS, deleted="yes") == []


def test_an_action_that_refuses_is_told_and_stops_no_other(root, acme, chat):
    old = chats.create(acme, name="Old", external_id="ticket-1")
    chats.delete(old)
    chats.create(acme, name="New", external_id="ticket-1")
    chats.delete(chat)
    text = act(root, CHATS, "restore", old, chat)
    assert "Old: Another chat of this company already has this external_id." in text
    assert "1 chat restored." in text
    old.refresh_from_db()
    assert old.deleted_at is not None
    assert "Old: It is deleted, or its chat or company is" in act(root, CHATS, "close", old)


def test_of_many_refusals_the_first_are_shown(root, acme):
    deleted = [chats.create(acme, name=f"Chat {nth}") for nth in range(7)]
    for each in deleted:
        chats.delete(each)
    text = act(root, CHATS, "close", *deleted)
    assert text.count("It is deleted, or its chat or company is") == 5
    assert "2 more failed." in text


def test_an_action_takes_so_many_rows_and_no_more(root, chat, other_chat, monkeypatch):
    monkeypatch.setattr(base, "MAX_ROWS", 1)
    assert "At most 1 at once, please." in act(root, CHATS, "close", chat, other_chat)
    assert not Chat.objects.exclude(status=Chat.Status.OPEN).exists()


def test_the_page_of_a_deleted_chat_offers_to_restore_it(root, chat):
    chats.delete(chat)
    assert page_of(root, chat).context["page_actions"] == [("restore", "Restore")]


def test_a_name_and_metadata_are_changed_through_the_log(root, chat):
    here = f"{CHATS}{chat.pk}/change/"
    before = Chat.objects.get(pk=chat.pk)
    fields = INLINE | {"name": "A new name", "metadata": '{"order": 7}', "status": "closed"}
    assert root.post(here, fields).status_code == 302
    chat.refresh_from_db()
    assert (chat.name, chat.metadata, chat.status) == ("A new name", {"order": 7}, "open")
    assert chat.sealed_password == before.sealed_password
    assert log_of(chat) == ["chat.created", "chat.updated"]
    assert root.post(here, fields).status_code == 302  # nothing changed, nothing to log
    assert log_of(chat) == ["chat.created", "chat.updated"]


@pytest.mark.parametrize("metadata", ["[1]", "{", '{"a": "' + "x" * 17_000 + '"}', '"text"'])
def test_metadata_keeps_to_the_rules_of_the_api(root, chat, metadata):
    answer = root.post(f"{CHATS}{chat.pk}/change/", INLINE | {"name": "x", "metadata": metadata})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert log_of(chat) == ["chat.created"]


def test_a_deleted_chat_is_read_only(root, acme, chat):
    delete_company(acme)
    assert page_of(root, chat).status_code == 200
    assert root.post(f"{CHATS}{chat.pk}/change/", {"name": "x"}).status_code == 403


def test_a_chat_deleted_meanwhile_is_told_and_not_a_500(root, chat, monkeypatch):
    update = chats.update

    def late(chat_id, fields):
        chats.delete(chat)
        return update(chat_id, fields)

    monkeypatch.setattr(chats, "update", late)
    fields = INLINE | {"name": "Too late", "metadata": "{}"}
    answer = root.post(f"{CHATS}{chat.pk}/change/", fields, follow=True)
    assert answer.status_code == 200
    assert "It is deleted" in answer.content.decode()


def test_chats_are_found_by_what_people_know_of_them(root, acme, charlie, chat, other_chat, gina):
    outside = create_company(charlie.user, name="Elsewhere")
    third = chats.create(outside, external_id="ticket-99")
    assert listed(root, CHATS, q="for gina") == [chat]
    assert listed(root, CHATS, q="gina@guest") == [chat]
    assert listed(root, CHATS, q="ticket-99") == [third]
    assert listed(root, CHATS, q=str(third.pk)) == [third]
    assert listed(root, CHATS, company="elsew") == [third]
    assert listed(root, CHATS, company="elsewhere") == [third]
    assert listed(root, CHATS, company=str(acme.pk)) == [other_chat, chat]
    assert listed(root, CHATS, company="nobody") == []


def test_the_list_tells_who_is_in_and_when_something_happened(root, chat, gina, hugo):
    chat_users.leave(hugo.chat_user)
    rows = {row.pk: row for row in listed(root, CHATS)}
    assert rows[gina.chat_user.chat_id].users_total == 1
    assert rows[hugo.chat_user.chat_id].users_total == 0
    newest = Event.objects.filter(chat=chat).latest("seq")
    assert rows[chat.pk].active_at == newest.created_at


# --- The transcript ----------------------------------------------------------------------------


def test_a_transcript_reads_as_it_went(root, chat, gina, agent_bob):
    first, _ = messages.send(gina.chat_user, "One <b>bold</b>\ntwo")
    second, _ = messages.send(agent_bob.chat_user, "To be changed")
    third, _ = messages.send(agent_bob.chat_user, "A slip of the tongue")
    messages.edit(agent_bob.chat_user, second["id"], "Changed")
    messages.delete(chat.pk, third["id"], None)
    chat_users.leave(gina.chat_user)
    chat_users.ban(gina.chat_user)
    chats.update(chat.pk, {"status": "closed"})
    page = page_of(root, chat)
    text = page.content.decode()
    lines = page.context["transcript"].lines
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert [line.notice for line in lines if line.notice] == [
        "Chat created: “Help for Gina”",
        "Gina Guest joined.",
        "Gina Guest was updated (name, role or assurance).",
        "Bob Test joined.",
        f"Bob Test edited message {second['seq']}.",
        f"Message {third['seq']} of Bob Test was deleted.",
        "Gina Guest left.",
        "Gina Guest was banned.",
        "Chat closed",
    ]
    assert "One &lt;b&gt;bold&lt;/b&gt;\ntwo" in text
    assert "Changed" in text
    assert "To be changed" in text  # the earlier text, behind "Edited"
    assert "A slip of the tongue" not in text
    assert f'id="seq-{first["seq"]}"' in text


def test_a_transcript_has_the_notes_among_the_events(root, chat, gina, bob, mary):
    first = notes.create(chat.pk, bob.user, "Before")
    messages.send(gina.chat_user, "Hello")
    after = notes.create(chat.pk, mary.user, "Helo <b>")
    notes.edit(chat.pk, after.pk, mary.user, text="After <b>")
    gone = notes.create(chat.pk, mary.user, "Gone")
    notes.delete(chat.pk, gone.pk, mary.user)
    page = page_of(root, chat)
    lines = page.context["transcript"].lines
    shown = [line.note.pk if line.note else line.seq for line in lines]
    assert shown == [1, 2, 3, first.pk, 4, after.pk, gone.pk]
    content = page.content.decode()
    assert "After &lt;b&gt;" in content
    assert "Helo &lt;b&gt;" in content  # the text before the edit
    assert "Gone" not in content


def test_a_long_transcript_is_read_page_by_page(root, chat, gina, monkeypatch):
    monkeypatch.setattr(transcript, "PAGE", 4)
    for number in range(8):
        messages.send(gina.chat_user, f"Text {number}")
    newest = page_of(root, chat).context["transcript"]
    last = newest.lines[-1].seq
    assert [line.seq for line in newest.lines] == list(range(last - 3, last + 1))
    assert newest.newer is None
    seen, older = [line.seq for line in newest.lines], newest.older
    while older is not None:
        page = page_of(root, chat, before_seq=older)
        seen = [line.seq for line in page.context["transcript"].lines] + seen
        older = page.context["transcript"].older
    assert seen == list(range(1, last + 1))
    onward = page_of(root, chat, after_seq=3).context["transcript"]
    assert [line.seq for line in onward.lines] == [4, 5, 6, 7]
    assert (onward.older, onward.newer) == (4, 7)


@pytest.mark.parametrize("nonsense", ["x", "-1", "0", "9" * 30, "", "1e3"])
def test_a_transcript_from_nowhere_is_the_newest(root, chat, nonsense):
    for name in ("before_seq", "after_seq"):
        lines = page_of(root, chat, **{name: nonsense}).context["transcript"].lines
        assert [line.seq for line in lines] == [1]


def test_a_kind_of_event_that_came_later_is_named(root, chat):
    Event.objects.create(
        chat=chat,
        company_id=chat.company_id,
        seq=2,
        type="poll.created",
        created_at=timezone.now(),
        data={},
    )
    Chat.objects.filter(pk=chat.pk).update(last_seq=2)
    assert "poll.created" in page_of(root, chat).content.decode()


def test_who_may_not_read_messages_sees_no_transcript(client, chat, gina):
    messages.send(gina.chat_user, "Between us")
    user = User.objects.create_user("staff@chat.test", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_chat"]))
    client.force_login(user)
    text = page_of(client, chat).content.decode()
    assert "You don't have permission to read messages." in text
    assert "Between us" not in text


def test_a_transcript_costs_the_same_however_long(root, chat, gina, django_assert_num_queries):
    def talk(count):
        for number in range(count):
            sent, _ = messages.send(gina.chat_user, f"Text {number}")
            messages.edit(gina.chat_user, sent["id"], f"Edited {number}")

    talk(2)
    page_of(root, chat)  # a process looks up once what never changes
    # 1 session, 2 account, 3 chat with company and counts, 4 events with messages and authors,
    # 5 earlier texts, 6 notes, 7 chat users.
    with django_assert_num_queries(7):
        page_of(root, chat)
    talk(40)
    with django_assert_num_queries(7):
        page = page_of(root, chat)
    assert len(page.context["transcript"].lines) > 80


# --- Chat users --------------------------------------------------------------------------------


def test_remove_ban_and_lift_the_ban(root, chat, gina, agent_bob):
    text = act(root, CHAT_USERS, "ban", gina.chat_user, agent_bob.chat_user)
    assert "1 chat user banned." in text
    assert "Bob Test: Agents can&#x27;t be banned." in text
    assert log_of(chat)[-1] == "user.removed"
    assert gina.api.get("/api/chat-user").status_code == 401
    assert agent_bob.api.get("/api/chat-user").status_code == 200
    assert "1 chat user unbanned." in act(root, CHAT_USERS, "lift_ban", gina.chat_user)
    assert "1 chat user removed." in act(root, CHAT_USERS, "remove", agent_bob.chat_user)
    assert agent_bob.api.get("/api/chat-user").status_code == 401
    statuses = dict(ChatUser.objects.values_list("email", "status"))
    assert statuses == {"gina@guest.test": "removed", "bob@acme.test": "removed"}


def test_revoke_ends_the_tokens_and_keeps_the_person(root, chat, gina):
    assert "1 chat user had all tokens revoked." in act(
        root, CHAT_USERS, "revoke_tokens", gina.chat_user
    )
    assert gina.api.get("/api/chat-user").status_code == 401
    assert ChatUser.objects.get(pk=gina.chat_user.pk).status == "active"
    page = root.get(f"{CHAT_USERS}{gina.chat_user.pk}/change/").content.decode()
    assert "revoked" in page


def test_chat_users_are_read_only(root, gina):
    here = f"{CHAT_USERS}{gina.chat_user.pk}/change/"
    assert root.post(here, {"email": "else@guest.test"}).status_code == 403
    assert root.get(f"{CHAT_USERS}add/").status_code == 403


def test_chat_users_are_found(root, acme, chat, gina, hugo, agent_bob):
    assert listed(root, CHAT_USERS, q="gina@") == [gina.chat_user]
    assert listed(root, CHAT_USERS, role__exact="agent") == [agent_bob.chat_user]
    assert listed(root, CHAT_USERS, chat=chat.pk) == [agent_bob.chat_user, gina.chat_user]
    assert len(listed(root, CHAT_USERS, company="acme")) == 3
    assert listed(root, CHAT_USERS, company="other") == []
    assert listed(root, CHAT_USERS, chat="x") == []


# --- Messages ----------------------------------------------------------------------------------


def test_a_text_is_deleted_after_a_question_and_leaves_a_tombstone(root, chat, gina):
    sent, _ = messages.send(gina.chat_user, "Something private")
    messages.edit(gina.chat_user, sent["id"], "Something else")
    message = Message.objects.get(pk=sent["id"])
    asked = act(root, MESSAGES, "delete_text", message)
    assert "This can't be undone." in asked
    assert Message.objects.get(pk=message.pk).text == "Something else"
    assert "1 message deleted." in act(root, MESSAGES, "delete_text", message, confirmed="yes")
    message.refresh_from_db()
    assert (message.text, message.seq) == ("", sent["seq"])
    assert not message.revisions.exists()
    assert log_of(chat)[-1] == "message.deleted"
    again = act(root, MESSAGES, "delete_text", message, confirmed="yes")
    assert "Nothing to do for 1 message." in again


def test_deleting_a_text_needs_its_permission(client, gina):
    sent, _ = messages.send(gina.chat_user, "Something private")
    user = User.objects.create_user("staff@chat.test", is_staff=True)
    names = ("view_message", "change_message")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    act(client, MESSAGES, "delete_text", Message.objects.get(), confirmed="yes")
    assert Message.objects.get().text == "Something private"
    here = f"{MESSAGES}{sent['id']}/change/"
    assert client.post(here, {"text": "Changed"}).status_code == 403


def test_messages_are_found(root, chat, gina, hugo):
    messages.send(gina.chat_user, "A broken handle")
    messages.send(hugo.chat_user, "Where is my order?")
    assert [row.author for row in listed(root, MESSAGES, q="handle")] == [gina.chat_user]
    assert [row.author for row in listed(root, MESSAGES, chat=chat.pk)] == [gina.chat_user]
    found = listed(root, MESSAGES, author=hugo.chat_user.pk)
    assert [row.text for row in found] == ["Where is my order?"]
    assert listed(root, MESSAGES, edited="yes") == []


def test_the_button_on_a_page_asks_and_comes_back(root, gina):
    sent, _ = messages.send(gina.chat_user, "Something private")
    message = Message.objects.get(pk=sent["id"])
    here = f"{MESSAGES}{message.pk}/change/"
    assert 'value="delete_text"' in root.get(here).content.decode()
    asked = act(root, MESSAGES, "delete_text", message, _page=message.pk)
    assert f'name="_page" value="{message.pk}"' in asked
    chosen = {"action": "delete_text", "_selected_action": message.pk, "_page": message.pk}
    assert root.post(MESSAGES, chosen | {"confirmed": "yes"})["Location"] == here


# --- Cost --------------------------------------------------------------------------------------


def add_conversations(acme, count):
    start = Chat.objects.count()
    for number in range(start, start + count):
        guest = make_guest(chats.create(acme, name=f"Chat {number}"), f"Guest{number}")
        messages.send(guest.chat_user, "Hello")


@pytest.mark.parametrize("where", [CHATS, CHAT_USERS, MESSAGES])
def test_a_list_costs_the_same_however_long(root, acme, where, django_assert_num_queries):
    add_conversations(acme, 3)
    # 1 session, 2 account, 3 count, 4 rows with what they refer to or count, 5-6 dates.
    with django_assert_num_queries(6):
        root.get(where)
    add_conversations(acme, 57)
    with django_assert_num_queries(6):
        assert root.get(where).context["cl"].result_count == 60
