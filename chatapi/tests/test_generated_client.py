"""A client that was generated from the schema alone holds a whole conversation.

What the server answers it is checked against the schema on the way.
"""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from conftest import Person

pytestmark = pytest.mark.slow

PACKAGE = "generated_client"


@dataclass
class Api:
    """The generated package, its operations by their ids, and what they were answered."""

    schema: dict[str, Any]
    url: str
    answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.models = importlib.import_module(f"{PACKAGE}.models")
        self.package = importlib.import_module(PACKAGE)
        self.modules = {
            operation["operationId"]: importlib.import_module(
                f"{PACKAGE}.api.{operation['tags'][0].lower().replace(' ', '_')}"
                f".{operation['operationId']}"
            )
            for methods in self.schema["paths"].values()
            for operation in methods.values()
        }

    def call(
        self,
        operation: str,
        *ids: int | str,
        token: str | None = None,
        expect: int = 200,
        **more: Any,
    ) -> Any:
        """What the generated function of `operation` makes of the answer."""
        options = {
            "base_url": self.url,
            "raise_on_unexpected_status": True,
            "httpx_args": {"event_hooks": {"response": [self.check]}},
        }
        if token is None:
            client = self.package.Client(**options)
        else:
            client = self.package.AuthenticatedClient(token=token, **options)
        with client:
            answer = self.modules[operation].sync_detailed(*ids, client=client, **more)
        assert answer.status_code == expect, answer.content
        self.answered.add(operation)
        return answer.parsed

    def check(self, response: httpx.Response) -> None:
        """The answer is one that the schema has, and so are its headers."""
        response.read()
        described = self.described(response)
        if "$ref" in described:
            described = self.schema["components"]["responses"][described["$ref"].split("/")[-1]]
        assert response.headers["Content-Type"] in described["content"]
        validator = Draft202012Validator(
            {
                **described["content"]["application/json"]["schema"],
                "components": self.schema["components"],
            }
        )
        problems = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(response.json())]
        assert not problems, (str(response.request.url), response.text)
        own = {name for name in self.schema["components"]["headers"] if name in response.headers}
        assert own <= set(described["headers"])

    def described(self, response: httpx.Response) -> dict[str, Any]:
        # `…/users/get-token` before `…/users/{chat_user_id}`
        paths = sorted(self.schema["paths"].items(), key=lambda item: item[0].count("{"))
        for path, methods in paths:
            if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", path), response.request.url.path):
                operation = methods[response.request.method.lower()]
                found: dict[str, Any] = operation["responses"][str(response.status_code)]
                return found
        raise AssertionError(response.request.url)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live_server: Any) -> Api:
    schema = json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))
    (tmp_path / "openapi.json").write_text(json.dumps(schema))
    (tmp_path / "config.json").write_text(json.dumps({"post_hooks": []}))
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            "--meta",
            "none",
            "--path",
            tmp_path / "openapi.json",
            "--output-path",
            tmp_path / PACKAGE,
            "--config",
            tmp_path / "config.json",
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    said = made.stdout + made.stderr
    assert made.returncode == 0, said
    assert "warning" not in said.lower()
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        monkeypatch.delitem(sys.modules, name)
    return Api(schema, live_server.url)


def test_a_whole_conversation(api: Api, alice: Person, newest_code: Callable[[str], str]) -> None:
    models, call = api.models, api.call

    # Alice sets up shop.
    assert call("current_user", token=alice.token).email == "alice@acme.test"
    company = call(
        "companies_create", body=models.CompanyInput(name="Acme"), token=alice.token, expect=201
    )
    assert (company.slug, company.role) == ("acme", models.CompanyRole.OWNER)
    bob = call(
        "company_users_create",
        company.slug,
        body=models.CompanyUserInput(email="bob@acme.test"),
        token=alice.token,
        expect=201,
    )
    assert (bob.role, bob.status) == (models.CompanyRole.AGENT, models.CompanyUserStatus.INVITED)
    assert bob.name is None
    promoted = call(
        "company_users_update",
        company.slug,
        bob.id,
        body=models.CompanyUserEdit(role=models.CompanyRole.MANAGER),
        token=alice.token,
    )
    assert (promoted.id, promoted.role) == (bob.id, models.CompanyRole.MANAGER)
    chat = call(
        "chats_create",
        body=models.ChatInput(company_id=company.slug, name="Booking 4711"),
        token=alice.token,
        expect=201,
        idempotency_key="first-chat",
    )
    assert chat.last_message is None
    again = call(
        "chats_create",
        body=models.ChatInput(company_id=company.slug, name="Booking 4711"),
        token=alice.token,
        expect=201,
        idempotency_key="first-chat",
    )
    assert again.id == chat.id
    shared = call("chats_share", chat.id, body=models.ShareInput(), token=alice.token)

    # Gina joins by the link and proves her address.
    join = models.JoinInput(
        first_name="Gina", last_name="Green", email="gina@guest.test", password=shared.password
    )
    wrong = models.JoinInput(**{**join.to_dict(), "password": "wrong"})
    refused = call("chat_users_create", chat.id, body=wrong, expect=422)
    assert refused.code == models.ErrorCode.WRONG_PASSWORD
    assert refused.errors["password"]
    gina = call("chat_users_create", chat.id, body=join, expect=201)
    assert gina.code_mailed
    assert not gina.token
    code = newest_code("gina@guest.test")
    guess = models.GetTokenInput(email="gina@guest.test", auth_code="000000")
    assert call("chat_users_get_token", chat.id, body=guess, expect=422).errors["auth-code"]
    exchange = models.GetTokenInput(email="gina@guest.test", auth_code=int(code))
    guest = call("chat_users_get_token", chat.id, body=exchange)
    assert guest.chat_user.assurance == models.Assurance.EMAIL_VERIFIED
    assert call("current_chat_user", token=guest.token).company.slug == "acme"

    # Both write.
    hello = call(
        "messages_create",
        chat.id,
        body=models.MessageInput(text="Hello?"),
        token=guest.token,
        expect=201,
        idempotency_key="hello",
    )
    replayed = call(
        "messages_create",
        chat.id,
        body=models.MessageInput(text="Hello?"),
        token=guest.token,
        expect=201,
        idempotency_key="hello",
    )
    assert replayed.id == hello.id
    first = call(
        "messages_create",
        chat.id,
        body=models.MessageInput(text="Hi"),
        token=alice.token,
        expect=403,
    )
    assert first.code == models.ErrorCode.JOIN_FIRST
    agent = call(
        "chat_users_create", chat.id, body=models.InviteInput(), token=alice.token, expect=201
    )
    answer = call(
        "messages_create",
        chat.id,
        body=models.MessageInput(text="Hello, Gina."),
        token=agent.token,
        expect=201,
    )
    assert (answer.author.id, answer.assurance) == (agent.id, models.Assurance.MEMBER)

    # Each sees what the other said.
    page = call("messages_list", chat.id, token=guest.token, per_page=1)
    assert [message.text for message in page.data] == ["Hello, Gina."]
    assert (page.from_, page.to, bool(page.next_page_url)) == (1, 1, True)
    older = call("messages_list", chat.id, token=guest.token, before_seq=answer.seq)
    assert [message.text for message in older.data] == ["Hello?"]
    seen = call("chats_retrieve", chat.id, token=guest.token)
    assert (seen.unread_count, seen.last_message.text) == (1, "Hello, Gina.")
    read = call("chats_read", chat.id, body=models.ReadEdit(seq=answer.seq), token=guest.token)
    assert read.seq == answer.seq
    assert call("chats_list", token=guest.token).data[0].unread_count == 0
    listed = call("chats_list", token=alice.token, status=models.ChatStatus.OPEN)
    assert [found.id for found in listed.data] == [chat.id]
    people = call("chat_users_list", chat.id, token=guest.token)
    assert {user.email for user in people.data} == {"gina@guest.test", None}

    # What was said is changed, and taken back.
    call(
        "messages_update",
        chat.id,
        hello.id,
        body=models.MessageEdit(text="Hello!"),
        token=guest.token,
    )
    to_alice = call("messages_retrieve", chat.id, hello.id, token=alice.token)
    assert (to_alice.text, to_alice.revisions[0].text) == ("Hello!", "Hello?")
    assert call("messages_destroy", chat.id, answer.id, token=agent.token).text is None
    not_hers = call("messages_destroy", chat.id, answer.id, token=guest.token, expect=403)
    assert not_hers.code == models.ErrorCode.NOT_AUTHOR

    # The log has it all, each event with what it tells of.
    log = call("chats_events", chat.id, token=guest.token)
    assert [(event.type_.value, type(event.data)) for event in log.data] == [
        ("chat.created", models.ChatBrief),
        ("user.joined", models.ChatUserBrief),
        ("user.updated", models.ChatUserBrief),
        ("message.created", models.Message),
        ("user.joined", models.ChatUserBrief),
        ("message.created", models.Message),
        ("message.updated", models.Message),
        ("message.deleted", models.Message),
    ]
    assert [event.seq for event in log.data] == list(range(1, log.last_seq + 1))
    assert call("chats_events", chat.id, token=guest.token, after=log.last_seq).data == []

    # It ends.
    closed = models.ChatEdit(status=models.ChatStatus.CLOSED)
    assert call("chats_update", chat.id, body=closed, token=alice.token).status == "closed"
    too_late = call(
        "messages_create",
        chat.id,
        body=models.MessageInput(text="One more thing"),
        token=guest.token,
        expect=403,
    )
    assert too_late.code == models.ErrorCode.CHAT_CLOSED
    left = call("chat_users_destroy", chat.id, gina.id, token=guest.token)
    assert left.status == models.ChatUserStatus.LEFT
    assert call("messages_list", chat.id, token=guest.token, expect=401).code == "invalid_token"
    deleted = call("companies_destroy", company.id, token=alice.token)
    assert deleted.deleted_at is not None
    assert call("chats_retrieve", chat.id, token=alice.token, expect=404).code == "not_found"


def test_a_visitor_starts_a_chat(api: Api, acme: Any, newest_code: Callable[[str], str]) -> None:
    models, call = api.models, api.call
    visitor = models.StartChatInput(
        first_name="Gina", last_name="Green", email="gina@guest.test", message="Is anybody there?"
    )
    started = call("start_chat", acme.slug, body=visitor, expect=201)
    assert started.code_mailed
    code = newest_code("gina@guest.test")
    token = call(
        "chat_users_get_token",
        started.chat.id,
        body=models.GetTokenInput(email="gina@guest.test", auth_code=code),
    ).token
    page = call("messages_list", started.chat.id, token=token)
    assert [message.text for message in page.data] == ["Is anybody there?"]
    assert call("companies_list", token="cnp_not_good", expect=401).code == "invalid_token"
    malformed = call("messages_list", started.chat.id, token=token, per_page=250, expect=422)
    assert set(malformed.errors.additional_properties) == {"per_page"}
