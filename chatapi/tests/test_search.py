"""Searches find letters of all scripts, in any case, composed or not."""

import pytest

from chats.actions import chats
from chats.models import Chat

NAMES = [
    "Caf\u00e9 am Markt",
    "Cafe\u0301 am Platz",
    "CAF\u00c9 ZENTRAL",
    "\u00d6L und \u00c4PFEL",
    "\u041c\u041e\u0421\u041a\u0412\u0410",
    "100% öl_x",
]


@pytest.fixture
def named(acme):
    for name in NAMES:
        chats.create(acme, name=name)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("caf\u00e9", [0, 1, 2]),
        ("cafe\u0301", [0, 1, 2]),
        ("CAF\u00c9", [0, 1, 2]),
        ("CAFE\u0301", [0, 1, 2]),
        ("\u00f6l", [3, 5]),
        ("O\u0308L", [3, 5]),
        ("äpfel", [3]),
        ("\u043c\u043e\u0441\u043a\u0432\u0430", [4]),
        ("\u041c\u043e\u0441\u043a\u0432\u0430", [4]),
        ("markt", [0]),
        ("% Öl_", [5]),
        ("é%a", []),
        ("Ö__", []),
    ],
)
def test_chats_by_name(alice, named, asked, found):
    rows = alice.api.get("/api/chats", {"q": asked, "per_page": 50}).json()["data"]
    assert sorted(row["name"] for row in rows) == sorted(NAMES[place] for place in found)


@pytest.mark.parametrize("asked", ["grüße", "GRÜSSE"[:3] + "ßE", "GRU\u0308"])
def test_saved_replies(alice, acme, asked):
    path = f"/api/companies/{acme.pk}/replies"
    reply = {"title": "Mit besten Gr\u00fc\u00dfen", "text": "Gru\u0308\u00dfe aus Berlin"}
    assert alice.api.post(path, reply).status_code == 201
    found = alice.api.get(path, {"q": asked}).json()["data"]
    assert [row["text"] for row in found] == [reply["text"]]


@pytest.mark.parametrize("asked", ["caf\u00e9 am", "CAFE\u0301 AM"])
def test_the_admin(admin_client, named, asked):
    page = admin_client.get("/admin/chats/chat/", {"q": asked}).content.decode()
    shown = Chat.objects.filter(name__in=NAMES[:2])
    assert all(f"/admin/chats/chat/{chat.pk}/" in page for chat in shown)
    assert "ZENTRAL" not in page
