"""What people write is text on every page, whatever it looks like."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from chatapi.tests.browser import Person, Site, assert_accessible, log_in, shot
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
    log_in(agent, "alice@acme.test", site.password("alice@acme.test"))
    for path in (
        "/inbox", "/companies", f"/companies/{company['slug']}",
        f"/companies/{company['slug']}/members", f"/companies/{company['slug']}/overview",
        f"/start/{company['slug']}",
    ):  # fmt: skip
        agent.goto(path)
        harmless(agent)
    agent.goto(f"/inbox#chat={chat['id']}")
    expect(message(agent, "Who am I?")).to_be_visible()
    expect(agent.get_by_role("complementary")).to_contain_text(email)
    expect(agent.locator("#inbox-list")).to_contain_text("<img src=x")
    harmless(agent)
    shot(agent, "hostile-inbox")


FILLINGS = [
    ")",
    "(",
    "[]",
    "(])}",
    ".",
    ".)",
    "_*",
    "www.",
    "http://",
    "http://[ ",
    "a/../",
    "\u4e00",
    "\u00e4.",
]


@pytest.mark.parametrize("filling", FILLINGS)
def test_looking_for_links_takes_linear_time(person: Callable[..., Person], filling: str) -> None:
    page = person().page()
    serve_modules(page)
    # As long as a message may be, and four times that.
    times = page.evaluate(
        """async (filling) => {
            const { linked } = await import('/chats/links.js');
            const fill = (length) =>
                'see http://example.com/' + filling.repeat(length / filling.length);
            const time = (text) => {
                const begun = performance.now();
                linked(text);
                return performance.now() - begun;
            };
            time(fill(10000));
            return [10000, 40000].map((length) => time(fill(length)));
        }""",
        filling,
    )
    assert times[0] < 200
    assert times[1] < 8 * max(times[0], 20)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see http://a.test/x.", "http://a.test/x"),
        ("(http://a.test/x)", "http://a.test/x"),
        ("http://a.test/x_(y)", "http://a.test/x_(y)"),
        ("(http://a.test/x_(y)).", "http://a.test/x_(y)"),
        ("[http://a.test/{x}}]!?", "http://a.test/{x}"),
        ("http://a.test/x)y)", "http://a.test/x)y"),
        ("*http://a.test/_x_*", "http://a.test/_x"),
        ("http://a.test/" + "x" * 3000, None),
        ("http://[", None),
    ],
)
def test_where_a_link_ends(person: Callable[..., Person], text: str, address: str | None) -> None:
    page = person().page()
    serve_modules(page)
    found = page.evaluate(
        """async (text) => {
            const { linked } = await import('/chats/links.js');
            const nodes = linked(text);
            const link = nodes.find((node) => typeof node !== 'string');
            const whole = nodes.map((node) => node.textContent ?? node).join('');
            return { address: link?.textContent ?? null, whole };
        }""",
        text,
    )
    assert found == {"address": address, "whole": text}


def serve_modules(page: Page) -> None:
    """Serve the modules of the pages as they are in the repository, at an origin of their own."""
    folders = [Path(app, "static") for app in ("chats", "chatapi")]

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path.lstrip("/")
        files = [folder / path for folder in folders if path and (folder / path).is_file()]
        if files:
            route.fulfill(path=files[0], content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page.route("https://modules.test/**", answer)
    page.goto("https://modules.test/")


def harmless(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img[src='x'], main iframe, main script").count() == 0
    addresses = page.locator("main a").evaluate_all("all => all.map(each => each.protocol)")
    assert set(addresses) <= {"http:", "https:", "mailto:"}, addresses
