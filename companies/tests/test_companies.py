"""/api/companies"""

import pytest

from companies.models import Company


def test_who_creates_a_company_owns_it(charlie):
    answer = charlie.api.post(
        "/api/companies", {"name": "Müller & Söhne", "logo_url": "https://example.com/logo.png"}
    )
    assert answer.status_code == 201
    body = answer.json()
    assert body["slug"] == "muller-sohne"
    assert body["role"] == "owner"
    assert body["verify_first_join"] is True
    assert charlie.api.get(f"/api/companies/{body['slug']}").json() == body
    assert charlie.api.get(f"/api/companies/{body['id']}").json() == body


def test_a_form_means_what_json_means(charlie):
    """An absent field is absent: the first joins of the company are verified."""
    form = charlie.api.post("/api/companies", {"name": "Form"}, format="multipart").json()
    assert form["verify_first_join"] is True
    said = {"verify_first_join": "false"}
    form = charlie.api.put(f"/api/companies/{form['id']}", said, format="multipart").json()
    assert form["verify_first_join"] is False


def test_a_form_repeats_the_field_of_a_list(charlie, error_of):
    def create(*origins):
        body = {"name": "Form", "allowed_origins": list(origins)}
        headers = {"Idempotency-Key": "one"}
        return charlie.api.post("/api/companies", body, format="multipart", headers=headers)

    sent = ["https://a.test", "https://b.test"]
    assert create(*sent).json()["allowed_origins"] == sent
    assert create(*sent).headers["Idempotent-Replayed"] == "true"
    assert error_of(create("https://c.test", sent[1])) == "idempotency_conflict"


def test_a_slug_that_is_made_is_unique(alice, charlie):
    slugs = [alice.api.post("/api/companies", {"name": "Twin"}).json()["slug"] for _ in range(3)]
    assert slugs == ["twin", "twin-2", "twin-3"]


@pytest.mark.parametrize("name", ["株式会社", "123", "...", "😀"])
def test_a_name_without_a_slug_in_it(alice, name):
    body = alice.api.post("/api/companies", {"name": name}).json()
    assert body["name"] == name
    assert body["slug"].startswith("company")
    assert alice.api.get(f"/api/companies/{body['slug']}").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("slug", "acme"),
        ("slug", "123"),
        ("slug", "a b"),
        ("logo_url", "javascript:alert(1)"),
        ("logo_url", "x"),
        ("edit_window_minutes", -1),
        ("chat_user_token_days", 0),
        ("verify_first_join", "maybe"),
        ("name", None),
        ("name", {}),
    ],
)
def test_what_is_wrong_is_said(acme, alice, field, value):
    answer = alice.api.post("/api/companies", {"name": "New"} | {field: value})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert Company.objects.count() == 1


def test_one_sees_ones_own(acme, alice, charlie):
    assert [c["slug"] for c in alice.api.get("/api/companies").json()["data"]] == ["acme"]
    assert [c["slug"] for c in charlie.api.get("/api/companies").json()["data"]] == ["outside"]
    assert charlie.api.get("/api/companies/acme").status_code == 404


def test_a_manager_changes_what_is_sent(acme, mary):
    answer = mary.api.put("/api/companies/acme", {"verify_first_join": False, "id": 5})
    assert answer.status_code == 200
    acme.refresh_from_db()
    assert acme.verify_first_join is False
    assert acme.name == "Acme"
    taken = mary.api.patch("/api/companies/acme", {"slug": "outside"})
    assert taken.status_code == 200


def test_a_slug_that_is_taken(acme, mary, charlie):
    answer = mary.api.put("/api/companies/acme", {"slug": "outside"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"slug": ["This slug is already taken."]}


def test_a_deleted_company_takes_its_chats_and_tokens_with_it(acme, alice, bob, chat, gina):
    answer = alice.api.delete("/api/companies/acme")
    assert answer.status_code == 200
    assert answer.json()["deleted_at"] is not None
    assert alice.api.get("/api/companies/acme").status_code == 404
    assert bob.api.get(f"/api/chats/{chat.pk}").status_code == 404
    assert bob.api.get("/api/chats").json()["data"] == []
    assert gina.api.get("/api/chat-user").status_code == 401
    from companies.actions.companies import restore_company

    restore_company(acme)
    assert gina.api.get("/api/chat-user").status_code == 200


@pytest.mark.parametrize("name", ["none", "0", "-1", "99999999999999999999", "%00", "a%2Fb"])
def test_what_is_no_company(alice, name):
    assert alice.api.get(f"/api/companies/{name}").status_code == 404


# --- What pages need -------------------------------------------------------------------------


def test_a_new_company_shows_its_chat_nowhere_and_is_always_open(acme, alice):
    body = alice.api.get("/api/companies/acme").json()
    assert (body["allowed_origins"], body["opening_hours"], body["closed_text"]) == ([], {}, "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.com", "https://example.com"),
        ("HTTPS://Example.COM:443/", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_origins_have_one_spelling(acme, mary, given, kept):
    answer = mary.api.put("/api/companies/acme", {"allowed_origins": [given, kept]})
    assert answer.json()["allowed_origins"] == [kept]


@pytest.mark.parametrize(
    "origin",
    [
        "example.com",
        "https://example.com/path",
        "https://example.com?a",
        "https://example.com#",
        "ftp://example.com",
        "https://",
        "https://*.example.com",
        "*",
        "null",
        "'self'",
        "https://me@example.com",
        "https://a.example; script-src *",
        "https://a.example,b.example",
        "https://a.example\nhttps://b.example",
        "https://-a.example",
        "https://example.com:x",
        "https://example.com:99999",
        "https://example.com:",
        "javascript:alert(1)",
        "",
        "https://[x]",
        "https://a..b",
        "https://exa mple.com",
        "https://" + "a" * 300,
    ],
)
def test_what_is_no_origin(acme, mary, origin):
    answer = mary.api.put("/api/companies/acme", {"allowed_origins": ["https://a.test", origin]})
    assert answer.status_code == 422, answer.json()
    assert list(answer.json()["errors"]) == ["allowed_origins.1"]


def test_origins_are_a_list_of_at_most_fifty(acme, mary):
    for wrong in ("https://a.test", [1, {}], None, [f"https://{n}.test" for n in range(51)]):
        answer = mary.api.put("/api/companies/acme", {"allowed_origins": wrong})
        assert answer.status_code == 422
    fifty = [f"https://{n}.test" for n in range(50)]
    assert mary.api.put("/api/companies/acme", {"allowed_origins": fifty}).status_code == 200


def test_opening_hours_are_kept_in_order(acme, mary):
    given = {"sunday": [], "monday": [["13:00", "24:00"], ["00:00", "13:00"]], "timezone": "UTC"}
    answer = mary.api.put(
        "/api/companies/acme", {"opening_hours": given, "closed_text": "Until Monday."}
    )
    kept = {"timezone": "UTC", "monday": [["00:00", "13:00"], ["13:00", "24:00"]]}
    assert answer.json()["opening_hours"] == kept
    assert answer.json()["closed_text"] == "Until Monday."
    assert mary.api.put("/api/companies/acme", {"opening_hours": {}}).json()["opening_hours"] == {}


@pytest.mark.parametrize(
    ("hours", "where"),
    [
        ({"monday": [["09:00", "17:00"]]}, "timezone"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": "UTC", "monday": [["17:00", "09:00"]]}, "monday"),
        ({"timezone": "UTC", "monday": [["09:00", "09:00"]]}, "monday"),
        ({"timezone": "UTC", "monday": [["09:00", "12:00"], ["11:00", "17:00"]]}, "monday"),
        ({"timezone": "UTC", "monday": [["9:00", "17:00"]]}, "monday"),
        ({"timezone": "UTC", "monday": [["09:00", "24:01"]]}, "monday"),
        ({"timezone": "UTC", "monday": [["09:00"]]}, "monday"),
        ({"timezone": "UTC", "monday": "09:00"}, "monday"),
        ({"timezone": "UTC", "monday": [[9, 17]]}, "monday"),
        ({"timezone": "UTC", "monday": [["09:00", "09:01"]] * 11}, "monday"),
        ({"timezone": "UTC", "Monday": []}, "Monday"),
        ("always", ""),
        ([], ""),
        (None, ""),
    ],
)
def test_hours_that_are_none(acme, mary, hours, where):
    answer = mary.api.put("/api/companies/acme", {"opening_hours": hours})
    assert answer.status_code == 422, answer.json()
    assert list(answer.json()["errors"]) == [f"opening_hours.{where}".rstrip(".")]


def test_the_slug_of_a_page_is_nobodys(alice):
    assert alice.api.post("/api/companies", {"name": "New"}).json()["slug"] == "company-new"
    answer = alice.api.post("/api/companies", {"name": "X", "slug": "new"})
    assert answer.json()["errors"] == {"slug": ["This slug is already taken."]}
