"""Where files are kept, what scans them, and what is removed: a real S3 server, clamd's protocol"""

import os
import socketserver
import struct
import threading
import time
from datetime import timedelta
from io import StringIO

import boto3
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatapi.files import scanner, stores
from chatapi.tests.installation import free_port, wait_for
from chats.actions import attachment_processing, attachments
from chats.actions import chats as chat_actions
from chats.models import Attachment, AttachmentUsage
from chats.tests.buckets import KEYS
from chats.tests.files import fetch, image, upload


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A storage of this test alone."""
    store = settings.STORAGES["attachments"]
    options = {**store["OPTIONS"], "location": tmp_path / "files"}
    settings.STORAGES = {**settings.STORAGES, "attachments": {**store, "OPTIONS": options}}
    return tmp_path / "files"


# --- S3 ---


@pytest.fixture
def bucket(s3_server, settings):
    options = {
        "bucket_name": "files",
        "endpoint_url": s3_server,
        "region_name": "us-east-1",
        "access_key": "key",
        "secret_key": "a secret",
    }
    backend = "chatapi.files.s3.BucketStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "attachments": {"BACKEND": backend, "OPTIONS": options},
    }
    yield boto3.resource("s3", endpoint_url=s3_server, region_name="us-east-1", **KEYS).Bucket(
        "files"
    )
    for name in stores.names():
        stores.delete(name)


def keys(bucket):
    return [each.key for each in bucket.objects.all()]


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
class TestS3:
    def test_a_file_goes_there_and_back(self, bucket, gina):
        large = image(size=(2000, 2000), compress_level=0)  # more than one part
        shown = upload(gina, "a.txt", b"Hello").json()
        picture = upload(gina, "a.png", large).json()
        assert len(keys(bucket)) == 2
        assert fetch(shown["url"]).read == b"Hello"
        part = fetch(shown["url"], Range="bytes=1-3")
        assert (part.status_code, part.read) == (206, b"ell")
        attachment_processing.process(picture["id"])
        path = f"/api/chats/{gina.chat_user.chat_id}/attachments/{picture['id']}"
        ready = gina.api.get(path).json()
        assert ready["status"] == "ready"
        assert fetch(ready["url"]).read == large
        assert fetch(ready["thumbnail_url"])["Content-Type"] == "image/webp"
        assert len(keys(bucket)) == 3

    def test_what_is_removed_goes_from_the_bucket(self, bucket, gina):
        upload(gina)
        attachments.discard(Attachment.objects.all())
        assert attachments.sweep() == 1
        assert keys(bucket) == []
        assert attachments.sweep() == 0

    def test_files_without_a_row_are_found(self, bucket, gina):
        upload(gina)
        bucket.put_object(Key="ab/stray", Body=b"x")
        later = timezone.now() + timedelta(hours=1)
        assert list(attachments.orphans(later - timedelta(days=1))) == []
        assert list(attachments.orphans(later)) == ["ab/stray"]

    def test_a_file_that_does_not_exist_has_no_time(self, bucket):
        assert stores.modified_at("ab/nothing") is None

    def test_a_server_that_refuses_fails_the_upload(self, bucket, gina, settings, error_of):
        options = {**settings.STORAGES["attachments"]["OPTIONS"], "secret_key": "another"}
        backend = "chatapi.files.s3.BucketStorage"
        good = settings.STORAGES
        settings.STORAGES = {**good, "attachments": {"BACKEND": backend, "OPTIONS": options}}
        answer = upload(gina)
        assert (answer.status_code, error_of(answer)) == (503, "storage_down")
        settings.STORAGES = good
        assert keys(bucket) == []


def test_a_server_that_does_not_answer_fails_the_upload(gina, settings, error_of):
    options = {
        "bucket_name": "files",
        "endpoint_url": f"http://127.0.0.1:{free_port()}",
        "region_name": "us-east-1",
        "access_key": "key",
        "secret_key": "a secret",
    }
    backend = "chatapi.files.s3.BucketStorage"
    settings.STORAGES = {
        **settings.STORAGES,
        "attachments": {"BACKEND": backend, "OPTIONS": options},
    }
    assert error_of(upload(gina)) == "storage_down"


# --- The scanner ---


class Clamd(socketserver.ThreadingTCPServer):
    """Speaks clamd's INSTREAM: finds the word `virus`."""

    allow_reuse_address = True
    daemon_threads = True
    answer = b""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            assert self.rfile.read(10) == b"zINSTREAM\0"
            content = b""
            while size := struct.unpack(">I", self.rfile.read(4))[0]:
                content += self.rfile.read(size)
            verdict = b"stream: Eicar-Test FOUND\0" if b"virus" in content else b"stream: OK\0"
            self.wfile.write(self.server.answer or verdict)


@pytest.fixture
def clamd(settings):
    server = Clamd(("127.0.0.1", 0), Clamd.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.CLAMD_URL = f"tcp://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


def test_a_file_is_not_shown_until_it_is_clean(clamd, gina):
    path = f"/api/chats/{gina.chat_user.chat_id}/attachments"
    shown = upload(gina, "a.txt", b"Hello" * 50_000).json()
    assert (shown["status"], shown["url"]) == ("processing", None)
    attachment_processing.process(shown["id"])
    ready = gina.api.get(f"{path}/{shown['id']}").json()
    assert ready["status"] == "ready"
    assert fetch(ready["url"]).read == b"Hello" * 50_000


def test_an_infected_file_is_rejected_and_removed(clamd, gina, folder):
    shown = upload(gina, "a.txt", b"a virus").json()
    attachment_processing.process(shown["id"])
    assert Attachment.objects.get().status == "rejected"
    assert not [each for each in folder.rglob("*") if each.is_file()]


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"\0", None])
def test_without_a_verdict_a_file_waits(clamd, gina, settings, answer):
    if answer is None:
        settings.CLAMD_URL = f"tcp://127.0.0.1:{free_port()}"
    else:
        clamd.answer = answer
    shown = upload(gina, "a.txt", b"Hello").json()
    attachment_processing.process(shown["id"])
    assert Attachment.objects.get().status == "processing"
    assert attachment_processing.due(timezone.now() + timedelta(minutes=2)) == [shown["id"]]


def test_the_scanner_may_listen_on_a_socket(settings, tmp_path):
    settings.CLAMD_URL = f"unix://{tmp_path}/nobody"
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(scanner.ScannerDownError):
        scanner.is_infected(tmp_path / "file")


# --- prune ---


def prune():
    out = StringIO()
    call_command("prune", stdout=out)
    return out.getvalue()


def make_older(attachment_id, **age):
    Attachment.objects.filter(pk=attachment_id).update(created_at=timezone.now() - timedelta(**age))


def test_prune_removes_what_no_message_claimed_for_a_day(gina, folder):
    kept, old, claimed = (upload(gina).json()["id"] for _ in range(3))
    path = f"/api/chats/{gina.chat_user.chat_id}/messages"
    gina.api.post(path, {"attachment_ids": [claimed]})
    make_older(old, hours=25)
    make_older(claimed, days=400)
    prune()
    assert set(Attachment.objects.values_list("pk", flat=True)) == {kept, claimed}
    assert len([each for each in folder.rglob("*") if each.is_file()]) == 2
    assert AttachmentUsage.objects.get().size == 10


def test_prune_removes_files_without_attachments(gina, folder):
    upload(gina)
    stray, fresh = folder / "ab" / "stray", folder / "ab" / "fresh"
    stray.parent.mkdir(exist_ok=True)
    for each in (stray, fresh):
        each.write_bytes(b"x")
    day_ago = time.time() - 90_000
    os.utime(stray, (day_ago, day_ago))
    assert "1 files without attachments" in prune()
    assert (stray.exists(), fresh.exists()) == (False, True)


def test_prune_removes_what_killed_processes_left(db, settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()
    day_ago = time.time() - 90_000

    def make(name, *, old=True, folder=False):
        path = settings.UPLOAD_DIR / name
        if folder:
            path.mkdir()
            (path / "original").write_bytes(b"x")
        else:
            path.write_bytes(b"x")
        if old:
            os.utime(path, (day_ago, day_ago))
        return path

    gone = [make("tmpab12_xyz.upload.png"), make("tmpab12_xyz.upload")]
    gone.append(make("chat-attachment-ab12_xyz", folder=True))
    kept = [
        make("tmpab12_xyy.upload.png", old=False),
        make("chat-attachment-ab12_xyy", folder=True, old=False),
        make("tmpab12_xyz"),  # of another program
        make("tmpab12_xyw", folder=True),
        make("chat-attachment-file"),
    ]
    link = settings.UPLOAD_DIR / "chat-attachment-link"
    link.symlink_to(tmp_path)
    os.utime(link, (day_ago, day_ago), follow_symlinks=False)
    prune()
    assert [each.exists() for each in gone] == [False] * 3
    assert all(each.exists() for each in [*kept, link])


def test_prune_tolerates_files_that_vanish_meanwhile(db, folder, monkeypatch):
    names = stores.names

    def names_then_vanish():
        found = list(names())
        (folder / "ab" / "first").unlink()
        return iter(found)

    (folder / "ab").mkdir(parents=True)
    day_ago = time.time() - 90_000
    for name in ("first", "second"):
        stray = folder / "ab" / name
        stray.write_bytes(b"x")
        os.utime(stray, (day_ago, day_ago))
    monkeypatch.setattr(stores, "names", names_then_vanish)
    assert "1 files without attachments" in prune()
    assert not list((folder / "ab").iterdir())


def test_a_sweep_reads_rows_in_batches(gina, folder, monkeypatch):
    monkeypatch.setattr(attachments, "BATCH", 2)
    for _ in range(5):
        upload(gina)
    attachments.discard(Attachment.objects.all())
    with CaptureQueriesContext(connection) as queries:
        assert attachments.sweep() == 5
    reads = [each["sql"] for each in queries if "removed_at" in each["sql"]]
    assert [read.split()[-1] for read in reads] == ["2"] * 4
    assert not Attachment.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_a_message_is_claiming_is_not_pruned(gina, folder):
    """The message has locked the row; prune waits, and finds that it has a message."""
    shown = upload(gina).json()
    make_older(shown["id"], hours=25)
    with transaction.atomic():
        attachments.claim(gina.chat_user, [shown["id"]])
        pruning = threading.Thread(target=lambda: (prune(), connection.close()))
        pruning.start()
        wait_until_blocked()
        Attachment.objects.update(message_id=1)
    pruning.join(20)
    row = Attachment.objects.get()
    assert (row.message_id, row.removed_at) == (1, None)


def wait_until_blocked():
    """Wait until another connection waits for a lock of this one."""

    def is_blocked():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            return cursor.fetchone()[0]

    wait_for(is_blocked, 10)


def test_a_purged_chat_leaves_no_files(gina, chat, folder):
    shown = upload(gina).json()
    gina.api.post(f"/api/chats/{chat.pk}/messages", {"attachment_ids": [shown["id"]]})
    chat_actions.delete(chat)
    type(chat).objects.update(deleted_at=timezone.now() - timedelta(days=31))
    prune()
    assert not Attachment.objects.exists()
    assert not [each for each in folder.rglob("*") if each.is_file()]


@pytest.mark.parametrize("swept", [False, True])
def test_an_upload_that_was_given_up_meanwhile_leaves_no_file(
    gina, folder, swept, error_of, monkeypatch
):
    save = stores.save

    def save_late(name, content):
        attachments.discard(Attachment.objects.all())
        if swept:
            attachments.sweep()
        save(name, content)

    monkeypatch.setattr(stores, "save", save_late)
    assert error_of(upload(gina)) == "storage_down"
    attachments.sweep()
    assert not Attachment.objects.exists()
    assert not [each for each in folder.rglob("*") if each.is_file()]
    assert AttachmentUsage.objects.get().size == 0


def test_an_upload_cut_off_by_a_crash_is_removed(gina, folder):
    shown = upload(gina).json()
    Attachment.objects.update(status=Attachment.Status.UPLOADING)
    path = f"/api/chats/{gina.chat_user.chat_id}"
    answer = gina.api.post(f"{path}/messages", {"attachment_ids": [shown["id"]]})
    assert answer.json()["code"] == "attachment_unknown"
    make_older(shown["id"], hours=25)
    prune()
    assert AttachmentUsage.objects.get().size == 0
    assert not [each for each in folder.rglob("*") if each.is_file()]
