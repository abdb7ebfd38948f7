"""The id of the current request, in every line of the log and in every error body."""

import logging
import re
import uuid
from contextvars import ContextVar

ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")

request_id: ContextVar[str] = ContextVar("request_id", default="-")


def choose_id(given: str) -> str:
    """The id that a proxy gave in `X-Request-ID`, or a new one if that is not acceptable."""
    return given if ACCEPTED.fullmatch(given) else uuid.uuid4().hex


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True
