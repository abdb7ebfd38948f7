"""The admin as a whole: every page answers, none shows a secret, and outgoing mails."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, User
from chatapi.admin.base import CappedPaginator
from chatapi.limits.rate import Rate
from chatapi.mail import delivery
from chatapi.models import OutgoingMail
from chats.actions import messages
from chats.models import AuthCode, Chat, ChatUserToken, Message
from conftest import PASSWORD

MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label != "auth"),
    key=lambda model: model._meta.label,
)
HOSTILE = ["", "a", "1", "0", "-1", "9" * 30, "acme", "' OR 1=1", "%", '"', "é"]


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def root(db, client):
    """A superuser's browser. Without a password: hashing one takes longer than most tests."""
    client.force_login(User.objects.create_superuser("root@chat.test"))
    return client


@pytest.fixture
def world(alice, mary, charlie, gina, hugo, agent_bob):
    """Something of everything that staff can look at."""
    first, _ = messages.send(gina.chat_user, "Hello <script>alert(1)</script>\nsecond line")
    second, _ = messages.send(agent_bob.chat_user, "Good morning", "a-key-of-bob", b"h" * 32)
    messages.edit(gina.chat_user, first["id"], "Hello again <b>there</b>")
    messages.delete(gina.chat_user.chat_id, second["id"], None)
    alice.user.password = PBKDF2PasswordHasher().encode("a-password", "a-salt", iterations=1)
    alice.user.save()
    return [alice, mary, charlie, gina, hugo, agent_bob]


def secrets(world):
    """What must stand in no page, in the forms in which it could."""
    found = [PASSWORD, "a-key-of-bob", *(each.token for each in world)]
    found += User.objects.exclude(password__startswith="!").values_list("password", flat=True)
    found += [each.rpartition("$")[2][:8] for each in found if each.startswith("pbkdf2")]
    found += Chat.objects.values_list("sealed_password", flat=True)
    binary = [
        *ApiToken.objects.values_list("digest", flat=True),
        *ChatUserToken.objects.values_list("digest", flat=True),
        *AuthCode.objects.values_list("nonce", flat=True),
    ]
    for value in map(bytes, binary):
        found += [value.hex(), repr(value)[2:-1]]
    return found


def pages(client, model):
    """Every page of a model: its list by each filter, search and column, and each row's."""
    changelist = url(model, "changelist")
    first = client.get(changelist)
    cl = first.context["cl"]
    yield changelist, first
    queries = {"all": "", "p": "2", "nonsense": "1"}
    addresses = [f"?{urlencode({name: value})}" for name, value in queries.items()]
    addresses += [f"?{urlencode({'q': value})}" for value in HOSTILE if cl.search_fields]
    addresses += [f"?o={column}" for column in range(1, len(cl.list_display))]
    for spec in cl.filter_specs:
        choices = list(spec.choices(cl))
        addresses += [choice["query_string"] for choice in choices if "query_string" in choice]
        if spec.template != "admin/filter.html":
            addresses += [f"?{urlencode({spec.parameter_name: value})}" for value in HOSTILE]
    assert cl.date_hierarchy, model
    day = timezone.now()
    addresses.append(
        f"?{cl.date_hierarchy}__year={day.year}&{cl.date_hierarchy}__month={day.month}"
    )
    for address in addresses:
        yield changelist + address, client.get(changelist + address, follow=True)
    for row in model._default_manager.all():
        for page in ("change", "history"):
            yield url(model, page, row.pk), client.get(url(model, page, row.pk))
    if first.context["has_add_permission"]:
        yield url(model, "add"), client.get(url(model, "add"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_answers_and_shows_no_secret(root, world, model):
    hidden = secrets(world)
    assert model._default_manager.exists()
    for address, response in pages(root, model):
        assert response.status_code == 200, address
        text = response.content.decode()
        for secret in hidden:
            assert secret not in text, address
        # Nothing inline: a strict content security policy can be put before the admin.
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\s(style|on[a-z]+)=\"", text), address


def test_the_index_and_the_name_of_the_site(root):
    text = root.get("/admin/").content.decode()
    assert text.count("Chat administration") >= 2
    assert "Auth codes" not in text
    assert "Idempotency" not in text


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_only_staff_get_in_and_only_with_the_permission(client, world, model):
    row = model._default_manager.first()
    places = [url(model, "changelist"), url(model, "change", row.pk)]
    for place in places:
        assert client.get(place).headers["Location"].startswith("/admin/login/?next=")
    client.force_login(world[0].user)  # an owner of a company is no staff
    for place in places:
        assert client.get(place).status_code == 302
    client.force_login(User.objects.create_user("staff@chat.test", is_staff=True))
    for place in places:
        assert client.get(place).status_code == 403
        assert client.post(place, {}).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_who_may_only_look_has_no_action(client, world, model):
    viewer = User.objects.create_user("viewer@chat.test", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    changelist = client.get(url(model, "changelist"))
    assert changelist.status_code == 200
    assert changelist.context["action_form"] is None
    page = client.get(url(model, "change", model._default_manager.first().pk))
    assert page.status_code == 200
    assert page.context["page_actions"] == []
    assert b'name="_save"' not in page.content


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nothing_is_deleted_for_good(root, world, model):
    row = model._default_manager.first()
    assert root.get(url(model, "delete", row.pk)).status_code == 403
    assert root.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    root.post(url(model, "changelist"), chosen)
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (User, "password__startswith"),
        (ApiToken, "digest__startswith"),
        (Chat, "sealed_password__startswith"),
        (Message, "idempotency_key__startswith"),
    ],
)
def test_a_secret_can_not_be_guessed_by_a_query(root, world, model, lookup):
    assert root.get(url(model, "changelist"), {lookup: "a"}).status_code == 400


def test_a_form_from_elsewhere_is_refused(acme):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root@chat.test"))
    chosen = {"action": "delete_softly", "_selected_action": acme.pk}
    assert client.post("/admin/companies/company/", chosen).status_code == 403


def test_a_count_has_a_bound(root, monkeypatch):
    monkeypatch.setattr(CappedPaginator, "CAP", 5)
    OutgoingMail.objects.bulk_create(
        OutgoingMail(kind="auth_code", about=n, to="a@b.test") for n in range(7)
    )
    response = root.get("/admin/chatapi/outgoingmail/")
    assert response.context["cl"].result_count == 5
    assert "The first 5 are listed" in response.content.decode()


# --- Mails -----------------------------------------------------------------------------------


@pytest.fixture
def handed_over(monkeypatch):
    ids = []
    monkeypatch.setattr("chatapi.mail.outbox.enqueue", ids.append)
    return ids


def send_again(client, *mails):
    chosen = {"action": "send_again_now", "_selected_action": [each.pk for each in mails]}
    return client.post("/admin/chatapi/outgoingmail/", chosen, follow=True).content.decode()


def test_send_again_takes_up_what_waits_and_what_was_given_up(
    root, gina, handed_over, django_capture_on_commit_callbacks
):
    now = timezone.now()
    code = AuthCode.objects.get(chat_user=gina.chat_user)
    code.used_at = None
    code.save()
    about = {"kind": "auth_code", "about": code.pk, "to": "gina@guest.test"}
    later = now + timedelta(minutes=5)
    waiting = OutgoingMail.objects.create(**about, leased_until=later, attempts=3)
    dropped = OutgoingMail.objects.create(
        **about, created_at=now - timedelta(days=1), leased_until=now, dropped_at=now
    )
    sent = OutgoingMail.objects.create(**about, leased_until=now, sent_at=now)
    with django_capture_on_commit_callbacks(execute=True):
        text = send_again(root, waiting, dropped, sent)
    assert "2 outgoing mails handed over" in text
    assert "Nothing to do for 1 outgoing mail." in text
    assert sorted(handed_over) == [waiting.pk, dropped.pk]
    assert delivery.deliver(waiting.pk)
    assert delivery.deliver(dropped.pk)
    assert not delivery.deliver(sent.pk)


def test_the_state_of_a_mail(root):
    now = timezone.now()
    for state, fields in {
        "waiting": {},
        "sent": {"sent_at": now},
        "dropped": {"dropped_at": now},
    }.items():
        OutgoingMail.objects.create(kind="auth_code", about=1, to=f"{state}@b.test", **fields)
    for state in ("waiting", "sent", "dropped"):
        rows = root.get("/admin/chatapi/outgoingmail/", {"state": state}).context["cl"]
        assert [row.to for row in rows.result_list] == [f"{state}@b.test"]
        assert rows.model_admin.state(rows.result_list[0]) == state


def test_the_list_of_mails_costs_the_same_however_long(root, django_assert_num_queries):
    def add(count):
        OutgoingMail.objects.bulk_create(
            OutgoingMail(kind="auth_code", about=n, to=f"{n}@b.test") for n in range(count)
        )

    add(3)
    root.get("/admin/chatapi/outgoingmail/")  # fills the caches of the process
    # 1 session, 2 account, 3 count, 4 rows, 5-6 date hierarchy.
    with django_assert_num_queries(6):
        root.get("/admin/chatapi/outgoingmail/")
    add(57)
    with django_assert_num_queries(6):
        root.get("/admin/chatapi/outgoingmail/")


def test_guessing_a_password_has_a_limit(client, db, settings):
    settings.LIMITS = settings.LIMITS | {"LOGIN": Rate.parse("10/h")}
    User.objects.create_superuser("boss@chat.test", "right-password-7")
    form = {"username": "boss@chat.test", "password": "wrong"}

    def log_in(password):
        return client.post("/admin/login/?next=/admin/", form | {"password": password})

    assert all(log_in("right-password-7").status_code == 302 for _ in range(12))
    client.logout()
    for _ in range(10):
        assert b"Please enter the correct" in log_in("wrong").content
    assert b"Too many attempts" in log_in("wrong").content
    assert b"Too many attempts" in log_in("right-password-7").content
