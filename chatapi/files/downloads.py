"""Responses that send a stored file: whole or in ranges (RFC 9110), never run by a browser."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header

from chatapi.files import stores
from chatapi.files.types import INLINE

RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
# Nothing in the file may run or load anything, even if a browser takes it for a page.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The properties of a file that its response shows. `etag` identifies the content."""

    stored_as: str
    name: str
    size: int
    content_type: str
    etag: str


class UnsatisfiableError(ValueError):
    """The range begins after the end of the file."""


def requested_range(header: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that a Range header asks for; None for the whole file.

    Several ranges and what is no range are answered with the whole file, as RFC 9110 allows.
    Raises UnsatisfiableError.
    """
    match = RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match[0] == "bytes=-" or len(match[0]) > 40:
        return None
    first, last = match[1], match[2]
    if not first:
        if int(last) == 0:
            raise UnsatisfiableError
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableError
    return int(first), min(int(last), size - 1) if last else size - 1


def respond(request: HttpRequest, file: StoredFile, max_age: int) -> HttpResponseBase:
    """The response to a GET or HEAD. Browsers may keep it for `max_age` seconds.

    Raises StorageDownError.
    """
    if request.headers.get("If-None-Match") == file.etag:
        return protect(HttpResponse(status=304), file, max_age)
    try:
        span = None
        if request.headers.get("If-Range", file.etag) == file.etag:
            span = requested_range(request.headers.get("Range", ""), file.size)
    except UnsatisfiableError:
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{file.size}"
        return protect(refused, file, max_age)
    if settings.ACCEL_REDIRECT and stores.store().readable_by_nginx:
        # nginx reads the file, and its ranges, itself.
        passed = HttpResponse(content_type=file.content_type)
        passed["X-Accel-Redirect"] = f"{settings.ACCEL_REDIRECT}{file.stored_as}"
        return protect(passed, file, max_age)
    first, last = span or (0, file.size - 1)
    length = last - first + 1
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=file.content_type)
    else:
        section = stores.open_section(file.stored_as, first, length)
        response = FileResponse(section, content_type=file.content_type)
    if span is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    response["Content-Length"] = str(length)
    return protect(response, file, max_age)


def protect(response: HttpResponseBase, file: StoredFile, max_age: int) -> HttpResponseBase:
    """Add the headers that all responses of a file have."""
    as_attachment = file.content_type not in INLINE
    headers: dict[str, str | None] = {
        "Content-Disposition": content_disposition_header(as_attachment, file.name),
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": f"private, max-age={max_age}, immutable",
        "Accept-Ranges": "bytes",
        "ETag": file.etag,
    }
    for name, value in headers.items():
        if value is not None:
            response[name] = value
    return response
