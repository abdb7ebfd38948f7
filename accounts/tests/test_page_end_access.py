"""POST /account/end-access: one press ends everything but this session."""

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client

from accounts.actions import browser_tokens
from accounts.actions.tokens import issue_token
from accounts.models import ApiToken

PATH = "/account/end-access"


def logged_in(person):
    client = Client()
    client.force_login(person.user)
    return client


def works(token, anonymous):
    answer = anonymous.get("/api/user", HTTP_AUTHORIZATION=f"Bearer {token}")
    return answer.status_code == 200


def test_all_tokens_and_other_sessions_end(alice, anonymous):
    mine, thief = logged_in(alice), logged_in(alice)
    stolen = issue_token(alice.user, "stolen")[1]
    of_browsers = [each.post("/account/browser-token").json()["token"] for each in (mine, thief)]
    answer = mine.post(PATH, follow=True)
    assert (
        "All tokens were revoked, and you were logged out everywhere else."
        in answer.content.decode()
    )
    assert not any(works(t, anonymous) for t in (alice.token, stolen, *of_browsers))
    assert thief.get("/account").status_code == 302
    assert thief.post("/account/browser-token").status_code == 401
    assert mine.get("/account").status_code == 200
    assert works(mine.post("/account/browser-token").json()["token"], anonymous)


def test_again_and_again(alice):
    mine = logged_in(alice)
    for _ in range(3):
        other = logged_in(alice)
        alice.user.refresh_from_db()
        assert mine.post(PATH).status_code == 302
        assert mine.get("/account").status_code == 200
        assert other.get("/account").status_code == 302
        alice.user.refresh_from_db()


def test_others_are_left_alone(alice, charlie, anonymous):
    theirs = logged_in(charlie)
    logged_in(alice).post(PATH)
    assert theirs.get("/account").status_code == 200
    assert works(charlie.token, anonymous)


def test_no_session_changes_until_it_is_pressed(alice):
    """An account that never pressed it has the hash that Django gives."""
    from django.contrib.auth.base_user import AbstractBaseUser

    assert alice.user.get_session_auth_hash() == AbstractBaseUser._get_session_auth_hash(alice.user)
    before = alice.user.get_session_auth_hash()
    alice.user.session_generation = 1
    assert alice.user.get_session_auth_hash() != before


def test_the_password_is_not_asked_for(alice):
    alice.user.set_password("correct horse battery")
    alice.user.save()
    assert logged_in(alice).post(PATH)["Location"] == "/account"


def test_forms_from_elsewhere_and_strangers_are_refused(alice, anonymous):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    assert client.post(PATH).status_code == 403
    assert Client().post(PATH)["Location"].startswith("/accounts/login/")
    assert logged_in(alice).get(PATH).status_code == 405
    assert works(alice.token, anonymous)


def test_the_button_is_on_the_page(alice):
    assert f'action="{PATH}"' in logged_in(alice).get("/account").content.decode()


def test_a_session_that_was_ended_in_this_moment_gets_no_token(alice):
    """Its request had begun before."""
    thief = logged_in(alice)
    session = thief.session
    logged_in(alice).post(PATH)
    before = ApiToken.objects.count()
    with pytest.raises(UpdateError):
        browser_tokens.renew(alice.user, session)
    assert ApiToken.objects.count() == before


@pytest.mark.parametrize("how", ["password", "switched off"])
def test_nor_one_whose_account_changed(alice, how):
    thief = logged_in(alice)
    session = thief.session
    if how == "password":
        alice.user.set_password("correct horse battery")
    else:
        alice.user.is_active = False
    alice.user.save()
    with pytest.raises(UpdateError):
        browser_tokens.renew(alice.user, session)


def test_nor_by_the_page_of_tokens(alice, monkeypatch):
    thief = logged_in(alice)

    def pressed_meanwhile(*args, **kwargs):
        from accounts.actions.users import end_all_access

        end_all_access(alice.user)

    monkeypatch.setattr("accounts.website.tokens.charge", pressed_meanwhile)
    answer = thief.post("/account/tokens", {"name": "mine", "scopes": ["read"], "days": 30})
    assert answer.status_code == 302
    assert not ApiToken.objects.filter(name="mine").exists()
