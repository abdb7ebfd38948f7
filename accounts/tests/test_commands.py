"""issue_token, list_tokens, revoke_token"""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiToken, User
from chatapi.models import OutgoingMail
from conftest import Client


def run(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_issuing_prints_the_token_alone_and_makes_the_account(db):
    printed = run("issue_token", " New@Example.com ", "--name", "ci", "--days", "7")
    token = printed.removesuffix("\n")
    assert token.startswith("cnp_")
    assert "\n" not in token
    assert Client(token).get("/api/user").json()["email"] == "new@example.com"
    row = ApiToken.objects.get()
    assert (row.name, row.scopes) == ("ci", "read,write")
    assert (row.expires_at - row.created_at).days in (6, 7)
    assert token not in str(row.__dict__)
    run("issue_token", "new@example.com")
    assert User.objects.count() == 1


def test_scopes(db):
    token = run("issue_token", "a@example.com", "--scopes", "read").strip()
    assert Client(token).get("/api/companies").status_code == 200
    assert Client(token).post("/api/companies", {"name": "x"}).json()["code"] == "scope_missing"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-address"],
        [f"{'x' * 250}@example.com"],
        ["a@b.co", "--scopes", "all"],
        ["a@b.co", "--days", "0"],
    ],
)
def test_what_is_wrong_is_said_and_makes_no_token(db, arguments):
    with pytest.raises(CommandError):
        run("issue_token", *arguments)
    assert not ApiToken.objects.exists()


def test_listing_and_revoking(db):
    token = run("issue_token", "a@example.com", "--name", "ci").strip()
    listed = run("list_tokens", "A@example.com")
    assert "ci" in listed
    assert "live" in listed
    assert token not in listed
    run("revoke_token", str(ApiToken.objects.get().pk))
    assert Client(token).get("/api/user").status_code == 401
    assert "revoked" in run("list_tokens", "a@example.com")
    assert "already revoked" in run("revoke_token", token)


@pytest.mark.parametrize("name", ["x", "0", "999", "cnp_nope", "9" * 30])
def test_revoking_what_is_not_there(db, name):
    with pytest.raises(CommandError):
        run("revoke_token", name)


def test_listing_nobodys(db):
    with pytest.raises(CommandError):
        run("list_tokens", "nobody@example.com")


def test_the_last_use_is_noted_at_most_once_a_minute(alice, django_assert_num_queries):
    with django_assert_num_queries(3):
        alice.api.get("/api/user")
    with django_assert_num_queries(2):
        alice.api.get("/api/user")
    assert ApiToken.objects.get().last_used_at is not None


def test_the_person_is_told_of_a_token(db):
    run("issue_token", "a@example.com", "--name", "ci")
    row = OutgoingMail.objects.get()
    assert (row.kind, row.to) == ("token_issued", "a@example.com")
    with pytest.raises(CommandError):
        run("issue_token", "a@example.com", "--days", "0")
    assert OutgoingMail.objects.count() == 1


def test_the_demonstration_mails_nobody(db):
    run("demo")
    assert ApiToken.objects.exists()
    assert not OutgoingMail.objects.exists()
