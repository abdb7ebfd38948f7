"""What is written is what arrives, and what shows nothing is nothing."""

import pytest

from conftest import Client

CODE = "    if x:\n        return  y\n"
INVISIBLE = [
    "\u200b",
    "\u2800",
    "\u3164",
    "\u200d",
    "\u00ad",
    "\ufe0f",
    "\u2060 \u200b\n",
    "\u202e",
]


def test_code_keeps_its_indent_and_its_blanks(chat, gina, admin_client):
    path = f"/api/chats/{chat.pk}/messages"
    sent = gina.api.post(path, {"text": f"\n{CODE}\n"}).json()
    assert sent["text"] == CODE.rstrip()
    edited = gina.api.patch(f"{path}/{sent['id']}", {"text": f"  \n\t{CODE}"}).json()
    assert edited["text"] == f"\t{CODE}".rstrip()
    page = admin_client.get(f"/admin/chats/chat/{chat.pk}/change/").content.decode()
    assert f'<div class="said-text">\t{CODE.rstrip()}</div>' in page


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_message_of_invisible_characters_is_none(chat, gina, text):
    answer = gina.api.post(f"/api/chats/{chat.pk}/messages", {"text": text})
    assert answer.status_code == 422
    assert "text" in answer.json()["errors"]


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_name_of_invisible_characters_is_none(chat, acme, alice, gina, name):
    person = {"email": "ida@guest.test", "first_name": name, "last_name": "New"}
    answers = [
        Client().post(f"/api/companies/{acme.pk}/start-chat", person),
        alice.api.post("/api/companies", {"name": name}),
        alice.api.patch(f"/api/companies/{acme.pk}", {"name": name}),
        alice.api.post(f"/api/companies/{acme.pk}/replies", {"title": name, "text": "Hello"}),
        alice.api.post(f"/api/companies/{acme.pk}/replies", {"title": "Hello", "text": name}),
    ]
    assert [answer.status_code for answer in answers] == [422] * len(answers)


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_chats_name_may_be_left_out_that_way_too(chat, alice, name):
    assert alice.api.patch(f"/api/chats/{chat.pk}", {"name": name}).json()["name"] == ""


def test_visible_text_keeps_the_invisible_in_it(chat, gina):
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f"
    answer = gina.api.post(f"/api/chats/{chat.pk}/messages", {"text": family})
    assert answer.json()["text"] == family


def test_a_text_is_counted_after_trimming(chat, gina):
    path = f"/api/chats/{chat.pk}/messages"
    assert gina.api.post(path, {"text": "\n" + "x" * 10_000 + " "}).status_code == 201
    assert gina.api.post(path, {"text": "x" * 10_001}).status_code == 422
