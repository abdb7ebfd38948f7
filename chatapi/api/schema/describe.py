"""Describe the requests and responses of a viewset's actions for the OpenAPI schema.

The `schema` packages of the apps use this module. The generator adds what follows from the policy
and the method: who may call it, tokens, errors and headers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers

from chatapi.api.errors import ErrorCode

V = TypeVar("V", bound=type)
Shape = type[serializers.Serializer[Any]]
Examples = Mapping[str, Any]  # by name

# An extension of an operation that the generator reads and removes.
ERRORS = "x-errors"


@dataclass(frozen=True, slots=True)
class Response:
    """A successful response."""

    body: Shape | PolymorphicProxySerializer
    examples: Examples
    description: str


@dataclass(frozen=True, slots=True)
class Resource:
    """What the actions of a viewset create, list and change: `a` booking, in many `bookings`."""

    a: str
    many: str
    serializer: Shape

    def summary(self, action: str) -> str:
        return SUMMARIES[action].format(a=self.a, many=self.many)

    def response(self, action: str, examples: Examples, description: str) -> Response:
        body = page_of(self.serializer) if action == "list" else self.serializer
        return Response(body, examples, description or DESCRIPTIONS[action].format(a=self.a))


SUMMARIES = {
    "list": "List {many}",
    "create": "Create a {a}",
    "retrieve": "Get a {a}",
    "update": "Update a {a}",
    "destroy": "Delete a {a}",
}
DESCRIPTIONS = {
    "create": "The new {a}.",
    "retrieve": "The {a}.",
    "update": "The updated {a}.",
    "destroy": "The deleted {a}.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """An action of a viewset.

    `request` is the serializer of the body, and `errors` are the codes that are specific to the
    action. If the response is the resource, or a page of it, `shown` has its examples and `answer`
    describes it; both it and the summary have a default for each action. Other actions have
    `responses`, by status, and media type if not JSON.
    """

    summary: str = ""
    responses: Mapping[int | tuple[int, str], Response] = field(default_factory=dict)
    description: str = ""
    shown: Examples = field(default_factory=dict)
    answer: str = ""
    query: Shape | None = None
    parameters: tuple[OpenApiParameter, ...] = ()
    request: Shape | serializers.Serializer[Any] | None = None
    examples: Examples = field(default_factory=dict)
    errors: tuple[ErrorCode, ...] = ()
    id: str = ""


def describe(
    noun: str, tag: str, resource: Resource | None = None, **operations: Operation
) -> Callable[[V], V]:
    """Decorate a viewset. The operation ids are `noun_action`; PATCH is described like PUT."""
    if resource is not None:
        operations = {name: complete(resource, name, op) for name, op in operations.items()}
    described = {name: extended(noun, tag, name, op) for name, op in operations.items()}
    if "update" in operations:
        described["partial_update"] = extended(noun, tag, "partial_update", operations["update"])
    decorator: Callable[[V], V] = extend_schema_view(**described)
    return decorator


def complete(resource: Resource, action: str, operation: Operation) -> Operation:
    """Add the defaults of an action of a resource."""
    responses = dict(operation.responses)
    if operation.shown:
        status = 201 if action == "create" else 200
        responses[status] = resource.response(action, operation.shown, operation.answer)
    return replace(
        operation, summary=operation.summary or resource.summary(action), responses=responses
    )


def extended(noun: str, tag: str, name: str, operation: Operation) -> Any:
    description = operation.description
    if name == "partial_update":
        description = f"{description}\n\nPATCH is the same as PUT.".strip()
    return extend_schema(
        operation_id=operation.id or f"{noun}_{name}",
        tags=[tag],
        summary=operation.summary,
        description=description,
        parameters=[*([operation.query] if operation.query else []), *operation.parameters],
        request=OpenApiRequest(operation.request, examples=example_list(operation.examples))
        if operation.request is not None
        else None,
        responses={
            status: OpenApiResponse(each.body, each.description, example_list(each.examples))
            for status, each in operation.responses.items()
        },
        extensions={ERRORS: operation.errors},
    )


def example_list(examples: Examples) -> list[OpenApiExample]:
    return [OpenApiExample(name, value) for name, value in examples.items()]


def page_of(item: Shape) -> Shape:
    """The serializer of a page of `item`, as `chatapi.api.pagination.envelope` builds it."""
    name = item.__name__.removesuffix("Serializer")

    def url(about: str) -> serializers.CharField:
        return serializers.CharField(allow_null=True, help_text=about)

    def place(about: str) -> serializers.IntegerField:
        return serializers.IntegerField(allow_null=True, help_text=about)

    fields = {
        "current_page": serializers.IntegerField(),
        "data": item(many=True),
        "first_page_url": serializers.CharField(),
        "from": place("The first row's place in the list; null on an empty page and by cursor."),
        "next_cursor": serializers.CharField(
            allow_null=True, help_text="Opens the next page as `cursor`; null on the last page."
        ),
        "next_page_url": url("Null on the last page."),
        "path": serializers.CharField(),
        "per_page": serializers.IntegerField(),
        "prev_page_url": url("Null on the first page, and by cursor."),
        "to": place("The last row's place in the list; null on an empty page and by cursor."),
    }
    about = {"__doc__": f"A page of a list. `data` holds at most `per_page` of {name}."}
    return type(f"{name}PageSerializer", (serializers.Serializer,), {**about, **fields})


def page(path: str, *rows: Any) -> dict[str, Any]:
    """An example of a list with a single page; `path` is without the host."""
    url = f"https://chat.example.com{path}"
    return {
        "current_page": 1,
        "data": list(rows),
        "first_page_url": f"{url}?page=1",
        "from": 1,
        "next_cursor": None,
        "next_page_url": None,
        "path": url,
        "per_page": 15,
        "prev_page_url": None,
        "to": len(rows),
    }
