"""The admin's pages of accounts and their personal access tokens."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core import mail as django_mail
from django.utils import timezone

from accounts.actions.tokens import issue_token
from accounts.actions.users import account_for
from accounts.models import ApiToken, User
from chatapi.mail import delivery
from chatapi.models import OutgoingMail
from conftest import Client

USERS = "/admin/accounts/user/"
TOKENS = "/admin/accounts/apitoken/"


@pytest.fixture
def root(db, client):
    """A superuser's browser. Without a password: hashing one takes longer than most tests."""
    client.force_login(User.objects.create_superuser("root@chat.test"))
    return client


def staff(client, *permissions):
    user = User.objects.create_user("staff@chat.test", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def act(client, where, action, *rows):
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(where, chosen, follow=True).content.decode()


def issue(client, user, **fields):
    given = {"name": "From the admin", "days": 30, "scopes": ["read", "write"], **fields}
    return client.post(f"{USERS}{user.pk}/issue-token/", given)


# --- Issuing -----------------------------------------------------------------------------------


def test_a_new_token_is_shown_once_and_works(root, alice, caplog):
    page = issue(root, alice.user)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    text = page.content.decode()
    plain = re.search(r"cnp_[0-9A-Za-z]{38}", text)[0]
    assert text.count(plain) == 1
    assert Client(plain).get("/api/user").json()["email"] == "alice@acme.test"
    token = ApiToken.objects.latest("pk")
    assert (token.name, token.scopes) == ("From the admin", "read,write")
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)

    # Nowhere else: no other page, session, cookie, history or log has it.
    for place in (
        f"{USERS}{alice.user.pk}/change/",
        f"{USERS}{alice.user.pk}/history/",
        f"{USERS}{alice.user.pk}/issue-token/",
        f"{TOKENS}{token.pk}/change/",
        TOKENS,
        "/admin/",
    ):
        assert plain not in root.get(place).content.decode()
    assert all(plain not in str(session.get_decoded()) for session in Session.objects.all())
    assert all(plain not in morsel.value for morsel in root.cookies.values())
    assert all(plain not in str(entry.__dict__) for entry in LogEntry.objects.all())
    assert plain not in caplog.text
    assert f"Issued the token {token.hint}" in LogEntry.objects.latest("pk").change_message


def test_scopes_and_days_are_those_asked_for(root, alice):
    page = issue(root, alice.user, scopes=["read"])
    plain = re.search(r"cnp_[0-9A-Za-z]{38}", page.content.decode())[0]
    assert Client(plain).post("/api/companies", {"name": "New"}).status_code == 403


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": 4000}, {"days": "x"}, {"scopes": []}, {"scopes": ["all"]}]
)
def test_a_wrong_form_issues_nothing(root, alice, wrong):
    page = issue(root, alice.user, **wrong)
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert alice.user.api_tokens.count() == 1


def test_looking_at_the_form_issues_nothing(root, alice):
    assert root.get(f"{USERS}{alice.user.pk}/issue-token/").status_code == 200
    assert alice.user.api_tokens.count() == 1


def test_issuing_needs_its_permission(client, alice):
    staff(client, "view_user", "change_user", "view_apitoken", "change_apitoken")
    assert issue(client, alice.user).status_code == 403
    assert b"issue-token" not in client.get(f"{USERS}{alice.user.pk}/change/").content
    assert alice.user.api_tokens.count() == 1


def test_issuing_is_for_staff_alone(client, alice):
    assert issue(client, alice.user).status_code == 302
    client.force_login(alice.user)
    assert issue(client, alice.user).status_code == 302
    assert alice.user.api_tokens.count() == 1


def test_issuing_for_nobody(root):
    assert root.get(f"{USERS}999/issue-token/").status_code == 302


# --- Revoking ----------------------------------------------------------------------------------


def test_revoke_ends_a_token(root, alice):
    token = alice.user.api_tokens.get()
    assert "1 personal access token revoked." in act(root, TOKENS, "revoke", token)
    assert alice.api.get("/api/user").status_code == 401
    assert "Nothing to do for 1" in act(root, TOKENS, "revoke", token)
    assert LogEntry.objects.get().change_message == "Revoked."


def test_the_page_of_a_token_has_a_button_that_comes_back_to_it(root, alice):
    token = alice.user.api_tokens.get()
    here = f"{TOKENS}{token.pk}/change/"
    assert 'value="revoke"' in root.get(here).content.decode()
    chosen = {"action": "revoke", "_selected_action": token.pk, "_page": token.pk}
    assert root.post(TOKENS, chosen)["Location"] == here
    page = root.get(here).content.decode()
    assert 'value="revoke"' not in page
    assert "revoked" in page


def test_revoke_all_tokens_of_a_person(root, alice, charlie):
    issue_token(alice.user)
    assert "1 user had all tokens revoked." in act(root, USERS, "revoke_tokens", alice.user)
    assert not ApiToken.objects.live(timezone.now()).filter(user=alice.user).exists()
    assert charlie.api.get("/api/user").status_code == 200


def test_revoking_needs_its_permission(client, alice):
    staff(client, "view_user", "change_user", "view_apitoken")
    act(client, TOKENS, "revoke", alice.user.api_tokens.get())
    act(client, USERS, "revoke_tokens", alice.user)
    assert alice.api.get("/api/user").status_code == 200


def test_a_token_can_not_be_added_or_changed(root, alice):
    token = alice.user.api_tokens.get()
    assert root.get(f"{TOKENS}add/").status_code == 403
    changed = root.post(f"{TOKENS}{token.pk}/change/", {"name": "Mine", "scopes": "read"})
    assert changed.status_code == 403
    token.refresh_from_db()
    assert token.name == ""


def test_the_states_of_tokens(root, alice, charlie):
    now = timezone.now()
    live = alice.user.api_tokens.get()
    expired, _ = issue_token(alice.user, "expired")
    revoked, _ = issue_token(alice.user, "revoked", scopes=["read"])
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=now)
    ApiToken.objects.filter(pk=revoked.pk).update(revoked_at=now)
    User.objects.filter(pk=charlie.user.pk).update(is_active=False)

    def listed(**query):
        return list(root.get(TOKENS, query).context["cl"].result_list)

    assert listed(state="live") == [live]
    assert listed(state="expired") == [expired]
    assert listed(state="revoked") == [revoked]
    assert listed(scope="read only") == [revoked]
    assert listed(q="charlie@") == [charlie.user.api_tokens.get()]
    assert listed(q=live.hint) == [live]
    assert "account deactivated" in root.get(TOKENS, {"q": "charlie@"}).content.decode()
    shown = root.get(f"{USERS}{alice.user.pk}/change/").content.decode()
    for hint in (live.hint, expired.hint, revoked.hint):
        assert hint in shown


# --- Users -------------------------------------------------------------------------------------


def test_a_person_is_added_by_the_address_alone(root):
    added = root.post(
        f"{USERS}add/", {"email": " New@Chat.Test ", "usable_password": "false"}, follow=True
    )
    user = User.objects.get(email="new@chat.test")
    assert added.redirect_chain[-1][0] == f"{USERS}{user.pk}/change/"
    assert not user.has_usable_password()


def test_a_person_is_added_with_a_password(root, client):
    fields = {"email": "new@chat.test", "usable_password": "true"}
    weak = {"password1": "password", "password2": "password"}
    assert "too common" in root.post(f"{USERS}add/", fields | weak).content.decode()
    good = {"password1": "a-long-enough-one", "password2": "a-long-enough-one"}
    assert root.post(f"{USERS}add/", fields | good).status_code == 302
    assert User.objects.get(email="new@chat.test").check_password("a-long-enough-one")


def test_an_address_is_taken_in_any_spelling(root, alice):
    taken = root.post(f"{USERS}add/", {"email": "ALICE@acme.test", "usable_password": "false"})
    assert "already exists" in taken.content.decode()


def test_a_person_is_changed(root, alice):
    here = f"{USERS}{alice.user.pk}/change/"
    form = root.get(here).context["adminform"].form
    fields = {name: form[name].value() for name in ("email", "first_name", "last_name")}
    inline = {"api_tokens-TOTAL_FORMS": 0, "api_tokens-INITIAL_FORMS": 0}
    saved = root.post(here, fields | inline | {"first_name": "Alicia"})  # is_active unticked
    assert saved.status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.first_name == "Alicia"
    assert alice.api.get("/api/user").status_code == 401


def test_the_password_form(root, alice):
    here = f"{USERS}{alice.user.pk}/password/"
    assert root.get(here).status_code == 200
    pair = {"password1": "a-long-enough-one", "password2": "a-long-enough-one"}
    assert root.post(here, pair).status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.check_password("a-long-enough-one")
    (told,) = OutgoingMail.objects.all()
    assert (told.kind, told.to) == ("password_changed", alice.user.email)


def test_staff_can_not_raise_themselves_or_take_over_a_colleague(client, alice):
    boss = User.objects.create_superuser("boss@chat.test")
    staff(client, "view_user", "change_user", "add_user")
    me = User.objects.get(email="staff@chat.test")
    root_password = f"{USERS}{boss.pk}/password/"
    assert client.get(root_password).status_code == 403
    assert client.post(f"{USERS}{boss.pk}/change/", {"email": "me@evil.test"}).status_code == 403
    client.post(
        f"{USERS}{me.pk}/change/",
        {"email": me.email, "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    client.post(
        f"{USERS}{alice.user.pk}/change/",
        {"email": alice.user.email, "is_active": "on", "is_superuser": "on", "is_staff": "on"},
    )
    me.refresh_from_db()
    alice.user.refresh_from_db()
    assert not me.is_superuser
    assert not alice.user.is_superuser
    assert not alice.user.is_staff


# --- Cost --------------------------------------------------------------------------------------


def add_people(count):
    start = User.objects.count()
    for number in range(start, start + count):
        issue_token(account_for(f"person{number}@chat.test"))


@pytest.mark.parametrize("where", [USERS, TOKENS])
def test_a_list_costs_the_same_however_long(root, where, django_assert_num_queries):
    add_people(3)
    # 1 session, 2 account, 3 count, 4 rows (with the user, or the number of tokens), 5-6 dates.
    with django_assert_num_queries(6):
        root.get(where)
    add_people(57)
    with django_assert_num_queries(6):
        assert root.get(where).context["cl"].result_count >= 60


# --- Colleagues --------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [{"is_superuser": True}, {"is_staff": True}])
def test_staff_issue_no_token_of_a_colleague(client, db, rank):
    """It would be the way to the colleague's rights, as their password would."""
    boss = User.objects.create_user("boss@chat.test", **rank)
    staff(client, "view_user", "add_apitoken", "change_user")
    here = f"{USERS}{boss.pk}/"
    assert client.get(f"{here}issue-token/").status_code == 403
    assert issue(client, boss).status_code == 403
    assert b"issue-token" not in client.get(f"{here}change/").content
    assert not ApiToken.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_staff_issue_tokens_of_others_and_of_their_own(client, alice):
    staff(client, "view_user", "add_apitoken")
    for user in (alice.user, User.objects.get(email="staff@chat.test")):
        assert b"cnp_" in issue(client, user).content
        assert b"issue-token" in client.get(f"{USERS}{user.pk}/change/").content


def test_staff_turn_off_no_second_factor_of_a_colleague(client, alice):
    boss = User.objects.create_superuser("boss@chat.test")
    staff(client, "view_user", "change_user")
    for user in (boss, alice.user):
        TOTP.activate(user, generate_totp_secret())
    offer = b'value="turn_off_two_factor"'
    assert offer not in client.get(f"{USERS}{boss.pk}/change/").content
    assert offer in client.get(f"{USERS}{alice.user.pk}/change/").content
    act(client, USERS, "turn_off_two_factor", boss, alice.user)
    assert list(Authenticator.objects.values_list("user", flat=True)) == [boss.pk]


def test_the_person_is_told_of_a_token_that_staff_issued(root, alice):
    issue(root, alice.user)
    row = OutgoingMail.objects.get()
    assert (row.kind, row.to) == ("token_issued", "alice@acme.test")
    assert delivery.deliver(row.pk)
    text = django_mail.outbox[-1].body
    token = ApiToken.objects.latest("pk")
    assert token.hint in text
    assert "From the admin" in text
    assert "http://testserver/account/tokens" in text
    assert not re.search(r"cnp_\w{10}", text)


def test_a_person_who_makes_a_token_is_told_of_none(alice):
    issue_token(alice.user)
    assert not OutgoingMail.objects.exists()


def test_a_token_that_is_revoked_meanwhile_is_not_told_of(root, alice):
    issue(root, alice.user)
    ApiToken.objects.update(revoked_at=timezone.now())
    assert not delivery.deliver(OutgoingMail.objects.get().pk)
