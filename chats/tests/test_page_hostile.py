"""What people write is text on every page, whatever it looks like."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import Person, Site, assert_accessible, enter, shot
from chats.tests.guests import field, join, message, say

pytestmark = pytest.mark.browser

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror=window.hacked=1>",
    "javascript:window.hacked=1",
    "<a href='javascript:window.hacked=1'>press</a>",
    "</title><svg/onload=window.hacked=1>",
    "\"><iframe srcdoc='<script>top.hacked=1</script>'>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "%(name)s {name} ${window.hacked=1}",
    "data:text/html,<script>window.hacked=1</script>",
    'https://example.com/"onmouseover="window.hacked=1',
    "&lt;b&gt;&amp;",
    "\u202egnp.exe",  # turned around by a right-to-left override
    "a\u0301\u0302\u0303\u0304\u0305\u0306" * 20,  # marks piled up
    "\u200b\ufeff\u200d\u2066invisible\u2069",
    "W" * 3000,
    "🏳️‍🌈 👩‍👩‍👧‍👦 اَلْعَرَبِيَّةُ עברית 中文",
]


@pytest.mark.parametrize("number", range(2))
def test_messages_of_all_kinds_are_text(
    site: Site, person: Callable[..., Person], number: int
) -> None:
    chat = site.chat()
    page, other = person().page(), person(viewport={"width": 360, "height": 740}).page()
    join(page, site, chat)
    join(other, site, chat, "Hugo")
    texts = HOSTILE[number::2]
    for text in texts:
        say(page, text)
    bubbles = ".messages:not(.pending) .bubble"
    for each in (page, other):
        expect(each.locator(bubbles)).to_have_count(len(texts))
        shown = each.locator(bubbles).evaluate_all("all => all.map(each => each.textContent)")
        assert shown == texts
        harmless(each)
    assert_accessible(page)
    shot(other, f"hostile-{number}")


def test_names_of_all_kinds_are_text_on_all_pages(
    site: Site, person: Callable[..., Person]
) -> None:
    name = "<img src=x onerror=window.hacked=1>\u202e%(name)s"
    company = site.ask(
        "POST", "/api/companies", {"name": name, "closed_text": HOSTILE[0]}, site.alice
    )
    chat = site.chat(company_id=company["id"], name=name)
    guest = person().page()
    email = join(guest, site, chat)
    token = guest.evaluate(
        "key => JSON.parse(localStorage[key]).token", f"chatapi:chat:{chat['id']}"
    )
    me = site.ask("GET", "/api/chat-user", token=token)
    path = f"/api/chats/{chat['id']}/users/{me['id']}"
    site.ask("PUT", path, {"first_name": name, "last_name": HOSTILE[4]}, token)
    say(guest, "Who am I?")
    expect(message(guest, "Who am I?")).to_be_visible()
    expect(guest.get_by_role("complementary")).to_contain_text("onerror")
    guest.reload()
    expect(field(guest)).to_be_visible()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    harmless(guest)
    assert_accessible(guest)
    shot(guest, "hostile-names")

    agent = person().page()
    enter(site, agent, "alice@acme.test")
    for path in (
        "/inbox",
        "/companies",
        f"/companies/{company['slug']}",
        f"/companies/{company['slug']}/members",
        f"/companies/{company['slug']}/overview",
        f"/start/{company['slug']}",
    ):
        agent.goto(path)
        harmless(agent)
    agent.goto(f"/inbox#chat={chat['id']}")
    expect(message(agent, "Who am I?")).to_be_visible()
    expect(agent.get_by_role("complementary")).to_contain_text(email)
    expect(agent.locator("#inbox-list")).to_contain_text("<img src=x")
    harmless(agent)
    shot(agent, "hostile-inbox")


def harmless(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img[src='x'], main iframe, main script").count() == 0
    addresses = page.locator("main a").evaluate_all("all => all.map(each => each.protocol)")
    assert set(addresses) <= {"http:", "https:", "mailto:", "tel:"}, addresses
