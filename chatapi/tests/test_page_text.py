"""How scripts see, shorten and find text: as the server does."""

import pytest
from playwright.sync_api import Page

from chatapi.tests.test_text import FAMILY, INVISIBLE
from chatapi.text import display as server

pytestmark = pytest.mark.browser

VISIBLE = ["a", "\u200ba", ".", FAMILY, "❤\ufe0f", "한", "\u2801", "\u0301", "0"]
TRIMMED = [
    "  hello \n",
    "\n\n    if x:\n        y\n\n",
    " \n\thello",
    "a\n  b",
    "\tif x:\n\t\ty",
    "",
    "\n \n",
    "    a\n",
    "  a  b  ",
    "\u00a0a\u3000",
]
SHORTENED = [
    ("abc", 3),
    ("abcd", 3),
    (FAMILY * 3, 3),
    (FAMILY * 4, 3),
    ("e\u0301" * 3, 3),
    ("e\u0301" * 4, 2),
    ("🇩🇪🇦🇹🇨🇭", 2),
    ("a  b", 3),
    ("x" * 119 + "😀y", 120),
    ("👍🏽" * 121, 120),
    ("क्षि" * 5, 3),
    ("", 3),
    ("a\r\nb", 2),
]
LENGTHS = ["", "abc", "😀", FAMILY, "e\u0301", "x" * 10_000, "😀" * 10_000]
FOUND = [
    ("Café", "cafe\u0301"),
    ("Cafe\u0301", "CAFÉ"),
    ("STRASSE", "straße"),
    ("ΟΔΟΣ", "οδοσ"),
    ("οδος", "Σ"),
    ("İstanbul", "istanbul"),
    ("ISPARTA", "\u0131sparta"),
    ("ПРИВЕТ", "привет"),
    ("Å", "a\u030a"),
    ("ﬁn", "FIN"),
    ("각", "\u1100\u1161\u11a8"),
    ("TITLE", "title"),
    ("Việt", "VIE\u0323\u0302T"),
]
NOT_FOUND = [("Cafe", "café"), ("a", "b"), ("uber", "über")]

CALL = """async ([name, calls]) => {
    const module = await import('/chatapi/text/text.js');
    return calls.map((call) => module[name](...call));
}"""


def test_nothing_to_see(modules: Page) -> None:
    calls = [[each] for each in INVISIBLE + VISIBLE]
    expected = [True] * len(INVISIBLE) + [False] * len(VISIBLE)
    assert modules.evaluate(CALL, ["isBlank", calls]) == expected


def test_trimmed_as_on_the_server(modules: Page) -> None:
    found = modules.evaluate(CALL, ["trim", [[each] for each in TRIMMED]])
    assert found == [server.trim(each) for each in TRIMMED]


def test_shortened_as_on_the_server(modules: Page) -> None:
    found = modules.evaluate(CALL, ["shorten", SHORTENED])
    assert found == [server.shorten(*each) for each in SHORTENED]


def test_a_pile_of_marks_is_cut(modules: Page) -> None:
    (found,) = modules.evaluate(CALL, ["shorten", [["a" + "\u0301" * 9_999, 100]]])
    assert len(found) <= 6_401


def test_counted_as_on_the_server(modules: Page) -> None:
    found = modules.evaluate(CALL, ["countCharacters", [[each] for each in LENGTHS]])
    assert found == [len(each) for each in LENGTHS]


def test_found_in_any_case_and_composition(modules: Page) -> None:
    pairs = FOUND + NOT_FOUND
    wholes = modules.evaluate(CALL, ["fold", [[whole] for whole, _ in pairs]])
    parts = modules.evaluate(CALL, ["fold", [[part] for _, part in pairs]])
    found = [part in whole for whole, part in zip(wholes, parts, strict=True)]
    assert found == [True] * len(FOUND) + [False] * len(NOT_FOUND)
