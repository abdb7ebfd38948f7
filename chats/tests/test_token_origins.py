"""What was got by a personal access token has its scopes, its life and its end."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from accounts.actions.tokens import issue_token, revoke_all_tokens, revoke_token
from accounts.actions.users import end_all_access
from accounts.models import ApiToken
from chats.actions import auth_codes, chat_users
from chats.models import AuthCode, ChatUserToken
from chats.stream import admission
from chats.tests.live import logged
from chats.tests.test_races import at_once
from conftest import Client


def join(api, chat):
    answer = api.post(f"/api/chats/{chat.pk}/users")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def reads(token, chat):
    return Client(token).get(f"/api/chats/{chat.pk}/messages").status_code


def says(token, chat):
    path = f"/api/chats/{chat.pk}/messages"
    return Client(token).post(path, {"text": "Hello"}).status_code


@pytest.fixture
def thief(bob):
    """A token of bob's for one day that may only write."""
    token, plain = issue_token(bob.user, "stolen", 1, ["write"])
    return token, Client(plain)


# --- Scopes ---


def test_a_token_that_may_not_read_yields_none_that_may(chat, thief, error_of):
    agent = join(thief[1], chat)["token"]
    assert says(agent, chat) == 201
    for path in (
        "/api/chat-user",
        "/api/chats",
        f"/api/chats/{chat.pk}",
        f"/api/chats/{chat.pk}/messages",
        f"/api/chats/{chat.pk}/events",
        f"/api/chats/{chat.pk}/users",
    ):
        answer = Client(agent).get(path)
        assert (answer.status_code, error_of(answer)) == (403, "scope_missing"), path
    assert admission.admit([admission.AdmissionRequest(agent, chat.pk, 1)]) == {}


def test_nor_the_password_by_which_one_can(chat, thief, bob, error_of):
    agent = join(thief[1], chat)["token"]
    for api in (thief[1], Client(agent)):
        answer = api.post(f"/api/chats/{chat.pk}/share", {})
        assert (answer.status_code, error_of(answer)) == (403, "scope_missing")
    assert bob.api.post(f"/api/chats/{chat.pk}/share", {}).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nor_what_the_answer_to_a_write_shows(acme, alice, bob, chat, gina, method, error_of):
    """An empty change is a read: it answers with the message, the chat or the person."""
    said = gina.api.post(f"/api/chats/{chat.pk}/messages", {"text": "for readers"}).json()
    writes = Client(issue_token(alice.user, "stolen", 1, ["write"])[1])
    agent = Client(join(writes, chat)["token"])
    users = f"/api/chats/{chat.pk}/users"
    for api, path in (
        (agent, f"/api/chats/{chat.pk}/messages/{said['id']}"),
        (writes, f"/api/chats/{chat.pk}"),
        (writes, f"{users}/{gina.chat_user.pk}"),
        (writes, f"/api/companies/{acme.pk}"),
        (writes, f"/api/companies/{acme.pk}/users/{bob.user.pk}"),
    ):
        answer = getattr(api, method)(path, {})
        assert (answer.status_code, error_of(answer)) == (403, "scope_missing"), path


def test_nor_a_password_of_its_choice(chat, alice, error_of):
    writes = Client(issue_token(alice.user, "stolen", 1, ["write"])[1])
    answer = writes.put(f"/api/chats/{chat.pk}", {"password": "known-to-the-thief"})
    assert (answer.status_code, error_of(answer)) == (403, "scope_missing")


def test_a_replay_gives_no_scope_that_the_caller_lacks(chat, bob, thief):
    key, path = {"Idempotency-Key": "k"}, f"/api/chats/{chat.pk}/users"
    first = bob.api.post(path, {}, headers=key)
    again = bob.api.post(path, {}, headers=key)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    other = thief[1].post(path, {}, headers=key)
    assert other.status_code == 201
    assert other.json()["token"] != first.json()["token"]
    assert reads(other.json()["token"], chat) == 403


def test_a_replay_after_a_revocation_revives_nothing(chat, bob):
    token, plain = issue_token(bob.user)
    key, path = {"Idempotency-Key": "k"}, f"/api/chats/{chat.pk}/users"
    agent = Client(plain).post(path, {}, headers=key).json()["token"]
    revoke_token(token)
    assert Client(plain).post(path, {}, headers=key).status_code == 401
    assert bob.api.post(path, {}, headers=key).json()["token"] != agent
    assert reads(agent, chat) == 401


# --- Life ---


def test_it_expires_no_later(chat, bob, thief):
    token, _ = thief
    got = ChatUserToken.objects.get(pk=pk_of(join(thief[1], chat)["token"], chat))
    assert got.expires_at == token.expires_at
    long_lived = ChatUserToken.objects.get(pk=pk_of(join(bob.api, chat)["token"], chat))
    days = long_lived.expires_at - timezone.now()
    assert timedelta(days=29) < days < timedelta(days=31)


def pk_of(plain, chat):
    from chatapi.api import tokens

    return ChatUserToken.objects.get(chat=chat, digest=tokens.digest(plain)).pk


# --- The end ---


def by_page(bob, token):
    browser = Browser()
    browser.force_login(bob.user)
    assert browser.post(f"/account/tokens/{token.pk}/revoke").status_code == 302


def by_admin(bob, token):
    from accounts.models import User

    staff = User.objects.create_superuser("staff@chat.test", "x")
    browser = Browser()
    browser.force_login(staff)
    body = {"action": "revoke", "_selected_action": [token.pk]}
    assert browser.post("/admin/accounts/apitoken/", body).status_code == 302


def all_by_admin(bob, token):
    from accounts.models import User

    staff = User.objects.create_superuser("staff@chat.test", "x")
    browser = Browser()
    browser.force_login(staff)
    body = {"action": "revoke_tokens", "_selected_action": [bob.user.pk]}
    assert browser.post("/admin/accounts/user/", body).status_code == 302


def switched_off(bob, token):
    bob.user.is_active = False
    bob.user.save()


ENDS = {
    "action": lambda bob, token: revoke_token(token),
    "command": lambda bob, token: call_command("revoke_token", str(token.pk)),
    "page": by_page,
    "admin": by_admin,
    "all": lambda bob, token: revoke_all_tokens(bob.user),
    "all by the admin": all_by_admin,
    "everything": lambda bob, token: end_all_access(bob.user),
    "switched off": switched_off,
    "deleted": lambda bob, token: token.delete(),
}


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_with_its_origin(chat, other_chat, bob, how):
    token, plain = issue_token(bob.user, "program")
    agents = [(join(Client(plain), each)["token"], each) for each in (chat, other_chat)]
    others = join(bob.api, chat)["token"]
    assert [reads(agent, each) for agent, each in agents] == [200, 200]
    ENDS[how](bob, token)
    for agent, each in agents:
        assert (reads(agent, each), says(agent, each)) == (401, 401)
    everything = how in {"all", "all by the admin", "everything", "switched off"}
    assert reads(others, chat) == (401 if everything else 200)


def test_ending_everything_ends_what_has_no_origin(chat, bob, gina):
    """As tokens of before had none, and those that an agent gets by a code have none."""
    old = chat_users.join_as_agent(chat.pk, bob.user).token
    chat_users.join_as_guest(chat, email=bob.user.email, first_name="Bob", last_name="Test")
    code = AuthCode.objects.filter(chat=chat, chat_user__user=bob.user).latest("pk")
    by_code = auth_codes.exchange(chat.pk, bob.user.email, auth_codes.digits(code))[1]
    revoke_token(ApiToken.objects.filter(user=bob.user).first())
    assert [reads(token, chat) for token in (old, by_code)] == [200, 200]
    assert revoke_all_tokens(bob.user) == 0
    assert [reads(token, chat) for token in (old, by_code, gina.token)] == [401, 401, 200]


def test_it_can_be_got_anew(chat, bob):
    agent = join(bob.api, chat)["token"]
    revoke_all_tokens(bob.user)
    plain = issue_token(bob.user)[1]
    again = join(Client(plain), chat)["token"]
    assert (reads(agent, chat), reads(again, chat)) == (401, 200)


# --- Browsers ---


@pytest.fixture
def browser(bob):
    client = Browser()
    client.force_login(bob.user)
    return client


def test_a_browsers_next_token_takes_over(chat, browser):
    page = Client(browser.post("/account/browser-token").json()["token"])
    agent = join(page, chat)["token"]
    browser.post("/account/browser-token")
    assert says(agent, chat) == 201
    newest = ApiToken.objects.filter(name="Browser").latest("pk")
    assert ChatUserToken.objects.get(origin=newest).expires_at == newest.expires_at
    browser.post("/accounts/logout/")
    assert says(agent, chat) == 401


def test_what_has_expired_is_not_revived_by_it(chat, browser):
    page = Client(browser.post("/account/browser-token").json()["token"])
    agent = join(page, chat)["token"]
    past = timezone.now() - timedelta(minutes=1)
    ChatUserToken.objects.filter(origin__name="Browser").update(expires_at=past)
    browser.post("/account/browser-token")
    assert says(agent, chat) == 401


def test_a_log_out_leaves_another_browser_alone(chat, bob, browser):
    other = Browser()
    other.force_login(bob.user)
    agents = [
        join(Client(each.post("/account/browser-token").json()["token"]), chat)["token"]
        for each in (browser, other)
    ]
    browser.post("/accounts/logout/")
    assert [says(agent, chat) for agent in agents] == [401, 201]


def test_what_a_browser_got_before_there_were_origins(chat, bob, browser):
    old = chat_users.join_as_agent(chat.pk, bob.user).token
    ChatUserToken.objects.filter(pk=pk_of(old, chat)).update(by_browser=True)
    browser.post("/account/browser-token")
    assert says(old, chat) == 201
    browser.post("/accounts/logout/")
    assert says(old, chat) == 401


# --- Who sees it ---


def test_the_owner_sees_what_hangs_on_a_token(chat, other_chat, bob, browser, capsys, admin_client):
    for each in (chat, other_chat, other_chat):
        join(bob.api, each)
    token = ApiToken.objects.get(user=bob.user)
    ChatUserToken.objects.filter(chat=chat).update(revoked_at=timezone.now())
    page = browser.get("/account/tokens").content.decode()
    assert "2 chat-user tokens were issued with it and will be revoked with it." in page
    call_command("list_tokens", bob.user.email)
    head, row = capsys.readouterr().out.splitlines()
    assert row[head.index("chats") :].split()[0] == "2"
    assert (
        ">2<" in admin_client.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    )
    assert 'field-chats">2<' in admin_client.get("/admin/accounts/apitoken/").content.decode()
    agent = ChatUserToken.objects.filter(chat=other_chat).first().chat_user_id
    shown = admin_client.get(f"/admin/chats/chatuser/{agent}/change/").content.decode()
    assert token.hint in shown


def test_a_look_up_costs_what_it_did(chat, bob, django_assert_num_queries):
    agent = join(bob.api, chat)["token"]
    with django_assert_num_queries(2):
        assert reads(agent, chat) == 200


# --- At the same time ---


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["action", "all", "everything"])
def test_a_join_while_its_token_is_revoked_leaves_nothing(chat, other_chat, bob, how):
    for _ in range(6):
        token, plain = issue_token(bob.user)
        calls = [
            lambda each=each, plain=plain: Client(plain).post(f"/api/chats/{each.pk}/users")
            for each in (chat, other_chat) * 3
        ]
        calls.insert(3, lambda token=token: ENDS[how](bob, token))
        answers = [answer for answer in at_once(*calls) if hasattr(answer, "status_code")]
        assert {answer.status_code for answer in answers} <= {201, 401}
        left = ChatUserToken.objects.filter(origin=token).live(timezone.now())
        assert not left.exists()
        for answer in answers:
            if answer.status_code == 201:
                got = answer.json()
                assert Client(got["token"]).get("/api/chat-user").status_code == 401


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_join_that_has_begun_is_waited_for(chat, bob, monkeypatch):
    """The token is revoked between its check and the join's commit."""
    import threading

    token, plain = issue_token(bob.user)
    joining, revoked = threading.Event(), threading.Event()
    issue = chat_users.tokens.issue

    def slowly(*args, **kwargs):
        joining.set()
        assert not revoked.wait(0.5)  # it waits for the join
        return issue(*args, **kwargs)

    monkeypatch.setattr(chat_users.tokens, "issue", slowly)

    def revoke():
        joining.wait(10)
        revoke_token(token)
        revoked.set()

    answer, _ = at_once(lambda: Client(plain).post(f"/api/chats/{chat.pk}/users"), revoke)
    assert answer.status_code == 201
    assert reads(answer.json()["token"], chat) == 401


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_browsers_joins_and_renewals_do_not_block_each_other(chat, other_chat, bob, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = settings.LIMITS | {"BROWSER_TOKEN": Rate.parse("999/s")}
    browser = Browser()
    browser.force_login(bob.user)
    plain = browser.post("/account/browser-token").json()["token"]
    key = browser.cookies["sessionid"].value

    def renew():
        client = Browser()
        client.cookies["sessionid"] = key
        return client.post("/account/browser-token")

    answers = at_once(
        *[
            lambda each=each: Client(plain).post(f"/api/chats/{each.pk}/users")
            for each in (chat, other_chat) * 3
        ],
        renew,
        renew,
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 401}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM accounts_apitoken WHERE name = 'Browser' AND revoked_at IS NULL"
        )
        assert cursor.fetchone() == (1,)


# --- On open streams ---


@pytest.mark.parametrize("how", ["command", "everything"])
def test_open_streams_say_bye(live, how):
    chat, email = live.chat(), f"{how}@acme.test"
    token = live.account(email)
    live.installation.manage("add_member", str(live.acme), email)
    agent = live.ask("POST", f"/api/chats/{chat}/users", {}, token)["token"]
    with live.stream(chat, agent) as stream:
        logged(stream)
        if how == "command":
            live.installation.manage("revoke_token", token)
        else:
            live.installation.manage(
                "shell",
                "--no-imports",
                "-c",
                "from accounts.models import User;"
                "from accounts.actions.users import end_all_access;"
                f"end_all_access(User.objects.get(email='{email}'))",
            )
        began = time.monotonic()
        assert stream.until_end(10)[-1].type == "bye"
        assert time.monotonic() - began < 5
    with live.stream(chat, agent) as stream:
        assert stream.status == 401


def test_a_stream_of_one_that_may_not_read(live):
    chat = live.chat()
    write = live.installation.manage("issue_token", "alice@acme.test", "--scopes", "write").strip()
    agent = live.ask("POST", f"/api/chats/{chat}/users", {}, write)["token"]
    with live.stream(chat, agent) as stream:
        assert (stream.status, stream.body["code"]) == (403, "scope_missing")
    poll = live.installation.call("GET", f"/api/chats/{chat}/events?wait=5", token=agent)
    assert (poll.status, poll.body["code"]) == (403, "scope_missing")
