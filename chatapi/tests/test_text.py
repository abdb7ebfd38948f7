"""Texts: what a reader sees, where they are cut, and how passwords are compared."""

import pytest

from chatapi.text.display import has_unusable, is_blank, normalize_password, shorten, trim

INVISIBLE = [
    "",
    " ",
    "\n\t",
    "\u200b",
    "\u2800",
    "\u3164",
    "\u200d",
    "\u00ad",
    "\ufe0f",
    "\u034f",
    "\u115f",
    "\u1160",
    "\uffa0",
    "\u2060",
    "\ufeff",
    "\u202e",
    "\u180e",
    "\u00a0",
    "\u3000",
    "\U000e0041",
    "\u200b \u2800\ufe0f",
]
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize("text", INVISIBLE)
def test_nothing_to_see(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "\u200ba", ".", FAMILY, "❤\ufe0f", "한", "\u2801", "\u0301"])
def test_something_to_see(text):
    assert not is_blank(text)


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        (FAMILY * 3, 3, FAMILY * 3),
        (FAMILY * 4, 3, FAMILY * 2 + "…"),
        ("e\u0301" * 3, 3, "e\u0301" * 3),
        ("e\u0301" * 4, 2, "e\u0301…"),
        ("🇩🇪🇦🇹🇨🇭", 2, "🇩🇪…"),
        ("a  b", 3, "a…"),
    ],
)
def test_cut_between_what_readers_count(text, most, short):
    assert shorten(text, most) == short


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  hello \n", "hello"),
        ("\n\n    if x:\n        y\n\n", "    if x:\n        y"),
        (" \n\thello", "hello"),
        ("a\n  b", "a\n  b"),
        ("\tif x:\r\n\t\ty", "\tif x:\r\n\t\ty"),
        ("", ""),
    ],
)
def test_trimming_keeps_the_indent_of_code(text, kept):
    assert trim(text) == kept


def test_passwords_are_compared_composed_and_trimmed():
    assert normalize_password(" Cafe\u0301 2026 ") == normalize_password("Caf\u00e9 2026")
    assert normalize_password("a b") != normalize_password("ab")
    for wrong in ("a\nb", "a\x00b", "a\u200bb", "a\u202eb", "a\u2028b", "a\u00adb"):
        assert has_unusable(wrong)
    assert not has_unusable("Tulips 2026! ü 한 🌷")
