"""POST /account/browser-token: the token of the website's own scripts."""

from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.actions import browser_tokens
from accounts.models import ApiToken
from chatapi.limits.rate import Rate

PATH = "/account/browser-token"


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice.user)
    return client


def works(token, anonymous):
    answer = anonymous.get("/api/user", HTTP_AUTHORIZATION=f"Bearer {token}")
    return answer.status_code == 200


def test_it_is_a_token_of_a_day(browser, anonymous):
    answer = browser.post(PATH)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    body = answer.json()
    assert set(body) == {"token", "expires_at"}
    left = datetime.fromisoformat(body["expires_at"]) - timezone.now()
    assert timedelta(hours=23) < left <= timedelta(days=1)
    assert works(body["token"], anonymous)


def test_the_next_one_ends_the_former(browser, anonymous):
    first, second = (browser.post(PATH).json()["token"] for _ in range(2))
    assert not works(first, anonymous)
    assert works(second, anonymous)


def test_two_browsers_leave_each_other_alone(browser, alice, anonymous):
    other = Client()
    other.force_login(alice.user)
    tokens = [each.post(PATH).json()["token"] for each in (browser, other)]
    assert all(works(token, anonymous) for token in tokens)
    browser.post("/accounts/logout/")
    assert [works(token, anonymous) for token in tokens] == [False, True]
    assert works(alice.token, anonymous)


def test_a_log_out_in_the_middle_leaves_no_token(browser, alice, anonymous):
    before = ApiToken.objects.count()
    session = browser.session
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        browser_tokens.renew(alice.user, session)
    assert ApiToken.objects.count() == before


def test_who_is_not_logged_in_gets_none(db, error_of):
    answer = Client().post(PATH)
    assert answer.status_code == 401
    assert error_of(answer) == "not_authenticated"


def test_other_websites_get_none(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)
    assert client.post(PATH).status_code == 403
    assert client.get(PATH).status_code == 405


def test_it_has_a_limit(browser, settings, error_of):
    settings.LIMITS = settings.LIMITS | {"BROWSER_TOKEN": Rate.parse("2/h")}
    answers = [browser.post(PATH) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_of(answers[2]) == "rate_limited"
    assert int(answers[2]["Retry-After"]) > 60
