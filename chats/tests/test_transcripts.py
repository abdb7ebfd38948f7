"""Transcripts: what they say, who gets them, and that their hashes stay the same."""

import json
import re
from io import BytesIO

import pytest
from django.core import mail as mailbox
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.actions.tokens import issue_token
from chatapi.mail.delivery import deliver
from chatapi.models import OutgoingMail
from chats.access import transcripts as access
from chats.actions import chat_users, messages, notes, reactions, transcripts
from chats.actions import chats as chat_actions
from chats.models import ChatUser, Event, Message
from chats.tests.files import upload
from chats.transcripts import chain, forms, keys
from companies.actions.companies import update_company
from conftest import Client


def path(chat):
    return f"/api/chats/{chat.pk}/transcript"


def read(caller, chat):
    answer = caller.api.get(path(chat))
    assert answer.status_code == 200
    document = json.loads(answer.content)
    chain.verify(document, chain.read_jwks(keys.jwks()))
    return document


def text(caller, chat, form="text"):
    return caller.api.get(f"{path(chat)}?format={form}").content.decode()


def send(guest, words="Hello", **fields):
    message, _ = messages.send(guest.chat_user, words, **fields)
    return message


def edit(guest, message, words):
    messages.edit(guest.chat_user, message["id"], words)


def delete(guest, message):
    messages.delete(guest.chat_user.chat_id, message["id"], guest.chat_user)


def contents(document):
    return [(entry["type"], entry["content"]) for entry in document["entries"]]


def hashes(document):
    return [entry["hash"] for entry in document["entries"]]


class TestEntries:
    def test_a_transcript_has_the_whole_log(self, chat, gina, agent_bob):
        send(gina)
        document = read(gina, chat)
        assert [entry["seq"] for entry in document["entries"]] == [1, 2, 3, 4, 5]
        assert document["seq"] == 5
        assert document["head"] == document["entries"][-1]["hash"]
        assert document["chat"]["id"] == chat.pk
        assert [each["first_name"] for each in document["people"]] == ["Gina", "Bob"]
        events = gina.api.get(f"/api/chats/{chat.pk}/events").json()["data"]
        for event, entry in zip(events, document["entries"], strict=True):
            assert event["type"] == entry["type"]
            assert event["created_at"] == entry["created_at"]
            if event["type"] != "message.created":
                assert entry["content"] == event["data"]

    def test_a_message_is_as_it_was_when_it_was_sent(self, chat, gina):
        attachment = upload(gina).json()
        first = send(gina, "One", attachment_ids=[attachment["id"]])
        send(gina, "Two", reply_to_id=first["id"])
        *_, (_, one), (_, two) = contents(read(gina, chat))
        assert one == {
            "message_id": first["id"],
            "author_id": gina.chat_user.pk,
            "text": "One",
            "assurance": "email_verified",
            "reply_to_id": None,
            "attachments": [{"id": attachment["id"], "name": attachment["name"]}],
        }
        assert two["reply_to_id"] == first["id"]

    def test_each_edit_shows_its_text_to_members(self, chat, gina, bob):
        message, other = send(gina, "One"), send(gina, "Other")
        edit(gina, message, "Two")
        edit(gina, other, "Another")
        edit(gina, message, "Three")
        document = read(bob, chat)
        texts = [said["text"] for _, said in contents(document) if "text" in said]
        assert texts == ["One", "Other", "Two", "Another", "Three"]
        assert hashes(document) == hashes(read(gina, chat))

    def test_chat_users_see_current_texts_only(self, chat, gina, agent_bob):
        """As in the messages of the API, where only members see earlier texts."""
        attachment = upload(gina).json()
        message = send(gina, "First draft", attachment_ids=[attachment["id"]])
        edit(gina, message, "Second draft")
        edit(gina, message, "Third version")
        for caller in (gina, agent_bob):
            *_, created, first, second = read(caller, chat)["entries"]
            assert created["content"] is created["salt"] is None
            assert first["content"] is first["salt"] is None
            said = second["content"]
            assert said["text"] == "Third version"
            assert said["author_id"] == gina.chat_user.pk
            assert said["attachments"] == [{"id": attachment["id"], "name": attachment["name"]}]
            for form in ("json", "text", "html"):
                assert "draft" not in text(caller, chat, form)
        assert "Gina Guest (guest, email verified) · This message was edited later." in text(
            gina, chat
        )

    def test_reactions_say_who_and_what(self, chat, gina):
        message = send(gina)
        reactions.add(gina.chat_user, message["id"], "👍")
        reactions.remove(gina.chat_user, message["id"], "👍")
        said = {"message_id": message["id"], "emoji": "👍", "chat_user_id": gina.chat_user.pk}
        assert contents(read(gina, chat))[-2:] == [
            ("reaction.added", said),
            ("reaction.removed", said),
        ]

    def test_long_logs_are_read_in_pages(self, chat, gina, bob, monkeypatch):
        monkeypatch.setattr(access, "PAGE", 3)
        message = send(gina, "0")
        for number in range(1, 9):
            edit(gina, message, str(number))
        texts = [said["text"] for _, said in contents(read(bob, chat)) if "text" in said]
        assert texts == [str(number) for number in range(9)]

    def test_a_closed_chat_has_one_and_a_deleted_one_has_none(self, chat, gina, bob, alice):
        chat_actions.update(chat.pk, {"status": "closed"})
        assert contents(read(gina, chat))[-1][0] == "chat.closed"
        chat_actions.delete(chat)
        assert gina.api.get(path(chat)).status_code == 401
        assert bob.api.get(path(chat)).status_code == 404

    def test_no_address_is_in_it(self, chat, gina, agent_bob):
        send(gina)
        for form in ("json", "text", "html"):
            assert "@" not in text(gina, chat, form).replace("@page", "")


class TestDeletion:
    def test_a_deleted_text_is_withheld_and_the_chain_stays_whole(self, chat, gina):
        message = send(gina, "Secret one")
        edit(gina, message, "Secret two")
        before = read(gina, chat)
        delete(gina, message)
        after = read(gina, chat)
        assert hashes(after)[: before["seq"]] == hashes(before)
        withheld = [entry for entry in after["entries"] if entry["salt"] is None]
        assert [entry["type"] for entry in withheld] == ["message.created", "message.updated"]
        assert all(entry["content"] is None for entry in withheld)
        assert contents(after)[-1] == ("message.deleted", {"message_id": message["id"]})
        for form in ("json", "text", "html"):
            assert "Secret" not in text(gina, chat, form)

    def test_what_was_deleted_before_hashes_were_stored_is_null(self, chat, gina):
        message = send(gina, "Secret one")
        edit(gina, message, "Secret two")
        delete(gina, message)
        Event.objects.filter(chat=chat).update(content_hash=None)
        first, second = read(gina, chat), read(gina, chat)
        assert hashes(first) == hashes(second)
        lost = [entry for entry in first["entries"] if entry["content"] is None]
        assert [entry["type"] for entry in lost] == ["message.created", "message.updated"]
        assert all(entry["salt"] for entry in lost)

    def test_only_the_events_of_the_message_are_sealed(self, chat, gina):
        kept, gone = send(gina, "Kept"), send(gina, "Gone")
        for message in (kept, gone):
            edit(gina, message, "Edited")
        reactions.add(gina.chat_user, gone["id"], "👍")
        delete(gina, gone)
        sealed = Event.objects.filter(chat=chat, content_hash__isnull=False)
        assert {event.message_id for event in sealed} == {gone["id"]}
        assert [event.type for event in sealed.order_by("seq")] == [
            "message.created",
            "message.updated",
        ]

    def test_erased_data_leaves_the_chain_whole(self, chat, gina):
        chat_users.update(gina.chat_user, {"first_name": "Georgina"}, None)
        before = read(gina, chat)
        events = Event.objects.filter(chat=chat, type__startswith="user.")
        transcripts.seal_events(chat.pk, list(events.values_list("seq", flat=True)))
        events.update(data={})
        after = read(gina, chat)
        assert hashes(after) == hashes(before)
        assert [each["content"] for each in after["entries"][1:]] == [None, None, None]
        assert "Georgina" not in json.dumps(after["entries"])
        assert text(gina, chat).count("What this entry said was erased.") == 3

    def test_a_message_that_is_deleted_while_a_page_is_read_is_withheld(
        self, chat, gina, monkeypatch
    ):
        message = send(gina, "One")
        edit(gina, message, "Two")
        before, read_texts = read(gina, chat), access.texts_of

        def delete_first(*arguments):
            monkeypatch.setattr(access, "texts_of", read_texts)
            delete(gina, message)
            return read_texts(*arguments)

        monkeypatch.setattr(access, "texts_of", delete_first)
        during = read(gina, chat)
        assert hashes(during) == hashes(before)
        assert [each["content"] for each in during["entries"][-2:]] == [None, None]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "edit", "delete", "react", "rename", "attach"]),
        st.integers(0, 5),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    ),
    max_size=12,
)


@pytest.mark.parametrize("size", [2, 500])
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_transcripts_at_any_time_have_the_same_hashes(chat, gina, monkeypatch, size, steps):
    monkeypatch.setattr(access, "PAGE", size)
    sent, known = [], hashes_now(chat)
    for kind, number, words in steps:
        target = sent[number % len(sent)] if sent else None
        if kind == "send":
            sent.append(send(gina, words))
        elif kind == "rename":
            chat_users.update(gina.chat_user, {"first_name": words[:100]}, None)
        elif kind == "attach":
            row = Message.objects.filter(chat=chat, attachments__isnull=False).first()
            if row is None:
                attachment = upload(gina).json()
                sent.append(send(gina, words, attachment_ids=[attachment["id"]]))
        elif target and not Message.objects.get(pk=target["id"]).deleted_at:
            if kind == "edit":
                edit(gina, target, words)
            elif kind == "react":
                reactions.add(gina.chat_user, target["id"], "👍")
            else:
                delete(gina, target)
        now = hashes_now(chat)
        assert now[: len(known)] == known
        known = now
    for for_member in (True, False):
        file = BytesIO()
        forms.write_json(access.transcript(chat.pk, for_member=for_member), file)
        document = json.loads(file.getvalue())
        chain.verify(document, chain.read_jwks(keys.jwks()))
        assert hashes(document) == [each.hex() for each in known]


def hashes_now(chat):
    return [entry.hash for entry in access.transcript(chat.pk, for_member=True).entries]


class TestForms:
    def test_the_default_is_json_and_all_are_downloads(self, chat, gina):
        for form, media_type in (
            ("", "application/json"),
            ("?format=json", "application/json"),
            ("?format=text", "text/plain; charset=utf-8"),
            ("?format=html", "text/html; charset=utf-8"),
        ):
            answer = gina.api.get(path(chat) + form)
            assert answer["Content-Type"] == media_type
            extension = {"text": "txt", "": "json"}.get(form[8:], form[8:])
            name = f"transcript-{chat.pk}.{extension}"
            assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
            assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert answer["X-Content-Type-Options"] == "nosniff"
            assert answer["Cache-Control"] == "no-store, private"
            assert int(answer["Content-Length"]) == len(answer.content)

    @pytest.mark.parametrize("form", ["pdf", "JSON", "json,text"])
    def test_another_form_is_refused(self, chat, gina, form, error_of):
        answer = gina.api.get(f"{path(chat)}?format={form}")
        assert answer.status_code == 422
        assert error_of(answer) == "validation_failed"
        assert set(answer.json()["errors"]) == {"format"}

    def test_text_is_for_readers(self, chat, gina, agent_bob, bob):
        attachment = upload(gina).json()
        first = send(gina, "Hello,\n\nis anybody there?", attachment_ids=[attachment["id"]])
        send(agent_bob, "Yes", reply_to_id=first["id"])
        edit(gina, first, "Hello!")
        reactions.add(gina.chat_user, first["id"], "👍")
        gone = send(gina, "Oops")
        delete(gina, gone)
        said = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text(bob, chat))
        gina_then = "Gina Guest (guest, email verified)"
        bob_then = "Bob Test (agent, member of the company)"
        proof = read(bob, chat)
        assert said == (
            f"Transcript of chat {chat.pk}: Help for Gina\n"
            "Acme\n"
            "All times are in UTC.\n"
            "\n#1  TIME  Chat created: “Help for Gina”\n"
            "\n#2  TIME  Gina Guest (guest, email not verified) joined.\n"
            f"\n#3  TIME  {gina_then} was updated (name, role or assurance).\n"
            f"\n#4  TIME  {bob_then} joined.\n"
            f"\n#5  TIME  {gina_then}\n    Hello,\n    \n    is anybody there?\n"
            "    File: note.txt\n"
            f"\n#6  TIME  {bob_then} · In reply to #5\n    Yes\n"
            f"\n#7  TIME  {gina_then} edited message 5.\n    Hello!\n    File: note.txt\n"
            f"\n#8  TIME  Reaction 👍 added to message 5 of {gina_then}.\n"
            f"\n#9  TIME  {gina_then} · This message was deleted.\n"
            f"\n#10  TIME  Message 9 of {gina_then} was deleted.\n"
            "\nTo compare with the transcript as proof (JSON): 10 entries, "
            f"hash of the last entry {proof['head']}, key {proof['key_id']}\n"
        )

    def test_a_later_name_does_not_pass_for_the_author(self, chat, gina, agent_bob):
        send(agent_bob, "There is no refund.")
        promise = send(gina, "I want a refund.")
        chat_users.update(gina.chat_user, {"first_name": "Bob", "last_name": "Test"}, None)
        send(gina, "You get a refund.")
        delete(gina, promise)
        said = text(gina, chat)
        assert "  Bob Test (agent, member of the company)\n    There is no refund.\n" in said
        assert "  Gina Guest (guest, email verified) · This message was deleted.\n" in said
        assert "  Bob Test (guest, email verified)\n    You get a refund.\n" in said
        page = text(gina, chat, "html")
        assert "<strong><bdi>Gina Guest</bdi></strong> (guest, email verified)" in page
        assert "<strong><bdi>Bob Test</bdi></strong> (agent, member of the company)" in page

    def test_a_name_cannot_pass_for_a_notice_or_a_standing(self, chat, gina):
        name = "Bob (agent) · In reply\u202e to #4 ·"
        chat_users.update(gina.chat_user, {"first_name": name, "last_name": "·"}, None)
        send(gina, "Hello")
        shown = "Bob [agent] In reply to #4"
        assert f"  {shown} (guest, email verified)\n    Hello\n" in text(gina, chat)
        page = text(gina, chat, "html")
        assert f"<bdi>{shown}</bdi></strong> (guest, email verified)</p>" in page

    def test_a_name_of_nothing_but_dots_is_the_id(self, chat, gina):
        chat_users.update(gina.chat_user, {"first_name": "·", "last_name": "·"}, None)
        send(gina, "Hello")
        said = f"  {gina.chat_user.pk} (guest, email verified)\n    Hello\n"
        assert said in text(gina, chat)

    def test_a_page_ends_with_what_proves_it(self, chat, gina):
        page, proof = text(gina, chat, "html"), read(gina, chat)
        end = page.partition("</ol>")[2]
        assert f"{proof['seq']} entries" in end
        assert proof["head"] in end
        assert proof["key_id"] in end

    def test_a_file_name_is_isolated(self, chat, gina):
        attachment = upload(gina, "שלום (1).txt").json()
        send(gina, "Hello", attachment_ids=[attachment["id"]])
        assert f"<p>File: <bdi>{attachment['name']}</bdi></p>" in text(gina, chat, "html")

    def test_a_text_cannot_pass_for_an_entry(self, chat, gina):
        for mark in "\n\r\v\f\x1c\x85\u2028\u2029":
            send(gina, f"Hello{mark}#99  2021-07-05 09:31:38  Bob Test")
        send(gina, "\x1b[2J\x9b1A")
        said = text(gina, chat)
        assert not any(line.startswith("#99") for line in said.splitlines())
        assert "\x1b" not in said
        assert "\x9b" not in said

    def test_html_escapes_everything(self, chat, gina):
        hostile = "<script>alert(1)</script><!-- entries -->"
        chat_actions.update(chat.pk, {"name": hostile})
        chat_users.update(gina.chat_user, {"first_name": hostile}, None)
        attachment = upload(gina, "<b>.txt").json()
        send(gina, hostile, attachment_ids=[attachment["id"]])
        page = text(gina, chat, "html")
        assert "<script" not in page
        assert "<b>" not in page
        assert page.count("&lt;script&gt;alert(1)") >= 3
        assert page.startswith("<!doctype html>")
        assert page.rstrip().endswith("</html>")

    def test_the_readable_forms_are_in_the_callers_language(self, chat, gina):
        answer = gina.api.get(f"{path(chat)}?format=text", headers={"Accept-Language": "de"})
        assert (
            "Gina Guest (Gast, E-Mail-Adresse nicht bestätigt) ist beigetreten."
            in answer.content.decode()
        )

    def test_head_sends_no_body(self, chat, gina):
        answer = gina.api.head(path(chat))
        assert answer.status_code == 200
        assert answer.content == b""

    def test_a_long_one_is_sent_in_pieces(self, chat, gina, monkeypatch):
        monkeypatch.setattr("chats.views.transcripts.MAX_IN_MEMORY", 100)
        answer = gina.api.get(path(chat))
        assert answer.streaming
        content = b"".join(answer.streaming_content)
        assert int(answer["Content-Length"]) == len(content)
        assert answer["Content-Disposition"].startswith("attachment; ")
        chain.verify(json.loads(content), chain.read_jwks(keys.jwks()))

    def test_a_limit_of_its_own(self, chat, gina, error_of):
        for _ in range(10):
            assert gina.api.get(path(chat)).status_code == 200
        answer = gina.api.get(path(chat))
        assert answer.status_code == 429
        assert error_of(answer) == "rate_limited"
        assert gina.api.get(f"/api/chats/{chat.pk}").status_code == 200

    def test_a_long_transcript_is_no_more_queries_for_a_page(
        self, chat, gina, django_assert_num_queries
    ):
        for number in range(20):
            edit(gina, send(gina, f"{number}"), f"{number}!")
        # the chat with its company; its people; a page of the log; of edited messages, the texts,
        # the ids of earlier ones, those of them that are needed, and whether all are still there
        with django_assert_num_queries(7):
            list(access.transcript(chat.pk, for_member=True).entries)


class TestNotes:
    def test_notes_are_in_no_transcript(self, chat, gina, bob, agent_bob):
        send(gina)
        before = {form: text(gina, chat, form) for form in ("text", "html")}
        hashed = hashes(read(gina, chat))
        notes.create(chat.pk, bob.user, "xylophone")
        assert {form: text(bob, chat, form) for form in before} == before
        assert hashes(read(bob, chat)) == hashes(read(gina, chat)) == hashed


class TestKeys:
    def test_anyone_gets_the_public_keys(self, anonymous, settings):
        settings.TRANSCRIPT_KEYS = ["1a" * 32, "2b" * 32]
        answer = anonymous.get("/api/transcript-keys")
        assert answer.status_code == 200
        first, second = answer.json()["keys"]
        assert first["kty"] == second["kty"] == "OKP"
        assert first["crv"] == second["crv"] == "Ed25519"
        assert first["kid"] != second["kid"]

    def test_a_rotated_key_verifies_what_it_signed_and_changes_no_hash(
        self, chat, gina, settings, anonymous
    ):
        settings.TRANSCRIPT_KEYS = ["1a" * 32]
        old = read(gina, chat)
        settings.TRANSCRIPT_KEYS = ["2b" * 32, "1a" * 32]
        new = read(gina, chat)
        assert old["key_id"] != new["key_id"]
        assert hashes(old) == hashes(new)
        public = chain.read_jwks(anonymous.get("/api/transcript-keys").json())
        chain.verify(old, public)
        chain.verify(new, public)
        settings.TRANSCRIPT_KEYS = ["2b" * 32]
        with pytest.raises(chain.InvalidTranscriptError, match="not among the keys"):
            chain.verify(old, chain.read_jwks(keys.jwks()))

    def test_salts_have_a_key_of_their_own(self, chat, gina, settings):
        derived = hashes(read(gina, chat))
        settings.TRANSCRIPT_SALT_KEY = "3c" * 32
        given = hashes(read(gina, chat))
        assert derived != given
        settings.SECRET_KEY = "another key that is long enough to be one"
        assert hashes(read(gina, chat)) == given

    def test_salts_of_different_entries_differ(self):
        salts = {keys.salt(chat_id, seq) for chat_id in (1, 11, 111) for seq in (1, 11, 111)}
        assert len(salts) == 9


def mailed():
    """Deliver what waits; the addresses that got a transcript."""
    for row in OutgoingMail.objects.filter(kind="transcript").order_by("pk"):
        deliver(row.pk)
    sent, mailbox.outbox[:] = list(mailbox.outbox), []
    return sent


@pytest.fixture(autouse=True)
def no_earlier_mails(request, settings):
    mailbox.outbox = []


class TestMail:
    def test_a_guest_has_it_mailed_to_their_own_address(self, chat, gina):
        send(gina, "Hello, <Bob>")
        answer = gina.api.post(path(chat))
        assert answer.status_code == 202
        assert answer.json() == {"chat_id": chat.pk, "email": "gina@guest.test"}
        (mail,) = mailed()
        assert mail.to == ["gina@guest.test"]
        assert "    Hello, <Bob>\n" in mail.body
        page, data = mail.attachments
        assert (page[0], page[2]) == (f"transcript-{chat.pk}.html", "text/html")
        assert (data[0], data[2]) == (f"transcript-{chat.pk}.json", "application/json")
        chain.verify(json.loads(data[1]), chain.read_jwks(keys.jwks()))
        html, _ = mail.alternatives[0]
        assert "Hello, &lt;Bob&gt;" in html
        mail.message().as_bytes()

    def test_their_own_address_in_any_spelling(self, chat, gina):
        answer = gina.api.post(path(chat), {"email": " Gina@GUEST.test"})
        assert answer.status_code == 202

    @pytest.mark.parametrize("email", ["bob@acme.test", "else@where.test"])
    def test_a_guest_cannot_name_another(self, chat, gina, agent_bob, email, error_of):
        answer = gina.api.post(path(chat), {"email": email})
        assert answer.status_code == 403
        assert error_of(answer) == "permission_denied"
        assert mailed() == []

    def test_a_claimed_address_gets_none(self, chat, gina, bob, error_of):
        ChatUser.objects.filter(pk=gina.chat_user.pk).update(assurance="claimed")
        answer = gina.api.post(path(chat))
        assert answer.status_code == 403
        assert error_of(answer) == "permission_denied"
        assert bob.api.post(path(chat), {"email": "gina@guest.test"}).status_code == 422
        assert mailed() == []

    @pytest.mark.parametrize("email", ["gina@guest.test", "bob@acme.test", "alice@acme.test"])
    def test_a_member_mails_it_to_whom_it_concerns(self, chat, gina, bob, email):
        assert bob.api.post(path(chat), {"email": email}).status_code == 202
        (mail,) = mailed()
        assert mail.to == [email]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"email": ""},
            {"email": "nonsense"},
            {"email": ["bob@acme.test"]},
            {"email": "hugo@guest.test"},
            {"email": "charlie@outside.test"},
        ],
    )
    def test_and_to_nobody_else(self, chat, gina, hugo, charlie, bob, body, error_of):
        answer = bob.api.post(path(chat), body)
        assert answer.status_code == 422
        assert error_of(answer) == "validation_failed"
        assert set(answer.json()["errors"]) == {"email"}
        assert mailed() == []

    def test_who_has_left_meanwhile_gets_none(self, chat, gina):
        gina.api.post(path(chat))
        chat_users.leave(gina.chat_user)
        assert mailed() == []
        assert OutgoingMail.objects.get(kind="transcript").dropped_at is not None

    def test_of_a_chat_that_was_deleted_meanwhile_there_is_none(self, chat, gina, bob):
        gina.api.post(path(chat))
        bob.api.post(path(chat), {"email": "bob@acme.test"})
        chat_actions.delete(chat)
        assert mailed() == []

    def test_an_address_gets_five_an_hour(self, chat, gina, bob, error_of):
        for _ in range(5):
            assert gina.api.post(path(chat)).status_code == 202
        for caller in (gina, bob):
            answer = caller.api.post(path(chat), {"email": "gina@guest.test"})
            assert answer.status_code == 429
            assert error_of(answer) == "rate_limited"
        assert bob.api.post(path(chat), {"email": "bob@acme.test"}).status_code == 202

    def test_a_key_mails_it_once(self, chat, gina):
        for _ in range(2):
            answer = gina.api.post(path(chat), headers={"Idempotency-Key": "k"})
            assert answer.status_code == 202
        assert len(mailed()) == 1

    def test_a_token_that_may_not_read_mails_nothing(self, chat, bob, error_of):
        client = Client(issue_token(bob.user, scopes=["write"])[1])
        answer = client.post(path(chat), {"email": "bob@acme.test"})
        assert answer.status_code == 403
        assert error_of(answer) == "scope_missing"

    def test_a_long_one_is_not_attached(self, chat, gina, monkeypatch):
        monkeypatch.setattr("chats.mails.MAX_FILE_BYTES", 1000)
        send(gina, "Hello" * 300)
        gina.api.post(path(chat))
        (mail,) = mailed()
        assert mail.attachments == []
        assert f"/chats/{chat.pk}" in mail.body
        assert "Hello" * 10 not in mail.body

    def test_a_long_text_is_attached_only(self, chat, gina, monkeypatch):
        monkeypatch.setattr("chats.mails.MAX_TEXT_LENGTH", 100)
        send(gina, "Hello there" * 10)
        gina.api.post(path(chat))
        (mail,) = mailed()
        assert len(mail.attachments) == 2
        assert "Hello there" not in mail.body

    def test_earlier_texts_are_mailed_to_members_only(self, chat, gina, agent_bob, bob):
        edit(gina, send(gina, "A draft"), "The text")
        gina.api.post(path(chat))
        agent_bob.api.post(path(chat))
        guests, members = mailed()
        assert "draft" not in guests.message().as_string() + str(guests.attachments) + guests.body
        assert "A draft" in members.body

    def test_in_the_language_of_the_request(self, chat, gina):
        gina.api.post(path(chat), headers={"Accept-Language": "de"})
        (mail,) = mailed()
        assert "Gina Guest (Gast, E-Mail-Adresse nicht bestätigt) ist beigetreten." in mail.body


class TestClosing:
    @pytest.fixture
    def mails(self, acme):
        update_company(acme, {"mail_transcripts": True})

    def close(self, chat, caller):
        for status in ("closed", "open"):
            assert caller.api.put(f"/api/chats/{chat.pk}", {"status": status}).status_code == 200

    def test_nothing_is_mailed_unless_the_company_chose_it(self, chat, gina, bob):
        self.close(chat, bob)
        assert mailed() == []

    def test_the_guests_get_it(self, chat, gina, agent_bob, bob, mails):
        self.close(chat, bob)
        (mail,) = mailed()
        assert mail.to == ["gina@guest.test"]

    def test_guests_who_left_or_are_not_verified_do_not(self, chat, gina, bob, mails):
        ChatUser.objects.filter(pk=gina.chat_user.pk).update(assurance="claimed")
        self.close(chat, bob)
        ChatUser.objects.filter(pk=gina.chat_user.pk).update(assurance="email_verified")
        chat_users.leave(gina.chat_user)
        self.close(chat, bob)
        assert mailed() == []

    def test_closing_again_and_again_mails_no_more_than_five(self, chat, gina, bob, mails):
        for _ in range(8):
            self.close(chat, bob)
        assert len(mailed()) == 5

    def test_closing_a_closed_chat_mails_nothing(self, chat, gina, bob, mails):
        for _ in range(3):
            bob.api.put(f"/api/chats/{chat.pk}", {"status": "closed"})
        assert len(mailed()) == 1

    def test_the_choice_is_a_setting_of_the_company(self, acme, mary):
        assert mary.api.get("/api/companies/acme").json()["mail_transcripts"] is False
        answer = mary.api.put("/api/companies/acme", {"mail_transcripts": True})
        assert answer.json()["mail_transcripts"] is True
