"""`Idempotency-Key`: a repeated POST gets the first response and has no second effect."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import orjson
from django.db import transaction
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api import encoding
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.api.policies import Replay
from chatapi.db.encryption import decrypt, encrypt
from chatapi.models import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")


def read_key(request: Request) -> str | None:
    """The header's value, or None. Raises ApiError 422 unless it has the documented form."""
    key: str | None = request.headers.get(HEADER)
    if key is not None and not _PATTERN.fullmatch(key):
        raise ApiError(
            ErrorCode.VALIDATION_FAILED, f"{HEADER} must be 1 to 255 visible ASCII characters."
        )
    return key


def fingerprint(data: Any) -> bytes:
    """The SHA-256 of a body, which does not depend on the order of its fields."""
    plain = data
    if isinstance(data, QueryDict):
        plain = {name: rest if rest[1:] else rest[-1] for name, rest in data.lists() if rest}
    return hashlib.sha256(
        orjson.dumps(plain, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    ).digest()


def conflict() -> ApiError:
    return ApiError(ErrorCode.IDEMPOTENCY_CONFLICT)


def once(request: Request, replay: Replay, make: Callable[[], Response]) -> Response:
    """Return `make()`, which is called at most once for a caller, route, key and body.

    Concurrent requests with the same key wait for the transaction of the first. An error is not
    stored: its transaction is rolled back, and the key can be used again.
    """
    key = read_key(request)
    if key is None:
        return make()
    sent: Any = request.auth
    data: Any = request.data
    # Anonymous callers send an address. Include it, so that they cannot share a key by accident.
    caller = sent.caller if sent else f"anonymous {data.get('email')}"
    if replay is Replay.TO_TOKEN and sent:
        caller = f"{caller} {sent.limit_key}"
    scope = hashlib.sha256(f"{caller} {request.path}".encode()).hexdigest()
    digest = fingerprint(data)
    with transaction.atomic():
        record, created = IdempotencyRecord.objects.get_or_create(
            scope=scope, key=key, defaults={"fingerprint": digest}
        )
        if not created:
            if bytes(record.fingerprint) != digest:
                raise conflict()
            content = encoding.loads(decrypt(record.answer))
            return Response(content, status=record.status, headers=REPLAYED)
        response = make()
        record.status = response.status_code
        record.answer = encrypt(encoding.dumps(response.data).decode())
        record.save(update_fields=["status", "answer"])
    return response
