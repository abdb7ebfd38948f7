"""Large bodies and responses: what they hold of a web process, over real connections."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from chatapi.tests.clients import Answered, Raw, Server
from chatapi.tests.installation import wait_for
from chatapi.tests.large_urls import BLOCK, MAX_BYTES, SMALL_BYTES

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
THREADS = 2
HOST = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UPLOAD = b"POST /api/test/uploads" + HOST + b"Content-Type: multipart/form-data; boundary=x\r\n"
CHUNKED = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"
CONTENT = os.urandom(MIB) * 25
FILE = os.urandom(MIB) * 40


class LargeServer(Server):
    """One web process with few threads, whose clients may be as slow as they like."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(
            folder,
            DJANGO_SETTINGS_MODULE="chatapi.tests.large_settings",
            WEB_THREADS=str(THREADS),
            **{"CLIENT_SECONDS": "60", "BODY_SECONDS": "120"} | settings,
        )
        (self.folder / "var" / "large").write_bytes(FILE)

    def open_files(self, name: str) -> list[str]:
        """The files that the worker has open below a name in DATA_DIR, also removed ones."""
        (worker,) = self.children("web")
        folder = Path(f"/proc/{worker}/fd")
        found = []
        for each in folder.iterdir():
            try:
                found.append(os.readlink(each))
            except FileNotFoundError:
                continue
        return [each for each in found if each.startswith(str(self.folder / "var" / name))]

    def counts(self) -> dict[str, int]:
        with self.connect() as raw:
            raw.send(b"GET /test/counts" + HOST + b"\r\n")
            return dict(json.loads(raw.answer().content))

    def begin_upload(self, length: int, sent: int, source: str = "127.0.0.1") -> Raw:
        """An upload of `length` bytes, of which `sent` have been sent."""
        raw = self.connect(source)
        raw.send(UPLOAD + b"Content-Length: %d\r\n\r\n" % length + CONTENT[:sent])
        return raw

    def begin_download(self, path: bytes = b"/test/download") -> Raw:
        """A response whose first bytes have come, and whose others wait for the client."""
        raw = self.connect(receive_bytes=4096)
        raw.send(b"GET " + path + HOST + b"\r\n")
        raw._receive()
        assert raw.rest.startswith(b"HTTP/1.1 200 ")
        return raw


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = LargeServer(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def assert_taken(answer: Answered, content: bytes) -> None:
    assert answer.status == 200
    sha256 = hashlib.sha256(content).hexdigest()
    assert json.loads(answer.content) == {"sha256": sha256, "size": len(content)}


def assert_error(answer: Answered, status: int, code: str, message: str = "") -> None:
    body = json.loads(answer.content)
    assert (answer.status, body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["message"] == (message or body["message"])


class TestBodies:
    def test_a_large_one_arrives_intact_and_needs_little_memory(self, server):
        with server.begin_upload(1000, 1000) as raw:
            assert_taken(raw.answer(), CONTENT[:1000])
        before = server.resident()
        with server.begin_upload(MAX_BYTES, MAX_BYTES - 1) as raw:
            wait_for(lambda: server.open_files("uploads"), 10)
            raw.send(CONTENT[-1:])
            assert_taken(raw.answer(), CONTENT)
            assert server.resident() - before < 8 * MIB
        wait_for(lambda: not server.open_files("uploads"), 10)

    def test_several_on_one_connection(self, server):
        with server.connect() as raw:
            for size in (300_000, 262_144, 262_145, 10, 0, 5 * MIB):
                raw.send(UPLOAD + b"Content-Length: %d\r\n\r\n" % size + CONTENT[:size])
                assert_taken(raw.answer(), CONTENT[:size])

    def test_one_in_chunks(self, server):
        with server.connect() as raw:
            raw.send(CHUNKED)
            for start in range(0, 3 * MIB, 100_000):
                raw.send(chunk(CONTENT[start : min(start + 100_000, 3 * MIB)]))
            raw.send(b"0\r\n\r\n")
            assert_taken(raw.answer(), CONTENT[: 3 * MIB])

    def test_slow_ones_hold_no_thread(self, server):
        sizes = [MIB + number for number in range(2 * THREADS)]
        uploads = [server.begin_upload(size, 600_000) for size in sizes]
        wait_for(lambda: len(server.open_files("uploads")) == len(uploads), 10)
        assert server.served()
        for raw, size in zip(uploads, sizes, strict=True):
            raw.send(CONTENT[600_000:size])
            assert_taken(raw.answer(), CONTENT[:size])
            raw.socket.close()
        wait_for(lambda: not server.open_files("uploads"), 10)

    def test_one_that_is_cut_off_leaves_nothing(self, server):
        calls = server.counts().get("upload", 0)
        with server.begin_upload(3 * MIB, 2 * MIB):
            wait_for(lambda: server.open_files("uploads"), 10)
        with server.connect() as raw:
            raw.send(CHUNKED + chunk(CONTENT[:MIB]))
            wait_for(lambda: server.open_files("uploads"), 10)
        wait_for(lambda: not server.open_files("uploads"), 10)
        assert server.counts().get("upload", 0) == calls
        assert not list((server.folder / "var" / "uploads").iterdir())


class TestLimits:
    def test_an_announced_length_is_refused_before_the_body(self, server):
        calls = server.counts().get("upload", 0)
        with server.begin_upload(MAX_BYTES + 1, 0) as raw:
            message = "The body is larger than 25 MiB."
            assert_error(raw.answer(), 422, "file_too_large", message)
        with server.connect() as raw:
            raw.send(UPLOAD + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n")
            assert_error(raw.answer(), 422, "file_too_large")
        assert server.counts().get("upload", 0) == calls

    def test_chunks_are_refused_past_the_limit(self, server):
        with server.connect() as raw:
            raw.send(CHUNKED + chunk(CONTENT) + chunk(b"x"))
            assert_error(raw.answer(), 422, "file_too_large")
            # The rest is not read for long.
            raw.until_closed()
        wait_for(lambda: not server.open_files("uploads"), 10)

    @pytest.mark.parametrize(
        ("method", "path", "limit", "message"),
        [
            (b"POST", b"/api/companies", MIB, "No token was sent."),
            (b"PATCH", b"/api/test/uploads", MIB, 'Method "PATCH" not allowed.'),
            (b"POST", b"/api/nowhere", MIB, "Not found."),
            (b"POST", b"/api/test/uploads", MAX_BYTES, "The body is larger than 25 MiB."),
            (b"PUT", b"/api/test/uploads", SMALL_BYTES, "The body is larger than 0.5 MiB."),
        ],
    )
    def test_each_route_has_its_own(self, server, method, path, limit, message):
        """A refused body is the view's to answer, which first asks who the caller is."""
        head = UPLOAD.replace(b"POST /api/test/uploads", method + b" " + path)
        with server.connect() as raw:
            raw.send(head + b"Content-Length: %d\r\n\r\n" % (limit + 1))
            if limit < MIB:
                raw.send(CONTENT[: limit + 1])
            body = json.loads(raw.answer().content)
            assert body["message"] == message

    def test_a_page_refuses_a_form_that_is_too_large(self, server):
        for media in (b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded"):
            with server.connect() as raw:
                raw.send(
                    b"POST /accounts/login/" + HOST + b"Content-Type: " + media + b"\r\n"
                    b"Content-Length: %d\r\n\r\n" % (MIB + 1)
                )
                assert raw.answer().status in {400, 403}


@pytest.fixture(scope="module")
def cramped(tmp_path_factory):
    """A process with room for few uploads."""
    server = LargeServer(
        tmp_path_factory.mktemp("cramped"),
        UPLOAD_BYTES_PER_ADDRESS=str(4 * MIB),
        UPLOAD_BYTES_PER_PROCESS=str(9 * MIB),
    )
    yield server
    server.close()


class TestDisk:
    def test_the_oldest_upload_of_a_network_makes_room(self, cramped):
        with (
            cramped.begin_upload(9 * MIB, 2 * MIB, "127.0.0.3") as other,
            cramped.begin_upload(9 * MIB, 2 * MIB, "127.0.0.2") as older,
        ):
            wait_for(lambda: len(cramped.open_files("uploads")) == 2, 10)
            with cramped.begin_upload(3 * MIB, 3 * MIB, "127.0.0.2") as newer:
                assert_taken(newer.answer(), CONTENT[: 3 * MIB])
            answer = older.answer()
            assert_error(answer, 429, "rate_limited")
            assert answer.headers["retry-after"] == "60"
            wait_for(lambda: len(cramped.open_files("uploads")) == 1, 10)
            other.socket.sendall(CONTENT[2 * MIB : 3 * MIB])
        wait_for(lambda: not cramped.open_files("uploads"), 10)

    def test_the_oldest_of_all_makes_room_in_a_process(self, cramped):
        uploads = []
        for number in range(3):
            uploads.append(cramped.begin_upload(9 * MIB, 3 * MIB - 100_000, f"127.0.1.{number}"))
            wait_for(lambda: len(cramped.open_files("uploads")) == len(uploads), 10)
        with cramped.begin_upload(2 * MIB, 2 * MIB, "127.0.1.9") as newest:
            assert_taken(newest.answer(), CONTENT[: 2 * MIB])
        assert_error(uploads[0].answer(), 429, "rate_limited")
        wait_for(lambda: len(cramped.open_files("uploads")) == 2, 10)
        for raw in uploads:
            raw.socket.close()
        wait_for(lambda: not cramped.open_files("uploads"), 10)

    def test_one_that_can_have_no_room_is_refused(self, cramped):
        with cramped.begin_upload(5 * MIB, 5 * MIB) as raw:
            assert_error(raw.answer(), 429, "rate_limited", "Too many uploads at once.")
        wait_for(lambda: not cramped.open_files("uploads"), 10)
        with cramped.begin_upload(3 * MIB, 3 * MIB) as raw:
            assert_taken(raw.answer(), CONTENT[: 3 * MIB])


class TestResponses:
    def test_a_file_arrives_intact(self, server):
        with server.connect() as raw:
            for _ in range(2):
                raw.send(b"GET /test/download" + HOST + b"\r\n")
                answer = raw.answer()
                assert answer.headers["content-length"] == str(len(FILE))
                assert answer.content == FILE
        wait_for(lambda: not server.open_files("large"), 10)

    def test_its_head_alone(self, server):
        with server.connect() as raw:
            raw.send(b"HEAD /test/download" + HOST + b"\r\nGET /healthz" + HOST + b"\r\n")
            assert b"content-length: %d\r\n" % len(FILE) in raw._until(b"\r\n\r\n").lower()
            assert raw.answer().status == 200
        wait_for(lambda: not server.open_files("large"), 10)

    def test_an_iterator_arrives_in_chunks(self, server):
        with server.connect() as raw:
            raw.send(b"GET /test/blocks?count=100" + HOST + b"\r\n")
            answer = raw.answer()
            assert answer.headers["transfer-encoding"] == "chunked"
            assert answer.content == BLOCK * 100
            assert server.served()

    def test_slow_readers_of_files_hold_no_thread_and_little_memory(self, server):
        before = server.resident()
        readers = [server.begin_download() for _ in range(8)]
        wait_for(lambda: len(server.open_files("large")) == len(readers), 10)
        assert server.served()
        assert server.resident() - before < 16 * MIB
        first = readers.pop()
        first.socket.settimeout(60)
        assert first.answer().content == FILE
        first.socket.close()
        for raw in readers:
            raw.socket.close()
        wait_for(lambda: not server.open_files("large"), 10)

    def test_slow_readers_of_iterators_hold_no_thread(self, server):
        before = server.counts()
        readers = [server.begin_download(b"/test/blocks?count=10000") for _ in range(2 * THREADS)]
        assert server.served()
        for raw in readers:
            raw.socket.close()
        wait_for(
            lambda: server.counts().get("closed", 0) == before.get("closed", 0) + len(readers),
            10,
        )
        made = server.counts()["block"] - before.get("block", 0)
        assert made < 10_000

    def test_one_that_fails_midway_ends_the_connection_and_is_logged(self, server):
        with server.connect() as raw:
            raw.send(
                b"GET /test/blocks?count=20&fail=1" + HOST + b"X-Request-ID: broke-midway\r\n\r\n"
            )
            assert raw.answer().status == 0
        log = server.folder / "web.log"
        wait_for(lambda: "the blocks broke" in log.read_text(), 10)
        assert "[broke-midway] GET '/test/blocks' broke off" in log.read_text()
        assert server.served()

    def test_one_that_fails_early_is_an_error(self, server):
        with server.connect() as raw:
            raw.send(b"GET /test/blocks?count=1&fail=1" + HOST + b"\r\n")
            assert raw.answer().status == 500
            assert server.served()

    def test_a_large_static_file(self, server):
        path = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
        with server.connect() as raw:
            raw.send(b"GET " + path.encode() + HOST + b"\r\n")
            whole = raw.answer()
            assert int(whole.headers["content-length"]) == len(whole.content) > MIB
            raw.send(b"GET " + path.encode() + HOST + b"Range: bytes=1000-700999\r\n\r\n")
            part = raw.answer()
            assert (part.status, part.content) == (206, whole.content[1000:701_000])


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A process with little patience."""
    server = LargeServer(tmp_path_factory.mktemp("strict"), CLIENT_SECONDS="3", BODY_SECONDS="1")
    yield server
    server.close()


class TestTime:
    def test_a_reader_that_is_too_slow_loses_its_file(self, strict):
        with strict.begin_download() as raw:
            wait_for(lambda: not strict.open_files("large"), 30)
            raw.until_closed()
        assert strict.served()

    def test_a_large_body_may_take_longer_and_is_not_counted_as_memory(self, strict):
        sent = 20 * MIB  # more than one network may hold in memory
        with strict.begin_upload(MAX_BYTES, sent) as raw:
            for _ in range(2):
                # Closed by the sweep that would also refuse the upload.
                with strict.connect("127.0.0.2") as idle:
                    while not closed(idle):
                        raw.send(CONTENT[sent : sent + 1000])
                        sent += 1000
            raw.send(CONTENT[sent:])
            assert_taken(raw.answer(), CONTENT)


def closed(raw: Raw) -> bool:
    raw.socket.settimeout(0.1)
    try:
        return not raw.socket.recv(65_536)
    except TimeoutError:
        return False
    except ConnectionError:
        return True
