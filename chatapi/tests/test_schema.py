"""The OpenAPI schema: that it says what is there, all of it, and that its examples are right."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from accounts.authentication import ApiTokenAuthentication
from chatapi.api.errors import ErrorCode
from chatapi.api.policies import Policy
from chatapi.api.views import ApiViewSet
from chats.authentication import ChatUserTokenAuthentication
from chats.models import EventType

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.json"
REGENERATE = "manage.py spectacular --format openapi-json --file docs/openapi.json"

# Routes without /api that the schema leaves to their twins, and what is no part of the API.
NOT_IN_SCHEMA = {"/api/schema"}


def generated() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return found


SCHEMA = generated()


def routes() -> dict[tuple[str, str], tuple[type[ApiViewSet], str]]:
    """Every method of every route below /api: its viewset and action, by path and method."""
    found = {}
    for route, callback in patterns(get_resolver().url_patterns, "/"):
        path = re.sub(r"<\w+:\w+>|\(\?P<\w+>[^)]*\)", "{}", route).replace("\\Z", "").rstrip("$")
        if path.startswith("/api/") and path not in NOT_IN_SCHEMA:
            for method, action in callback.actions.items():
                if method != "head":  # which DRF adds to every GET when it is first called
                    found[path, method] = (callback.cls, action)
    return found


def patterns(found: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in found:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
]
each_operation = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)


def policy_of(path: str, method: str) -> Policy:
    view, action = routes()[unnamed(path), method]
    return view.policies[action]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` stands for."""
    while "$ref" in node:
        kind, name = node["$ref"].removeprefix("#/components/").split("/")
        node = SCHEMA["components"][kind][name]
    return node


def successes(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {status: r for status, r in operation["responses"].items() if status < "300"}


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON of an operation's request and of its answers, each with what it is."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        yield "request", content["application/json"]
    for status, response in operation["responses"].items():
        for kind, media in resolved(response)["content"].items():
            assert kind in {"application/json", "text/event-stream", "text/plain", "text/html"}
            if kind not in {"text/plain", "text/html"}:
                yield status, media


def test_it_is_openapi_3_1_made_without_a_warning(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)
    assert "Warning" not in capsys.readouterr().err
    assert SCHEMA["openapi"].startswith("3.1.")
    validate_schema(SCHEMA)


def test_the_schema_in_the_repository_is_this_one():
    made = OpenApiJsonRenderer().render(SCHEMA, renderer_context={})
    assert COMMITTED.read_bytes() == made, f"Out of date; make it anew with: {REGENERATE}"


def test_every_route_is_in_the_schema_and_nothing_else():
    documented = {
        (unnamed(path), method) for path, methods in SCHEMA["paths"].items() for method in methods
    }
    assert documented == set(routes())


def test_operations_have_names_and_tags_of_their_own():
    names = [operation["operationId"] for _, _, operation in (p.values for p in OPERATIONS)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)
    tags = {tag for _, _, operation in (p.values for p in OPERATIONS) for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in SCHEMA["tags"]}


@each_operation
def test_security_is_what_the_policy_says(path, method, operation):
    policy = policy_of(path, method)
    expected: list[dict[str, list[str]]] = []
    for authentication in policy.authentication:
        if issubclass(authentication, ApiTokenAuthentication):
            expected.append({"apiToken": []})
        elif issubclass(authentication, ChatUserTokenAuthentication):
            expected.append({"chatUserToken": []})
        else:
            raise AssertionError(authentication)
    assert operation["security"] == [*expected, *([{}] if policy.anonymous else [])]


def test_both_kinds_of_token_are_bearers():
    schemes = SCHEMA["components"]["securitySchemes"]
    assert set(schemes) == {"apiToken", "chatUserToken"}
    assert {(s["type"], s["scheme"]) for s in schemes.values()} == {("http", "bearer")}


@each_operation
def test_errors_are_what_the_policy_and_the_path_say(path, method, operation):
    expected = {"422", "429", "500"}
    if policy_of(path, method).authentication:
        expected |= {"401", "403"}
    if "{" in path:
        expected.add("404")
    assert set(operation["responses"]) - set(successes(operation)) == expected
    for status in expected:
        response = resolved(operation["responses"][status])
        media = response["content"]["application/json"]
        assert media["schema"] == {"$ref": "#/components/schemas/Error"}
        for name, example in media["examples"].items():
            assert example["value"]["code"] == name
            assert ErrorCode(name).status == int(status)
            assert f"`{name}`: {ErrorCode(name).sentence}" in response["description"]
    assert "Retry-After" in resolved(operation["responses"]["429"])["headers"]
    if "401" in expected:
        assert "WWW-Authenticate" in resolved(operation["responses"]["401"])["headers"]


@each_operation
def test_successes_have_their_statuses_bodies_and_headers(path, method, operation):
    assert successes(operation)
    assert set(successes(operation)) <= {"200", "201", "202"}
    for response in successes(operation).values():
        assert response["description"]
        assert {"X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining"} <= set(
            response["headers"]
        )


@each_operation
def test_what_can_be_replayed_says_so(path, method, operation):
    takes_key = {"$ref": "#/components/parameters/Idempotency-Key"} in operation.get(
        "parameters", []
    )
    if method == "post":
        _, action = routes()[unnamed(path), method]
        assert takes_key == (action in {"create", "share"} and "attachments" not in path)
    else:
        assert not takes_key
    for response in successes(operation).values():
        assert ("Idempotent-Replayed" in response["headers"]) == takes_key


@each_operation
def test_path_parameters_are_named_and_typed(path, method, operation):
    parameters = {p["name"]: p for p in map(resolved, operation.get("parameters", []))}
    for name in re.findall(r"\{(\w+)\}", path):
        assert name in {
            "company_id",
            "user_id",
            "chat_id",
            "chat_user_id",
            "message_id",
            "attachment_id",
            "note_id",
            "reply_id",
            "emoji",
        }
        kind = "string" if name in {"company_id", "emoji"} else "integer"
        assert parameters[name]["schema"]["type"] == kind


@each_operation
def test_every_body_has_examples_that_are_right(path, method, operation):
    takes_body = method in {"put", "patch", "post"} and "/reactions/" not in path
    assert ("requestBody" in operation) == takes_body
    for what, media in bodies(operation):
        assert media["examples"], what
        validator = Draft202012Validator(
            {**media["schema"], "components": SCHEMA["components"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for name, example in media["examples"].items():
            problems = [
                f"{e.json_path}: {e.message}" for e in validator.iter_errors(example["value"])
            ]
            assert not problems, f"{what}, {name}"
            unknown = set(example["value"]) - known_properties(media["schema"])
            assert not unknown, f"{what}, {name}"


def known_properties(schema: dict[str, Any]) -> set[str]:
    schema = resolved(schema)
    alternatives = (known_properties(s) for s in schema.get("anyOf", ()))
    return set(schema.get("properties", ())).union(*alternatives)


def test_lists_are_pages():
    pages = [
        resolved(operation["responses"]["200"]["content"]["application/json"]["schema"])
        for path, method, operation in (p.values for p in OPERATIONS)
        if operation["operationId"].endswith("_list")
    ]
    assert len(pages) == 8
    for page in pages:
        assert list(page["properties"]) == [
            "current_page",
            "data",
            "first_page_url",
            "from",
            "next_cursor",
            "next_page_url",
            "path",
            "per_page",
            "prev_page_url",
            "to",
        ]


def test_every_error_code_is_explained():
    codes = SCHEMA["components"]["schemas"]["ErrorCode"]
    assert codes["enum"] == list(ErrorCode)
    introduction = SCHEMA["info"]["description"]
    assert "<!--" not in introduction
    for code in ErrorCode:
        assert f"| `{code}` | {code.status} | {code.sentence} |" in introduction
        assert f"`{code}` ({code.status}): {code.sentence}" in codes["description"]


# --- Served ----------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/yaml", "text/event-stream"])
def test_the_schema_is_served_as_json_whatever_is_accepted(client, accept):
    answer = client.get("/api/schema", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/vnd.oai.openapi+json"
    served = json.loads(answer.content)
    assert [server["url"] for server in served.pop("servers")] == [settings.PUBLIC_URL]
    assert served == {k: v for k, v in json.loads(COMMITTED.read_bytes()).items() if k != "servers"}


def test_the_pages_call_the_host_that_they_came_from(client):
    by_name = {server["url"] for server in client.get("/api/schema").json()["servers"]}
    assert by_name == {settings.PUBLIC_URL}
    answer = client.get("/api/schema", headers={"Host": "localhost:8000"})
    urls = [server["url"] for server in answer.json()["servers"]]
    assert urls == ["http://localhost:8000", settings.PUBLIC_URL]


def test_the_pages_need_no_other_host(client, db):
    page = client.get("/docs")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(links) >= 5
    for link in links:
        assert re.match(r"/[^/]", link)
        answer = client.get(link)
        assert answer.status_code == 200, link
        answer.close()
    script = client.get("/docs?script=").content.decode()
    assert '"validatorUrl": null' in script
    assert not re.search(r"https?://", page.content.decode() + script)


def test_each_event_has_an_example():
    for path in ("/api/chats/{chat_id}/events", "/api/events"):
        streams = SCHEMA["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
        types = {example["value"].get("type", "bye") for example in streams["examples"].values()}
        assert types == {*EventType.values, "typing", "read", "presence", "bye"}
