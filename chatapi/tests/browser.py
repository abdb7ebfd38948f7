"""What the tests of pages share: an installation with a worker, and people at browsers.

A person's browser is a context of its own in one Chromium. Whatever its console complains of, each
request that leaves for another host, and each error a page throws, fails the test that opened it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from chatapi.tests.installation import CHROMIUM, Installation, wait_for

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
HIGH = {
    f"LIMIT_{name}": "10000/s"
    for name in (
        "READ",
        "WRITE",
        "SEND",
        "ANONYMOUS",
        "JOIN",
        "STREAM",
        "CODE_MAIL",
        "CODE_TRY",
        "MAIL",
        "LOGIN",
        "PASSWORD",
    )
}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium; of this suite's own process, not one that playwright would fetch."""
    return {
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    }


class Site:
    """An installation as the Procfile has it, with a real mailbox; alice owns Acme, bob answers."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.url = f"http://127.0.0.1:{installation.port}"
        installation.start("web", "worker", "beat")
        self.alice = self.token("alice@acme.test")
        self.acme = self.ask("POST", "/api/companies", {"name": "Acme"}, self.alice)
        self._chats = 0

    def token(self, email: str) -> str:
        """A personal access token, with an account if there is none."""
        return self.installation.manage("issue_token", email).strip()

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """The body of an answer that is no error."""
        answer = self.installation.call(method, path, body, token)
        assert answer.status < 400, answer
        return answer.body

    def chat(self, **fields: Any) -> dict[str, Any]:
        """A chat of Acme, and its join link as `url`, its `password`."""
        self._chats += 1
        fields = {"name": f"Chat {self._chats}", "company_id": self.acme["id"], **fields}
        chat = self.ask("POST", "/api/chats", fields, self.alice)
        return {**chat, **self.ask("POST", f"/api/chats/{chat['id']}/share", {}, self.alice)}

    def mails(self, to: str) -> list[Any]:
        """The mails to an address, but for those that tell of a token from `token()`."""
        taken = [mail for mail in self.installation.mailbox.taken if mail["To"] == to]
        return [mail for mail in taken if not mail["Subject"].startswith("A token was created")]

    def code(self, to: str, number: int = 1) -> str:
        """The code in the `number`th code mail to an address, as soon as it came."""

        def codes() -> list[str]:
            subjects = [str(mail["Subject"]).strip() for mail in self.mails(to)]
            return [match[0] for each in subjects if (match := re.match(r"\d{6}", each))]

        wait_for(lambda: len(codes()) >= number, 30)
        return codes()[number - 1]

    def guest(self, chat: dict[str, Any], first_name: str = "Gina") -> str:
        """The chat-user token of a guest who joined over the API."""
        email = f"{first_name.lower()}{chat['id']}@guest.test"
        self.ask(
            "POST",
            f"/api/chats/{chat['id']}/users",
            {
                "password": chat["password"],
                "first_name": first_name,
                "last_name": "Guest",
                "email": email,
            },
        )
        proof = {"email": email, "auth-code": self.code(email)}
        return str(self.ask("POST", f"/api/chats/{chat['id']}/users/get-token", proof)["token"])

    def agent(self, chat: dict[str, Any], token: str = "") -> str:
        """The chat-user token of a member who joined over the API; alice's unless told."""
        joined = self.ask("POST", f"/api/chats/{chat['id']}/users", None, token or self.alice)
        return str(joined["token"])

    def password(self, email: str, password: str = "correct horse battery") -> str:
        """Give an account a password and a proven address, as sign-up would; the password."""
        self.as_account(email, f"user.set_password({password!r}); user.save()")
        return password

    def session(self, email: str) -> str:
        """The cookie of a new session of an account, which has a proven address then."""
        begin = "from django.test import Client; browser = Client(); browser.force_login(user)"
        return self.as_account(email, f"{begin}; print(browser.cookies['sessionid'].value)")

    def as_account(self, email: str, statements: str) -> str:
        """What Python prints, with the account as `user`."""
        return self.installation.manage(
            "shell",
            "-v0",
            "-c",
            "from accounts.models import User; from allauth.account.models import EmailAddress;"
            f"user = User.objects.get(email={email!r}); EmailAddress.objects.update_or_create("
            "user=user, email=user.email, defaults={'verified': True, 'primary': True});"
            f"{statements}",
        ).strip()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    installation = Installation(tmp_path_factory.mktemp("site"), **HIGH)
    try:
        installation.env["PUBLIC_URL"] = f"http://127.0.0.1:{installation.port}"
        yield Site(installation)
    finally:
        installation.close()


@dataclass
class Person:
    """Somebody at a browser of their own, and what went wrong there."""

    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def page(self) -> Page:
        page = self.context.new_page()
        page.on("console", self.note)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        return page

    def note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text} ({message.location['url']})")

    def allow(self, pattern: str) -> None:
        """Let pass what a test provokes, like the line of a refused request."""
        self.expected.append(pattern)

    def check(self) -> None:
        left = [
            fault for fault in self.faults if not any(re.search(e, fault) for e in self.expected)
        ]
        assert not left, left


# Whether a page is seen, as a test says.
HIDDEN = """
    Object.defineProperty(document, 'hidden', {
        get: () => globalThis.covered, configurable: true,
    });
"""


def hide(page: Page) -> None:
    """Let another tab cover this one, as a browser tells its page."""
    page.evaluate("() => { globalThis.covered = true; }")
    cover(page)


def reveal(page: Page) -> None:
    """Show a tab again that was hidden."""
    page.evaluate("() => { globalThis.covered = false; }")
    cover(page)


def cover(page: Page) -> None:
    page.evaluate(f"() => {{ {HIDDEN} document.dispatchEvent(new Event('visibilitychange')); }}")


class People:
    """Makes people: `person()`, or with options of a context like `viewport=PHONE`."""

    def __init__(self, browser: Browser, site: Site):
        self.browser = browser
        self.site = site
        self.made: list[Person] = []

    def __call__(self, **options: Any) -> Person:
        options = {"viewport": DESKTOP, "locale": "en-GB", "base_url": self.site.url, **options}
        self.made.append(Person(self.browser.new_context(**options)))
        return self.made[-1]

    def leave(self) -> None:
        """Close all pages; what they load is needed until then."""
        for each in self.made:
            each.context.close()


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[People]:
    people = People(browser, site)
    yield people
    people.leave()
    for each in people.made:
        each.check()


@pytest.fixture
def modules(browser: Browser) -> Iterator[Page]:
    """An empty page that can import the pages' modules, at the paths of static files."""
    folders = [Path(settings.BASE_DIR, app, "static") for app in ("chats", "chatapi")]

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path.lstrip("/")
        files = [folder / path for folder in folders if path and (folder / path).is_file()]
        if files:
            route.fulfill(path=files[0], content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><html lang=en>", content_type="text/html")

    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    page = context.new_page()
    page.route("https://modules.test/**", answer)
    page.goto("https://modules.test/")
    yield page
    context.close()


def log_in(page: Page, email: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/inbox")
    wait_for_inbox(page)  # its script has its token then: another page would have to get one, too


def wait_for_inbox(page: Page) -> None:
    """Wait until the inbox has loaded its chats."""
    expect(page.locator("#inbox")).not_to_have_attribute("aria-busy", "true")


def enter(site: Site, page: Page, email: str) -> None:
    """Open the inbox of an account in a session of its own, as `log_in` does by a password."""
    page.context.add_cookies(
        [{"name": "sessionid", "value": site.session(email), "url": site.url, "httpOnly": True}]
    )
    page.goto("/inbox")
    wait_for_inbox(page)


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong on the page, one line each."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


def assert_accessible(page: Page) -> None:
    """No violation of axe's rules, in light and dark, on a phone and on a desktop."""
    size = page.viewport_size
    for colors in ("light", "dark"):
        page.emulate_media(color_scheme=colors, reduced_motion="reduce")
        for viewport in (PHONE, DESKTOP):
            page.set_viewport_size(viewport)
            assert not violations(page), (colors, viewport, violations(page))
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{page.url} is {overflow} px too wide at {viewport['width']}"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(size or DESKTOP)


def shot(page: Page, name: str) -> None:
    """A picture for whoever wants to look (SCREENSHOTS=folder)."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
