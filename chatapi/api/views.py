"""The base class of all viewsets: it applies the policy of each action, always in this order.

request → authentication → limits → scope → permissions (which call `access`) → replay → the action.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, ClassVar

from django.conf import settings
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from chatapi.api import pagination
from chatapi.api.cursors import Ordering
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.expensive import expensive_read
from chatapi.api.idempotency import once
from chatapi.api.policies import Policy, Replay, token
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge, Verdict, limiter


@cache
def shared_serializer(serializer: type[Any], partial: bool) -> Any:
    """An instance for all requests, because creating its fields costs more than using them.

    It keeps nothing of a request, so that threads can share it.
    """
    return serializer(partial=partial)


def read(serializer: type[Any], data: Any, *, partial: bool = False) -> Any:
    """Validate `data` with `serializer`. Raises DRF's ValidationError."""
    try:
        shared = shared_serializer(serializer, partial)  # type: ignore[arg-type]  # it is hashable
        return shared.run_validation(data)
    except serializers.ValidationError:
        serializer(data=data, partial=partial).is_valid(raise_exception=True)
        raise


@cache
def list_fields(serializer: type[Any]) -> frozenset[str]:
    fields = shared_serializer(serializer, False).fields  # type: ignore[arg-type]  # it is hashable
    found = [name for name, field in fields.items() if isinstance(field, serializers.ListField)]
    return frozenset(found)


def plain(form: QueryDict, serializer: type[Any]) -> dict[str, Any]:
    """The fields of a form. A list has all values of its field, another field the last one."""
    lists = list_fields(serializer)  # type: ignore[arg-type]  # it is hashable
    return {name: form.getlist(name) if name in lists else form[name] for name in form}


@cache
def defaults(serializer: type[Any]) -> dict[str, Any]:
    """The result of validating no data; `serializer` must not have required fields."""
    return dict(read(serializer, {}))


def replayed(action: Callable[..., Response], replay: Replay) -> Callable[..., Response]:
    """An action that answers a repeated `Idempotency-Key` with its first response."""

    @wraps(action)
    def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        return once(request, replay, lambda: action(view, request, *args, **kwargs))

    return wrapped


class ApiViewSet(GenericViewSet[Any]):
    """The base of all viewsets. `policies` has the policy of each action."""

    policies: ClassVar[Mapping[str, Policy]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    update: Callable[..., Any]  # in the viewsets that have it
    _verdict: Verdict | None = None  # of the tightest limit that this request was charged to

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, policy in cls.__dict__.get("policies", {}).items():
            if policy.replay in {Replay.TO_CALLER, Replay.TO_TOKEN}:
                setattr(cls, name, replayed(getattr(cls, name), policy.replay))

    @property
    def policy(self) -> Policy | None:
        # DRF asks for authenticators before it has set `action`.
        action = getattr(self, "action", None)
        if action is None and self.request is not None and hasattr(self, "action_map"):
            action = self.action_map.get((self.request.method or "").lower())
        return self.policies.get(action) if action else None

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [make() for make in self.policy.authentication] if self.policy else []

    def get_permissions(self) -> list[Any]:
        return [make() for make in self.policy.permissions] if self.policy else [AllowAny()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        policy = self.policy
        if policy is None:
            raise MethodNotAllowed(request.method or "")
        self.format_kwarg = None
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        try:
            self.perform_authentication(request)
        except AuthenticationFailed:
            self.charge(Charge("BAD_TOKEN", network_address(request)))
            self._verdict = None  # callers do not plan by this limit, so it is not shown
            raise
        sent = token(request)
        if sent is None:
            if policy.authentication and "Authorization" in request.headers:
                # No authenticator recognised it; it must not count as an anonymous request.
                raise AuthenticationFailed
            if not policy.anonymous:
                raise NotAuthenticated
        charges = [limit(request, self) for limit in policy.limits]
        self.charge(*(charge for charge in charges if charge))
        limit = policy.body_limit(request.META.get("CONTENT_TYPE", ""))
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            sentence = f"The body is larger than {limit / 2**20:g} MiB."
            has_files = limit == policy.max_upload_bytes
            code = ErrorCode.FILE_TOO_LARGE if has_files else ErrorCode.BODY_TOO_LARGE
            raise ApiError(code, sentence)
        if sent is not None and (scope := sent.missing_scope(request.method)):
            raise ApiError(ErrorCode.SCOPE_MISSING, f"The token lacks the scope `{scope}`.")
        self.check_permissions(request)

    def charge(self, *charges: Charge, shown: bool = True) -> None:
        """Charge this request to limits. Raises ApiError 429 when one is exhausted.

        Only a limit of the caller alone may be `shown` in the response's headers: the remainder of
        a shared one would reveal what others did.
        """
        verdict = limiter().take(charges)
        known = self._verdict
        if shown and (known is None or not verdict.allowed or verdict.remaining < known.remaining):
            self._verdict = verdict
        if not verdict.allowed:
            headers = {"Retry-After": str(verdict.retry_after_seconds)}
            raise ApiError(ErrorCode.RATE_LIMITED, headers=headers)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        verdict = self._verdict
        if verdict is not None:
            for name, value in verdict.headers.items():
                response[name] = value
        return response

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """PATCH is the same as PUT: both change only the fields that are sent."""
        return self.update(request, *args, **kwargs)

    # --- Input and output of actions ---

    def body(self, serializer: type[Any]) -> Any:
        """The validated body of the request; fields that were not sent are absent."""
        data = self.request.data
        if isinstance(data, QueryDict):
            # As for JSON: in a form, DRF would read an absent checkbox as unticked.
            data = plain(data, serializer)
        return read(serializer, data, partial=self.request.method in {"PUT", "PATCH"})

    def query(self, serializer: type[Any]) -> dict[str, Any]:
        """The validated query string of the request."""
        if not self.request.META.get("QUERY_STRING"):
            return dict(defaults(serializer))  # type: ignore[arg-type]  # it is hashable
        # DRF reads a plain dict faster, and an absent boolean in it as absent, not as false. For
        # query strings, it treats empty values as absent too.
        sent = {name: value for name, value in self.request.query_params.items() if value != ""}
        found: dict[str, Any] = read(serializer, sent)
        return found

    @contextmanager
    def expensive(
        self, applies: bool, timeout: int | None = None, weight: int = 1
    ) -> Iterator[None]:
        """Run the block as an expensive read of the caller, if `applies`."""
        sent = token(self.request)
        if sent is None or not applies:
            yield
            return
        with expensive_read(sent.caller, timeout or settings.LIST_TIMEOUT, weight):
            yield

    def page(
        self,
        rows: Any,
        query: dict[str, Any],
        present: Callable[[list[Any]], list[Any]],
        ordering: Ordering,
        *,
        expensive: bool = False,
    ) -> Response:
        """A page of `rows`, which are sorted by `ordering`, as `present` represents them.

        Set `expensive` if no index covers the rows. Deep pages are always expensive.
        """
        start, end = pagination.bounds(query)
        with self.expensive(expensive or pagination.is_deep(query)):
            found = list(ordering.beyond(rows, query)[start:end])
        return self.found(found, query, present, ordering)

    def found(
        self,
        found: list[Any],
        query: dict[str, Any],
        present: Callable[[list[Any]], list[Any]],
        ordering: Ordering,
    ) -> Response:
        """A page of rows that were already fetched: its own, and one extra row if there is one."""
        cursor = pagination.next_cursor(found, query, ordering)
        shown = present(found[: query["per_page"]])
        return Response(pagination.envelope(self.request, query, shown, cursor))
