"""Notes on the pages: two agents write to each other, and the guest sees nothing of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, enter, hide, shot
from chatapi.tests.installation import wait_for
from chats.tests.guests import fill, message
from chats.tests.inbox import guest_and_agent, open_inbox, send

pytestmark = pytest.mark.browser


def notes(page: Page, text: str = "") -> Locator:
    return page.locator(".message.note", has_text=text)


def field(page: Page) -> Locator:
    return page.get_by_label("Note for members")


def write(page: Page, text: str) -> None:
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(field(page)).to_be_hidden()


def hold(page: Page, pattern: str, method: str) -> list[Route]:
    """The requests of a page that wait until the test lets them go on."""
    held: list[Route] = []

    def handle(route: Route) -> None:
        if route.request.method == method:
            held.append(route)
        else:
            route.fallback()

    page.route(pattern, handle)
    return held


def first_of(page: Page, held: list[Route]) -> Route:
    for _ in range(100):
        if held:
            return held[0]
        page.wait_for_timeout(50)
    raise AssertionError("no request")


def opened(site: Site, person: Person, name: str) -> tuple[dict[str, Any], Page]:
    """A chat with a message, open in the inbox of alice, who reads it."""
    chat = site.chat(name=name)
    send(site, chat, site.guest(chat), "Hello")
    page = open_inbox(site, person)
    page.goto(f"/inbox#chat={chat['id']}")
    expect(message(page, "Hello")).to_be_visible()
    return chat, page


def listed(site: Site, chat: dict[str, Any], token: str) -> list[Any]:
    notes = site.ask("GET", f"/api/chats/{chat['id']}/notes", token=token)["data"]
    assert isinstance(notes, list)
    return notes


def mentioned(site: Site, chat: dict[str, Any], token: str) -> list[int]:
    """The members whom messages of a chat mention."""
    events = site.ask("GET", f"/api/chats/{chat['id']}/events", token=token)["data"]
    mentions = [event["data"] for event in events if event["type"] == "mention.created"]
    return [each for mention in mentions for each in mention["mentions"]]


def id_of(site: Site, token: str) -> int:
    return int(site.ask("GET", "/api/user", token=token)["id"])


@pytest.fixture
def bob(site: Site) -> str:
    """The token of another member, who is called Bob Baker."""
    token = site.token("bob@acme.test")
    site.as_account(
        "bob@acme.test", "user.first_name, user.last_name = 'Bob', 'Baker'; user.save()"
    )
    path = f"/api/companies/{site.acme['id']}/users"
    members = site.ask("GET", f"{path}?per_page=249", token=site.alice)["data"]
    if not any(each["email"] == "bob@acme.test" for each in members):
        site.ask("POST", path, {"email": "bob@acme.test"}, site.alice)
        site.ask("POST", f"{path}/accept", {}, token)
    return token


def test_agents_write_notes_that_a_guest_never_sees(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat = site.chat(name="Noted")
    guest, alice = guest_and_agent(site, person, chat)
    other = person().page()
    enter(site, other, "bob@acme.test")
    other.goto(f"/inbox#chat={chat['id']}")
    expect(other.get_by_text("Join to reply.")).to_be_visible()
    before = guest.locator(".conversation").inner_html()
    write(alice, "A *regular* guest")
    expect(notes(other)).to_contain_text("A regular guest")
    expect(notes(alice)).to_contain_text("You")
    # Bob has not joined, and answers all the same.
    write(other, "Thank you")
    expect(notes(alice, "Thank you")).to_contain_text("Bob Baker")
    expect(alice.locator("[aria-live]", has_text="Note by Bob Baker: Thank you")).to_be_attached()
    assert guest.locator(".conversation").inner_html() == before
    guest.get_by_label("Message", exact=True).fill("Hello?")
    guest.keyboard.press("Enter")
    expect(message(alice, "Hello?")).to_be_visible()
    write(alice, "Be kind")
    for page in (alice, other):
        expect(page.locator(".messages:not(.pending) > .message .bubble")).to_have_text(
            ["A regular guest", "Thank you", "Hello?", "Be kind"]
        )
        assert_accessible(page)
    shot(alice, "notes-joined")
    shot(other, "notes-reading")
    # The same after a reload, for everyone.
    for page in (alice, other, guest):
        page.reload()
        expect(message(page, "Hello?")).to_be_visible()
    expect(alice.locator(".messages:not(.pending) > .message .bubble")).to_have_text(
        ["A regular guest", "Thank you", "Hello?", "Be kind"]
    )
    expect(notes(guest)).to_have_count(0)


def test_a_note_is_edited_and_deleted(site: Site, person: Callable[..., Person], bob: str) -> None:
    chat = site.chat(name="Corrected")
    send(site, chat, site.guest(chat), "Hello")
    alice = open_inbox(site, person())
    alice.goto(f"/inbox#chat={chat['id']}")
    expect(message(alice, "Hello")).to_be_visible()
    path = f"/api/chats/{chat['id']}/notes"
    site.ask("POST", path, {"text": "By Bob"}, bob)
    expect(notes(alice, "By Bob")).to_be_visible()
    # Alice owns the company: she may delete what others wrote, but not edit it.
    notes(alice, "By Bob").hover()
    expect(notes(alice, "By Bob").get_by_role("button", name="Edit")).to_have_count(0)
    write(alice, "By Alise")
    notes(alice, "By Alise").hover()
    notes(alice, "By Alise").get_by_role("button", name="Edit").click()
    expect(field(alice)).to_have_value("By Alise")
    field(alice).fill("By Alice")
    alice.get_by_role("button", name="Save the note").click()
    expect(notes(alice, "By Alice")).to_contain_text("edited")
    notes(alice, "By Bob").hover()
    notes(alice, "By Bob").get_by_role("button", name="Delete").click()
    alice.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(notes(alice)).to_contain_text(["This note was deleted.", "By Alice"])
    texts = [each["text"] for each in site.ask("GET", path, token=bob)["data"]]
    assert texts == ["By Alice", None]


def test_a_member_is_mentioned_by_keys(site: Site, person: Callable[..., Person], bob: str) -> None:
    chat = site.chat(name="Mentioned")
    send(site, chat, site.guest(chat), "Hello")
    alice = open_inbox(site, person())
    alice.goto(f"/inbox#chat={chat['id']}")
    expect(message(alice, "Hello")).to_be_visible()
    alice.locator(".timeline").focus()
    alice.keyboard.press("n")
    expect(field(alice)).to_be_focused()
    alice.keyboard.type("Ask @bo")
    option = alice.get_by_role("option", name="Bob Baker")
    expect(option).to_have_attribute("aria-selected", "true")
    assert_accessible(alice)
    shot(alice, "notes-mention")
    alice.keyboard.press("Enter")
    expect(option).to_be_hidden()
    expect(field(alice)).to_have_value("Ask @Bob Baker ")
    alice.keyboard.type("please")
    alice.keyboard.press("Enter")
    expect(notes(alice)).to_contain_text("Ask @Bob Baker please")
    (note,) = site.ask("GET", f"/api/chats/{chat['id']}/notes", token=bob)["data"]
    assert note["mentions"] == [site.ask("GET", "/api/user", token=bob)["id"]]
    other = person().page()
    enter(site, other, "bob@acme.test")
    other.goto(f"/inbox#chat={chat['id']}")
    expect(other.locator(".mentions-me")).to_contain_text("Ask @Bob Baker please")


def test_a_note_is_found_and_opened_among_its_messages(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat = site.chat(name="Long")
    gina = site.guest(chat)
    send(site, chat, gina, "Hello")
    site.ask("POST", f"/api/chats/{chat['id']}/notes", {"text": "A quixotic guest"}, bob)
    fill(site, chat["id"], 200)
    alice = open_inbox(site, person())
    alice.get_by_label("Search chats and messages").fill("quixot")
    hit = alice.locator(".hit")
    expect(hit).to_contain_text("Bob Baker: A quixotic guest")
    expect(hit).to_contain_text("Note")
    expect(hit.locator("mark")).to_have_text("quixot")
    assert_accessible(alice)
    shot(alice, "notes-found")
    hit.click()
    expect(notes(alice, "quixotic")).to_be_in_viewport()
    expect(notes(alice, "quixotic")).to_be_focused()
    expect(message(alice, "Hello")).to_be_visible()


def test_a_draft_of_a_note_survives_and_a_failed_one_is_kept(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat(name="Drafts")
    alice = person()
    alice.allow("Failed to load resource")
    page = open_inbox(site, alice)
    page.goto(f"/inbox#chat={chat['id']}")
    page.get_by_role("button", name="Note", exact=True).click()
    page.keyboard.type("Not lost")
    page.keyboard.press("Escape")
    expect(field(page)).to_be_hidden()
    page.reload()
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_have_value("Not lost")
    page.route("**/notes", lambda route: route.abort())
    page.get_by_role("button", name="Save the note").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    expect(field(page)).to_have_value("Not lost")
    page.unroute("**/notes")
    page.get_by_role("button", name="Save the note").click()
    expect(notes(page, "Not lost")).to_be_visible()
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_have_value("")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(site: Site, person: Callable[..., Person], scheme: Any) -> None:
    chat = site.chat(name=f"Small, {scheme}")
    send(site, chat, site.guest(chat), "Hello")
    page = open_inbox(site, person(viewport=PHONE))
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/inbox#chat={chat['id']}")
    expect(message(page, "Hello")).to_be_visible()
    write(page, "Written on the way, and long enough to take more than one line on a phone.")
    expect(notes(page)).to_be_in_viewport()
    page.get_by_role("button", name="Note", exact=True).click()
    assert_accessible(page)
    shot(page, f"notes-phone-{scheme}")


def test_a_message_mentions_a_member(site: Site, person: Callable[..., Person], bob: str) -> None:
    chat = site.chat(name="Asked")
    guest, alice = guest_and_agent(site, person, chat)
    written = alice.get_by_label("Message", exact=True)
    alice.keyboard.type("I ask @ba")
    expect(alice.get_by_role("option", name="Bob Baker")).to_be_visible()
    assert_accessible(alice)
    shot(alice, "message-mention")
    alice.keyboard.press("Tab")
    expect(written).to_have_value("I ask @Bob Baker ")
    expect(written).to_be_focused()
    alice.keyboard.press("Enter")
    expect(message(guest, "I ask @Bob Baker")).to_be_visible()
    events = site.ask("GET", f"/api/chats/{chat['id']}/events", token=bob)["data"]
    (mention,) = [event["data"] for event in events if event["type"] == "mention.created"]
    assert mention["mentions"] == [site.ask("GET", "/api/user", token=bob)["id"]]
    # Members are not suggested to guests.
    guest.get_by_label("Message", exact=True).fill("@ba")
    expect(guest.get_by_role("option")).to_have_count(0)


def test_a_message_is_sent_while_the_conversation_is_opening(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat, page = opened(site, person(), "Opening")
    page.get_by_role("button", name="Join the chat").click()
    written = page.get_by_label("Message", exact=True)
    expect(written).to_be_visible()
    held = hold(page, "**/messages?*", "GET")
    page.reload()
    written.fill("An early answer to @Bob Baker")
    first_of(page, held)
    page.keyboard.press("Enter")
    expect(written).to_have_value("")
    expect(message(page, "An early answer")).to_be_visible()
    for route in held:
        route.continue_()
    expect(message(page, "Hello")).to_be_visible()
    expect(page.locator(".messages.pending .message")).to_have_count(0)
    expect(message(page, "An early answer")).to_have_count(1)
    expect(page.locator(".day")).to_have_count(1)
    assert mentioned(site, chat, bob) == [id_of(site, bob)]


def test_a_pasted_mention_waits_for_the_members_but_not_for_long(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    alice = person()
    alice.allow("Failed to load resource")
    chat, page = opened(site, alice, "Pasted")
    page.get_by_role("button", name="Join the chat").click()
    written = page.get_by_label("Message", exact=True)
    expect(written).to_be_focused()
    members = f"**/companies/{site.acme['id']}/users?*"
    held = hold(page, members, "GET")
    page.keyboard.insert_text("@Bob Baker please look at this")
    expect(written).to_have_value("@Bob Baker please look at this")
    first_of(page, held)
    page.keyboard.press("Enter")
    expect(written).to_have_value("")
    held[0].continue_()
    expect(message(page, "please look at this")).to_be_visible()
    expect(page.locator(".messages.pending .message")).to_have_count(0)
    assert mentioned(site, chat, bob) == [id_of(site, bob)]
    # Without the members, the message is sent all the same.
    page.reload()
    expect(message(page, "please look at this")).to_be_visible()
    written.fill("@Bob Baker again")
    page.keyboard.press("Enter")
    expect(page.locator(".messages.pending .message")).to_have_count(1)
    expect(page.locator(".messages.pending .message")).to_have_count(0)
    expect(message(page, "again")).to_be_visible()
    assert len(mentioned(site, chat, bob)) == 1


def test_of_two_members_with_the_same_name_the_chosen_one_is_mentioned(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat, page = opened(site, person(), "Namesakes")
    token = site.token("bob2@acme.test")
    site.as_account(
        "bob2@acme.test", "user.first_name, user.last_name = 'Rob', 'Baker'; user.save()"
    )
    site.as_account("bob@acme.test", "user.first_name = 'Rob'; user.save()")
    path = f"/api/companies/{site.acme['id']}/users"
    site.ask("POST", path, {"email": "bob2@acme.test"}, site.alice)
    site.ask("POST", f"{path}/accept", {}, token)
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_be_focused()
    chosen = []
    for presses in (0, 1):
        page.keyboard.type("Ask @rob")
        expect(page.get_by_role("option", name="Rob Baker")).to_have_count(2)
        for _ in range(presses):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(field(page)).to_have_value("Ask @Rob Baker ")
        page.keyboard.press("Enter")
        expect(field(page)).to_be_hidden()
        chosen += listed(site, chat, bob)[0]["mentions"]
        page.get_by_role("button", name="Note", exact=True).click()
        expect(field(page)).to_be_focused()
    site.ask("DELETE", f"{path}/{id_of(site, token)}", token=site.alice)
    assert sorted(chosen) == sorted([id_of(site, bob), id_of(site, token)])


def use(page: Page, text: str, tool: str) -> None:
    """Press a button of a note."""
    notes(page, text).hover()
    notes(page, text).get_by_role("button", name=tool).click()


def start(page: Page, text: str) -> None:
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_be_focused()
    page.keyboard.type(text)


def test_a_note_cannot_be_changed_while_it_is_saved(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat, page = opened(site, person(), "Saving")
    held = hold(page, "**/notes", "POST")
    start(page, "One")
    page.keyboard.press("Enter")
    route = first_of(page, held)
    page.keyboard.type(" and more")
    expect(field(page)).to_have_value("One")
    # Nor is it written twice by somebody who cancels and goes on.
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_have_value("One")
    expect(field(page)).not_to_be_editable()
    route.continue_()
    expect(notes(page, "One")).to_be_visible()
    expect(field(page)).to_be_hidden()
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_have_value("")
    expect(field(page)).to_be_editable()
    assert [each["text"] for each in listed(site, chat, bob)] == ["One"]


def test_an_edit_that_is_started_while_another_note_is_saved_stays_open(
    site: Site, person: Callable[..., Person]
) -> None:
    _, page = opened(site, person(), "Two")
    write(page, "Old note")
    held = hold(page, "**/notes", "POST")
    start(page, "New note")
    page.keyboard.press("Enter")
    route = first_of(page, held)
    use(page, "Old note", "Edit")
    field(page).fill("Old note, better")
    route.continue_()
    expect(notes(page, "New note")).to_be_visible()
    expect(field(page)).to_have_value("Old note, better")
    page.get_by_role("button", name="Save the note").click()
    expect(notes(page, "Old note, better")).to_be_visible()
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_have_value("")


def test_an_edit_that_is_cancelled_writes_no_other_note(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat, page = opened(site, person(), "Cancelled")
    write(page, "Ask")
    use(page, "Ask", "Edit")
    held = hold(page, f"**/companies/{site.acme['id']}/users?*", "GET")
    field(page).fill("Ask @Bob Baker")
    page.get_by_role("button", name="Save the note").click()
    route = first_of(page, held)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(field(page)).to_be_hidden()
    route.continue_()
    write(page, "Another")
    assert [each["text"] for each in listed(site, chat, bob)] == ["Another", "Ask"]


def test_a_note_whose_response_is_lost_is_written_once(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    alice = person()
    alice.allow("Failed to load resource")
    chat, page = opened(site, alice, "Lost")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/notes", lose)
    start(page, "Once")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.reload()
    page.unroute("**/notes")
    page.get_by_role("button", name="Note", exact=True).click()
    expect(field(page)).to_have_value("Once")
    page.get_by_role("button", name="Save the note").click()
    expect(field(page)).to_be_hidden()
    assert [each["text"] for each in listed(site, chat, bob)] == ["Once"]
    # The same text again is another note, and so is another text after a lost response.
    write(page, "Once")
    page.route("**/notes", lose)
    start(page, "Or")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    page.unroute("**/notes")
    field(page).fill("Or twice")
    page.keyboard.press("Enter")
    expect(field(page)).to_be_hidden()
    texts = [each["text"] for each in listed(site, chat, bob)]
    assert texts == ["Or twice", "Or", "Once", "Once"]


def test_a_chat_opens_without_its_notes_and_loads_them_later(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    alice = person()
    alice.allow("Failed to load resource")
    chat = site.chat(name="Broken")
    send(site, chat, site.guest(chat), "Hello")
    site.ask("POST", f"/api/chats/{chat['id']}/notes", {"text": "Late"}, bob)
    page = open_inbox(site, alice)
    page.route("**/notes?*", lambda route: route.abort())
    page.goto(f"/inbox#chat={chat['id']}")
    expect(message(page, "Hello")).to_be_visible()
    failure = page.get_by_text("Notes could not be loaded. No connection.")
    expect(failure).to_be_visible()
    page.unroute("**/notes?*")
    expect(failure).to_be_hidden(timeout=15_000)
    expect(notes(page, "Late")).to_be_visible()


def test_a_found_note_is_opened_once_notes_are_loaded(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat = site.chat(name="Slow")
    send(site, chat, site.guest(chat), "Hello")
    site.ask("POST", f"/api/chats/{chat['id']}/notes", {"text": "A xylophone"}, bob)
    fill(site, chat["id"], 100)
    page = open_inbox(site, person())
    held = hold(page, "**/notes?*", "GET")
    page.get_by_label("Search chats and messages").fill("xyloph")
    page.locator(".hit").click()
    route = first_of(page, held)
    expect(message(page, "Message number 100.")).to_be_visible()
    route.continue_()
    expect(notes(page, "xylophone")).to_be_focused()
    expect(notes(page, "xylophone")).to_be_in_viewport()


def test_a_note_shows_its_day_if_it_is_not_that_of_the_message(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat = site.chat(name="Days")
    send(site, chat, site.guest(chat), "Hello")
    site.as_account(
        "alice@acme.test",
        "from datetime import timedelta; from django.utils import timezone; "
        "from chats.models import Message; Message.objects"
        f".filter(chat_id={chat['id']}).update(created_at=timezone.now() - timedelta(days=3))",
    )
    for text in ("First", "Second"):
        site.ask("POST", f"/api/chats/{chat['id']}/notes", {"text": text}, bob)
    page = open_inbox(site, person())
    page.goto(f"/inbox#chat={chat['id']}")
    expect(notes(page, "First").locator("time")).to_have_text(re.compile(r"^\w+ \w+, \d+:\d+"))
    expect(notes(page, "Second").locator("time")).to_have_text(re.compile(r"^\d+:\d+"))


def test_a_deletion_keeps_the_focus_and_says_when_it_fails(
    site: Site, person: Callable[..., Person]
) -> None:
    alice = person()
    alice.allow("Failed to load resource")
    _, page = opened(site, alice, "Fails")
    write(page, "Stays")
    confirm = page.get_by_role("dialog").get_by_role("button", name="Delete")
    page.route("**/notes/*", lambda route: route.abort())
    use(page, "Stays", "Delete")
    confirm.click()
    expect(page.locator(".said", has_text="No connection")).to_be_visible()
    page.unroute("**/notes/*")
    use(page, "Stays", "Delete")
    confirm.click()
    expect(notes(page, "This note was deleted.")).to_be_focused()
    expect(page.locator(".said")).to_be_hidden()


def test_an_edit_does_not_move_the_reader(site: Site, person: Callable[..., Person]) -> None:
    chat, page = opened(site, person(), "Still")
    write(page, "Early")
    fill(site, chat["id"], 100)
    page.reload()
    expect(message(page, "Message number 100.")).to_be_in_viewport()
    page.locator(".timeline").hover()
    for _ in range(40):
        page.mouse.wheel(0, -6_000)
        page.wait_for_timeout(50)
        if notes(page, "Early").is_visible():
            break
    use(page, "Early", "Edit")
    field(page).fill("Early, and better")
    page.keyboard.press("Enter")
    expect(notes(page, "Early, and better")).to_be_in_viewport()
    expect(message(page, "Message number 100.")).not_to_be_in_viewport()


def test_a_mention_that_an_edit_adds_is_shown_and_announced_once(
    site: Site, person: Callable[..., Person], bob: str
) -> None:
    chat, page = opened(site, person(permissions=["notifications"]), "Named later")
    page.evaluate(
        """() => {
            window.shown = [];
            window.Notification = class extends EventTarget {
                static permission = 'granted';
                static requestPermission = async () => 'granted';
                constructor(title, { body }) {
                    super();
                    this.text = `${title}: ${body}`;
                    window.shown.push(this.text);
                }
                close() {
                    window.shown = window.shown.filter((each) => each !== this.text);
                }
            };
        }"""
    )
    page.get_by_role("button", name="Turn on notifications").click()
    expect(page.get_by_role("button", name="Notifications are on")).to_be_visible()
    path = f"/api/chats/{chat['id']}/notes"
    note = site.ask("POST", path, {"text": "Look"}, bob)
    expect(notes(page, "Look")).to_be_visible()
    expect(page.locator(".mentions-me")).to_have_count(0)
    hide(page)
    mentions = {"mentions": [id_of(site, site.alice)]}
    site.ask("PATCH", f"{path}/{note['id']}", mentions, bob)
    expect(page.locator(".mentions-me")).to_have_count(1)
    wait_for(lambda: page.evaluate("shown.length"))
    assert page.evaluate("shown") == ["Bob Baker mentioned you in Named later: Look"]
    # A later edit is no other mention, and a deletion withdraws what was shown.
    page.evaluate("shown = []")
    site.ask("PATCH", f"{path}/{note['id']}", {"text": "Look here"}, bob)
    expect(notes(page, "Look here")).to_be_visible()
    page.wait_for_timeout(1_500)
    assert page.evaluate("shown") == []
    other = site.ask("POST", path, {"text": "Secret", **mentions}, bob)
    wait_for(lambda: page.evaluate("shown.length"))
    site.ask("DELETE", f"{path}/{other['id']}", token=bob)
    wait_for(lambda: not page.evaluate("shown.length"))
