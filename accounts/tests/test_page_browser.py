"""The website for people with an account, in a browser."""

import re
import time
from collections.abc import Callable

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from chatapi.tests.browser import Person, Site, assert_accessible, enter, log_in, shot
from chatapi.tests.installation import wait_for

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


def link(site: Site, to: str, number: int = 1) -> str:
    """The first link in the `number`th mail to an address."""
    wait_for(lambda: len(site.mails(to)) >= number, 30)
    text = site.mails(to)[number - 1].get_body(("plain",)).get_content()
    return re.search(rf"{re.escape(site.url)}\S+", text)[0]


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def look(page: Page, name: str) -> None:
    shot(page, name)
    assert_accessible(page)


def app_code(key: str, later: int = 0) -> str:
    """What an authenticator app shows."""
    return format_hotp_value(hotp_value(key, int(time.time()) // 30 + later))


def test_from_sign_up_to_a_token_that_is_revoked(site: Site, person: Callable[..., Person]) -> None:
    page = person().page()
    page.goto("/accounts/signup/")
    look(page, "signup")
    page.get_by_label("Email").fill("nora@new.test")
    page.get_by_label("Password", exact=True).fill("nora")
    press(page, "Sign up")
    expect(page.locator(".errorlist")).to_contain_text("too short")
    look(page, "signup-wrong")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Sign up")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    look(page, "verification-sent")
    press(page, "Resend")
    link(site, "nora@new.test", 2)

    page.goto(link(site, "nora@new.test"))
    look(page, "confirm-email")
    press(page, "Confirm")
    page.wait_for_url("**/inbox")  # the browser that signed up is logged in

    page.goto("/companies")
    look(page, "companies-none")
    page.get_by_role("link", name="New company").click()
    look(page, "company-new")
    page.get_by_label("Name").fill("Nora's Shop")
    press(page, "Create company")
    expect(page.get_by_role("status")).to_contain_text("You are its owner")
    look(page, "company-settings")

    page.goto("/account/tokens")
    page.get_by_label("Name").fill("My program")
    press(page, "Create token")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm your identity")
    look(page, "reauthenticate")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Continue")
    token = page.locator("#new-token").inner_text()
    look(page, "token-new")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Copy")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == token
    assert site.ask("GET", "/api/user", token=token)["companies"][0]["name"] == "Nora's Shop"

    page.goto("/account/tokens")
    assert token not in page.content()
    look(page, "tokens")
    page.get_by_role("link", name=f"Revoke token {token[:8]}").click()
    look(page, "token-revoke")
    press(page, "Revoke")
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert site.installation.call("GET", "/api/user", None, token).status == 401


def test_two_factors_reset_and_the_rest_of_an_account(
    site: Site, person: Callable[..., Person]
) -> None:
    site.token("tom@acme.test")
    page = person().page()
    page.goto("/accounts/login/")
    look(page, "login")
    page.get_by_role("main").get_by_role("link", name="Forgot your password?").first.click()
    look(page, "reset")
    page.get_by_label("Email").fill("tom@acme.test")
    press(page, "Send link")
    look(page, "reset-sent")
    page.goto(link(site, "tom@acme.test"))
    expect(page.get_by_role("button", name="Set password")).to_be_visible()
    look(page, "reset-key")
    page.get_by_label("New Password", exact=True).fill(PASSWORD)
    page.get_by_label("New Password (again)").fill(PASSWORD)
    press(page, "Set password")
    look(page, "reset-done")
    log_in(page, "tom@acme.test", PASSWORD)

    page.goto("/account")
    look(page, "account")
    page.get_by_label("First name").fill("Tom")
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Saved.")

    page.goto("/accounts/2fa/")
    look(page, "mfa-off")
    page.get_by_role("link", name="Turn on").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Continue")
    expect(page.get_by_alt_text("QR code with the key")).to_be_visible()
    look(page, "mfa-activate")
    key = page.locator(".secret").inner_text()
    page.get_by_label("Authenticator code").fill(app_code(key))
    press(page, "Turn on")
    look(page, "mfa-codes")
    recovery = page.locator(".codes .secret").first.inner_text()
    page.goto("/accounts/2fa/")
    look(page, "mfa-on")
    page.get_by_role("link", name="Create new codes").click()
    look(page, "mfa-codes-new")
    page.goto("/accounts/2fa/totp/deactivate/")
    look(page, "mfa-deactivate")
    for path, name in {
        "/accounts/email/": "email",
        "/accounts/password/change/": "password-change",
        "/accounts/logout/": "logout",
        "/accounts/inactive/": "inactive",
        "/nowhere": "404",
    }.items():
        if path == "/nowhere":
            continue
        page.goto(path)
        look(page, name)

    page.get_by_role("navigation", name="Main menu").get_by_role("button", name="Log out").click()
    page.goto("/accounts/login/?next=/account")
    page.get_by_label("Email").fill("tom@acme.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Log in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Two-factor authentication")
    look(page, "mfa-authenticate")
    page.get_by_label("Code", exact=True).fill("000000")
    press(page, "Log in")
    expect(page.locator(".errorlist")).to_contain_text("Incorrect code")
    page.get_by_label("Code", exact=True).fill(recovery)
    press(page, "Log in")
    page.wait_for_url("**/account")


def test_who_is_invited_sets_a_password_and_sees_the_company(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person().page()
    enter(site, page, "alice@acme.test")
    page.goto("/companies")
    look(page, "companies")
    page.get_by_role("link", name="Acme").click()
    page.get_by_label("Websites that can embed the chat").fill("https://example.com/path")
    page.get_by_label("Limit to opening hours").check()
    page.get_by_label("Monday").fill("9-17:30")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    look(page, "company-settings-wrong")
    page.get_by_label("Websites that can embed the chat").fill("https://example.com/")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_label("Monday")).to_have_value("09:00-17:30")
    page.get_by_label("Limit to opening hours").uncheck()
    press(page, "Save")

    page.get_by_role("link", name="Members").click()
    page.get_by_label("Email address").fill("ivy@new.test")
    press(page, "Invite")
    expect(page.get_by_role("status")).to_contain_text("sent an invitation to ivy@new.test")
    look(page, "members")
    page.get_by_label("Role of ivy@new.test", exact=True).select_option("manager")
    page.get_by_role("button", name="Save role of ivy@new.test").click()
    expect(page.get_by_label("Role of ivy@new.test", exact=True)).to_have_value("manager")
    page.get_by_role("link", name="Cancel invitation for ivy@new.test").click()
    look(page, "invitation-cancel")
    page.get_by_role("link", name="Keep invitation").click()

    other = person().page()
    where = link(site, "ivy@new.test")
    page.goto(where)
    look(page, "invitation-other")
    other.goto(where)
    other.get_by_label("Password", exact=True).fill("ivy")
    other.get_by_label("Password (again)").fill("ivy")
    press(other, "Accept")
    expect(other.locator(".errorlist")).to_contain_text("too short")
    look(other, "invitation-password")
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_label("Password (again)").fill(PASSWORD)
    press(other, "Accept")
    other.wait_for_url("**/companies/acme")
    expect(other.get_by_role("heading", level=1)).to_have_text("Acme")
    other.goto(where)
    look(other, "invitation-closed")

    page.goto("/companies/acme/members")
    page.get_by_role("link", name="Remove ivy").click()
    look(page, "member-remove")
    press(page, "Remove")
    expect(page.get_by_role("status")).to_contain_text("ivy was removed")
    page.goto("/companies/acme/delete")
    look(page, "company-delete")


def test_an_invitation_is_answered_on_the_pages(site: Site, person: Callable[..., Person]) -> None:
    for email in ("kim@new.test", "lea@new.test"):
        site.token(email)
    acme = f"/api/companies/{site.acme['id']}/users"
    page = person().page()
    site.ask("POST", acme, {"email": "kim@new.test"}, site.alice)
    site.password("kim@new.test")
    page.goto(link(site, "kim@new.test"))
    look(page, "invitation-log-in")
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    page.get_by_label("Email").fill("kim@new.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Log in")
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    look(page, "invitation-accept")
    page.goto("/companies")
    look(page, "companies-invited")
    page.get_by_role("link", name="Decline invitation from Acme").click()
    page.get_by_label("All invitations from Acme").check()
    press(page, "Decline")
    expect(page.get_by_role("heading", name="Blocked invitations")).to_be_visible()
    look(page, "companies-blocked")
    press(page, "Allow again")
    site.ask("POST", acme, {"email": "kim@new.test", "role": "manager"}, site.alice)
    page.goto("/companies")
    press(page, "Accept invitation from Acme")
    page.wait_for_url("**/companies/acme")


def test_a_confirmation_that_is_opened_in_another_browser(
    site: Site, person: Callable[..., Person]
) -> None:
    page = person().page()
    page.goto("/accounts/signup/")
    page.get_by_label("Email").fill("max@new.test")
    page.get_by_label("Password", exact=True).fill("what a stranger chose")
    press(page, "Sign up")
    other = person().page()
    other.goto(link(site, "max@new.test"))
    look(other, "confirm-email-elsewhere")
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.get_by_label("Password (again)").fill(PASSWORD)
    press(other, "Set password")
    other.wait_for_url("**/inbox")
    other.goto("/accounts/email/")
    other.get_by_label("Email").fill("max@other.test")
    press(other, "Change the address")
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    press(other, "Continue")
    page.goto(link(site, "max@other.test"))
    look(page, "confirm-email-log-in")
