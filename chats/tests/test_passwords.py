"""A chat's password: in links, and however it is typed in."""

from urllib.parse import unquote

import pytest

from chats.actions.chats import join_url
from conftest import Client

CHOSEN = [
    "abc%20defgh",
    "summer 2026",
    "Tulips2026!",
    "tulips.2026.",
    "what?a#hash",
    "under_score_",
    "a~b-c~d-e~",
    "(brackets)",
    "<b>bold</b>",
    "Tür & Tor 1",
    "'quoted' \"text\"",
    "日本語のパスワードです",
    "plus+plus+1",
    "back\\slash\\",
    "*stars*stars*",
    "100% sure!!",
]


@pytest.mark.parametrize("password", CHOSEN)
def test_a_link_has_it_so_that_nothing_is_cut_off(chat, alice, password):
    path = f"/api/chats/{chat.pk}"
    assert alice.api.patch(path, {"password": password}).status_code == 200
    shared = alice.api.post(f"{path}/share").json()
    assert shared["password"] == password
    start, _, fragment = shared["url"].partition("#")
    assert start.endswith(f"/chats/{chat.pk}")
    assert unquote(fragment) == password
    assert fragment.isascii()
    assert all(mark.isalnum() or mark in "%_.-~" for mark in fragment)
    assert fragment[-1].isalnum()


def join(chat, password):
    person = {"email": "ida@guest.test", "first_name": "Ida", "last_name": "New"}
    return Client().post(f"/api/chats/{chat.pk}/users", {"password": password, **person})


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        (" summer 2026 ", "summer 2026"),
        ("summer 2026", "summer 2026\n"),
        ("Cafe\u0301 am Markt", "Caf\u00e9 am Markt"),
        ("Caf\u00e9 am Markt", "Cafe\u0301 am Markt"),
        ("Tulips2026!", "\tTulips2026!"),
    ],
)
def test_it_fits_however_it_is_typed_in(chat, alice, chosen, typed):
    path = f"/api/chats/{chat.pk}"
    assert alice.api.patch(path, {"password": chosen}).status_code == 200
    assert join(chat, typed).status_code == 201


@pytest.mark.parametrize(
    "wrong", ["Tulips 2026!", "tulips2026!", "Tulips2026", "Tulips2026!\u200b"]
)
def test_what_does_not_fit(chat, alice, wrong):
    assert alice.api.patch(f"/api/chats/{chat.pk}", {"password": "Tulips2026!"}).status_code == 200
    assert join(chat, wrong).status_code == 422


@pytest.mark.parametrize(
    "password", ["line\nbreak 1", "zero\u200bwidth1", "a\x07bell here", "\u202eright2left"]
)
def test_characters_that_nobody_can_type_in_are_refused(chat, alice, acme, password):
    for answer in (
        alice.api.patch(f"/api/chats/{chat.pk}", {"password": password}),
        alice.api.post("/api/chats", {"company_id": acme.pk, "password": password}),
    ):
        assert answer.status_code == 422
        assert "control characters" in answer.json()["errors"]["password"][0]


def test_a_link_is_made_of_nothing_but_letters_and_digits_when_it_is_generated(chat, alice):
    answer = alice.api.post(f"/api/chats/{chat.pk}/share", {"rotate": True}).json()
    assert answer["url"] == join_url(chat, answer["password"])
    assert answer["url"].endswith(f"#{answer['password']}")
