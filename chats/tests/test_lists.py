"""Every list: pages by number as far as they reach, and cursors from there on."""

import base64
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from django.utils import timezone

from accounts.actions.users import account_for
from chatapi.api import pagination
from chats.actions import chats, messages
from chats.models import Chat, ChatUser
from chats.tests.test_queries import statements
from companies.actions.companies import create_company
from companies.actions.invitations import invite_member
from companies.actions.replies import create_reply
from companies.models import Role
from conftest import Client

COUNT = 7
SIZE = 3


def fill_chats(acme, chat):
    moment = timezone.now()
    for number in range(COUNT - 1):
        made = chats.create(acme, name=f"Chat {number}")
        # Pairs of the same time: only the id tells them apart.
        age = timedelta(hours=number // 2)
        Chat.objects.filter(pk=made.pk).update(created_at=moment - age)
    return "/api/chats"


def fill_companies(acme, chat):
    owner = acme.memberships.get(role=Role.OWNER).user
    for number in range(COUNT - 2):  # with acme and the one beside it
        create_company(owner, name=f"Company {number}")
    create_company(owner, name="One more")
    return "/api/companies"


def fill_members(acme, chat):
    for number in range(COUNT - acme.memberships.count()):
        invite_member(acme, Role.OWNER, f"agent{number}@acme.test", Role.AGENT)
    return "/api/companies/acme/users"


def fill_replies(acme, chat):
    for number in range(COUNT):
        create_reply(acme, title=f"Größe {number} \"'%", text="…")
    return "/api/companies/acme/replies"


def fill_chat_users(acme, chat):
    ChatUser.objects.bulk_create(
        ChatUser(chat=chat, email=f"guest{number}@x.test") for number in range(COUNT)
    )
    return f"/api/chats/{chat.pk}/users"


def fill_messages(acme, chat):
    author = ChatUser.objects.create(chat=chat, email="author@x.test")
    for number in range(COUNT):
        messages.send(author, f"{number}")
    return f"/api/chats/{chat.pk}/messages"


LISTS = [fill_chats, fill_companies, fill_members, fill_replies, fill_chat_users, fill_messages]
BY_AGE = [fill_chats, fill_messages]


@pytest.fixture(params=LISTS, ids=lambda fill: fill.__name__.removeprefix("fill_"))
def path(request, acme, chat):
    return request.param(acme, chat)


def ids(body):
    return [row["id"] for row in body["data"]]


def follow(api, path, **query):
    """The ids of all pages, by their cursors."""
    met, cursor = [], None
    while True:
        body = api.get(path, {**query, "per_page": SIZE} | ({"cursor": cursor} if cursor else {}))
        assert body.status_code == 200, body.json()
        met += ids(body.json())
        cursor = body.json()["next_cursor"]
        if cursor is None:
            return met


def test_cursors_meet_each_row_once(alice, path):
    whole = alice.api.get(path).json()
    assert whole["next_cursor"] is None
    assert len(ids(whole)) == COUNT
    assert follow(alice.api, path) == ids(whole)


def test_links_go_on_by_cursor_after_one(alice, path):
    whole = ids(alice.api.get(path).json())
    first = alice.api.get(path, {"per_page": SIZE}).json()
    assert parse_qs(urlsplit(first["next_page_url"]).query)["page"] == ["2"]
    met, url = ids(first), f"{path}?per_page={SIZE}&cursor={first['next_cursor']}"
    while url:
        body = alice.api.get(url).json()
        assert (body["from"], body["to"], body["prev_page_url"]) == (None, None, None)
        assert body["first_page_url"] == f"http://testserver{path}?per_page={SIZE}&page=1"
        met += ids(body)
        url = body["next_page_url"]
    assert met == whole


@pytest.mark.parametrize("fill", BY_AGE)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_cursors_keep_the_order(acme, chat, alice, fill, order):
    path = fill(acme, chat)
    whole = alice.api.get(path, {"order": order}).json()
    assert follow(alice.api, path, order=order) == ids(whole)
    page = alice.api.get(path, {"order": order, "per_page": SIZE}).json()
    # The order need not be said again ...
    going_on = alice.api.get(path, {"per_page": SIZE, "cursor": page["next_cursor"]}).json()
    assert ids(going_on) == ids(whole)[SIZE : 2 * SIZE]
    # ... and must not be turned.
    other = {"asc": "desc", "desc": "asc"}[order]
    turned = alice.api.get(path, {"order": other, "cursor": page["next_cursor"]})
    assert turned.status_code == 422
    assert list(turned.json()["errors"]) == ["cursor"]


def test_rows_that_come_and_go_hide_none(acme, alice, chat):
    path = fill_chats(acme, chat)
    whole = ids(alice.api.get(path).json())
    first = alice.api.get(path, {"per_page": SIZE}).json()
    chats.create(acme, name="A newer one")
    for pk in whole[1:SIZE]:  # the very row that the cursor names among them
        chats.delete(Chat.objects.get(pk=pk))
    rest = alice.api.get(path, {"cursor": first["next_cursor"]}).json()
    assert ids(rest) == whole[SIZE:]


def test_a_cursor_keeps_the_filters_that_are_sent_with_it(acme, alice, bob, charlie, chat):
    fill_chats(acme, chat)
    closed = ids(alice.api.get("/api/chats").json())[::2]
    Chat.objects.filter(pk__in=closed).update(status="closed")
    for api in (alice.api, bob.api):
        assert follow(api, "/api/chats", status="closed") == closed
        assert follow(api, "/api/chats", q="Chat", company_id="acme")[-1] != chat.pk
    cursor = alice.api.get("/api/chats?per_page=1").json()["next_cursor"]
    assert charlie.api.get("/api/chats", {"cursor": cursor}).json()["data"] == []


def test_messages_of_a_day_by_cursor(acme, alice, gina, chat):
    path = fill_messages(acme, chat)
    query = {"after": "2020-01-01", "before": "2999-01-01"}
    whole = ids(alice.api.get(path, query).json())
    assert follow(alice.api, path, **query) == whole
    assert follow(gina.api, path, **query, order="asc") == whole[::-1]


@pytest.mark.parametrize("anchor", ["before_seq", "after_seq", "around_seq"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_by_sequence_have_cursors_too(acme, alice, chat, anchor, order):
    path = fill_messages(acme, chat)
    page = alice.api.get(path, {anchor: 4, "per_page": 2, "order": order}).json()
    met, url = ids(page), page["next_page_url"]
    while url:
        body = alice.api.get(url).json()
        met += ids(body)
        url = body["next_page_url"]
    by_cursor, cursor = ids(page), page["next_cursor"]
    assert (cursor is None) == (page["next_page_url"] is None)
    while cursor:
        body = alice.api.get(path, {"per_page": 2, "cursor": cursor}).json()
        by_cursor += ids(body)
        cursor = body["next_cursor"]
    assert by_cursor == met


def packed(*values):
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


GARBAGE = [
    "x",
    "1",
    "=",
    "é",
    "\0",
    "%",
    "W10",
    "bnVsbA",
    "A" * 1001,
    "..",
    packed(),
    packed("chats"),
    packed("chats", "desc"),
    packed("chats", "desc", 1),
    packed("chats", "desc", 1, 2, 3),
    packed("chats", "newest", 1, 2),
    packed("chats", "desc", "1", "2"),
    packed("chats", "desc", True, True),
    packed("chats", "desc", 1.5, 2.5),
    packed("chats", "desc", -1, 1),
    packed("chats", "desc", 1, -1),
    packed("chats", "desc", 2**63, 1),
    packed("chats", "desc", 2**63 - 1, 1),
    packed("chats", "desc", 1, 2**63),
    packed("chats", "desc", None, None),
    packed("chats", "desc", [1], {"a": 1}),
    packed(["chats"], "desc", 1, 2),
    packed("chats", "desc", 1, 2) + "=",
    packed("chats", "desc", 1, 2) + "\n",
    base64.urlsafe_b64encode(b'["chats", "desc", 1, 2]').decode(),
    base64.urlsafe_b64encode(b"[" * 600).decode(),
]


@pytest.mark.parametrize("cursor", GARBAGE)
def test_what_is_no_cursor(alice, chat, cursor):
    answer = alice.api.get("/api/chats", {"cursor": cursor})
    assert answer.status_code == 422, answer.json()
    assert list(answer.json()["errors"]) == ["cursor"]


@pytest.mark.parametrize("title", ["a\0b", 5, None])
def test_what_is_no_cursor_of_titles(alice, acme, title):
    cursor = packed(f"replies {acme.pk}", "asc", title, 1)
    answer = alice.api.get("/api/companies/acme/replies", {"cursor": cursor})
    assert list(answer.json()["errors"]) == ["cursor"]


def test_a_cursor_is_of_its_own_list_alone(alice, acme, chat, other_chat):
    paths = [fill(acme, chat) for fill in LISTS]
    twin = fill_messages(acme, other_chat), fill_chat_users(acme, other_chat)
    bodies = {path: alice.api.get(path, {"per_page": SIZE}).json() for path in (*paths, *twin)}
    assert len({body["next_cursor"] for body in bodies.values()}) == len(bodies)
    for origin, body in bodies.items():
        for path in bodies:
            answer = alice.api.get(path, {"cursor": body["next_cursor"]})
            assert answer.status_code == (200 if path == origin else 422), (origin, path)


def test_companies_by_id_and_by_slug_are_one_list(alice, acme, chat):
    path = fill_members(acme, chat)
    cursor = alice.api.get(path, {"per_page": SIZE}).json()["next_cursor"]
    by_id = alice.api.get(f"/api/companies/{acme.pk}/users", {"cursor": cursor})
    assert by_id.status_code == 200


@pytest.mark.parametrize("query", ["page=1", "page=2", "page=abc"])
def test_a_cursor_goes_with_no_page(alice, path, query):
    cursor = alice.api.get(path, {"per_page": SIZE}).json()["next_cursor"]
    assert alice.api.get(f"{path}?{query}&cursor={cursor}").status_code == 422


@pytest.mark.parametrize("anchor", ["before_seq", "after_seq", "around_seq"])
def test_a_cursor_goes_with_no_anchor(alice, acme, chat, anchor):
    path = fill_messages(acme, chat)
    cursor = alice.api.get(path, {"per_page": SIZE}).json()["next_cursor"]
    answer = alice.api.get(f"{path}?{anchor}=4&cursor={cursor}")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("page=10000&per_page=1", True),
        ("page=40&per_page=249", True),
        ("page=666", True),
        ("page=667", False),
        ("page=41&per_page=249", False),
        ("page=10001&per_page=1", False),
        ("page=10000000&per_page=249", False),
        ("page=99999999999999999999999", False),
    ],
)
def test_pages_by_number_end_at_row_10_000(alice, path, query, fits):
    answer = alice.api.get(f"{path}?{query}")
    if fits:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    assert answer.json()["code"] == "use_cursor"
    assert list(answer.json()["errors"]) == ["page"]


def test_the_last_page_by_number_leads_on_by_cursor(alice, path, monkeypatch):
    monkeypatch.setattr(pagination, "MAX_ROWS", 2 * SIZE)
    whole = ids(alice.api.get(path, {"per_page": SIZE, "page": 1}).json())
    second = alice.api.get(path, {"per_page": SIZE, "page": 2}).json()
    assert f"cursor={second['next_cursor']}" in second["next_page_url"]
    third = alice.api.get(second["next_page_url"]).json()
    assert len({*whole, *ids(second), *ids(third)}) == COUNT


def test_the_links_repeat_nothing_but_the_lists_own_parameters(alice, path):
    secret = "cnc_1_a-secret"
    sent = {"per_page": 1, "chat_user_token": secret, "token": secret, "auth-code": secret}
    answer = alice.api.get(path, sent)
    assert answer.json()["next_page_url"]
    assert secret not in answer.content.decode()


def test_a_long_query_is_not_repeated_in_the_links(alice, path):
    answer = alice.api.get(f"{path}?{'per_page=1&' * 5000}")
    assert len(answer.content) < 10_000


def test_a_guest_pages_by_cursor(acme, chat, gina):
    path = fill_messages(acme, chat)
    assert follow(gina.api, path) == ids(gina.api.get(path).json())
    assert gina.api.get("/api/chats").json()["next_cursor"] is None


def test_going_on_by_cursor_costs_what_a_first_page_costs(acme, chat, bob):
    for path, count in ((fill_chats(acme, chat), 2), (fill_messages(acme, chat), 2)):
        cursor = bob.api.get(path, {"per_page": SIZE}).json()["next_cursor"]
        # token; the rows; of chats that have messages, also their newest ones
        with statements(count):
            bob.api.get(path, {"per_page": SIZE, "cursor": cursor})


def test_a_stranger_gets_no_further_by_a_cursor(alice, path):
    cursor = alice.api.get(path, {"per_page": SIZE}).json()["next_cursor"]
    assert Client().get(path, {"cursor": cursor}).status_code == 401


def test_a_member_of_no_company_has_no_chats_after_a_cursor(alice, acme, chat):
    path = fill_chats(acme, chat)
    cursor = alice.api.get(path, {"per_page": SIZE}).json()["next_cursor"]
    from accounts.actions.tokens import issue_token

    nobody = Client(issue_token(account_for("nobody@x.test"))[1])
    assert nobody.get(path, {"cursor": cursor}).json()["data"] == []
