"""deploy/nginx.conf in a real nginx, before real processes: only ports and paths are others."""

import datetime
import http.client
import ipaddress
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatapi.tests.installation import ROOT, Answer, Installation, free_port, wait_for
from chats.tests.files import multipart, sound
from chats.tests.live import logged
from chats.tests.streaming import Stream

pytestmark = pytest.mark.skipif(
    not shutil.which("nginx") and not os.environ.get("REQUIRE_SERVICES"), reason="needs nginx"
)

# What Debian's own nginx.conf has around a site, in one folder and without daemon or other user.
AROUND = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/other.access.log;
    include {folder}/site.conf;
}}
"""
NOBODY_CHECKS = ssl.create_default_context()
NOBODY_CHECKS.check_hostname = False
NOBODY_CHECKS.verify_mode = ssl.CERT_NONE


def write_certificate(folder: Path) -> None:
    """A certificate that signs itself, where certbot would write it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chat.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Nginx:
    """nginx with the site; `web` and `stream` are `server` lines of its upstreams."""

    def __init__(self, folder: Path, web: str, stream: str, files: Path = Path("/none")) -> None:
        folder.mkdir()
        self.folder, self.port, self.plain_port = folder, free_port(), free_port()
        write_certificate(folder)
        site = (ROOT / "deploy" / "nginx.conf").read_text()
        for written, here in (
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("/etc/letsencrypt/live/chat.example.com", str(folder)),
            ("/var/log/nginx", str(folder)),
            ("/srv/chat-attachments/", f"{files}/"),
            ("server 127.0.0.1:8000;", web),
            ("server 127.0.0.1:8001;", stream),
        ):
            assert written in site
            site = site.replace(written, here)
        (folder / "site.conf").write_text(site)
        # As root, nginx would have its workers be another user, who may not read the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
        self.process = subprocess.Popen(
            ["nginx", "-e", str(folder / "start.log"), "-c", str(folder / "nginx.conf")],
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.listens, 10)

    def listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "start.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str = "",
        *,
        source: str = "127.0.0.1",
        plain: bool = False,
        **headers: str,
    ) -> Answer:
        """One request over TLS, or `plain`, from a network address of this machine."""
        if plain:
            connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=20)
        else:
            connection = http.client.HTTPSConnection(
                "127.0.0.1",
                self.port,
                timeout=20,
                context=NOBODY_CHECKS,
                source_address=(source, 0),
            )
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Host": "chat.example.com", "Content-Type": "application/json"}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if isinstance(body, tuple):  # a form, and its type
            content, sent["Content-Type"] = body
        else:
            content = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            text = response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answer(response.status, json.loads(text) if is_json else text, response.headers)
        finally:
            connection.close()

    def stream(self, path: str, token: str | None = None, **options: Any) -> Stream:
        return Stream(f"https://127.0.0.1:{self.port}{path}", token, tls=NOBODY_CHECKS, **options)

    def access_log(self) -> str:
        return (self.folder / "chat.access.log").read_text()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class Site:
    """The whole: nginx, web and stream processes, and an agent in the demonstration's chat."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(
            folder,
            WEB_CONCURRENCY="1",
            NUM_PROXIES="1",
            PUBLIC_URL="https://chat.example.com",
            LIMIT_CODE_TRY="3/m",
            ACCEL_REDIRECT="/protected-files/",
            ATTACHMENT_DIR=str(folder / "attachments"),
        )
        has_redis = bool(self.installation.env.get("REDIS_URL"))
        self.stream_port = free_port() if has_redis else self.installation.port
        self.made = self.installation.demo()
        self.installation.start("web")
        if has_redis:  # without it, one process serves everything
            self.installation.start_stream(self.stream_port)
        self.nginx = Nginx(folder / "nginx", *self.servers(), folder / "attachments")
        self.agent = self.nginx.call("POST", "/api/chats/1/users", {}, self.made["Token"]).body[
            "token"
        ]

    def servers(self) -> tuple[str, str]:
        return (
            f"server 127.0.0.1:{self.installation.port};",
            f"server 127.0.0.1:{self.stream_port};",
        )

    def send(self, text: str) -> Answer:
        return self.nginx.call("POST", "/api/chats/1/messages", {"text": text}, self.agent)

    def last_seq(self) -> int:
        path = "/api/chats/1/events?after=999999"
        return int(self.nginx.call("GET", path, token=self.agent).body["last_seq"])

    def close(self) -> None:
        self.nginx.close()
        self.installation.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


def test_what_is_the_same_for_everybody_is_compressed(site):
    style = site.nginx.call("GET", "/static/chatapi/base.css", accept_encoding="gzip")
    assert style.headers["Content-Encoding"] == "gzip"
    page = site.nginx.call("GET", "/", accept_encoding="gzip")
    assert (page.status, page.headers["Content-Encoding"]) == (200, None)


def test_the_api_answers_through_it(site):
    answer = site.nginx.call("GET", "/api/user", token=site.made["Token"])
    assert answer.status == 200
    # The service knows that the client came by https.
    assert answer.headers["Strict-Transport-Security"]
    sent = site.send("Hello")
    assert sent.status == 201
    page = site.nginx.call("GET", "/api/chats/1/messages", token=site.agent).body
    assert page["data"][0]["id"] == sent.body["id"]
    assert page["path"] == "https://chat.example.com/api/chats/1/messages"


def test_files_pass_in_both_directions(site):
    content = os.urandom(3 * 2**20)
    form = multipart(("sound.wav", sound() + content))
    shown = site.nginx.call("POST", "/api/chats/1/attachments", form, site.agent)
    assert shown.status == 201
    answer = site.nginx.call(
        "POST", "/api/chats/1/messages", multipart(("a.txt", b"x" * 2**21)), site.agent
    )
    assert answer.status == 201
    path = urlsplit(answer.body["attachments"][0]["url"]).path
    assert site.nginx.call("GET", path).body == b"x" * 2**21
    part = site.nginx.call("GET", path, Range="bytes=2-4")
    assert (part.status, part.body) == (206, b"xxx")
    assert part.headers["Content-Security-Policy"].startswith("sandbox")
    assert part.headers["X-Content-Type-Options"] == "nosniff"
    assert part.headers["Content-Disposition"] == 'attachment; filename="a.txt"'
    assert site.nginx.call("GET", "/protected-files/").status == 404
    number = answer.body["attachments"][0]["id"]
    wait_for(lambda: f'"GET /files/{number} HTTP/1.1" 206' in site.nginx.access_log(), 5)
    assert path.split("/")[2] not in site.nginx.access_log()


def test_a_request_id_is_the_same_everywhere(site):
    own = site.nginx.call("GET", "/api/user", token="cnp_x", X_Request_ID="my-own-request-id")
    assert own.body["request_id"] == own.headers["X-Request-ID"] == "my-own-request-id"
    made = site.nginx.call("GET", "/api/user", token="cnp_x", X_Request_ID='"no id"')
    assert len(made.body["request_id"]) == 32
    wait_for(lambda: f"id={made.body['request_id']}" in site.nginx.access_log(), 5)
    assert "id=my-own-request-id" in site.nginx.access_log()


def test_limits_count_the_clients_own_address(site):
    def guess(**how):
        body = {"email": "gina@guest.test", "auth-code": 123456}
        return site.nginx.call("POST", "/api/chats/1/users/get-token", body, **how).status

    assert [guess() for _ in range(4)] == [422, 422, 422, 429]
    assert guess(X_Forwarded_For="203.0.113.9") == 429
    assert guess(source="127.0.0.2") == 422


def test_events_come_at_once_from_a_stream_process(site):
    seq = site.last_seq()
    with site.nginx.stream("/api/chats/1/events", site.agent, after=seq) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        for text in ("One", "Two"):
            began = time.monotonic()
            sent = site.send(text).body
            event = logged(stream)
            assert (event.id, event.data["data"]["text"]) == (str(sent["seq"]), text)
            assert time.monotonic() - began < 2
    line = f'"GET /api/chats/1/events HTTP/1.1" 200 .* upstream="127.0.0.1:{site.stream_port}'
    wait_for(lambda: re.search(line, site.nginx.access_log()), 5)


def test_waiting_for_events(site):
    seq = site.last_seq()
    began = time.monotonic()
    path = f"/api/chats/1/events?after={seq}&wait=2"
    answer = site.nginx.call("GET", path, token=site.agent)
    assert (answer.status, answer.body["data"]) == (200, [])
    assert time.monotonic() - began > 1.5


def test_a_token_in_a_query_is_in_no_log(site):
    path = f"/api/chats/1/events?after={site.last_seq()}&chat_user_token={site.agent}"
    with site.nginx.stream(path) as stream:
        assert stream.status == 200
        site.send("Hello")
        logged(stream)
    # A line of an error log would hold the whole request.
    away = Nginx(site.nginx.folder.parent / "away", "server 127.0.0.1:1;", "server 127.0.0.1:1;")
    try:
        refused = away.call("GET", path, Referer=f"https://app.example.org/?t={site.agent}")
    finally:
        away.close()
    assert refused.status == 502
    assert refused.body["code"] == "server_error"
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert '"GET /api/chats/1/events HTTP/1.1" 502' in away.access_log()
    logs = [*site.installation.folder.glob("*.log"), *site.installation.folder.glob("*/*.log")]
    assert len(logs) >= 6
    for log in logs:
        assert site.agent not in log.read_text(errors="replace"), log


def test_what_nginx_refuses_is_answered_in_shape(site):
    large = site.nginx.call("POST", "/api/chats", {"name": "x" * 3_000_000}, site.made["Token"])
    assert (large.status, large.body["code"]) == (422, "body_too_large")
    # Between its limit and the service's own, the service answers.
    less = site.nginx.call("POST", "/api/chats", {"name": "x" * 1_100_000}, site.made["Token"])
    assert (less.status, less.body["code"]) == (422, "body_too_large")
    assert set(large.body) == set(less.body)
    long = site.nginx.call("GET", "/api/user", token="x" * 40_000)
    assert (long.status, long.body["code"]) == (422, "bad_request")


def test_without_tls_there_is_no_api(site):
    refused = site.nginx.call("GET", "/api/user", token=site.made["Token"], plain=True)
    assert (refused.status, refused.body["code"]) == (403, "permission_denied")
    sent_on = site.nginx.call("GET", "/docs", plain=True)
    assert (sent_on.status, sent_on.headers["Location"]) == (301, "https://chat.example.com/docs")


def test_probes_are_for_this_machine(site):
    assert site.nginx.call("GET", "/readyz").status == 200
    assert site.nginx.call("GET", "/readyz", source="127.0.0.2").status == 403


class Rude:
    """A process that takes a request and hangs up."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.line = f"server 127.0.0.1:{self.socket.getsockname()[1]};"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                taken, _ = self.socket.accept()
            except OSError:
                return
            self.taken.append(taken.recv(65_536))
            taken.close()


def test_only_what_is_safe_is_sent_to_a_second_process(site):
    """Which process is asked first is nginx's business, so each kind has a rude one of its own."""
    web, stream = site.servers()
    seq = site.last_seq()
    rude = [Rude(), Rude()]
    # The weight has nginx begin with the rude one.
    first, second = (f"{each.line[:-1]} weight=9; " for each in rude)
    nginx = Nginx(site.nginx.folder.parent / "rude", first + web, second + stream)
    try:
        posted = nginx.call("POST", "/api/chats/1/messages", {"text": "Twice?"}, site.agent)
        got = nginx.call("GET", f"/api/chats/1/events?after={seq}", token=site.agent)
    finally:
        nginx.close()
        for each in rude:
            each.socket.close()
    assert (posted.status, posted.body["code"]) == (502, "server_error")
    assert [len(each.taken) for each in rude] == [1, 1]
    assert got.status == 200
    assert got.body["data"] == []
