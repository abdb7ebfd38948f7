"""Generate the parts of the OpenAPI schema that follow from policies, methods and error codes.

The apps describe the rest with `chatapi.api.schema.describe`.
"""
# drf-spectacular is only partly typed.
# mypy: disallow_untyped_calls=False

import copy
from typing import Any

from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_parameter_type, force_instance

from chatapi.api.cursors import MAX_LENGTH
from chatapi.api.errors import ErrorCode
from chatapi.api.idempotency import HEADER, REPLAYED
from chatapi.api.ids import MAX_ID
from chatapi.api.policies import Policy, Replay
from chatapi.api.schema.describe import ERRORS

Schema = dict[str, Any]

# The codes that every operation with this status may answer with.
COMMON: dict[int, tuple[ErrorCode, ...]] = {
    401: (ErrorCode.NOT_AUTHENTICATED, ErrorCode.INVALID_TOKEN),
    403: (ErrorCode.PERMISSION_DENIED, ErrorCode.SCOPE_MISSING, ErrorCode.OTHER_CHAT),
    404: (ErrorCode.NOT_FOUND,),
    422: (
        ErrorCode.VALIDATION_FAILED,
        ErrorCode.MALFORMED_BODY,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.BAD_REQUEST,
    ),
    429: (ErrorCode.RATE_LIMITED,),
    500: (ErrorCode.SERVER_ERROR,),
}
TITLES = {
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    422: "Unprocessable",
    429: "RateLimited",
    500: "ServerError",
}
# The field that is wrong in the example of a code.
FIELDS = {
    ErrorCode.VALIDATION_FAILED: "email",
    ErrorCode.WRONG_PASSWORD: "password",
    ErrorCode.INVALID_AUTH_CODE: "auth-code",
    ErrorCode.ALREADY_MEMBER: "email",
    ErrorCode.USE_CURSOR: "page",
}

HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The id of the request in the server's logs.",
        "schema": {"type": "string"},
    },
    "X-RateLimit-Limit": {
        "description": "How many requests the tightest limit of this one allows in its period.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {
        "description": "How many of them are left.",
        "schema": {"type": "integer"},
    },
    "Retry-After": {
        "description": "In how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}},
    **{
        name: {
            "description": "`true` when this is the first answer to this key, given again.",
            "schema": {"type": "string", "enum": [value]},
        }
        for name, value in REPLAYED.items()
    },
}

IDEMPOTENCY_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "description": "A name for this request: sent again with the same body, it gives the first "
    "answer and has no second effect. 1 to 255 visible ASCII characters.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}

CODES_PLACEHOLDER = "<!-- error codes -->"
# The schema in the repository must not depend on where it was generated.
NEUTRAL_SERVER = {"url": "http://127.0.0.1:8000", "description": "`make run`"}


class ApiSchema(AutoSchema):
    """An operation, completed from its viewset's policy."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Schema | None:
        operation: Schema | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        replays, specific = self.policy.replay is not Replay.NEVER, operation.pop(ERRORS, ())
        for permission in self.policy.permissions:
            if who := getattr(permission, "who", ""):
                said = operation.get("description", "")
                operation["description"] = f"{who} {said}".strip()
            specific = (*getattr(permission, "errors", ()), *specific)
        if replays:
            operation.setdefault("parameters", []).append({"$ref": component("parameters", HEADER)})
            specific = (*specific, ErrorCode.IDEMPOTENCY_CONFLICT)
        for response in operation["responses"].values():
            response["headers"] = headers(*(REPLAYED if replays else ()))
        for status in self.error_statuses():
            codes = tuple(code for code in specific if code.status == status)
            operation["responses"][str(status)] = (
                error_response(status, codes)
                if codes
                else {"$ref": component("responses", TITLES[status])}
            )
        return operation

    def error_statuses(self) -> list[int]:
        tokens = (401, 403) if self.policy.authentication else ()
        return [*tokens, *((404,) if "{" in self.path else ()), 422, 429, 500]

    @property
    def policy(self) -> Policy:
        view: Any = self.view
        policy: Policy = view.policy
        return policy

    def get_auth(self) -> list[Schema]:
        found: list[Schema] = []
        for authenticator in self.view.get_authenticators():
            scheme: Any = OpenApiAuthenticationExtension.get_match(authenticator)
            found.append({scheme.name: []})
            self.registry.register_on_missing(
                ResolvedComponent(
                    name=scheme.name,
                    type=ResolvedComponent.SECURITY_SCHEMA,
                    object=scheme.name,  # one scheme, whichever class accepts its tokens
                    schema=scheme.get_security_definition(self),
                )
            )
        return [*found, {}] if self.policy.anonymous else found

    def get_description(self, *args: Any, **kwargs: Any) -> str:
        return ""  # docstrings are for readers of the code

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # `page_of` describes pages

    def _resolve_path_parameters(self, variables: list[str]) -> list[Schema]:
        number = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}
        others: dict[str, tuple[Schema, str]] = {
            "company_id": ({"type": "string", "minLength": 1}, "The company's id or slug."),
            "user_id": (
                {**number, "minimum": -MAX_ID},
                "The account's id, or the negative one of an invitation.",
            ),
            "emoji": (
                {"type": "string", "minLength": 1},
                "One emoji of Unicode's list, percent-encoded.",
            ),
        }
        return [
            build_parameter_type(name=variable, location="path", schema=schema, description=about)
            for variable in variables
            for schema, about in [others.get(variable, (number, ""))]
        ]

    def _get_request_for_media_type(
        self, serializer: Any, direction: str = "request"
    ) -> tuple[Schema | None, bool]:
        if self.method == "PUT" and serializer is not None:
            # `ApiViewSet.body` reads it as partial; drf-spectacular assumes this only for PATCH.
            serializer = copy.copy(force_instance(serializer))
            serializer.partial = True
        found: tuple[Schema | None, bool] = super()._get_request_for_media_type(
            serializer, direction
        )
        return found

    def _get_serializer_name(
        self, serializer: Any, direction: str, bypass_extensions: bool = False
    ) -> str:
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        name = name.removesuffix("Request")
        if name.startswith("Patched"):
            noun = name.removeprefix("Patched").removesuffix("Input").removesuffix("Edit")
            name = f"{noun}Edit"
        return name

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)
        # DRF makes all read-only fields not required. Only one that declares it may be absent.
        absent = {
            name
            for name, field in force_instance(serializer).fields.items()
            if field.read_only and field._kwargs.get("required") is False
        }
        if absent:
            schema["required"] = [name for name in schema["required"] if name not in absent]
        return schema


class MomentExtension(OpenApiSerializerFieldExtension):
    target_class = "chatapi.api.pagination.Moment"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        return {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "string", "format": "date"},
            ]
        }


class CursorExtension(OpenApiSerializerFieldExtension):
    target_class = "chatapi.api.cursors.CursorField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Schema:
        return {"type": "string", "maxLength": MAX_LENGTH}


# --- Hooks of drf-spectacular -----------------------------------------------------------------


def only_api(
    endpoints: list[tuple[str, str, str, Any]], **kwargs: Any
) -> list[tuple[str, str, str, Any]]:
    """The routes below /api, with parameters named after their nouns: `{chat_id}`."""
    return [
        (named(path), regex, method, callback)
        for path, regex, method, callback in endpoints
        if path.startswith("/api/")
    ]


NOUNS = {"companies": "company", "replies": "reply"}


def named(path: str) -> str:
    parts = path.split("/")
    for index, part in enumerate(parts):
        if part.endswith("pk}"):  # others, such as `{emoji}`, have names of their own
            nouns = parts[index - 1]
            noun = NOUNS.get(nouns, nouns.removesuffix("s"))
            of_chat = noun == "user" and "chats" in parts
            parts[index] = f"{{{'chat_' if of_chat else ''}{noun}_id}}"
    return "/".join(parts)


def finish(result: Schema, request: Any = None, **kwargs: Any) -> Schema:
    """Add the shared components, and the table of error codes in the introduction."""
    components = result["components"]
    components["schemas"] = dict(
        sorted({**plain(components["schemas"]), **error_schemas()}.items())
    )
    components["headers"] = HEADERS
    components["parameters"] = {HEADER: IDEMPOTENCY_KEY}
    components["responses"] = {TITLES[status]: error_response(status) for status in COMMON}
    info = result["info"]
    info["description"] = info["description"].replace(CODES_PLACEHOLDER, table_of_codes())
    result["servers"] = servers(request, result["servers"])
    return result


def servers(request: Any, configured: list[Schema]) -> list[Schema]:
    """A schema for a file names no installation; a served one lists the requested origin first.

    The pages at /docs call the first server, and a browser would block calls to another origin.
    """
    if request is None:
        return [NEUTRAL_SERVER]
    here = request.build_absolute_uri("/").rstrip("/")
    if any(server["url"] == here for server in configured):
        return configured
    return [{"url": here, "description": "As you came here"}, *configured]


def plain(schema: Any) -> Any:
    """Simplify a schema.

    Remove `readOnly`, which is redundant because requests have schemas of their own, and replace
    `oneOf` by `anyOf`, because alternatives overlap.
    """
    if isinstance(schema, dict):
        schema = {key: value for key, value in schema.items() if key != "readOnly"}
        if list(schema) == ["allOf"] and len(schema["allOf"]) == 1:
            (schema,) = schema["allOf"]
        return {"anyOf" if key == "oneOf" else key: plain(value) for key, value in schema.items()}
    return [plain(value) for value in schema] if isinstance(schema, list) else schema


# --- Errors -----------------------------------------------------------------------------------


def component(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"


def headers(*more: str, limited: bool = True) -> Schema:
    limits = ("X-RateLimit-Limit", "X-RateLimit-Remaining") if limited else ()
    return {name: {"$ref": component("headers", name)} for name in ("X-Request-ID", *limits, *more)}


def error_schemas() -> dict[str, Schema]:
    codes = "\n".join(f"* `{code}` ({code.status}): {code.sentence}" for code in ErrorCode)
    return {
        "ErrorCode": {
            "type": "string",
            "enum": [code.value for code in ErrorCode],
            "description": codes,
        },
        "Error": {
            "type": "object",
            "description": "The body of every answer that is no success.",
            "properties": {
                "message": {"type": "string", "description": "One sentence, for people."},
                "code": {"$ref": component("schemas", "ErrorCode")},
                "errors": {
                    "type": "object",
                    "description": "With 422 alone: what is wrong with each field or parameter.",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
                "request_id": {"type": "string", "description": "As in `X-Request-ID`."},
            },
            "required": ["code", "message", "request_id"],
        },
    }


def error_response(status: int, specific: tuple[ErrorCode, ...] = ()) -> Schema:
    """The responses of a status: the codes `specific` to an operation, then the common ones."""
    codes = (*specific, *COMMON[status])
    more = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}.get(status, ())
    return {
        "description": "\n".join(f"* `{code}`: {code.sentence}" for code in codes),
        "headers": headers(*more, limited=status not in {401, 500}),
        "content": {
            "application/json": {
                "schema": {"$ref": component("schemas", "Error")},
                "examples": {code.value: {"value": error_example(code)} for code in codes},
            }
        },
    }


def error_example(code: ErrorCode) -> Schema:
    example: Schema = {"message": code.sentence, "code": code.value}
    if code is ErrorCode.VALIDATION_FAILED:
        example["message"] = "Enter a valid email address."
    if code in FIELDS:
        example["errors"] = {FIELDS[code]: [example["message"]]}
    return {**example, "request_id": "0b5ddf0a6c1c4f0c9a7f6f6f4f1d2c3b"}


def table_of_codes() -> str:
    rows = (f"| `{code}` | {code.status} | {code.sentence} |" for code in ErrorCode)
    return "\n".join(("| Code | Status | Meaning |", "| :--- | :--- | :--- |", *rows))
