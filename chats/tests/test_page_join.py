"""A guest's way in: password, name and address, code; and back in later."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from chatapi.tests.browser import PHONE, Person, Site, assert_accessible, shot
from chats.tests.guests import (
    CODE_ASKED,
    REFUSED,
    field,
    heading,
    introduce,
    join,
    message,
    prove,
    say,
)

pytestmark = pytest.mark.browser


def test_without_the_password_it_is_asked_for(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    page.goto(f"/chats/{chat['id']}")
    expect(heading(page)).to_have_text("This chat is protected")
    shot(page, "join-password")
    assert_accessible(page)
    page.get_by_label("Password").fill("Wrong one")
    page.get_by_role("button", name="Continue").click()
    introduce(page, "gina@guest.test")
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong password, or this chat does not exist.")
    assert_accessible(page)
    page.get_by_label("Password").fill(chat["password"])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Email")).to_have_value("gina@guest.test")  # typed once
    shot(page, "join-person")
    assert_accessible(page)


def test_a_chat_that_is_none_looks_like_a_wrong_password(
    site: Site, person: Callable[..., Person]
) -> None:
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    page.goto("/chats/999999#password")
    introduce(page, "gina@guest.test")
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong password, or this chat does not exist.")


def test_what_is_wrong_about_a_person_is_said_there(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    page.goto(chat["url"])
    introduce(page, "gina@guest", first_name=" ")
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_label("First name")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("First name")).to_be_focused()
    expect(page.get_by_label("Email")).to_have_value("gina@guest")
    assert_accessible(page)


def test_the_code(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person(viewport=PHONE)
    gina.allow(REFUSED)
    gina.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = gina.page()
    email = f"code-{chat['id']}@guest.test"
    page.goto(chat["url"])
    introduce(page, email)
    page.get_by_role("button", name="Join the chat").click()
    expect(heading(page)).to_have_text(CODE_ASKED)
    expect(page.get_by_text(email)).to_be_visible()
    again = page.get_by_role("button", name=re.compile("Resend code"))
    expect(again).to_be_disabled()
    expect(again).to_have_text(re.compile(r"\(in \d+ seconds?\)"))
    shot(page, "join-code")
    assert_accessible(page)
    code = site.code(email)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    page.get_by_label("Digit 1 of 6").press_sequentially(wrong)
    expect(page.get_by_role("alert")).to_have_text(re.compile("This code is wrong"))
    expect(page.get_by_label("Digit 1 of 6")).to_be_focused()
    for digit in range(1, 7):
        expect(page.get_by_label(f"Digit {digit} of 6")).to_have_value("")
    # Going back and forth, then the whole code out of a mail, blanks and all.
    page.keyboard.type("12")
    page.keyboard.press("Backspace")
    expect(page.get_by_label("Digit 2 of 6")).to_have_value("")
    page.evaluate(f"navigator.clipboard.writeText(' {code[:3]} {code[3:]} ')")
    page.keyboard.press("ControlOrMeta+v")
    expect(field(page)).to_be_focused()


def test_another_code_and_another_address(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    page.clock.install()
    first, second = f"first-{chat['id']}@guest.test", f"second-{chat['id']}@guest.test"
    page.goto(chat["url"])
    introduce(page, first)
    page.get_by_role("button", name="Join the chat").click()
    site.code(first)
    page.get_by_role("button", name="Use a different address").click()
    expect(page.get_by_label("Email")).to_have_value(first)
    page.get_by_label("Email").fill(second)
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_text(second)).to_be_visible()
    site.code(second)
    page.clock.run_for(61_000)
    time.sleep(1.1)  # as long as this site waits between two codes
    page.get_by_role("button", name="Resend code", exact=True).click()
    expect(page.get_by_text("A new code is on its way.")).to_be_visible()
    page.get_by_label("Digit 1 of 6").press_sequentially(site.code(second, 2))
    expect(field(page)).to_be_visible()


def test_where_no_code_is_asked_at_first(site: Site, person: Callable[..., Person]) -> None:
    easy = site.ask(
        "POST", "/api/companies", {"name": "Easy", "verify_first_join": False}, site.alice
    )
    chat = site.chat(company_id=easy["id"])
    page = person().page()
    page.goto(chat["url"])
    introduce(page, "gina@guest.test")
    page.get_by_role("button", name="Join the chat").click()
    expect(field(page)).to_be_focused()
    say(page, "That was quick.")
    expect(message(page, "That was quick.")).to_be_visible()


def test_a_token_that_ended_leads_through_the_code_again(
    site: Site, person: Callable[..., Person]
) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    email = join(page, site, chat)
    say(page, "Before")
    expect(message(page, "Before")).to_be_visible()
    field(page).press_sequentially("Not yet sent")
    stored = f"chatapi:chat:{chat['id']}"
    page.evaluate(
        "key => { const mine = JSON.parse(localStorage[key]);"
        " localStorage[key] = JSON.stringify({...mine, token: 'ccu_none'}) }",
        stored,
    )
    page.reload()
    expect(heading(page)).to_have_text("Confirm your identity again")
    shot(page, "join-again")
    assert_accessible(page)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Email")).to_have_value(email)
    page.get_by_role("button", name="Join the chat").click()
    prove(page, site, email, 2)
    expect(message(page, "Before")).to_be_visible()
    expect(field(page)).to_have_value("Not yet sent")


def test_leaving_and_joining_again(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    page = person().page()
    email = join(page, site, chat)
    page.get_by_role("button", name="Leave chat").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave chat").click()
    expect(heading(page)).to_have_text("You left the chat")
    shot(page, "left")
    assert_accessible(page)
    page.get_by_role("button", name="Rejoin").click()
    introduce(page, email)
    page.get_by_role("button", name="Join the chat").click()
    prove(page, site, email, 2)


def test_who_was_banned_is_told_and_stays_out(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat()
    gina = person()
    gina.allow(REFUSED)
    page = gina.page()
    email = join(page, site, chat)
    users = site.ask("GET", f"/api/chats/{chat['id']}/users", token=site.alice)["data"]
    guest = next(each for each in users if each["first_name"] == "Gina")
    path = f"/api/chats/{chat['id']}/users/{guest['id']}"
    site.ask("PUT", path, {"status": "banned"}, site.alice)
    expect(heading(page)).to_have_text("Confirm your identity again")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Email")).to_have_value(email)
    page.get_by_role("button", name="Join the chat").click()
    expect(page.get_by_role("alert")).to_have_text("This address is banned from the chat.")


def test_the_link_opened_on_the_page_itself(site: Site, person: Callable[..., Person]) -> None:
    chat = site.chat(name="Same page")
    page = person().page()
    page.goto(f"/chats/{chat['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This chat is protected")
    page.goto(chat["url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Who are you?")
    assert "#" not in page.url
