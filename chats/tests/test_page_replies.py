"""The filter of saved replies."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

TITLES = ["Caf\u00e9", "Cafe\u0301 at night", "Stra\u00dfe", "\u0130stanbul", "Opening hours"]
TYPED = [
    ("caf\u00e9", TITLES[:2]),
    ("CAFE\u0301", TITLES[:2]),
    ("Caf\u00c9 NIGHT", TITLES[1:2]),
    ("strasse", TITLES[2:3]),
    ("istanbul", TITLES[3:4]),
    ("hours open", TITLES[4:]),
    ("cafe", []),
    ("  ", TITLES),
]
OPEN = """async (titles) => {
    const { chooseReply } = await import('/chats/inbox/replies.js');
    const data = titles.map((title) => ({ title, text: '👍🏽'.repeat(200) }));
    chooseReply({ get: async () => ({ data }) }, 1);
}"""


def test_replies_are_found_in_any_case_and_composition(modules: Page) -> None:
    modules.evaluate(OPEN, TITLES)
    search = modules.get_by_role("searchbox")
    for typed, titles in TYPED:
        search.fill(typed)
        expect(modules.locator(".reply strong")).to_have_text(titles)


def test_their_previews_cut_no_emoji(modules: Page) -> None:
    modules.evaluate(OPEN, TITLES[:1])
    expect(modules.locator(".reply .quiet")).to_have_text("👍🏽" * 159 + "…")
