"""Pages that belong to no app, in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from chatapi.tests.browser import Person, Site, assert_accessible, log_in, shot

pytestmark = pytest.mark.browser


def test_the_door(site: Site, person: Callable[..., Person]) -> None:
    page = person().page()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chat with your visitors")
    assert_accessible(page)
    shot(page, "home")


def test_the_docs_and_the_admin_live_with_the_policy(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person().page()
    page.goto("/docs")
    expect(page.get_by_role("heading", name="Chat API")).to_be_visible()
    page.goto("/admin/login/")
    expect(page.get_by_label("Email")).to_be_visible()


def test_who_logs_in_comes_to_the_inbox(site: Site, person: Callable[..., Person]) -> None:
    page = person().page()
    log_in(page, "alice@acme.test", site.password("alice@acme.test"))
    expect(page).to_have_url(f"{site.url}/inbox")
