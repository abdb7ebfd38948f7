"""`Idempotency-Key`: the same POST again gives the first answer instead of a second effect."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import orjson
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from chatapi.api import encoding
from chatapi.api.errors import ApiError, ErrorCode
from chatapi.db.encryption import decrypt, encrypt
from chatapi.models import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
_FORM = re.compile(r"[\x21-\x7e]{1,255}")


def key_of(request: Request) -> str | None:
    """The header's value, or None. ApiError 422 unless it is 1 to 255 visible ASCII characters."""
    key: str | None = request.headers.get(HEADER)
    if key is not None and not _FORM.fullmatch(key):
        raise ApiError(
            ErrorCode.VALIDATION_FAILED, f"{HEADER} must be 1 to 255 visible ASCII characters."
        )
    return key


def fingerprint(data: Any) -> bytes:
    """SHA-256 of a body, the same for the same fields in any order."""
    plain = data.dict() if hasattr(data, "dict") else data
    return hashlib.sha256(
        orjson.dumps(plain, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    ).digest()


def conflict() -> ApiError:
    return ApiError(ErrorCode.IDEMPOTENCY_CONFLICT)


def once(request: Request, make: Callable[[], Response], *, by_token: bool = False) -> Response:
    """`make()`, at most once for the caller, the route, the key and the body.

    With `by_token`, another token of the same caller does not get the answer.

    Callers with the same key at the same time wait for the first one's transaction. An answer that
    is an error is not kept: its transaction is rolled back, and the key is free again.
    """
    key = key_of(request)
    if key is None:
        return make()
    sent: Any = request.auth
    data: Any = request.data
    # Strangers have no name, but each says an address: one's key must not be another's.
    caller = sent.caller if sent else f"anonymous {data.get('email')}"
    if by_token:
        caller = f"{caller} {sent.limit_key}"
    scope = hashlib.sha256(f"{caller} {request.path}".encode()).hexdigest()
    print_ = fingerprint(data)
    with transaction.atomic():
        record, mine = IdempotencyRecord.objects.get_or_create(
            scope=scope, key=key, defaults={"fingerprint": print_}
        )
        if not mine:
            if bytes(record.fingerprint) != print_:
                raise conflict()
            answer = encoding.loads(decrypt(record.answer))
            return Response(answer, status=record.status, headers=REPLAYED)
        response = make()
        record.status = response.status_code
        record.answer = encrypt(encoding.dumps(response.data).decode())
        record.save(update_fields=["status", "answer"])
    return response
