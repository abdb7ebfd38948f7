"""What an agent's browser holds ends with its session; what programs hold does not."""

import pytest
from django.test import Client as Browser

from conftest import Client


@pytest.fixture
def browser(bob):
    client = Browser()
    client.force_login(bob.user)
    return client


@pytest.fixture
def page(browser):
    """The token of the website's scripts."""
    return Client(browser.post("/account/browser-token").json()["token"])


def join(api, chat):
    answer = api.post(f"/api/chats/{chat.pk}/users")
    assert answer.status_code == 201
    return Client(answer.json()["token"])


def says(agent, chat):
    return agent.post(f"/api/chats/{chat.pk}/messages", {"text": "Hello"}).status_code


def test_a_log_out_ends_the_agents_access_to_chats(chat, bob, browser, page):
    program, agent = join(bob.api, chat), join(page, chat)
    assert says(agent, chat) == 201
    browser.post("/accounts/logout/")
    assert says(agent, chat) == 401
    assert says(program, chat) == 201


def test_a_former_pages_token_leaves_it_alone(chat, browser, page):
    agent = join(page, chat)
    browser.post("/account/browser-token")
    assert says(agent, chat) == 201


def test_a_new_password_ends_it_wherever_it_was_set(chat, bob, page, admin_client):
    program, agent = join(bob.api, chat), join(page, chat)
    answer = admin_client.post(
        f"/admin/accounts/user/{bob.user.pk}/password/",
        {"usable_password": "true", "password1": "tulips4every1", "password2": "tulips4every1"},
    )
    assert answer.status_code == 302
    assert page.get("/api/user").status_code == 401
    assert says(agent, chat) == 401
    assert says(program, chat) == 201
    assert bob.api.get("/api/user").status_code == 200


def test_a_log_in_leaves_it_alone(chat, bob, page):
    agent = join(page, chat)
    Browser().force_login(bob.user)
    assert says(agent, chat) == 201
