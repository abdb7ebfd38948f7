"""What the tests of a guest's pages do again and again."""

from typing import Any

import psycopg
from playwright.sync_api import Locator, Page, Route, expect

from chatapi.tests.browser import Site

REFUSED = r"the server responded with a status of 4\d\d"  # Chromium's line for such an answer
AWAY = r"net::ERR_|Failed to load resource|the server responded with a status of 5\d\d"
CODE_ASKED = "Enter your 6-digit code"


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def field(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def message(page: Page, text: str) -> Locator:
    """A message that the server has."""
    return page.locator(".messages:not(.pending) .message").filter(has_text=text)


def introduce(page: Page, email: str, first_name: str = "Gina", last_name: str = "Guest") -> None:
    page.get_by_label("First name").fill(first_name)
    page.get_by_label("Last name").fill(last_name)
    page.get_by_label("Email").fill(email)


def join(page: Page, site: Site, chat: dict[str, Any], first_name: str = "Gina") -> str:
    """Go in by the link, as a guest who reads their mail; the address."""
    email = f"{first_name.lower()}-{chat['id']}@guest.test"
    page.goto(chat["url"])
    introduce(page, email, first_name)
    page.get_by_role("button", name="Join the chat").click()
    prove(page, site, email)
    return email


def prove(page: Page, site: Site, email: str, number: int = 1) -> None:
    """Type in the `number`th code that was mailed."""
    expect(heading(page)).to_have_text(CODE_ASKED)
    page.get_by_label("Digit 1 of 6").press_sequentially(site.code(email, number))
    expect(field(page)).to_be_focused()


def say(page: Page, text: str) -> None:
    field(page).fill(text)
    page.keyboard.press("Enter")


def held_request(page: Page, held: list[Route]) -> Route:
    """The first request that a route holds. The page may show it as being sent earlier."""
    while not held:
        page.wait_for_timeout(20)
    return held[0]


def fill(site: Site, chat: int, count: int) -> None:
    """`count` messages of the chat's first user, as sends would have made them."""
    values = {"chat": chat, "count": count}
    with psycopg.connect(site.installation.env["DATABASE_URL"]) as connection:
        connection.execute(
            """
            WITH made AS (
                INSERT INTO chats_message (chat_id, author_id, seq, text, assurance, created_at)
                SELECT chat.id, (SELECT min(id) FROM chats_chatuser WHERE chat_id = chat.id),
                       chat.last_seq + n, 'Message number ' || n || '.', 'email_verified',
                       now() - (%(count)s - n) * interval '1 minute'
                FROM chats_chat AS chat, generate_series(1, %(count)s) AS n
                WHERE chat.id = %(chat)s
                RETURNING id, seq, created_at
            )
            INSERT INTO chats_event (chat_id, company_id, seq, type, message_id, created_at)
            SELECT chat.id, chat.company_id, made.seq, 'message.created', made.id, made.created_at
            FROM made, chats_chat AS chat WHERE chat.id = %(chat)s
            """,
            values,
        )
        connection.execute(
            "UPDATE chats_chat SET last_seq = last_seq + %(count)s,"
            " last_message_seq = last_seq + %(count)s WHERE id = %(chat)s",
            values,
        )
