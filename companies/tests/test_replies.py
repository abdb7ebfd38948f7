"""/api/companies/{id}/replies"""

import pytest

from companies.actions import replies as actions
from companies.models import SavedReply

PATH = "/api/companies/acme/replies"


@pytest.fixture
def reply(acme):
    return actions.create_reply(acme, title="Opening hours", text="From 9 to 17.")


def test_a_manager_prepares_what_an_agent_reads(mary, bob):
    answer = mary.api.post(PATH, {"title": "Returns", "text": " Within 30 days. "})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["title"], body["text"]) == ("Returns", "Within 30 days.")
    assert bob.api.get(f"{PATH}/{body['id']}").json() == body
    assert bob.api.get(PATH).json()["data"] == [body]


def test_they_come_by_title_and_are_found(alice, acme, bob):
    for title in ("Returns", "Delivery", "Invoices"):
        actions.create_reply(acme, title=title, text=f"About {title.lower()}")
    titles = [each["title"] for each in bob.api.get(PATH).json()["data"]]
    assert titles == ["Delivery", "Invoices", "Returns"]
    assert [each["title"] for each in bob.api.get(f"{PATH}?q=about ret").json()["data"]] == [
        "Returns"
    ]
    page = bob.api.get(f"{PATH}?per_page=2").json()
    assert len(page["data"]) == 2
    assert page["next_page_url"]


def test_fields_that_are_not_sent_stay(mary, reply):
    body = mary.api.put(f"{PATH}/{reply.pk}", {"text": "From 8 to 18."}).json()
    assert (body["title"], body["text"]) == ("Opening hours", "From 8 to 18.")
    assert body["updated_at"] > body["created_at"]
    assert mary.api.put(f"{PATH}/{reply.pk}", {}).json() == body


def test_a_title_is_there_once(mary, reply, acme, charlie):
    answer = mary.api.post(PATH, {"title": "Opening hours", "text": "Other"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"title": ["This title is already taken."]}
    other = actions.create_reply(acme, title="Other", text="Text")
    assert mary.api.put(f"{PATH}/{other.pk}", {"title": "Opening hours"}).status_code == 422
    assert mary.api.put(f"{PATH}/{reply.pk}", {"title": "Opening hours"}).status_code == 200
    # Another company may have the same.
    path = "/api/companies/outside/replies"
    assert charlie.api.post(path, {"title": "Opening hours", "text": "X"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": "T"},
        {"text": "T"},
        {"title": "", "text": "x"},
        {"title": "T", "text": "  "},
        {"title": "T" * 101, "text": "x"},
        {"title": "T", "text": "x" * 10_001},
    ],
)
def test_what_is_wrong_is_said(mary, acme, body):
    assert mary.api.post(PATH, body).status_code == 422
    assert not SavedReply.objects.exists()


def test_a_company_has_so_many(mary, acme, monkeypatch):
    monkeypatch.setattr(actions, "MAX_REPLIES", 2)
    for title in ("A", "B"):
        assert mary.api.post(PATH, {"title": title, "text": "x"}).status_code == 201
    assert mary.api.post(PATH, {"title": "C", "text": "x"}).status_code == 422


def test_deleted_ones_are_gone(mary, reply):
    assert mary.api.delete(f"{PATH}/{reply.pk}").json()["title"] == "Opening hours"
    assert mary.api.delete(f"{PATH}/{reply.pk}").status_code == 404
    assert mary.api.get(f"{PATH}/x").status_code == 404


def test_the_same_call_twice_is_one_reply(mary, acme):
    body, key = {"title": "Returns", "text": "x"}, {"Idempotency-Key": "once"}
    first = mary.api.post(PATH, body, headers=key)
    again = mary.api.post(PATH, body, headers=key)
    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
    assert SavedReply.objects.count() == 1


def test_anothers_replies_are_not_found(charlie, reply):
    assert charlie.api.get(f"{PATH}/{reply.pk}").status_code == 404
    assert charlie.api.get(f"/api/companies/outside/replies/{reply.pk}").status_code == 404
