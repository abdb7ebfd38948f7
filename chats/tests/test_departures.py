"""Who was taken out with their membership does not come back by what they know."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from accounts.actions.tokens import issue_token
from chatapi.api.errors import ApiError
from chatapi.limits.rate import Rate
from chats import tasks
from chats.actions import auth_codes, chat_users, chats, departures
from chats.models import AuthCode, ChatUser, ChatUserToken, Departure, Event
from companies.actions.members import add_member, end_membership
from companies.models import Membership, Role
from conftest import PASSWORD, Client

BOB = "bob@acme.test"


@pytest.fixture(autouse=True)
def no_pauses(settings):
    """One address is tried several times in a minute here."""
    names = ("CODE_MAIL_PAUSE", "CODE_MAIL", "MAIL", "JOIN", "CODE_TRY")
    settings.LIMITS = settings.LIMITS | dict.fromkeys(names, Rate.parse("999/s"))


def dismiss(acme, bob, **options):
    membership = Membership.objects.live().get(company=acme, user=bob.user)
    end_membership(membership, Role.OWNER, leaves=False, **options)


def switch_off(acme, bob):
    bob.user.is_active = False
    bob.user.save()


def join(chat, email=BOB, password=PASSWORD):
    body = {"email": email, "password": password, "first_name": "B", "last_name": "Guest"}
    return Client().post(f"/api/chats/{chat.pk}/users", body)


def get_token(chat, code, email=BOB):
    body = {"email": email, "auth-code": code}
    return Client().post(f"/api/chats/{chat.pk}/users/get-token", body)


def mailed(chat, email=BOB):
    """A code that was made for an address, as when it was mailed before."""
    return auth_codes.digits(auth_codes.mail_code(ChatUser.objects.get(chat=chat, email=email)))


def refused(answer, error_of):
    assert (answer.status_code, error_of(answer)) == (403, "banned")
    return True


OUT = pytest.mark.parametrize(
    "out",
    [dismiss, switch_off, lambda acme, bob: leave(acme, bob)],
    ids=["dismissed", "switched off", "left"],
)


def leave(acme, bob):
    answer = bob.api.delete(f"/api/companies/{acme.pk}/users/{bob.user.pk}")
    assert answer.status_code == 200


# --- Joins and codes ---


@OUT
@pytest.mark.parametrize("swept", [True, False])
def test_an_agent_of_the_chat(acme, chat, bob, agent_bob, error_of, out, swept):
    out(acme, bob)
    if swept:
        assert chat_users.remove_ended_agents() == 1
        tasks.finish_departures()
    assert refused(join(chat), error_of)
    assert not AuthCode.objects.filter(chat_user=agent_bob.chat_user).exists()
    answer = get_token(chat, mailed(chat))
    assert (answer.status_code, error_of(answer)) == (422, "invalid_auth_code")


@OUT
def test_a_chat_that_they_had_not_joined(acme, chat, bob, error_of, out):
    out(acme, bob)
    assert refused(join(chat), error_of)
    assert refused(join(chat, " Bob@ACME.test"), error_of)
    assert not ChatUser.objects.filter(chat=chat).exists()


@OUT
@pytest.mark.parametrize("verifies", [True, False])
def test_a_chat_that_they_had_joined_as_a_guest_before(acme, chat, bob, error_of, out, verifies):
    """With their own address, in time; the access must not outlive the membership."""
    acme.verify_first_join = verifies
    acme.save()
    token = join(chat).json().get("token") or get_token(chat, mailed(chat)).json()["token"]
    assert Client(token).get("/api/chat-user").json()["role"] == "guest"
    out(acme, bob)
    tasks.finish_departures()
    if out is not switch_off:  # there it is the account's business, and staff's
        assert Client(token).get("/api/chat-user").status_code == 401
        assert Event.objects.filter(chat=chat).latest("seq").type == "user.removed"
    assert refused(join(chat), error_of)
    assert get_token(chat, mailed(chat)).status_code == 422


def test_a_code_that_was_mailed_before(acme, chat, bob, agent_bob, error_of):
    assert join(chat).status_code == 202
    code = auth_codes.digits(AuthCode.objects.filter(chat_user=agent_bob.chat_user).latest("pk"))
    dismiss(acme, bob)
    assert get_token(chat, code).status_code == 422
    assert not ChatUserToken.objects.filter(chat=chat).live(timezone.now()).exists()


def test_an_account_with_another_address_by_now(acme, chat, bob, agent_bob, error_of):
    dismiss(acme, bob)
    bob.user.email = "bob@elsewhere.test"
    bob.user.save()
    assert refused(join(chat), error_of)
    assert refused(join(chat, "bob@elsewhere.test"), error_of)


def test_an_account_that_was_deleted(acme, chat, bob, agent_bob, error_of):
    dismiss(acme, bob)
    Membership.objects.filter(company=acme, user=bob.user).delete()
    assert refused(join(chat), error_of)
    assert get_token(chat, mailed(chat)).status_code == 422


def test_others_and_members_come_in(acme, chat, bob, mary, charlie, error_of):
    dismiss(acme, bob)
    for email in ("ida@guest.test", charlie.user.email, mary.user.email):
        assert join(chat, email).status_code == 201, email
        assert get_token(chat, mailed(chat, email), email).status_code == 200


def test_another_companys_chats_are_none_of_its_business(acme, bob, charlie):
    other = chats.create(Membership.objects.get(user=charlie.user).company, password=PASSWORD)
    dismiss(acme, bob)
    assert join(other).status_code == 201


# --- The ways back ---


def test_an_invitation_to_the_company(acme, chat, bob, agent_bob):
    dismiss(acme, bob)
    add_member(acme, BOB, Role.AGENT)
    assert bob.api.post(f"/api/chats/{chat.pk}/users").status_code == 201
    assert get_token(chat, mailed(chat)).status_code == 200


@pytest.mark.parametrize("swept", [True, False])
def test_an_invitation_to_the_chat(acme, chat, other_chat, bob, agent_bob, mary, error_of, swept):
    dismiss(acme, bob)
    if swept:
        chat_users.remove_ended_agents()
    path = f"/api/chats/{chat.pk}/users"
    assert mary.api.post(path, {"email": BOB}).status_code == 202
    tasks.finish_departures()
    chat_users.remove_ended_agents()
    assert agent_bob.api.get("/api/chat-user").status_code == 401
    assert join(chat).status_code == 202
    answer = get_token(chat, mailed(chat))
    assert answer.json()["chat_user"]["role"] == "guest"
    guest = Client(answer.json()["token"])
    assert guest.get("/api/chat-user").json()["assurance"] == "email_verified"
    assert refused(join(other_chat), error_of)  # to which nobody has invited them
    guest.delete(f"{path}/{answer.json()['chat_user']['id']}")
    assert join(chat).status_code == 202
    assert get_token(chat, mailed(chat)).status_code == 200


def test_an_invitation_of_before_does_not_count(acme, chat, bob, mary, error_of):
    mary.api.post(f"/api/chats/{chat.pk}/users", {"email": BOB})
    dismiss(acme, bob)
    assert refused(join(chat), error_of)
    assert get_token(chat, mailed(chat)).status_code == 422


def test_nor_does_one_after_another_dismissal(acme, chat, bob, mary, agent_bob, error_of):
    dismiss(acme, bob)
    mary.api.post(f"/api/chats/{chat.pk}/users", {"email": BOB})
    assert join(chat).status_code == 202
    add_member(acme, BOB, Role.AGENT)
    dismiss(acme, bob)
    assert refused(join(chat), error_of)


def test_nobody_invites_one_who_is_switched_off(acme, chat, bob, mary, error_of):
    switch_off(acme, bob)
    assert refused(mary.api.post(f"/api/chats/{chat.pk}/users", {"email": BOB}), error_of)


def test_a_chat_of_their_own_as_a_customer(acme, chat, bob, error_of):
    """They may talk with the company as everybody may, in a chat that begins after their time."""
    dismiss(acme, bob)
    body = {"email": BOB, "first_name": "Bob", "last_name": "Guest"}
    started = Client().post(f"/api/companies/{acme.slug}/start-chat", body)
    assert started.status_code == 201
    own = started.json()["chat"]["id"]
    newest = AuthCode.objects.filter(chat=own).latest("pk")
    path = f"/api/chats/{own}/users/get-token"
    code = auth_codes.digits(newest)
    token = Client().post(path, {"email": BOB, "auth-code": code}).json()["token"]
    assert Client(token).get(f"/api/chats/{chat.pk}").status_code == 403


# --- Bans ---


@pytest.mark.parametrize("out", [dismiss, switch_off])
def test_a_ban_takes_a_former_agent(acme, chat, bob, agent_bob, mary, error_of, out):
    path = f"/api/chats/{chat.pk}/users/{agent_bob.chat_user.pk}"
    assert mary.api.put(path, {"status": "banned"}).status_code == 422  # who is a member still
    out(acme, bob)
    for _ in range(2):
        answer = mary.api.put(path, {"status": "banned"})
        assert (answer.status_code, answer.json()["status"]) == (200, "banned")
    invited = mary.api.post(f"/api/chats/{chat.pk}/users", {"email": BOB})
    assert refused(invited, error_of)
    # The ban lifted, it is still for a member to invite them.
    assert mary.api.put(path, {"status": "removed"}).json()["status"] == "removed"
    assert refused(join(chat), error_of)


def test_a_ban_of_one_who_was_taken_out(acme, chat, bob, agent_bob, mary, admin_client):
    dismiss(acme, bob)
    chat_users.remove_ended_agents()
    page = f"/admin/chats/chatuser/{agent_bob.chat_user.pk}/change/"
    assert 'value="ban"' in admin_client.get(page).content.decode()
    body = {"action": "ban", "_selected_action": [agent_bob.chat_user.pk]}
    admin_client.post("/admin/chats/chatuser/", body)
    agent_bob.chat_user.refresh_from_db()
    assert agent_bob.chat_user.status == "banned"


# --- New passwords ---


def passwords(acme):
    return {chat.pk: chats.password_of(chat) for chat in acme.chats.order_by("pk")}


@pytest.fixture
def five_chats(acme, chat, other_chat):
    made = [chats.create(acme, password=PASSWORD) for _ in range(3)]
    chats.update(made[0].pk, {"status": "closed"})
    chats.delete(made[1])
    return [chat, other_chat, *made]


WAYS = {
    "query": lambda acme, bob, mary, staff: mary.api.delete(
        f"/api/companies/{acme.pk}/users/{bob.user.pk}?rotate_passwords=true"
    ),
    "body": lambda acme, bob, mary, staff: mary.api.delete(
        f"/api/companies/{acme.pk}/users/{bob.user.pk}", {"rotate_passwords": True}
    ),
    "page": lambda acme, bob, mary, staff: by_page(acme, bob, mary),
    "admin": lambda acme, bob, mary, staff: staff.post(
        "/admin/companies/membership/",
        {
            "action": "end_and_rotate",
            "_selected_action": [Membership.objects.get(company=acme, user=bob.user).pk],
        },
    ),
}


def by_page(acme, bob, mary):
    browser = Browser()
    browser.force_login(mary.user)
    path = f"/companies/{acme.slug}/members/{bob.user.pk}/remove"
    assert 'name="rotate_passwords"' in browser.get(path).content.decode()
    return browser.post(path, {"rotate_passwords": "on"})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("batch", [2, 200])
def test_the_chats_get_new_ones(
    acme, bob, mary, gina, five_chats, admin_client, way, batch, monkeypatch
):
    monkeypatch.setattr(departures, "BATCH", batch)
    before = passwords(acme)
    assert WAYS[way](acme, bob, mary, admin_client).status_code in {200, 302}
    later = chats.create(acme, password=PASSWORD)
    while departures.process_batch():
        pass
    after = passwords(acme)
    deleted = five_chats[3].pk
    assert {pk for pk in before if before[pk] != after[pk]} == set(before) - {deleted}
    assert len({*after.values()}) == len(after) - 1  # the deleted one's and the later one's
    assert after[later.pk] == PASSWORD
    assert gina.api.get("/api/chat-user").status_code == 200
    assert not Departure.objects.filter(done_at=None).exists()
    assert not departures.process_batch()
    assert passwords(acme) == after


@pytest.mark.parametrize("way", ["api", "page"])
def test_only_if_asked_for(acme, bob, mary, five_chats, way):
    before = passwords(acme)
    if way == "api":
        path = f"/api/companies/{acme.pk}/users/{bob.user.pk}"
        assert mary.api.delete(path, {"rotate_passwords": False}).status_code == 200
    else:
        browser = Browser()
        browser.force_login(mary.user)
        browser.post(f"/companies/{acme.slug}/members/{bob.user.pk}/remove")
    tasks.finish_departures()
    assert passwords(acme) == before


def test_an_agent_who_leaves_renews_none(acme, bob, five_chats, error_of):
    path = f"/api/companies/{acme.pk}/users/{bob.user.pk}"
    answer = bob.api.delete(path, {"rotate_passwords": True})
    assert (answer.status_code, error_of(answer)) == (403, "permission_denied")
    assert bob.api.get(path).status_code == 200
    assert bob.api.delete(f"{path}?rotate_passwords=maybe").status_code == 422


def test_a_worker_that_dies_between_two_chats(acme, bob, five_chats, monkeypatch):
    dismiss(acme, bob, rotate_passwords=True)
    rotate, done = chats.rotate_password, []

    def dies(chat_id):
        if len(done) == 2:
            raise SystemExit
        done.append(chat_id)
        return rotate(chat_id)

    monkeypatch.setattr(departures.chats, "rotate_password", dies)
    with pytest.raises(SystemExit):
        departures.process_batch()
    between = passwords(acme)
    monkeypatch.setattr(departures.chats, "rotate_password", rotate)
    while departures.process_batch():
        pass
    after = passwords(acme)
    assert all(after[pk] == between[pk] for pk in done)
    assert PASSWORD not in {after[each.pk] for each in five_chats if each != five_chats[3]}


def test_a_broker_that_is_down_loses_nothing(
    acme, bob, five_chats, monkeypatch, django_capture_on_commit_callbacks
):
    def down():
        raise OSError("no broker")

    monkeypatch.setattr(tasks.finish_departures, "delay", down)
    with django_capture_on_commit_callbacks(execute=True):
        dismiss(acme, bob, rotate_passwords=True)
    tasks.finish_departures()  # as beat has it done
    assert passwords(acme)[five_chats[0].pk] != PASSWORD


# --- Who is switched off gets no token ---


def test_no_personal_access_token(bob, capsys):
    bob.user.is_active = False
    bob.user.save()
    with pytest.raises(ValidationError):
        issue_token(bob.user)
    with pytest.raises(CommandError, match="deactivated"):
        call_command("issue_token", BOB)
    assert capsys.readouterr().out == ""


def test_nor_one_by_the_admin(bob, admin_client):
    bob.user.is_active = False
    bob.user.save()
    path = f"/admin/accounts/user/{bob.user.pk}/issue-token/"
    answer = admin_client.post(path, {"days": 1, "scopes": ["read"]})
    assert "This account is deactivated." in answer.content.decode()
    assert "cnp_" not in answer.content.decode()
    assert bob.user.api_tokens.count() == 1


def test_nor_one_of_an_agent(acme, chat, bob):
    """The request had been let in when the account was switched off."""
    switch_off(acme, bob)
    with pytest.raises(ApiError) as error:
        chat_users.join_as_agent(chat.pk, bob.user)
    assert error.value.status_code == 404
    assert not ChatUserToken.objects.exists()


def test_time_is_no_way_around(acme, chat, bob, error_of):
    """However long ago it was."""
    dismiss(acme, bob)
    long_ago = timezone.now() - timedelta(days=1000)
    type(chat).objects.filter(pk=chat.pk).update(created_at=long_ago - timedelta(days=1))
    Membership.objects.filter(user=bob.user).update(ended_at=long_ago)
    assert refused(join(chat), error_of)
