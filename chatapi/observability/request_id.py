"""The id of the request in hand, on every line of the log and in every error body."""

import logging
import re
from contextvars import ContextVar

GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")  # one that is taken from a proxy

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True
