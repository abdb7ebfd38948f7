"""Mail, first by itself, then by real workers with real faults."""

import os
import shutil
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from chatapi.mail import console, delivery, letters, tasks
from chatapi.models import OutgoingMail
from chatapi.tests.installation import Installation, Redis, wait_for
from chats.actions import auth_codes, chat_users
from chats.models import AuthCode


@pytest.fixture
def code(chat):
    chat_users.join_as_guest(chat, email="ida@guest.test", first_name="Ida", last_name="New")
    return AuthCode.objects.get()


class TestDelivery:
    def test_once_however_often_it_is_asked_for(self, code):
        row = OutgoingMail.objects.get()
        assert delivery.deliver(row.pk) is True
        assert delivery.deliver(row.pk) is False
        assert len(django_mail.outbox) == 1
        assert delivery.due(timezone.now()) == []

    def test_a_code_that_was_used_is_not_mailed(self, code, chat):
        auth_codes.exchange(chat.pk, "ida@guest.test", auth_codes.digits(code))
        assert delivery.deliver(OutgoingMail.objects.get().pk) is False
        assert OutgoingMail.objects.get().dropped_at is not None
        assert django_mail.outbox == []

    def test_a_refusal_waits_and_is_tried_again_with_the_same_code(self, code, monkeypatch):
        row = OutgoingMail.objects.get()
        with monkeypatch.context() as patched:
            patched.setattr(
                "django.core.mail.EmailMultiAlternatives.send",
                lambda self: (_ for _ in ()).throw(OSError("refused")),
            )
            assert delivery.deliver(row.pk) is False
        row.refresh_from_db()
        assert (row.attempts, row.last_error) == (1, "refused")
        assert delivery.due(timezone.now()) == []
        later = timezone.now() + timedelta(seconds=11)
        assert delivery.due(later) == [row.pk]
        OutgoingMail.objects.update(leased_until=timezone.now())
        assert delivery.deliver(row.pk) is True
        assert auth_codes.digits(code) in django_mail.outbox[0].subject

    def test_a_codes_minutes_run_from_when_its_mail_went_out(self, code):
        AuthCode.objects.update(expires_at=timezone.now() - timedelta(hours=1))
        delivery.deliver(OutgoingMail.objects.get().pk)
        code.refresh_from_db()
        assert code.expires_at > timezone.now() + timedelta(minutes=9)

    def test_after_hours_it_is_given_up(self, code):
        OutgoingMail.objects.update(created_at=timezone.now() - timedelta(hours=7))
        delivery.deliver(OutgoingMail.objects.get().pk)
        assert django_mail.outbox == []

    def test_a_broker_that_is_down_fails_no_request(
        self, chat, monkeypatch, django_capture_on_commit_callbacks
    ):
        def down(*args, **kwargs):
            raise ConnectionError("no broker")

        monkeypatch.setattr("chatapi.mail.tasks.deliver_mail.apply_async", down)
        monkeypatch.setattr(tasks, "_down_until", 0.0)
        with django_capture_on_commit_callbacks(execute=True) as told:
            chat_users.join_as_guest(
                chat, email="ida@guest.test", first_name="Ida", last_name="New"
            )
        assert told
        assert len(delivery.due(timezone.now())) == 1

    def test_a_broker_that_is_down_is_not_asked_by_each_request(self, code, monkeypatch):
        asked = []

        def down(*args, **kwargs):
            asked.append(args)
            raise ConnectionError("no broker")

        monkeypatch.setattr("chatapi.mail.tasks.deliver_mail.apply_async", down)
        monkeypatch.setattr(tasks, "_down_until", 0.0)
        for _ in range(5):
            tasks.enqueue(1)
        assert len(asked) == 1

    def test_a_mail_that_can_not_be_written_is_given_up_too(self, code, monkeypatch):
        def broken(about):
            raise ValueError("a key is lost")

        monkeypatch.setitem(letters.KINDS, "auth_code", letters.MailKind(broken))
        row = OutgoingMail.objects.get()
        assert delivery.deliver(row.pk) is False
        row.refresh_from_db()
        assert (row.attempts, row.last_error) == (1, "a key is lost")
        OutgoingMail.objects.update(
            created_at=timezone.now() - timedelta(hours=7), leased_until=timezone.now()
        )
        delivery.deliver(row.pk)
        row.refresh_from_db()
        assert row.dropped_at is not None

    def test_in_the_terminal_it_reads_like_a_mail(self, code):
        stream = StringIO()
        letter = EmailMultiAlternatives("123456 is your code", "Hello\n", to=["a@b.co"])
        letter.attach_alternative("<p>Hello</p>", "text/html")
        console.EmailBackend(stream=stream).send_messages([letter])
        shown = stream.getvalue()
        assert "To: a@b.co\nSubject: 123456 is your code\n\nHello\n" in shown
        assert "<p>" not in shown

    def test_a_name_can_not_break_out_of_a_mail(self, acme, chat):
        acme.name = "Acme\r\nBcc: victim@example.com <b>"
        acme.save()
        chat_users.join_as_guest(chat, email="i@guest.test", first_name="<script>", last_name="x")
        delivery.deliver(OutgoingMail.objects.get().pk)
        (letter,) = django_mail.outbox
        assert letter.recipients() == ["i@guest.test"]
        assert "\n" not in letter.subject
        html = letter.alternatives[0][0]
        assert "<script>" not in html
        assert "<b>" not in html


@pytest.fixture
def installation(tmp_path):
    installation = Installation(tmp_path)
    yield installation
    installation.close()


def join(installation, made, number=1):
    return installation.call(
        "POST",
        f"/api/chats/{made['Chat id']}/users",
        {
            "password": made["Chat password"],
            "email": f"ida{number}@guest.test",
            "first_name": "Ida",
            "last_name": "New",
        },
    )


def get_token(installation, made, code, number=1):
    return installation.call(
        "POST",
        f"/api/chats/{made['Chat id']}/users/get-token",
        {"email": f"ida{number}@guest.test", "auth-code": code},
    )


class TestRealWorker:
    def test_a_worker_killed_in_the_middle_of_a_mail(self, installation):
        """kill -9 while the SMTP server keeps the worker waiting: the same code goes out later."""
        made = installation.demo()
        mailbox = installation.mailbox
        mailbox.stalls = 1
        installation.start("web", "worker", "beat")
        assert join(installation, made).status == 201
        wait_for(lambda: mailbox.tried)
        installation.kill("worker")
        assert mailbox.taken == []
        installation.start("worker")
        code = mailbox.code()
        assert code.encode() in mailbox.tried[0]
        assert get_token(installation, made, code).status == 200

    def test_an_smtp_server_that_refuses_twice(self, installation):
        made = installation.demo()
        installation.mailbox.refusals = 1
        installation.start("web", "worker", "beat")
        assert join(installation, made).status == 201
        code = installation.mailbox.code()
        assert all(code.encode() in tried for tried in installation.mailbox.tried)
        assert len(installation.mailbox.tried) == 2
        assert get_token(installation, made, code).status == 200

    def test_no_worker_and_no_beat_for_a_while(self, installation):
        made = installation.demo()
        installation.start("web")
        assert join(installation, made).status == 201
        time.sleep(1)
        assert installation.mailbox.tried == []
        installation.start("worker", "beat")
        assert get_token(installation, made, installation.mailbox.code()).status == 200
        assert len(installation.mailbox.taken) == 1


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server to start its own")
@pytest.mark.parametrize("at_work", [False, True])
def test_a_broker_that_is_down_and_comes_back(tmp_path, at_work):
    """It goes while the worker waits, or in the middle of a task that it must give out again."""
    redis = Redis(tmp_path)
    installation = Installation(tmp_path, CELERY_BROKER_URL=redis.url)
    mailbox = installation.mailbox
    try:
        made = installation.demo()
        installation.start("web", "worker", "beat")
        mailbox.stalls = int(at_work)
        assert join(installation, made, 1).status == 201
        wait_for(lambda: len(mailbox.tried) == 1)
        if not at_work:
            mailbox.code(1)
        redis.kill()
        began = time.monotonic()
        assert join(installation, made, 2).status == 201
        assert time.monotonic() - began < 5
        redis.start()
        to_second = wait_for(lambda: [mail for mail in mailbox.taken if "ida2@" in mail["To"]])
        assert get_token(installation, made, to_second[0]["Subject"][:6], 2).status == 200
        assert installation.processes["worker"].poll() is None
    finally:
        installation.close()
        redis.kill()


def rabbitmq_answers() -> bool:
    import amqp

    try:
        with amqp.Connection("127.0.0.1:5672", connect_timeout=2):
            return True
    except OSError:
        return False


@pytest.mark.skipif(
    not os.environ.get("TEST_DATABASE_URL") or not rabbitmq_answers(),
    reason="needs RabbitMQ on 127.0.0.1:5672",
)
def test_rabbitmq_by_setting_alone(tmp_path):
    installation = Installation(tmp_path, CELERY_BROKER_URL="amqp://guest:guest@127.0.0.1:5672//")
    try:
        made = installation.demo()
        installation.start("web", "worker")  # without beat: it is the task that sends
        assert join(installation, made).status == 201
        assert get_token(installation, made, installation.mailbox.code()).status == 200
    finally:
        installation.close()
