"""/api/chats/{id}/attachments, messages with files, and the files behind their links"""

import hashlib
import os
import struct
import subprocess
import sys
import time
import zlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from chatapi.files import examine, names, stores
from chatapi.limits.rate import Rate
from chatapi.tests.races import at_once
from chats.actions import attachment_processing, attachments, messages
from chats.actions import chats as chat_actions
from chats.models import Attachment, AttachmentUsage, Chat, Event
from chats.tests.files import archive, binary_office, fetch, image, multipart, sound, upload
from conftest import Client


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A storage of this test alone."""
    options = settings.STORAGES["attachments"]["OPTIONS"]
    stored = {
        **settings.STORAGES["attachments"],
        "OPTIONS": {**options, "location": tmp_path / "files"},
    }
    settings.STORAGES = {**settings.STORAGES, "attachments": stored}
    return tmp_path / "files"


@pytest.fixture
def path(chat):
    return f"/api/chats/{chat.pk}/attachments"


def files_in(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def process(attachment_id):
    attachment_processing.process(attachment_id)
    return Attachment.objects.get(pk=attachment_id)


def send(person, text="", *ids):
    body = {"text": text, "attachment_ids": list(ids)}
    return person.api.post(f"/api/chats/{person.chat_user.chat_id}/messages", body)


def send_files(person, *files, key=None, **fields):
    body, media_type = multipart(*files, **fields)
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/api/chats/{person.chat_user.chat_id}/messages"
    return person.api.generic("POST", path, body, content_type=media_type, headers=headers)


# --- Upload ---


def test_a_file_is_stored_and_read_by_its_link(gina, folder):
    answer = upload(gina, "Notes.txt", b"Hello, files")
    assert answer.status_code == 201
    shown = answer.json()
    assert {**shown, "url": "", "created_at": "", "id": 1} == {
        "id": 1,
        "name": "Notes.txt",
        "size": 12,
        "content_type": "text/plain",
        "width": None,
        "height": None,
        "duration": None,
        "status": "ready",
        "url": "",
        "thumbnail_url": None,
        "placeholder": None,
        "created_at": "",
    }
    (stored,) = files_in(folder)
    assert stored.read_bytes() == b"Hello, files"
    assert stored.stat().st_mode & 0o077 == 0
    assert "Notes" not in str(stored)
    row = Attachment.objects.get()
    assert bytes(row.sha256) == hashlib.sha256(b"Hello, files").digest()
    response = fetch(shown["url"])
    assert response.read == b"Hello, files"
    assert response["Content-Disposition"] == 'attachment; filename="Notes.txt"'


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a/b\\c.txt", "c.txt"),
        ("../../etc/passwd", "passwd"),
        ("photo\u202egnp.txt", "photognp.txt"),
        ("a\x01b\x7f.txt", "ab.txt"),
        ("  a \u2003 b.txt ", "a b.txt"),
        ("....", "file"),
        ("\u200b\u2060", "file"),
        ("\N{FACE WITH TEARS OF JOY}.txt", "\N{FACE WITH TEARS OF JOY}.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
        (".env", ".env"),
    ],
)
def test_names_are_cleaned(given, kept):
    assert names.clean_name(given) == kept


@pytest.mark.parametrize("name", ["..", "dir/", ""])
def test_a_part_without_a_name_is_no_file(gina, name, error_of):
    answer = upload(gina, name)
    assert error_of(answer) == "validation_failed"
    assert "file" in answer.json()["errors"]


def test_an_empty_file_is_refused(gina, error_of, folder):
    assert error_of(upload(gina, "a.txt", b"")) == "validation_failed"
    assert not files_in(folder)


def test_a_body_that_is_cut_off_is_refused(gina, path, error_of, folder):
    body, media_type = multipart(("a.txt", b"x" * 1000))
    for length in (len(body) - 4, len(body) - 200, 150):
        cut = body[:length]
        answer = gina.api.generic(
            "POST",
            path,
            content_type=media_type,
            CONTENT_LENGTH=length,
            **{"wsgi.input": BytesIO(cut)},
        )
        assert error_of(answer) in {"malformed_body", "validation_failed"}
    assert not Attachment.objects.exists()
    assert not files_in(folder)


def test_a_file_that_is_too_large_is_refused(gina, settings, error_of, folder):
    settings.MAX_FILE_BYTES = 100
    assert upload(gina, "a.txt", b"x" * 100).status_code == 201
    assert error_of(upload(gina, "b.txt", b"x" * 101)) == "file_too_large"
    assert len(files_in(folder)) == 1


def test_two_files_at_once_are_refused(gina, path, error_of):
    body, media_type = multipart(("a.txt", b"a"), ("b.txt", b"b"))
    assert error_of(gina.api.generic("POST", path, body, content_type=media_type)) == (
        "validation_failed"
    )
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "type"),
    [
        ("a.png", image("PNG"), "image/png"),
        ("a.jpg", image("JPEG"), "image/jpeg"),
        ("a.jpg", image("PNG"), "image/png"),  # the wrong one of two images is only a mistake
        ("a", image("WEBP"), "image/webp"),
        ("a.gif", image("GIF"), "image/gif"),
        ("a.wav", sound(), "audio/wav"),
        ("a.html", b"<p>Hi</p>", "text/html"),
        ("a.txt", b"<!DOCTYPE html><script>1</script>", "text/html"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("a.md", "Grüße".encode(), "text/markdown"),
        ("a.pdf", b"%PDF-1.7\n%%EOF", "application/pdf"),
        ("a.zip", archive(a="hi"), "application/zip"),
        (
            "a.docx",
            archive(**{"word/document.xml": "<a/>"}),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            "a.odt",
            archive(mimetype="application/vnd.oasis.opendocument.text"),
            "application/vnd.oasis.opendocument.text",
        ),
        ("a.doc", binary_office(), "application/msword"),
        ("a.xls", binary_office(), "application/vnd.ms-excel"),
        ("a.ppt", binary_office(), "application/vnd.ms-powerpoint"),
        ("a.rtf", b"{\\rtf1 Hello}", "application/rtf"),
        ("a", b"GIF words are no image", "text/plain"),
        ("a", b"BM", "text/plain"),
    ],
)
def test_the_content_says_the_type(gina, name, content, type):
    answer = upload(gina, name, content)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["content_type"] == type


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.png", b"<script>alert(1)</script>"),
        ("photo.png", b"MZ\x90\0" + bytes(200)),
        ("notes.txt", image("PNG")),
        ("setup.exe", b"MZ\x90\0" + bytes(200)),
        ("program", b"\x7fELF\x02\x01\x01" + bytes(200)),
        ("report.pdf", archive(a="hi")),
        ("report.docx", image("PNG")),
        ("report.docx", binary_office()),
        ("report.odt", b"Hello"),
        ("table.xlsx", b"<script>alert(1)</script>"),
        ("table.xls", archive(a="hi")),
        ("slides.pptx", b"%PDF-1.7\n%%EOF"),
        ("book.epub", image("PNG")),
        ("song.mp3", b"Hello"),
        ("unknown.bin", bytes(range(256))),
    ],
)
def test_a_type_that_lies_or_is_not_allowed_is_refused(gina, name, content, error_of, folder):
    assert error_of(upload(gina, name, content)) == "file_type"
    assert not files_in(folder)
    assert not Attachment.objects.exists()


def test_the_operator_chooses_the_types(gina, settings, error_of):
    settings.ATTACHMENT_TYPES = ["image/*"]
    assert error_of(upload(gina, "a.txt", b"Hello")) == "file_type"
    assert upload(gina, "a.png", image()).status_code == 201


def test_a_closed_chat_takes_no_file(gina, chat, error_of, folder):
    chat_actions.set_status(chat, Chat.Status.CLOSED)
    assert error_of(upload(gina)) == "chat_closed"
    assert not files_in(folder)


def test_a_company_has_a_quota(gina, hugo, settings, error_of):
    settings.COMPANY_QUOTA_BYTES = 10
    first = upload(gina, "a.txt", b"123456").json()
    assert error_of(upload(hugo, "b.txt", b"12345")) == "quota_exceeded"
    assert upload(hugo, "c.txt", b"1234").status_code == 201
    gina.api.delete(f"/api/chats/{gina.chat_user.chat_id}/attachments/{first['id']}")
    attachments.sweep()
    assert AttachmentUsage.objects.get().size == 4
    assert upload(hugo, "d.txt", b"123456").status_code == 201


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_do_not_exceed_the_quota(gina, settings, folder):
    settings.COMPANY_QUOTA_BYTES = 1000
    answers = at_once(*[lambda: upload(gina, "a.txt", b"x" * 300).status_code] * 8)
    assert sorted(answers) == [201] * 3 + [422] * 5
    assert AttachmentUsage.objects.get().size == 900
    assert len(files_in(folder)) == 3


def test_a_storage_that_fails_fails_the_upload_and_nothing_else(gina, settings, folder, error_of):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file is in the folder's place")
    assert upload(gina).status_code == 503
    assert error_of(upload(gina)) == "storage_down"
    assert send(gina, "Still here").status_code == 201
    folder.unlink()
    attachments.sweep()
    assert not Attachment.objects.exists()
    assert AttachmentUsage.objects.get().size == 0


# --- Who sees an attachment ---


def test_only_the_uploader_sees_one_without_a_message(gina, agent_bob, path):
    shown = upload(gina).json()
    assert gina.api.get(f"{path}/{shown['id']}").json() == shown
    assert agent_bob.api.get(f"{path}/{shown['id']}").status_code == 404
    send(gina, "", shown["id"])
    assert agent_bob.api.get(f"{path}/{shown['id']}").json() == shown


def test_the_uploader_can_remove_one_without_a_message(gina, agent_bob, path, folder):
    shown = upload(gina).json()
    assert agent_bob.api.delete(f"{path}/{shown['id']}").status_code == 404
    removed = gina.api.delete(f"{path}/{shown['id']}")
    assert removed.json() == {**shown, "url": None}
    assert fetch(shown["url"]).status_code == 404
    assert gina.api.get(f"{path}/{shown['id']}").status_code == 404
    attachments.sweep()
    assert not files_in(folder)


# --- Messages ---


def test_a_message_claims_attachments_in_its_order(gina, agent_bob, chat):
    ids = [upload(gina, f"{n}.txt").json()["id"] for n in range(3)][::-1]
    sent = send(gina, "", *ids)
    assert sent.status_code == 201
    message = sent.json()
    assert message["text"] == ""
    assert [each["id"] for each in message["attachments"]] == ids
    listed = agent_bob.api.get(f"/api/chats/{chat.pk}/messages").json()["data"][0]
    assert listed == message
    assert (
        agent_bob.api.get(f"/api/chats/{chat.pk}/messages/{message['id']}").json()["attachments"]
        == message["attachments"]
    )
    events = agent_bob.api.get(f"/api/chats/{chat.pk}/events").json()["data"]
    assert events[-1]["data"] == message


@pytest.mark.parametrize(
    "choose",
    [
        lambda own, others, used: [own, others],
        lambda own, others, used: [used],
        lambda own, others, used: [own, 999_999],
    ],
)
def test_foreign_used_and_unknown_attachments_are_refused(gina, agent_bob, choose, error_of):
    own = upload(gina).json()["id"]
    others = upload(agent_bob).json()["id"]
    used = upload(gina).json()["id"]
    send(gina, "", used)
    before = Event.objects.count()
    answer = send(gina, "Look", *choose(own, others, used))
    assert error_of(answer) == "attachment_unknown"
    assert "attachment_ids" in answer.json()["errors"]
    assert Event.objects.count() == before
    assert send(gina, "", own).status_code == 201


def test_an_attachment_of_another_chat_is_refused(gina, hugo, error_of):
    assert error_of(send(gina, "", upload(hugo).json()["id"])) == "attachment_unknown"


@pytest.mark.parametrize("ids", [[1, 1], [0], ["x"], list(range(1, 12)), "1", [None]])
def test_bad_lists_of_attachments(gina, ids, error_of):
    path = f"/api/chats/{gina.chat_user.chat_id}/messages"
    answer = gina.api.post(path, {"text": "x", "attachment_ids": ids})
    assert error_of(answer) == "validation_failed"


def test_a_message_needs_a_text_or_a_file(gina, error_of):
    for body in ({}, {"text": ""}, {"text": "", "attachment_ids": []}, {"attachment_ids": []}):
        answer = gina.api.post(f"/api/chats/{gina.chat_user.chat_id}/messages", body)
        assert error_of(answer) == "validation_failed"
        assert list(answer.json()["errors"]) == ["text"]


def test_a_message_can_bring_its_files(gina, folder):
    sent = send_files(gina, ("a.txt", b"A"), ("b.txt", b"B"), text="Two")
    assert sent.status_code == 201
    assert [each["name"] for each in sent.json()["attachments"]] == ["a.txt", "b.txt"]
    assert send_files(gina, ("c.txt", b"C")).json()["text"] == ""
    assert len(files_in(folder)) == 3


def test_a_form_can_have_files_and_attachment_ids(gina, error_of):
    ids = [upload(gina, f"{n}.txt").json()["id"] for n in range(9)]
    sent = send_files(gina, ("a.txt", b"A"), attachment_ids=ids[:2], text="Three")
    assert sent.status_code == 201, sent.json()
    assert [each["name"] for each in sent.json()["attachments"]] == ["0.txt", "1.txt", "a.txt"]
    two = [(f"{n}.txt", b"x") for n in "ab"]
    too_many = send_files(gina, *two, attachment_ids=[*ids, 999_999])
    assert error_of(too_many) == "validation_failed"
    assert Attachment.objects.count() == 10
    without = send_files(gina, attachment_ids=ids[2:4])
    assert [each["id"] for each in without.json()["attachments"]] == ids[2:4]


def test_each_file_of_a_message_counts_as_an_upload(gina, settings, error_of):
    settings.LIMITS = settings.LIMITS | {"UPLOAD": Rate.parse("5/m")}
    sent = send_files(gina, ("a.txt", b"A"), ("b.txt", b"B"), ("c.txt", b"C"))
    assert (sent.status_code, sent.headers["X-RateLimit-Remaining"]) == (201, "2")
    refused = send_files(gina, ("a.txt", b"A"), ("b.txt", b"B"), ("c.txt", b"C"))
    assert error_of(refused) == "rate_limited"
    assert send(gina, "Without files").status_code == 201
    assert send_files(gina, ("a.txt", b"A")).status_code == 201
    assert upload(gina).status_code == 201
    assert error_of(upload(gina)) == "rate_limited"


def test_more_files_than_the_limit_allows_take_all_of_it(gina, settings, error_of):
    settings.LIMITS = settings.LIMITS | {"UPLOAD": Rate.parse("2/m")}
    assert send_files(gina, *[(f"{n}.txt", b"x") for n in range(3)]).status_code == 201
    assert error_of(upload(gina)) == "rate_limited"


def test_files_of_a_refused_message_leave_nothing(gina, chat, error_of, folder):
    assert error_of(send_files(gina, ("a.txt", b"A"), ("b.exe", b"MZ\0" + bytes(99)))) == (
        "file_type"
    )
    assert error_of(send_files(gina, ("a.txt", b"A"), reply_to_id="999")) == "validation_failed"
    many = [(f"{n}.txt", b"x") for n in range(11)]
    assert error_of(send_files(gina, *many)) == "validation_failed"
    attachments.sweep()
    assert not files_in(folder)
    assert AttachmentUsage.objects.get().size == 0


def test_a_retry_is_answered_and_stores_nothing_again(gina, folder):
    first = send_files(gina, ("a.txt", b"A"), text="Look", key="once")
    again = send_files(gina, ("a.txt", b"A"), text="Look", key="once")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    other = send_files(gina, ("a.txt", b"B"), text="Look", key="once")
    assert other.json()["code"] == "idempotency_conflict"
    attachments.sweep()
    assert len(files_in(folder)) == 1
    shown = upload(gina).json()
    body = {"attachment_ids": [shown["id"]]}
    path = f"/api/chats/{gina.chat_user.chat_id}/messages"
    sent = [gina.api.post(path, body, headers={"Idempotency-Key": "two"}) for _ in range(2)]
    assert [each.status_code for each in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()


@pytest.mark.parametrize("since", ["closed", "full", "deleted"])
def test_a_retry_is_answered_before_its_files_are_stored(gina, chat, settings, folder, since):
    first = send_files(gina, ("a.txt", b"A"), text="Look", key="once").json()
    if since == "closed":
        chat_actions.set_status(chat, Chat.Status.CLOSED)
    elif since == "full":
        settings.COMPANY_QUOTA_BYTES = 1
    else:
        gina.api.delete(f"/api/chats/{chat.pk}/messages/{first['id']}")
        attachments.sweep()
        first["attachments"] = []
    again = send_files(gina, ("a.txt", b"A"), text="Look", key="once")
    assert again.status_code == 201, again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first
    assert Attachment.objects.count() == (since != "deleted")
    other = send_files(gina, ("a.txt", b"B"), text="Look", key="once")
    assert other.json()["code"] == "idempotency_conflict"
    assert Attachment.objects.count() == (since != "deleted")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_of_two_retries_that_arrive_at_once_keeps_its_files(gina, folder):
    files = [("a.txt", b"A"), ("b.txt", b"B")]
    answers = at_once(*[lambda: send_files(gina, *files, key="once").json()["id"]] * 3)
    assert len(set(answers)) == 1
    attachments.sweep()
    assert len(files_in(folder)) == 2


def test_a_message_with_files_discards_nothing(gina):
    with CaptureQueriesContext(connection) as queries:
        assert send_files(gina, ("a.txt", b"A")).status_code == 201
    assert not [each["sql"] for each in queries if 'SET "removed_at"' in each["sql"]]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_of_two_messages_gets_an_attachment(gina):
    shown = upload(gina).json()
    answers = at_once(*[lambda: send(gina, "Mine", shown["id"]).status_code] * 4)
    assert sorted(answers) == [201, 422, 422, 422]


def test_deleting_a_message_removes_its_files(gina, chat, folder):
    picture = upload(gina, "a.png", image()).json()
    process(picture["id"])
    message = send(gina, "", picture["id"]).json()
    link = message["attachments"][0]["url"]
    assert fetch(link).status_code == 200
    deleted = gina.api.delete(f"/api/chats/{chat.pk}/messages/{message['id']}").json()
    assert deleted["attachments"] == []
    assert fetch(link).status_code == 404
    attachments.sweep()
    assert not files_in(folder)
    assert not Attachment.objects.exists()
    assert AttachmentUsage.objects.get().size == 0


# --- Processing ---


def test_an_image_is_measured_and_gets_a_thumbnail(gina, agent_bob, chat, folder):
    shown = upload(gina, "a.png", image(size=(1000, 500))).json()
    assert (shown["status"], shown["url"]) == ("processing", None)
    message = send(gina, "", shown["id"]).json()
    assert message["attachments"] == [shown]
    process(shown["id"])
    event = agent_bob.api.get(f"/api/chats/{chat.pk}/events").json()["data"][-1]
    assert event["type"] == "attachment.updated"
    (ready,) = event["data"]["attachments"]
    assert (ready["width"], ready["height"], ready["status"]) == (1000, 500, "ready")
    assert ready["placeholder"].startswith("data:image/webp;base64,")
    assert len(ready["placeholder"]) < 400
    thumbnail = fetch(ready["thumbnail_url"])
    assert thumbnail["Content-Type"] == "image/webp"
    (folder.parent / "thumbnail").write_bytes(thumbnail.read)
    with Image.open(folder.parent / "thumbnail") as small:
        assert small.size == (480, 240)
    process(shown["id"])  # a second time does nothing
    assert agent_bob.api.get(f"/api/chats/{chat.pk}/events").json()["data"][-1] == event


def turned() -> Image.Exif:
    """Metadata that says that the image is turned by a quarter, and where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    return exif


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_position_data_is_stripped(gina, folder, format):
    content = image(format, size=(60, 40), exif=turned())
    shown = upload(gina, f"a.{format.lower()}", content).json()
    row = process(shown["id"])
    assert (row.status, row.width, row.height) == ("ready", 40, 60)
    clean = (folder / row.stored_as).read_bytes()
    assert hashlib.sha256(clean).digest() == bytes(row.sha256)
    (folder / "clean").write_bytes(clean)
    with Image.open(folder / "clean") as image_again:
        assert not image_again.getexif().get_ifd(0x8825)
        assert image_again.getexif().get(0x0112) == 6
    (folder / "clean").unlink()
    assert len(files_in(folder)) == 2  # with the thumbnail; the original is gone
    assert AttachmentUsage.objects.get().size == row.size


def test_a_sound_says_how_long_it_is(gina):
    row = process(upload(gina, "a.wav", sound(seconds=2)).json()["id"])
    assert (row.status, row.duration, row.thumbnail_as) == ("ready", 2.0, "")


@pytest.mark.parametrize("content", ["truncated", "bomb", "polyglot", "noise"])
def test_hostile_images_are_refused_or_harmless(gina, content, folder):
    whole = image("PNG", size=(300, 300))
    made = {
        "truncated": whole[: len(whole) // 2],
        "bomb": bomb(30_000, 30_000),
        "polyglot": image("JPEG") + archive(**{"a.html": "<script>1</script>"}),
        "noise": whole[:40] + b"\0" * 500,
    }[content]
    row = process(upload(gina, "a.png", made).json()["id"])
    if content == "polyglot":
        assert row.status == "ready"
        assert row.content_type == "image/jpeg"
        assert b"script" not in (folder / row.stored_as).read_bytes()
    else:
        assert row.status == "rejected"
        assert not files_in(folder)


def bomb(width, height) -> bytes:
    """A PNG of a few kilobytes that would need gigabytes."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def test_a_rejected_file_is_shown_as_such_and_not_claimed(gina, chat, error_of):
    claimed, unclaimed = (
        upload(gina, "a.png", bomb(30_000, 30_000)).json()["id"] for _ in range(2)
    )
    message = send(gina, "Look", claimed).json()
    process(claimed)
    process(unclaimed)
    (shown,) = gina.api.get(f"/api/chats/{chat.pk}/messages/{message['id']}").json()["attachments"]
    assert (shown["status"], shown["url"]) == ("rejected", None)
    assert error_of(send(gina, "", unclaimed)) == "attachment_unknown"


def test_a_rejected_file_does_not_count_against_the_quota(gina, chat):
    kept = upload(gina, "a.txt", b"12345").json()["id"]
    message = send(gina, "", upload(gina, "a.png", bomb(30_000, 30_000)).json()["id"]).json()
    rejected = process(message["attachments"][0]["id"])
    assert AttachmentUsage.objects.get().size == 5
    process(rejected.pk)
    assert AttachmentUsage.objects.get().size == 5
    gina.api.delete(f"/api/chats/{chat.pk}/messages/{message['id']}")
    attachments.sweep()
    assert Attachment.objects.get().pk == kept
    assert AttachmentUsage.objects.get().size == 5


def test_a_storage_that_fails_midway_keeps_nothing_of_the_attempt(gina, folder, monkeypatch):
    shown = upload(gina, "a.jpg", image("JPEG", exif=turned())).json()
    save, saved = stores.save, []

    def save_one(name, content):
        if saved:
            raise stores.StorageDownError
        saved.append(name)
        save(name, content)

    monkeypatch.setattr(stores, "save", save_one)
    assert process(shown["id"]).status == "processing"
    assert saved
    assert len(files_in(folder)) == 1  # the original
    monkeypatch.setattr(stores, "save", save)
    assert process(shown["id"]).status == "ready"
    assert len(files_in(folder)) == 2


def test_a_rejected_file_that_could_not_be_deleted_is_found_by_prune(gina, folder, monkeypatch):
    shown = upload(gina, "a.png", bomb(30_000, 30_000)).json()

    def fail(name):
        raise stores.StorageDownError

    with monkeypatch.context() as patch:
        patch.setattr(stores, "delete", fail)
        assert process(shown["id"]).status == "rejected"
    assert len(files_in(folder)) == 1
    assert len(list(attachments.orphans(timezone.now() + timedelta(hours=1)))) == 1


def test_a_message_deleted_while_its_file_is_processed(gina, chat, folder):
    shown = upload(gina, "a.png", image()).json()
    message = send(gina, "", shown["id"]).json()
    row = Attachment.objects.get()
    changes = attachment_processing.inspect(row, folder)
    messages.delete(chat.pk, message["id"], None)
    for name in attachment_processing.finish(row.pk, changes):
        stores.delete(name)
    attachments.sweep()
    assert files_in(folder) == [] or [each.name for each in files_in(folder)] == [
        "original",
        "thumbnail",
    ]


def test_a_lost_task_is_found_again(gina):
    shown = upload(gina, "a.png", image()).json()
    assert attachment_processing.due(timezone.now()) == []
    later = timezone.now() + timedelta(minutes=2)
    assert attachment_processing.due(later) == [shown["id"]]
    assert attachment_processing.due(later + timedelta(minutes=1)) == []  # it is queued
    assert attachment_processing.due(later + timedelta(minutes=10)) == [shown["id"]]


def fail(*args):
    raise examine.FailedError("killed")


def test_an_examination_that_never_ends_rejects_an_image(gina, chat, folder, monkeypatch):
    """Its metadata is still in it."""
    monkeypatch.setattr(examine, "examine", fail)
    shown = upload(gina, "a.png", image()).json()
    message = send(gina, "", shown["id"]).json()
    assert [process(shown["id"]).status for _ in range(5)] == ["processing"] * 4 + ["rejected"]
    (now,) = gina.api.get(f"/api/chats/{chat.pk}/messages/{message['id']}").json()["attachments"]
    assert now["status"] == "rejected"
    assert not files_in(folder)
    assert AttachmentUsage.objects.get().size == 0


def test_an_examination_that_never_ends_leaves_a_sound_without_a_duration(gina, monkeypatch):
    monkeypatch.setattr(examine, "examine", fail)
    shown = upload(gina, "a.wav", sound()).json()
    rows = [process(shown["id"]) for _ in range(5)]
    assert [row.status for row in rows] == ["processing"] * 4 + ["ready"]
    assert rows[-1].duration is None


def test_an_examination_may_succeed_later(gina, monkeypatch):
    shown = upload(gina, "a.png", image()).json()
    with monkeypatch.context() as patch:
        patch.setattr(examine, "examine", fail)
        assert process(shown["id"]).status == "processing"
    row = process(shown["id"])
    assert (row.status, row.attempts) == ("ready", 2)


def test_an_image_that_ends_its_worker_is_rejected(gina, monkeypatch):
    shown = upload(gina, "a.png", image()).json()
    for _ in range(5):
        attachment_processing.begin(shown["id"])
    monkeypatch.setattr(examine, "examine", None)  # not called
    assert process(shown["id"]).status == "rejected"


def test_an_outage_is_not_the_fault_of_a_file(gina, monkeypatch):
    shown = upload(gina, "a.png", image()).json()

    def fail(*args):
        raise stores.StorageDownError

    with monkeypatch.context() as patch:
        patch.setattr(stores, "fetch", fail)
        for _ in range(7):
            row = process(shown["id"])
    assert (row.status, row.attempts, row.examinations) == ("processing", 7, 0)
    assert process(shown["id"]).status == "ready"


def test_pauses_grow(gina, monkeypatch):
    monkeypatch.setattr(examine, "examine", fail)
    shown = upload(gina, "a.png", image()).json()
    for minutes in (1, 2, 4):
        row = process(shown["id"])
        left = row.next_try_at - timezone.now()
        assert timedelta() < timedelta(minutes=minutes) - left < timedelta(seconds=10)
    assert attachment_processing.due(row.next_try_at - timedelta(seconds=1)) == []
    assert attachment_processing.due(row.next_try_at) == [shown["id"]]
    assert attachment_processing.pause(1_000_000) == timedelta(minutes=15)


def test_hopeless_files_do_not_keep_others_waiting(gina, monkeypatch):
    monkeypatch.setattr(attachments, "BATCH", 2)
    hopeless = [upload(gina, "a.png", image()).json()["id"] for _ in range(4)]
    now = timezone.now() + timedelta(hours=2)
    Attachment.objects.update(attempts=9, next_try_at=now - timedelta(minutes=1))
    fresh = upload(gina, "a.png", image()).json()["id"]
    handed_over = [attachment_processing.due(now) for _ in range(4)]
    assert handed_over[0][0] == fresh
    assert sorted(each for ids in handed_over for each in ids) == [*hopeless, fresh]
    assert handed_over[-1] == []


# --- Links ---


def test_a_link_expires(gina, monkeypatch, error_of):
    shown = upload(gina).json()
    path = urlsplit(shown["url"]).path
    later = time.time() + 3600 + 300
    monkeypatch.setattr("chats.links.time", SimpleNamespace(time=lambda: later))
    assert error_of(Client().get(path)) == "link_expired"


@pytest.mark.parametrize("change", ["id", "variant", "expiry", "signature", "nothing left"])
def test_a_forged_link_is_refused(gina, hugo, change, error_of):
    shown, other = upload(gina).json(), upload(hugo).json()
    _, _, signed, name = urlsplit(shown["url"]).path.split("/")
    number, variant, expires, signature = signed.split(".")
    forged = {
        "id": f"{other['id']}.{variant}.{expires}.{signature}",
        "variant": f"{number}.t.{expires}.{signature}",
        "expiry": f"{number}.{variant}.{int(expires) + 1}.{signature}",
        "signature": f"{number}.{variant}.{expires}.{signature[:-1]}",
        "nothing left": "x",
    }[change]
    assert error_of(Client().get(f"/files/{forged}/{name}")) == "not_found"


def test_a_link_stays_the_same_for_minutes(gina, path, monkeypatch):
    shown = upload(gina).json()
    assert gina.api.get(f"{path}/{shown['id']}").json()["url"] == shown["url"]


def test_a_deleted_chat_answers_no_link(gina, chat, error_of):
    shown = upload(gina).json()
    chat_actions.delete(chat)
    assert error_of(fetch(shown["url"])) == "not_found"


@pytest.mark.parametrize(
    ("name", "content", "disposition"),
    [
        ("a.png", image(), "inline"),
        ("a.wav", sound(), "inline"),
        ("a.html", b"<script>alert(1)</script>", "attachment"),
        ("a.svg", b"<svg onload='alert(1)'/>", "attachment"),
        ("a.txt", b"Hello", "attachment"),
        ("a.pdf", b"%PDF-1.7\n%%EOF", "attachment"),
    ],
)
def test_only_safe_types_are_shown_in_place(gina, path, name, content, disposition):
    shown = upload(gina, name, content).json()
    process(shown["id"])
    response = fetch(gina.api.get(f"{path}/{shown['id']}").json()["url"])
    assert response["Content-Disposition"].split(";")[0] == disposition
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private, max-age=")


@pytest.mark.parametrize(
    ("header", "status", "expected", "shown"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("items=0-1", 200, b"0123456789", None),
        ("bytes=x", 200, b"0123456789", None),
    ],
)
def test_ranges(gina, header, status, expected, shown):
    url = upload(gina, "a.txt", b"0123456789").json()["url"]
    response = fetch(url, Range=header)
    assert response.status_code == status
    assert response.get("Content-Range") == shown
    if expected is not None:
        assert response.read == expected
        assert response["Content-Length"] == str(len(expected))


def test_a_file_that_has_not_changed_is_not_sent_again(gina):
    url = upload(gina, "a.txt", b"0123456789").json()["url"]
    etag = fetch(url)["ETag"]
    assert fetch(url, **{"If-None-Match": etag}).status_code == 304
    assert fetch(url, **{"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert fetch(url, **{"Range": "bytes=0-1", "If-Range": '"other"'}).status_code == 200
    head = Client().head(urlsplit(url).path)
    assert (head["Content-Length"], head.content) == ("10", b"")


@pytest.mark.parametrize(("accel", "modes"), [("", ["700", "600"]), ("/x/", ["750", "640"])])
def test_the_group_can_read_files_that_nginx_sends(tmp_path, accel, modes):
    code = """
import django; django.setup()
from io import BytesIO
from django.core.files.base import File
from chatapi.files import stores
stores.save("ab/name", File(BytesIO(b"x")))
"""
    env = {
        "DJANGO_SETTINGS_MODULE": "chatapi.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "only for this test, and long enough for a key",
        "DATA_DIR": str(tmp_path / "data"),
        "ATTACHMENT_DIR": str(tmp_path / "stored"),
        "ACCEL_REDIRECT": accel,
    }
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)
    stored = [tmp_path / "stored", tmp_path / "stored" / "ab", tmp_path / "stored" / "ab" / "name"]
    found = [f"{each.stat().st_mode & 0o777:o}" for each in stored]
    assert found == [modes[0], *modes]


def test_nginx_can_send_the_file(gina, settings):
    settings.ACCEL_REDIRECT = "/protected/"
    response = fetch(upload(gina).json()["url"])
    stored = Attachment.objects.get().stored_as
    assert response["X-Accel-Redirect"] == f"/protected/{stored}"
    assert response.content == b""
    assert response["X-Content-Type-Options"] == "nosniff"
