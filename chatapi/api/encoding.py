"""JSON by orjson. The API returns nothing else, whatever `Accept` asks for."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from rest_framework import parsers, renderers
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds: `2021-07-05T09:31:38.000000Z`.

    `moment` must be aware and in UTC, as the database returns it.
    """
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"


def _default(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    return str(value)  # lazy translations, Decimals, DRF's ErrorDetail


def dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_default, option=OPTIONS)
    except orjson.JSONEncodeError:
        # Metadata may contain 1e20, which PostgreSQL returns as an integer beyond 64 bits.
        return json.dumps(value, default=_default).encode()


loads = orjson.loads


class JSONRenderer(renderers.BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return dumps(data)


class JSONParser(parsers.BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Parse a JSON object. Raises ParseError for anything else, even for lone surrogates."""
        raw = stream.read().removeprefix(BOM_UTF8)  # `ApiViewSet.initial` has limited the length
        if not raw.strip():
            return {}
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        return value


class AlwaysJSON(BaseContentNegotiation):
    """Picks the parser that matches the body and the only renderer; it never responds 406."""

    def select_parser(
        self, request: Request, parsers: Iterable[parsers.BaseParser]
    ) -> parsers.BaseParser | None:
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        for parser in parsers:
            if parser.media_type == media_type or media_type == "":
                return parser
        return None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[renderers.BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[renderers.BaseRenderer, str]:
        return next(iter(renderers)), "application/json"
