"""The rules as something that runs: every route declares its policy, and answers each caller as
the contract says. A route that is missing from the matrix fails."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission

from accounts.actions.addresses import verify_address
from accounts.actions.tokens import issue_token, revoke_token
from accounts.models import ApiToken
from chatapi.api.policies import Policy
from chatapi.api.views import ApiViewSet
from chats.actions import chat_users, messages, notes, tokens
from chats.models import ChatUserToken
from chats.tests.files import multipart, upload
from companies.actions.invitations import invite_member
from companies.actions.replies import create_reply
from companies.models import Role
from conftest import PASSWORD, Client

# Who calls, in the order of the columns: nobody; gina, guest of this chat; hugo, guest of another;
# bob, agent; mary, manager; alice, owner; charlie, outsider.
CALLERS = ("anonymous", "gina", "hugo", "bob", "mary", "alice", "charlie")
MATRIX = {
    # route                                          anon gina hugo bob  mary alice charlie
    "GET /api/user": "401 401 401 200 200 200 200",
    "GET /api/chat-user": "401 200 200 401 401 401 401",
    "GET /api/companies": "401 401 401 200 200 200 200",
    "POST /api/companies": "401 401 401 201 201 201 201",
    "GET /api/companies/{company}": "401 401 401 200 200 200 404",
    "PUT /api/companies/{company}": "401 401 401 403 200 200 404",
    "PATCH /api/companies/{company}": "401 401 401 403 200 200 404",
    "DELETE /api/companies/{company}": "401 401 401 403 403 200 404",
    "GET /api/companies/{company}/users": "401 401 401 200 200 200 404",
    "POST /api/companies/{company}/users": "401 401 401 403 201 201 404",
    # Charlie is invited, and has proven the address.
    "POST /api/companies/{company}/users/accept": "401 401 401 404 404 404 200",
    "GET /api/companies/{company}/users/{bob}": "401 401 401 200 200 200 404",
    "PUT /api/companies/{company}/users/{bob}": "401 401 401 403 200 200 404",
    "PATCH /api/companies/{company}/users/{bob}": "401 401 401 403 200 200 404",
    # Bob may always leave.
    "DELETE /api/companies/{company}/users/{bob}": "401 401 401 200 200 200 404",
    "GET /api/companies/{company}/replies": "401 401 401 200 200 200 404",
    "POST /api/companies/{company}/replies": "401 401 401 403 201 201 404",
    "GET /api/companies/{company}/replies/{reply}": "401 401 401 200 200 200 404",
    "PUT /api/companies/{company}/replies/{reply}": "401 401 401 403 200 200 404",
    "PATCH /api/companies/{company}/replies/{reply}": "401 401 401 403 200 200 404",
    "DELETE /api/companies/{company}/replies/{reply}": "401 401 401 403 200 200 404",
    "GET /api/companies/{company}/statistics": "401 401 401 403 200 200 404",
    "POST /api/companies/{company}/start-chat": "201 201 201 201 201 201 201",
    "GET /api/events": "401 401 401 200 200 200 200",
    "GET /api/search": "401 200 200 200 200 200 200",
    "GET /api/chats": "401 200 200 200 200 200 200",
    # Charlie has no such company: the field is wrong.
    "POST /api/chats": "401 401 401 201 201 201 422",
    "GET /api/chats/{chat}": "401 200 403 200 200 200 404",
    "PUT /api/chats/{chat}": "401 403 403 200 200 200 404",
    "PATCH /api/chats/{chat}": "401 403 403 200 200 200 404",
    "DELETE /api/chats/{chat}": "401 403 403 403 200 200 404",
    "POST /api/chats/{chat}/share": "401 200 403 200 200 200 404",
    "GET /api/chats/{chat}/events": "401 200 403 200 200 200 404",
    "PUT /api/chats/{chat}/read": "401 200 403 403 403 403 404",
    "POST /api/chats/{chat}/typing": "401 200 403 403 403 403 404",
    "GET /api/chats/{chat}/users": "401 200 403 200 200 200 404",
    "POST /api/chats/{chat}/users": "201 403 403 201 201 201 404",
    "GET /api/chats/{chat}/users/{gina}": "401 200 403 200 200 200 404",
    "PUT /api/chats/{chat}/users/{gina}": "401 200 403 200 200 200 404",
    "PATCH /api/chats/{chat}/users/{gina}": "401 200 403 200 200 200 404",
    "DELETE /api/chats/{chat}/users/{gina}": "401 200 403 200 200 200 404",
    # Nobody has that code; a token makes no difference, as none is asked for.
    "POST /api/chats/{chat}/users/get-token": "422 422 422 422 422 422 422",
    "GET /api/chats/{chat}/messages": "401 200 403 200 200 200 404",
    "POST /api/chats/{chat}/messages": "401 201 403 403 403 403 404",
    "GET /api/chats/{chat}/messages/{message}": "401 200 403 200 200 200 404",
    "PUT /api/chats/{chat}/messages/{message}": "401 200 403 403 403 403 404",
    "PATCH /api/chats/{chat}/messages/{message}": "401 200 403 403 403 403 404",
    "DELETE /api/chats/{chat}/messages/{message}": "401 200 403 403 200 200 404",
    "POST /api/chats/{chat}/attachments": "401 201 403 403 403 403 404",
    "GET /api/chats/{chat}/attachments/{attachment}": "401 200 403 200 200 200 404",
    # The message that has it is gina's.
    "DELETE /api/chats/{chat}/attachments/{attachment}": "401 404 403 403 403 403 404",
    # Only members see notes. This one is bob's.
    "GET /api/chats/{chat}/notes": "401 403 403 200 200 200 404",
    "POST /api/chats/{chat}/notes": "401 403 403 201 201 201 404",
    "GET /api/chats/{chat}/notes/{note}": "401 403 403 200 200 200 404",
    "PUT /api/chats/{chat}/notes/{note}": "401 403 403 200 403 403 404",
    "PATCH /api/chats/{chat}/notes/{note}": "401 403 403 200 403 403 404",
    "DELETE /api/chats/{chat}/notes/{note}": "401 403 403 200 200 200 404",
    "GET /api/chats/{chat}/transcript": "401 200 403 200 200 200 404",
    # Gina's own address; a guest can name no other.
    "POST /api/chats/{chat}/transcript": "401 202 403 202 202 202 404",
    "GET /api/transcript-keys": "200 200 200 200 200 200 200",
    "PUT /api/chats/{chat}/messages/{message}/reactions/{emoji}": "401 200 403 403 403 403 404",
    "DELETE /api/chats/{chat}/messages/{message}/reactions/{emoji}": "401 200 403 403 403 403 404",
}
# Two routes are documented without /api too.
for twin in ("POST /api/chats/{chat}/share", "POST /api/chats/{chat}/users/get-token"):
    MATRIX[twin.replace("/api", "")] = MATRIX[twin]

BODIES: dict[str, dict[str, Any]] = {
    "POST /api/companies": {"name": "Another"},
    "PUT /api/companies/{company}": {"name": "Acme Ltd"},
    "POST /api/companies/{company}/users": {"email": "dora@acme.test"},
    "PUT /api/companies/{company}/users/{bob}": {"role": "agent"},
    "POST /api/companies/{company}/start-chat": {
        "first_name": "Ida",
        "last_name": "New",
        "email": "ida@guest.test",
        "message": "Hello",
    },
    "POST /api/companies/{company}/replies": {"title": "Returns", "text": "Within 30 days."},
    "PUT /api/companies/{company}/replies/{reply}": {"text": "Every day."},
    "POST /api/chats": {"company_id": "{company}"},
    "PUT /api/chats/{chat}": {"name": "Renamed"},
    "PUT /api/chats/{chat}/read": {"seq": 1},
    "PUT /api/chats/{chat}/users/{gina}": {"first_name": "Georgina"},
    "POST /api/chats/{chat}/users/get-token": {"email": "ida@guest.test", "auth-code": 123456},
    "POST /api/chats/{chat}/messages": {"text": "Hello"},
    "PUT /api/chats/{chat}/messages/{message}": {"text": "Hello!"},
    "POST /api/chats/{chat}/transcript": {"email": "gina@guest.test"},
    "POST /api/chats/{chat}/notes": {"text": "A regular guest."},
    "PUT /api/chats/{chat}/notes/{note}": {"text": "A regular guest!"},
}
QUERIES = {"GET /api/search": "?q=hello"}
STRANGER = {
    "first_name": "Ida",
    "last_name": "New",
    "email": "ida@guest.test",
    "password": PASSWORD,
}


def patterns(
    resolver: URLResolver | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern with its path, converters and groups named alike."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + re.sub(r"[\^$]|\\Z", "", str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        else:
            yield path, entry


def routes() -> Iterator[tuple[str, str, str, type[ApiViewSet]]]:
    """(method, path, action, view) of every route below /api, and of the twins without it."""
    for path, pattern in patterns():
        view = getattr(pattern.callback, "cls", None)
        if view is None or not issubclass(view, ApiViewSet):
            continue
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)|<str:(\w+)>", lambda m: f"<{m[1] or m[2]}>", path)
        for method, action in pattern.callback.actions.items():
            if method != "head":  # GET without its body
                yield method.upper(), f"/{path}", action, view


# A name in the matrix for each kind of id in a URL.
NAMES = [
    ("companies/<pk>/users/<pk>", "companies/{company}/users/{bob}"),
    ("companies/<company_pk>/users/<pk>", "companies/{company}/users/{bob}"),
    ("companies/<company_pk>/replies/<pk>", "companies/{company}/replies/{reply}"),
    ("companies/<company_pk>", "companies/{company}"),
    ("companies/<pk>", "companies/{company}"),
    ("chats/<chat_pk>/users/<pk>", "chats/{chat}/users/{gina}"),
    (
        "chats/<chat_pk>/messages/<message_pk>/reactions/<emoji>",
        "chats/{chat}/messages/{message}/reactions/{emoji}",
    ),
    ("chats/<chat_pk>/attachments/<pk>", "chats/{chat}/attachments/{attachment}"),
    ("chats/<chat_pk>/messages/<pk>", "chats/{chat}/messages/{message}"),
    ("chats/<chat_pk>/notes/<pk>", "chats/{chat}/notes/{note}"),
    ("chats/<chat_pk>", "chats/{chat}"),
    ("chats/<pk>", "chats/{chat}"),
]


def row(method: str, path: str) -> str:
    for pattern, name in NAMES:
        path = path.replace(pattern, name)
    return f"{method} {path}"


def test_every_api_route_is_one_of_ours():
    """What is below /api and no ApiViewSet would escape the policies."""
    strangers = {
        path
        for path, pattern in patterns()
        if path.startswith("api/") and not hasattr(pattern.callback, "actions")
    }
    assert strangers == {"api/schema"}


def test_every_route_declares_authentication_permission_and_limit():
    found = list(routes())
    assert len(found) > 30
    for method, path, action, view in found:
        policy = view.policies.get(action)
        assert isinstance(policy, Policy), f"{method} {path} ({action}) has no policy"
        assert policy.authentication or policy.anonymous, f"{method} {path} lets nobody in"
        assert all(issubclass(kind, BaseAuthentication) for kind in policy.authentication)
        assert policy.permissions, f"{method} {path} asks no permission"
        assert all(issubclass(kind, BasePermission) for kind in policy.permissions)
        assert policy.limits, f"{method} {path} has no limit"


def test_the_matrix_has_every_route():
    assert {row(method, path) for method, path, *_ in routes()} == set(MATRIX)


@pytest.mark.parametrize("route", MATRIX)
def test_each_caller_gets_what_the_contract_says(
    route, acme, chat, gina, hugo, alice, mary, bob, charlie, error_of
):
    attachment = upload(gina).json()
    message, _ = messages.send(gina.chat_user, "Hello", attachment_ids=[attachment["id"]])
    ids = {
        "company": acme.pk,
        "chat": chat.pk,
        "bob": bob.user.pk,
        "gina": gina.chat_user.pk,
        "message": message["id"],
        "attachment": attachment["id"],
        "emoji": quote("👍"),
        "note": notes.create(chat.pk, bob.user, "Hello").pk,
        "reply": create_reply(acme, title="Opening hours", text="From 9 to 17.").pk,
    }
    verify_address(charlie.user)
    invite_member(acme, Role.OWNER, charlie.user.email, Role.AGENT)
    people = {"gina": gina, "hugo": hugo, "bob": bob, "mary": mary, "alice": alice}
    callers = {"anonymous": Client(), "charlie": charlie.api} | {
        name: person.api for name, person in people.items()
    }
    method, path = route.split()
    body = BODIES.get(route.replace("PATCH", "PUT").replace(" /chats", " /api/chats"), {})
    body = {key: str(ids["company"]) if v == "{company}" else v for key, v in body.items()}
    if route == "POST /api/chats/{chat}/users":
        callers["anonymous"].default_body = STRANGER
    got = {}
    for name in CALLERS:
        with transaction.atomic():
            sent = getattr(callers[name], "default_body", body)
            if "start-chat" in route:  # an address gets five mails an hour
                sent = {**body, "email": f"{name}@guest.test"}
            if route == "POST /api/chats/{chat}/attachments":
                content, media_type = multipart(("note.txt", b"Hello"))
            else:
                content, media_type = json_of(sent), "application/json"
            response = callers[name].generic(
                method,
                path.format(**ids) + QUERIES.get(route, ""),
                content,
                content_type=media_type,
            )
            transaction.set_rollback(True)
        got[name] = response.status_code
        assert response["Content-Type"] == "application/json"
        if response.status_code >= 400:
            error_of(response)
        if response.status_code == 401:
            assert response["WWW-Authenticate"] == "Bearer"
    expected = dict(zip(CALLERS, map(int, MATRIX[route].split()), strict=True))
    assert got == expected


@pytest.mark.parametrize("route", MATRIX)
def test_a_dead_token_of_either_kind_is_401(route, acme, chat, gina, alice, bob, error_of):
    if "get-token" in route or "transcript-keys" in route:
        return  # no token is asked for, and none looked at
    method, path = route.split()
    path = path.format(
        company=acme.pk,
        chat=chat.pk,
        bob=bob.user.pk,
        gina=gina.chat_user.pk,
        message=1,
        attachment=1,
        note=1,
        emoji=quote("👍"),
        reply=1,
    )
    for token in dead_tokens(alice.user, gina.chat_user):
        response = Client(token).generic(method, path, b"{}", content_type="application/json")
        assert response.status_code == 401, (route, token)
        assert error_of(response) == "invalid_token"


def dead_tokens(user, chat_user) -> list[str]:
    """An expired and a revoked token of each kind, one mistyped of each, and one made up."""
    past = timezone.now() - timedelta(seconds=1)
    expired, expired_text = issue_token(user)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=past)
    revoked, revoked_text = issue_token(user)
    revoke_token(revoked)
    old, old_text = tokens.issue(chat_user, 30)
    ChatUserToken.objects.filter(pk=old.pk).update(expires_at=past)
    ended, ended_text = tokens.issue(chat_user, 30)
    ChatUserToken.objects.filter(pk=ended.pk).update(revoked_at=past)
    mistyped = revoked_text[:-1] + ("a" if revoked_text[-1] != "a" else "b")
    return [expired_text, revoked_text, old_text, ended_text, mistyped, "cnc_x", "secret"]


def test_a_chat_user_who_left_has_no_token_any_more(gina):
    chat_users.leave(gina.chat_user)
    assert gina.api.get("/api/chat-user").status_code == 401


def json_of(body: Any) -> bytes:
    from chatapi.api.encoding import dumps

    return dumps(body)
