"""uvicorn's HTTP protocol with limits on clients and hooks for streams."""

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import httptools
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from chatapi.api.errors import ApiError
from chatapi.limits.address import network_of
from chatapi.server.connections import NEVER, Connections
from chatapi.server.flow import Flow
from chatapi.server.hooks import CONNECTION
from chatapi.server.refusals import TOO_LARGE, bad_request, render, too_many
from chatapi.server.unread import unread_bytes

MAX_HEADER_LINES = 100
MAX_URL_BYTES = 8 * 1024
FEED_BYTES = 4096  # bytes fed to the parser at a time; limits are checked in between
LINGER_SECONDS = 2  # time for a refused client to read the response
MAX_LINGER_BYTES = 1024 * 1024

# What the parser is reading.
IDLE, HEAD, BODY = range(3)

# Headers that affect the connection itself.
CONNECTION_HEADERS = frozenset({b"expect", b"transfer-encoding", b"content-length", b"upgrade"})


class RefusedError(Exception):
    """Raised to stop the parser; `Protocol.reason` says why."""


class Protocol(HttpToolsProtocol):
    """An HTTP connection that limits what its client may send and how long that may take.

    Anything malformed, too large or too slow gets an error of the API: 422, never 400. A request
    finds its connection in its scope, as a `Connection`.

    uvicorn's parser buffers an incomplete URL or header, so the bytes of an unfinished head are
    counted here, part by part. The sweep of `Connections` enforces time limits by `deadline`.
    """

    on_shutdown: Callable[[], None] | None = None
    closing = False

    flow: Flow
    _registry: ClassVar[Connections | None] = None
    _registry_loop: ClassVar[asyncio.AbstractEventLoop | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline = self.since = NEVER
        self.network = ""
        self.stage = IDLE
        self.active: RequestResponseCycle | None = None  # the request in progress
        self.ending = False  # further input is discarded
        self.reason: str | None = None  # why the parser was stopped, for the response
        self.refusal: ApiError | None = None  # sent after the responses to earlier requests
        self.lingered = 0
        self.held = b""  # input behind queued pipelined requests
        self.head_bytes = 0  # of an unfinished head, to within FEED_BYTES
        self.wire_bytes = self.body_bytes = 0  # of a body, with and without chunk framing
        self.disk_bytes = 0  # of the active request's body
        self.body_since = 0.0
        self.body_seconds: float = settings.BODY_SECONDS
        self.in_pieces = False
        self.checked_bytes = 0  # body bytes at the last check
        self.unread = 0  # unread response bytes at the last check
        self.length_headers = 0  # number of headers that determine the length of the body
        self.needs_framing_check = False  # whether `_check_framing` is needed
        self.max_head: int = settings.MAX_HEAD_BYTES
        self.client_seconds: int = settings.CLIENT_SECONDS
        # Seconds until an idle connection is first checked.
        self.idle_check = min(self.client_seconds, self.timeout_keep_alive)
        self.min_bytes: int = settings.CLIENT_SECONDS * settings.CLIENT_BYTES_PER_SECOND

    @property
    def registry(self) -> Connections:
        cls = type(self)
        if cls._registry is None or cls._registry_loop is not self.loop:
            cls._registry, cls._registry_loop = Connections(self.loop), self.loop
        return cls._registry

    # --- The connection ----------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport)
        if self.client and not settings.NUM_PROXIES:
            self.network = network_of(self.client[0]) or self.client[0]
        self._wait(self.client_seconds)
        self.registry.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.registry.remove(self)
        self.ending, self.held = True, b""
        super().connection_lost(exc)

    def abort(self) -> None:
        self.transport.abort()

    def shutdown(self) -> None:
        super().shutdown()
        self.closing = True
        if self.on_shutdown is not None:
            self.on_shutdown()

    # --- Input -------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.ending:
            self.lingered += len(data)
            if self.lingered > MAX_LINGER_BYTES:
                self.transport.abort()
            return
        if self.flow.holding:
            self.held += data
            return
        if len(data) <= FEED_BYTES:
            self._feed(data)
        else:
            self._feed_in_parts(data)
        if self.pipeline:
            self._hold()

    def _feed_in_parts(self, data: bytes) -> None:
        for start in range(0, len(data), FEED_BYTES):
            if self.ending:
                return
            if self.pipeline:
                self.held = data[start:]
                return
            self._feed(data[start : start + FEED_BYTES])

    def _feed(self, data: bytes) -> None:
        before = self.stage
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # No upgrade is supported: answer the request as if it had not asked for one.
            if rest := data[upgrade.args[0] :]:
                self._feed(rest)
            return
        except httptools.HttpParserError:
            self._refuse(bad_request(self.reason))
            return
        if self.stage == IDLE:
            if self.deadline == NEVER or before != IDLE:
                return
            # Empty lines before a request count as part of its head.
            self.stage, self.url = HEAD, b""
        if self.stage == HEAD:
            if not self.head_bytes and self.deadline != NEVER:
                self._wait(self.client_seconds)
            self.head_bytes += len(data)
            if (
                self.head_bytes > self.max_head
                or len(self.headers or ()) > MAX_HEADER_LINES
                or len(self.url) > MAX_URL_BYTES
            ):
                self._refuse(bad_request(TOO_LARGE))
        else:
            if not self.wire_bytes and self.active is self.cycle:
                self._wait_for_body()
            self.wire_bytes += len(data)
            # Allows for chunks of five bytes or more with extensions and trailers.
            if self.wire_bytes - self.body_bytes > self.max_head + self.body_bytes:
                self._refuse(bad_request("The body's chunks are too small, or hold too much else."))

    def _hold(self) -> None:
        """Stop reading until the queued pipelined requests have been handled."""
        self.flow.pause_reading()
        self.flow.holding = True

    def _release(self) -> None:
        if self.ending or self.transport.is_closing():
            return
        held, self.held = self.held, b""
        self.flow.holding = False
        self._feed_in_parts(held)
        if self.pipeline:
            self._hold()
        elif not self.ending:
            self.flow.resume_reading()

    # --- Callbacks of the parser ------------------------------------------------------------

    url = b""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: Any = {CONNECTION: self}
        self.scope["extensions"] = extensions
        self.stage = HEAD
        self.head_bytes = 0
        self.length_headers = 0
        self.needs_framing_check = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.stage != HEAD:
            return  # a trailer, which must not be mistaken for a header
        name = name.lower()
        if name in CONNECTION_HEADERS:
            if name == b"expect":
                self.expect_100_continue = value.lower() == b"100-continue"
            elif name == b"upgrade":
                self.needs_framing_check = True
            else:
                self.length_headers += 1
                if name != b"content-length":
                    self.needs_framing_check = True
                    if value.strip(b" \t").lower() != b"chunked":
                        self._stop_parser("The only Transfer-Encoding understood is chunked.")
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if (
            len(self.headers) > MAX_HEADER_LINES
            or len(self.url) > MAX_URL_BYTES
            or (self.head_bytes > self.max_head - FEED_BYTES and self._head_size() > self.max_head)
        ):
            self._stop_parser(TOO_LARGE)
        if self.length_headers > 1 or (self.length_headers and self.needs_framing_check):
            self._check_framing()
        self.stage = BODY
        self.wire_bytes = self.body_bytes = 0
        super().on_headers_complete()

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _check_framing(self) -> None:
        """Refuse a request whose body length another server might read differently."""
        if self.length_headers > 1 or self.parser.get_http_version() != "1.1":
            self._stop_parser("The length of the body is ambiguous.")
        if self.parser.should_upgrade():
            self._stop_parser("A request that asks for an upgrade can't have a body.")

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.stage = IDLE
        if self.active is not self.cycle:
            return
        if self.cycle.response_complete or self.flow.write_paused:
            # The rest of an unneeded body was read, or the last response is still unread.
            self._wait(self.idle_check)
        else:
            self.deadline = NEVER

    def _stop_parser(self, reason: str) -> NoReturn:
        self.reason = reason
        raise RefusedError

    # --- Responses ---------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.active = cycle
        self.disk_bytes = 0
        self.body_seconds = settings.BODY_SECONDS
        self.in_pieces = False
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.in_pieces:
            self._wait(self.client_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.in_pieces and self.active is not None and not self.active.response_complete:
            self.deadline = NEVER

    def on_response_complete(self) -> None:
        """Like uvicorn's method, but without its keep-alive timer."""
        self.server_state.total_requests += 1
        self._wait(LINGER_SECONDS if self.stage == BODY else self.idle_check)
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            if self.stage == BODY and self.active is self.cycle:
                self._wait_for_body()
        elif self.refusal is not None:
            self._send_refusal(self.refusal)
            return
        if not self.flow.holding:
            if self.flow.read_paused:
                self.flow.resume_reading()
        elif not self.pipeline:
            self.loop.call_soon(self._release)

    # --- Time limits -------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        self.since = self.loop.time()
        self.deadline = self.since + seconds
        self.unread = unread_bytes(self.transport)

    def _wait_for_body(self) -> None:
        self._wait(self.client_seconds)
        self.body_since, self.checked_bytes = self.since, 0

    def check(self, now: float) -> None:
        cycle = self.active
        answering = cycle is not None and not cycle.response_complete
        streaming = cycle is not None and answering and cycle.response_started
        unread = unread_bytes(self.transport)
        if unread and (self.in_pieces or not streaming):
            if self.unread - unread < self.min_bytes:
                self.transport.abort()
            else:
                self.unread, self.deadline = unread, now + self.client_seconds
        elif self.ending or self.transport.is_closing():
            self.transport.abort()
        elif answering and self.stage == BODY and cycle is self.cycle:
            self._check_body(now)
        elif answering:
            self.deadline = NEVER
        elif self.stage == HEAD and self.url:
            self._refuse(bad_request("The request's head did not arrive in time."))
        elif (
            self.stage == IDLE and cycle is not None and now < self.since + self.timeout_keep_alive
        ):
            self.deadline = self.since + self.timeout_keep_alive
        else:
            self.transport.close()

    def _check_body(self, now: float) -> None:
        end = self.body_since + self.body_seconds
        if self.flow.read_paused:  # by this server, so the client is not at fault
            self.deadline = now + self.client_seconds
        elif now >= end or self.body_bytes - self.checked_bytes < self.min_bytes:
            self._refuse(bad_request("The request's body did not arrive in time."))
        else:
            self.checked_bytes, self.deadline = self.body_bytes, min(now + self.client_seconds, end)

    # --- Bytes -------------------------------------------------------------------------------

    def held_bytes(self) -> int:
        body = self.body_bytes if self.stage == BODY else 0
        if self.active is self.cycle:
            body = max(body - self.disk_bytes, 0)
        return body + self.transport.get_write_buffer_size()

    def hold_on_disk(self, count: int) -> bool:
        if not self.registry.hold_on_disk(self, count):
            return False
        self.disk_bytes += count
        return True

    def release_disk(self) -> None:
        self.registry.release_disk(self)

    # --- Refusals ----------------------------------------------------------------------------

    def evict(self) -> None:
        cycle = self.active
        answering = cycle is not None and not cycle.response_complete
        started = cycle is not None and (cycle is not self.cycle or cycle.response_started)
        if self.ending or self.transport.get_write_buffer_size() or (answering and started):
            self.transport.abort()
            return
        if self.stage != IDLE:
            self._refuse(too_many("Too many connections at once.", self.client_seconds))
        self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        """Respond with `error` after the responses to earlier requests, then close."""
        if self.ending or self.transport.is_closing():
            return
        self.ending, self.held = True, b""
        cycle = self.active
        if cycle is not None and not cycle.response_complete:
            if cycle is not self.cycle or not cycle.more_body:  # an earlier, complete request
                if self.pipeline and self.pipeline[0][0].more_body:
                    self.pipeline.popleft()
                self.refusal = error
                self._hold()
                return
            if cycle.response_started:
                self.transport.abort()
                return
            # The application is waiting for a body that will not arrive.
            cycle.disconnected = True
            cycle.message_event.set()
        self._send_refusal(error)

    def _send_refusal(self, error: ApiError) -> None:
        """Send the response, and keep reading for a while so that no TCP reset overtakes it."""
        self.transport.write(render(error))
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.holding = False
        self.flow.resume_reading()
        self._wait(LINGER_SECONDS)
