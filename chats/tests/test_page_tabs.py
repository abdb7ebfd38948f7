"""Several tabs and browsers of one reader: they share a stream, and know what was read elsewhere.

The server speaks HTTP/1.1, over which a browser has six connections.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import Page, Request, Route, expect

from chatapi.tests.browser import HIDDEN, Person, Site, hide, reveal, wait_for_inbox
from chatapi.tests.installation import wait_for
from chats.tests.guests import field, join, message, say
from chats.tests.inbox import another_tab, joined, open_inbox, row, send

pytestmark = pytest.mark.browser

TABS = 7


class Streams:
    """The event streams that a browser has open."""

    def __init__(self, person: Person) -> None:
        self.open: list[Request] = []
        self.all: list[Request] = []
        person.context.on("request", self._begun)
        person.context.on("requestfailed", self._ended)
        person.context.on("requestfinished", self._ended)

    def _begun(self, request: Request) -> None:
        if request.headers.get("accept") == "text/event-stream":
            self.open.append(request)
            self.all.append(request)

    def _ended(self, request: Request) -> None:
        if request in self.open:
            self.open.remove(request)


def freeze(page: Page) -> None:
    """Put a tab to sleep, as browsers do with tabs that nobody looks at."""
    page.context.new_cdp_session(page).send("Page.setWebLifecycleState", {"state": "frozen"})


def test_many_tabs_of_a_guest_use_one_stream(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    streams = Streams(gina)
    page = gina.page()
    join(page, site, chat)
    tabs = [page] + [gina.page() for _ in range(TABS - 1)]
    for tab in tabs[1:]:
        tab.goto(chat["url"])
        expect(field(tab)).to_be_visible()
    say(tabs[-1], "From the last tab")
    for tab in tabs:
        expect(message(tab, "From the last tab")).to_be_visible()
    agent = site.agent(chat)
    send(site, chat, agent, "To all of them")
    for tab in tabs:
        expect(message(tab, "To all of them")).to_be_visible()
    assert len(streams.open) == 1


def test_many_tabs_of_an_agent_use_one_stream(site: Site, person: Callable[..., Person]) -> None:
    alice = person()
    streams = Streams(alice)
    chats = [site.chat(name=f"Desk {number}") for number in range(TABS)]
    gina = site.guest(chats[0])
    tabs = [open_inbox(site, alice)]
    tabs += [another_tab(tabs[0]) for _ in range(TABS - 1)]
    for number, tab in enumerate(tabs):
        joined(tab, f"Desk {number}").fill(f"Hello from {number}")
        tab.keyboard.press("Enter")
        expect(message(tab, f"Hello from {number}")).to_be_visible()
    send(site, chats[0], gina, "Thank you")
    expect(message(tabs[0], "Thank you")).to_be_visible()
    for tab in tabs:
        expect(row(tab, "Desk 0")).to_contain_text("Thank you")
    wait_for(lambda: tabs[0].title() and len(streams.open) == 1)
    # The agent is there in the chats of all tabs, for as long as they are open.
    people = site.ask("GET", f"/api/chats/{chats[3]['id']}/users", token=site.alice)["data"]
    assert people[0]["role"] == "agent"


def test_an_agent_is_there_in_the_chat_that_is_open(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Presence")
    guest = person().page()
    join(guest, site, chat)
    page = open_inbox(site, person())
    joined(page, "Presence")
    expect(page.locator(".person", has_text="Gina Guest")).to_contain_text("online")
    agent = guest.locator(".person", has_text="Team")
    expect(agent).to_contain_text("online", timeout=15_000)
    page.close()
    expect(agent).to_contain_text("offline", timeout=15_000)


def test_when_the_tab_with_the_stream_goes_another_takes_over(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Relay")
    gina = site.guest(chat)
    first = open_inbox(site, person())
    second, third = another_tab(first), another_tab(first)
    first.close()
    send(site, chat, gina, "After the first")
    expect(row(third, "Relay")).to_contain_text("After the first")
    second.close()
    send(site, chat, gina, "After the second")
    expect(row(third, "Relay")).to_contain_text("After the second")


def test_a_tab_that_was_put_to_sleep_loses_the_stream(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Asleep")
    gina = site.guest(chat)
    sleeper = open_inbox(site, person())
    page = another_tab(sleeper)
    hide(sleeper)
    freeze(sleeper)
    send(site, chat, gina, "Wake up")
    hide(page)
    reveal(page)  # somebody looks at it
    expect(row(page, "Asleep")).to_contain_text("Wake up", timeout=15_000)


def test_what_is_read_in_one_browser_is_read_in_all(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Read elsewhere")
    gina = site.guest(chat)
    here, there = (open_inbox(site, person()) for _ in range(2))
    tab = another_tab(here)
    joined(there, "Read elsewhere")
    hide(there)
    for text in ("one", "two"):
        send(site, chat, gina, text)
    for page in (here, tab, there):
        expect(row(page, "Read elsewhere")).to_contain_text("2 unread")
    reveal(there)
    for page in (there, here, tab):
        expect(row(page, "Read elsewhere")).to_contain_text("two")
        expect(row(page, "Read elsewhere")).not_to_contain_text("unread")


def test_answering_in_one_browser_reads_in_all(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Answered elsewhere")
    agent = site.agent(chat)  # a program of the same account, or another browser
    page = open_inbox(site, person())
    send(site, chat, site.guest(chat), "Hello?")
    expect(row(page, "Answered elsewhere")).to_contain_text("1 unread")
    send(site, chat, agent, "Good morning!")
    expect(row(page, "Answered elsewhere")).to_contain_text("Good morning!")
    expect(row(page, "Answered elsewhere")).not_to_contain_text("unread")


def test_what_was_deleted_unread_is_not_counted(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Regret")
    gina = site.guest(chat)
    page = open_inbox(site, person())
    sent = [send(site, chat, gina, text) for text in ("one", "two", "three")]
    expect(row(page, "Regret")).to_contain_text("3 unread")
    for number in (1, 2):
        path = f"/api/chats/{chat['id']}/messages/{sent[number]['id']}"
        site.ask("DELETE", path, token=gina)
        expect(row(page, "Regret")).to_contain_text(f"{3 - number} unread")


def test_a_guest_counts_what_is_left(site: Site, person: Callable[..., Person]) -> None:
    """The same for a guest: in the title, with messages deleted and read in another tab."""
    chat = site.chat()
    gina = person()
    page = gina.page()
    join(page, site, chat)
    agent = site.agent(chat)
    hide(page)
    sent = [send(site, chat, agent, text) for text in ("one", "two", "three")]
    expect(page).to_have_title("(3) Acme")
    site.ask("DELETE", f"/api/chats/{chat['id']}/messages/{sent[1]['id']}", token=agent)
    expect(page).to_have_title("(2) Acme")
    tab = gina.page()
    tab.goto(chat["url"])
    expect(message(tab, "three")).to_be_visible()
    expect(page).to_have_title("Acme")
    # What comes now is counted anew, and only here.
    hide(tab)
    send(site, chat, agent, "four")
    expect(page).to_have_title("(1) Acme")


NOTIFIED = """
    globalThis.told = []; // what is shown
    globalThis.ever = [];
    globalThis.Notification = class extends EventTarget {
        static permission = 'granted';
        static async requestPermission() { return 'granted'; }
        constructor(title, { body }) {
            super();
            told.push(body);
            ever.push(body);
            this.body = body;
        }
        close() { told.splice(told.indexOf(this.body), 1); }
    };
"""


def test_no_notification_of_what_the_stream_repeats(
    site: Site, person: Callable[..., Person]
) -> None:
    """The stream repeats the last half minute when it is opened, of chats that are closed, too."""

    def answered(text: str) -> None:
        chat = site.chat(name="Answered")
        send(site, chat, site.guest(chat), text)
        site.ask("PUT", f"/api/chats/{chat['id']}", {"status": "closed"}, site.alice)

    chat = site.chat(name="Waiting")
    gina = site.guest(chat)
    answered("Before the page")
    alice = person(permissions=["notifications"])
    alice.context.add_init_script(NOTIFIED)
    streams = Streams(alice)
    page = open_inbox(site, alice)
    page.get_by_role("button", name="Turn on notifications").click()
    hide(page)
    answered("While nobody looks")
    wait_for(lambda: page.evaluate("told.length"))
    row(page, "Waiting").click()
    # It is opened anew, to say who is in the chat. Asking the page lets its requests be heard here.
    wait_for(lambda: page.evaluate("true") and len(streams.all) > 1)
    send(site, chat, gina, "Is anybody there?")
    wait_for(lambda: page.evaluate("told.length > 1"))
    assert page.evaluate("ever") == ["While nobody looks", "Is anybody there?"]
    page.context.add_init_script("globalThis.covered = true;" + HIDDEN)
    page.reload()
    wait_for_inbox(page)
    send(site, chat, gina, "Hello?")
    wait_for(lambda: page.evaluate("told.length"))
    assert page.evaluate("ever") == ["Hello?"]


def test_no_notification_of_what_is_looked_at_in_another_tab(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Quiet")
    gina = site.guest(chat)
    alice = person(permissions=["notifications"])
    alice.context.add_init_script(NOTIFIED)
    page = open_inbox(site, alice)
    page.get_by_role("button", name="Turn on notifications").click()
    tab = another_tab(page)
    joined(tab, "Quiet")
    hide(page)
    send(site, chat, gina, "Read over there")
    expect(message(tab, "Read over there")).to_be_visible()
    hide(tab)
    send(site, chat, gina, "Seen by nobody")
    for each in (page, tab):
        wait_for(lambda each=each: each.evaluate("told.length"))
        assert each.evaluate("told") == ["Seen by nobody"]
    reveal(tab)  # reads it, and takes the notifications back
    wait_for(lambda: page.evaluate("told.length") == 0)


@contextmanager
def many_chats(site: Site, count: int) -> Iterator[None]:
    """`count` chats more for a while, as creating them would have made them."""
    with psycopg.connect(site.installation.env["DATABASE_URL"]) as connection:
        (columns,) = connection.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_name = 'chats_chat'"
            " AND column_name NOT IN ('id', 'name', 'external_id', 'created_at')"
        ).fetchone() or ("",)
        connection.execute(
            f"INSERT INTO chats_chat (name, created_at, {columns})"
            f" SELECT 'Many ' || n, now() - n * interval '1 second', {columns}"
            " FROM (SELECT * FROM chats_chat ORDER BY id DESC LIMIT 1) AS one,"
            f" generate_series(1, {count}) AS n"
        )
        connection.commit()
        yield
        connection.execute("DELETE FROM chats_chat WHERE name LIKE 'Many %'")


def test_a_chat_that_closes_hides_no_other(site: Site, person: Callable[..., Person]) -> None:
    """The list is loaded page by page, and shrinks meanwhile."""
    site.chat(name="The newest")
    with many_chats(site, 500):
        page = open_inbox(site, person())

        def close_one(route: Route) -> None:
            with psycopg.connect(site.installation.env["DATABASE_URL"]) as connection:
                connection.execute("UPDATE chats_chat SET status = 'closed' WHERE name = 'Many 3'")
            route.continue_()

        page.route(re.compile(r"/api/chats\?.*(cursor=|page=2)"), close_one, times=1)
        page.reload()
        expect(row(page, "Many 500")).to_be_visible()
        names = page.locator("#inbox-list .row-name").all_inner_texts()
        missing = {f"Many {number}" for number in range(1, 501) if number != 3} - set(names)
        assert missing == set()
