"""POST /api/chats/{id}/users"""

import pytest
from django.core import mail as django_mail
from django.utils import timezone

from chatapi.limits.rate import Rate
from chatapi.mail.delivery import deliver, due
from chats.actions import chat_users
from chats.models import Chat, ChatUser, Event
from companies.actions.members import add_member
from companies.models import Role
from conftest import PASSWORD, Client

IDA = {"first_name": "Ida", "last_name": "New", "email": "Ida@Guest.test", "password": PASSWORD}


def join(chat_id, **changes):
    return Client().post(f"/api/chats/{chat_id}/users", IDA | changes)


def send_mails():
    """What the worker does: send all that waits; returns the mails."""
    django_mail.outbox = []
    for mail_id in due(timezone.now()):
        deliver(mail_id)
    return django_mail.outbox


def test_a_guest_joins_by_the_password_and_gets_a_code(chat, newest_code):
    answer = join(chat.pk)
    assert answer.status_code == 201
    body = answer.json()
    assert body["email"] == "ida@guest.test"
    assert body["assurance"] == "claimed"
    assert body["code_mailed"] is True
    assert "token" not in body
    (letter,) = send_mails()
    code = newest_code("ida@guest.test")
    assert letter.to == ["ida@guest.test"]
    assert code in letter.subject
    assert code in letter.body
    ((html, kind),) = letter.alternatives
    assert kind == "text/html"
    assert code in html
    assert 'name="viewport"' in html


@pytest.mark.parametrize(
    ("accepted", "said"),
    [("de-AT,en;q=0.5", "ist Ihr Code"), ("fi", "is your code"), ("", "is your code")],
)
def test_the_mail_is_in_the_language_of_who_asked(chat, accepted, said):
    Client().post(f"/api/chats/{chat.pk}/users", IDA, HTTP_ACCEPT_LANGUAGE=accepted)
    (letter,) = send_mails()
    assert said in letter.subject
    assert ("Sie können diese E-Mail ignorieren" in letter.body) is ("Ihr" in said)
    # The next request of the same thread is in nobody's language.
    assert join(chat.pk, password="wrong").json()["message"].isascii()


def test_a_first_join_needs_no_code_where_the_company_says_so(acme, chat):
    acme.verify_first_join = False
    acme.save()
    first = join(chat.pk).json()
    assert first["code_mailed"] is False
    assert Client(first["token"]).get("/api/chat-user").json()["assurance"] == "claimed"
    assert send_mails() == []
    assert join(chat.pk).status_code == 202
    assert len(send_mails()) == 1


def test_an_address_that_is_there_is_202_and_gets_a_code(chat, gina):
    answer = join(chat.pk, email="gina@guest.test", first_name="Mallory")
    assert answer.status_code == 202
    # Nothing of who is there is told to who has not proved to be it.
    body = answer.json()
    assert body.pop("attempt_key")
    assert body == {"chat_id": chat.pk, "email": "gina@guest.test", "code_mailed": True}
    assert len(send_mails()) == 1
    assert ChatUser.objects.filter(chat=chat).count() == 1


def test_a_wrong_password_and_an_unknown_chat_look_the_same(chat, error_of):
    answers = [join(chat.pk, password="wrong-one"), join(987654, password="wrong-one")]
    for name in ("none", "0", "-1", "99999999999999999999"):
        answers.append(join(name, password="wrong-one"))
    for answer in answers:
        assert answer.status_code == 422
        assert error_of(answer) == "wrong_password"
        body = answer.json()
        del body["request_id"]
        assert body == {
            "message": "This password is wrong.",
            "code": "wrong_password",
            "errors": {"password": ["This password is wrong."]},
        }


def test_a_deleted_chat_answers_like_an_unknown_one(chat, alice):
    alice.api.delete(f"/api/chats/{chat.pk}")
    assert join(chat.pk).json()["code"] == "wrong_password"


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no-address"), ("email", ""), ("first_name", ""), ("last_name", "x" * 101)],
)
def test_what_is_wrong_is_said_by_field(chat, field, value):
    answer = join(chat.pk, **{field: value})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


def test_a_banned_guest_stays_out(chat, gina, error_of):
    chat_users.ban(gina.chat_user)
    answer = join(chat.pk, email="gina@guest.test")
    assert answer.status_code == 403
    assert error_of(answer) == "banned"
    assert send_mails() == []


def test_only_one_code_mail_a_minute(chat):
    join(chat.pk)
    answer = join(chat.pk)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60


def test_who_used_the_code_may_ask_for_the_next_at_once(chat, gina):
    chat_users.leave(gina.chat_user)
    assert join(chat.pk, email="gina@guest.test").status_code == 202


def test_wrong_passwords_run_out_and_right_ones_do_not_count(chat, settings):
    from chatapi.limits.rate import Rate

    settings.LIMITS = {**settings.LIMITS, "PASSWORD": Rate.parse("3/h"), "JOIN": Rate.parse("99/s")}
    for number in range(4):
        assert join(chat.pk, email=f"guest{number}@guest.test").status_code == 201
    for _ in range(3):
        assert join(chat.pk, password="wrong-one").status_code == 422
    assert join(chat.pk, password="wrong-one").status_code == 429
    assert join(chat.pk, email="late@guest.test").status_code == 429


def test_a_join_with_the_same_idempotency_key_is_one_join(chat, acme):
    acme.verify_first_join = False
    acme.save()
    path = f"/api/chats/{chat.pk}/users"
    first = Client().post(path, IDA, headers={"Idempotency-Key": "join-1"})
    again = Client().post(path, IDA, headers={"Idempotency-Key": "join-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    other = Client().post(path, IDA | {"last_name": "X"}, headers={"Idempotency-Key": "join-1"})
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_conflict"


def test_a_member_joins_as_agent_and_gets_a_token(chat, bob):
    answer = bob.api.post(f"/api/chats/{chat.pk}/users")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["role"], body["assurance"]) == ("agent", "member")
    me = Client(body["token"])
    sent = me.post(f"/api/chats/{chat.pk}/messages", {"text": "How can I help?"})
    assert sent.json()["assurance"] == "member"
    assert bob.api.post(f"/api/chats/{chat.pk}/users").json()["id"] == body["id"]
    kinds = Event.objects.filter(chat=chat).order_by("seq").values_list("type", flat=True)
    assert list(kinds) == ["chat.created", "user.joined", "message.created"]


def test_an_agents_token_dies_with_the_membership(acme, chat, alice, bob, agent_bob):
    gone = alice.api.delete(f"/api/companies/{acme.pk}/users/{bob.user.pk}")
    assert gone.status_code == 200
    assert agent_bob.api.get("/api/chat-user").status_code == 401
    assert chat_users.remove_ended_agents() == 1
    agent_bob.chat_user.refresh_from_db()
    assert agent_bob.chat_user.status == "removed"
    assert Event.objects.filter(chat=chat).latest("seq").type == "user.removed"


def test_who_was_an_agent_is_invited_back_as_a_guest(
    acme, chat, alice, bob, agent_bob, newest_code, settings
):
    settings.LIMITS = settings.LIMITS | {"CODE_MAIL_PAUSE": Rate.parse("999/s")}
    alice.api.delete(f"/api/companies/{acme.pk}/users/{bob.user.pk}")
    chat_users.remove_ended_agents()
    assert join(chat.pk, email="bob@acme.test").status_code == 403
    alice.api.post(f"/api/chats/{chat.pk}/users", {"email": "bob@acme.test"})
    assert join(chat.pk, email="bob@acme.test").status_code == 202
    answer = Client().post(
        f"/api/chats/{chat.pk}/users/get-token",
        {"email": "bob@acme.test", "auth-code": newest_code("bob@acme.test")},
    )
    assert answer.status_code == 200
    assert answer.json()["chat_user"]["role"] == "guest"


def test_a_member_again_who_joins_by_the_password_is_a_guest(
    acme, chat, alice, bob, agent_bob, newest_code
):
    """The chat user's membership has ended; only joining as agent gives them the new one."""
    alice.api.delete(f"/api/companies/{acme.pk}/users/{bob.user.pk}")
    chat_users.remove_ended_agents()
    add_member(acme, "bob@acme.test", Role.AGENT)
    assert join(chat.pk, email="bob@acme.test").status_code == 202
    answer = Client().post(
        f"/api/chats/{chat.pk}/users/get-token",
        {"email": "bob@acme.test", "auth-code": newest_code("bob@acme.test")},
    )
    assert answer.json()["chat_user"]["role"] == "guest"
    assert answer.json()["chat_user"]["assurance"] == "email_verified"


def test_who_was_invited_by_address_alone_says_a_name(chat, bob):
    invited = bob.api.post(f"/api/chats/{chat.pk}/users", {"email": "ida@guest.test"}).json()
    assert join(chat.pk).status_code == 202
    found = bob.api.get(f"/api/chats/{chat.pk}/users/{invited['id']}").json()
    assert (found["first_name"], found["last_name"]) == ("Ida", "New")
    join(chat.pk, first_name="Eve")  # a name that is known is nobody's to replace
    found = bob.api.get(f"/api/chats/{chat.pk}/users/{invited['id']}").json()
    assert found["first_name"] == "Ida"


def test_a_member_invites_by_mail(chat, bob, newest_code):
    send_mails()  # the one that made bob an agent
    path = f"/api/chats/{chat.pk}/users"
    answer = bob.api.post(path, {"email": "ida@guest.test", "first_name": "Ida"})
    assert answer.status_code == 201
    assert answer.json()["status"] == "invited"
    (letter,) = send_mails()
    assert f"http://testserver/chats/{chat.pk}#{PASSWORD}" in letter.body
    again = {"email": "ida@guest.test"}
    assert bob.api.post(path, again).status_code == 202
    assert join(chat.pk).status_code == 202  # an invitation is not the minute's code mail
    got = Client().post(
        f"{path}/get-token",
        {"email": "ida@guest.test", "auth-code": newest_code("ida@guest.test")},
    )
    assert got.json()["chat_user"]["status"] == "active"


def test_who_only_claimed_an_address_does_not_become_its_agent(acme, chat, bob):
    acme.verify_first_join = False
    acme.save()
    mallory = Client(join(chat.pk, email="bob@acme.test").json()["token"])
    assert mallory.get("/api/chat-user").status_code == 200
    assert bob.api.post(f"/api/chats/{chat.pk}/users").status_code == 201
    assert mallory.get("/api/chat-user").status_code == 401


def test_nor_the_one_who_proves_it(acme, chat, newest_code):
    acme.verify_first_join = False
    acme.save()
    mallory = Client(join(chat.pk).json()["token"])
    join(chat.pk)
    proved = Client().post(
        f"/api/chats/{chat.pk}/users/get-token",
        {"email": "ida@guest.test", "auth-code": newest_code("ida@guest.test")},
    )
    assert Client(proved.json()["token"]).get("/api/chat-user").status_code == 200
    assert mallory.get("/api/chat-user").status_code == 401


def test_an_account_that_is_shut_is_out_of_its_chats(chat, bob, agent_bob):
    bob.user.is_active = False
    bob.user.save()
    assert agent_bob.api.get("/api/chat-user").status_code == 401
    assert chat_users.remove_ended_agents() == 1


def test_a_membership_that_ends_on_the_way_is_404(acme, chat, bob):
    from chatapi.api.errors import ApiError
    from companies.models import Membership

    Membership.objects.filter(user=bob.user).update(ended_at=timezone.now())
    with pytest.raises(ApiError) as refused:
        chat_users.join_as_agent(chat.pk, bob.user)
    assert refused.value.status_code == 404


def test_a_chat_has_one_spelling(chat):
    for name in (f"0{chat.pk}", f"+{chat.pk}", f" {chat.pk}", f"{chat.pk}%00"):
        assert join(name).json()["code"] == "wrong_password"


def test_an_invitation_is_replayed_like_any_other(chat, bob):
    key = {"Idempotency-Key": "i"}
    path, body = f"/api/chats/{chat.pk}/users", {"email": "ida@guest.test"}
    first = bob.api.post(path, body, headers=key)
    again = bob.api.post(path, body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"


def test_who_was_removed_gets_no_invitation_any_more(chat, bob):
    send_mails()
    bob.api.post(f"/api/chats/{chat.pk}/users", {"email": "ida@guest.test"})
    chat_users.remove(ChatUser.objects.get(chat=chat, email="ida@guest.test"))
    assert send_mails() == []


def test_a_strangers_key_is_not_anothers(chat):
    path, key = f"/api/chats/{chat.pk}/users", {"Idempotency-Key": "fixed"}
    assert Client().post(path, IDA, headers=key).status_code == 201
    other = IDA | {"email": "jan@guest.test"}
    assert Client().post(path, other, headers=key).status_code == 201


def test_a_name_that_looks_like_a_link_is_in_no_mail(chat):
    join(chat.pk, first_name="win at https://evil.example")
    (letter,) = send_mails()
    assert "evil" not in letter.body + letter.alternatives[0][0]


def test_an_agent_with_a_long_address_and_no_name(acme, chat):
    from accounts.actions.tokens import issue_token
    from accounts.actions.users import account_for
    from companies.actions.members import add_member
    from companies.models import Role

    email = f"{'x' * 200}@acme.test"
    add_member(acme, email, Role.AGENT)
    _, token = issue_token(account_for(email))
    assert Client(token).post(f"/api/chats/{chat.pk}/users").json()["first_name"] == "x" * 100


def test_an_invitation_without_an_address_makes_no_agent(chat, bob):
    answer = bob.api.post(f"/api/chats/{chat.pk}/users", {"first_name": "Ida"})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["email"]
    assert not ChatUser.objects.exists()


def test_a_password_that_no_key_fits_is_a_wrong_one_and_told_to_the_operator(chat, caplog):
    chat.sealed_password = "gone"
    chat.save()
    assert join(chat.pk).json()["code"] == "wrong_password"
    assert "CHAT_PASSWORD_KEYS" in caplog.text


def test_a_token_says_how_long_it_lives(acme, chat, bob):
    acme.verify_first_join = False
    acme.save()
    for joined in (join(chat.pk), bob.api.post(f"/api/chats/{chat.pk}/users")):
        assert joined.json()["expires_at"] > joined.json()["created_at"]


def test_people_with_one_name_join(acme, chat, newest_code):
    person = {"first_name": "Suharto", "last_name": "", "email": "s@guest.test"}
    joined = Client().post(f"/api/chats/{chat.pk}/users", {"password": PASSWORD, **person})
    assert joined.status_code == 201
    assert joined.json()["last_name"] == ""
    person["email"] = "other@guest.test"
    started = Client().post(f"/api/companies/{acme.pk}/start-chat", person)
    assert started.status_code == 201, started.json()
    assert Chat.objects.latest("pk").name == "Suharto"
