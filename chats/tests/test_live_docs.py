"""The clients that docs/live.md names and its examples, against a running installation."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chatapi.tests.installation import ROOT, Installation, wait_for
from chats.tests.network import Network

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Among them what a reader of lines may stumble over.
MESSAGES = ["One", "Two:\u2028\x85🌷", "data: 3\n\n4", *"56789A"]


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "live.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("live"), WEB_CONCURRENCY="1")
    try:
        installation.made = installation.demo()
        installation.start("web")
        yield installation
    finally:
        installation.close()


@pytest.fixture
def agent(installation):
    """A new token of the demonstration's owner, who joined its chat as agent."""
    joined = installation.call("POST", "/api/chats/1/users", {}, token=installation.made["Token"])
    return joined.body["token"]


def say(installation, agent, texts):
    for text in texts:
        sent = installation.call("POST", "/api/chats/1/messages", {"text": text}, token=agent)
        assert sent.status == 201


def last_seq(installation, agent):
    answer = installation.call("GET", "/api/chats/1/events?limit=1", token=agent)
    return answer.body["last_seq"]


def log(installation, agent, after):
    """What the log has, as the Python client prints it."""
    path = f"/api/chats/1/events?after={after}&limit=500"
    events = installation.call("GET", path, token=agent).body["data"]
    return [f"{each['seq']} {each['type']} {json.dumps(each['data'])}" for each in events]


def restart(installation, agent):
    """Say three messages before the server stops and three when it is there again."""
    say(installation, agent, MESSAGES[:3])
    yield 3
    installation.kill("web", signal.SIGTERM)
    installation.start("web")
    say(installation, agent, MESSAGES[3:6])
    yield 6
    installation.kill("web", signal.SIGKILL)
    installation.start("web")
    say(installation, agent, MESSAGES[6:])
    yield 9


def end_tokens(installation, agent):
    """Take the agent out of the chat."""
    me = installation.call("GET", "/api/chat-user", token=agent).body["id"]
    path = f"/api/chats/1/users/{me}"
    assert installation.call("DELETE", path, token=installation.made["Token"]).status == 200


class Client:
    """The Python client as a process; `lines` is what it printed."""

    def __init__(self, folder: Path, url: str, token: str, *last_id: str) -> None:
        source = (ROOT / "clients" / "python" / "chat_events.py").read_text()
        assert "ANSWER = 10 " in source
        (folder / "chat_events.py").write_text(source.replace("ANSWER = 10 ", "ANSWER = 1 "))
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", folder / "chat_events.py", url, *last_id],
            env={"CHAT_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.reading = threading.Thread(target=self.read)
        self.reading.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def of_log(self) -> list[str]:
        """Without what passes, which has no id."""
        return [line for line in self.lines if not line.startswith("None ")]

    def end(self, seconds: float) -> tuple[int, str]:
        """Exit status and last words."""
        try:
            status = self.process.wait(seconds)
        finally:
            self.process.kill()
            self.reading.join()
            assert self.process.stdout is not None
            assert self.process.stderr is not None
            told = self.process.stderr.read()
            self.process.stdout.close()
            self.process.stderr.close()
        return status, told


def test_python_follows_a_chat(installation, agent, tmp_path):
    seq = last_seq(installation, agent)
    url = f"http://127.0.0.1:{installation.port}/api/chats/1/events"
    client = Client(tmp_path, url, agent, str(seq))
    try:
        for count in restart(installation, agent):
            wait_for(lambda count=count: len(client.of_log) >= count, 30)
        assert client.of_log == log(installation, agent, seq)
        assert client.process.poll() is None
        end_tokens(installation, agent)
    finally:
        status, told = client.end(10)
    assert (status, told.split(":")[0]) == (1, "The stream is over")


def test_python_does_not_wait_for_an_answer_that_never_comes(installation, agent, tmp_path):
    seq = last_seq(installation, agent)
    network = Network(installation.port)
    network.answers = False
    url = f"http://127.0.0.1:{network.port}/api/chats/1/events"
    client = Client(tmp_path, url, agent, str(seq))
    try:
        wait_for(lambda: network.connections)
        network.answers = True
        say(installation, agent, ["Anybody there?"])
        wait_for(lambda: client.of_log, 30)
    finally:
        client.process.terminate()
        client.end(10)
        network.close()


def test_the_example_in_python(installation, agent):
    (example,) = blocks("python")
    shown: list[str] = []

    def show(text):
        shown.append(text)
        if text == "The last":
            raise StopIteration

    say(installation, agent, ["The last"])
    names = {
        "API": f"http://127.0.0.1:{installation.port}/api",
        "chat_id": 1,
        "token": agent,
        "show": show,
    }
    with pytest.raises(StopIteration):
        exec(example, names)
    events = installation.call("GET", "/api/chats/1/events?limit=500", token=agent).body["data"]
    texts = [each["data"]["text"] for each in events if each["type"] == "message.created"]
    assert shown == texts


def test_python_follows_all_chats(installation, agent, tmp_path):
    url = f"http://127.0.0.1:{installation.port}/api/events"
    client = Client(tmp_path, url, installation.made["Token"])

    def shown():
        """Without the ids, which are others than in the chat's own log."""
        return [line.split(" ", 1)[1] for line in client.of_log]

    try:
        # Without a last id it begins when it is let in, or a moment before.
        wait_for(lambda: say(installation, agent, ["Knock"]) or client.of_log, 10)
        begun = min(int(line.split(" ", 1)[0].rsplit("_", 1)[1]) for line in client.of_log)
        for _ in restart(installation, agent):
            after = [line.split(" ", 1)[1] for line in log(installation, agent, begun - 1)]
            wait_for(lambda after=after: set(after) <= set(shown()), 30)
    finally:
        client.process.terminate()
        client.end(10)
    assert len(set(shown())) == len(shown())


def test_python_stops_when_it_is_refused(installation, tmp_path):
    url = f"http://127.0.0.1:{installation.port}/api/chats/1/events"
    client = Client(tmp_path, url, "cnp_nobody")
    status, told = client.end(10)
    assert status == 1
    assert told.startswith("The stream is over: 401 ")


# --- In a browser, on a page of another origin -----------------------------------------------

needs_browser = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("REQUIRE_SERVICES"), reason="needs Chromium"
)
PAGE = """<!doctype html>
<title>A page of an integrator</title>
<script type="module">
const API = "{api}", chatId = 1, token = "{token}";
const show = (text) => shown.push(text), showTyping = () => {{}};
{script}
</script>
<script>var shown = [];</script>
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def page_of(
    folder: Path,
    installation: Installation,
    token: str,
    script: str,
    *,
    port: int = 0,
    clock: bool = False,
) -> Iterator:
    """A page in Chromium with a script of docs/live.md in it, which finds the API at a port; its
    `clock` is the test's to set."""
    from playwright.sync_api import sync_playwright

    api = f"http://127.0.0.1:{port or installation.port}/api"
    (folder / "index.html").write_text(PAGE.format(api=api, token=token, script=script))
    for name in ("follow.js", "parser.js"):
        shutil.copy(ROOT / "chatapi" / "static" / "chatapi" / "stream" / name, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            page = browser.new_page()
            page.failures = []
            page.on("pageerror", lambda error: page.failures.append(str(error)))
            if clock:
                page.clock.install()
            page.goto(f"http://localhost:{server.server_address[1]}/")
            yield page
            browser.close()
    finally:
        server.shutdown()
        server.server_close()


def in_page(page, count):
    """What was shown, when it is that many."""
    wait_for(lambda: len(page.evaluate("shown")) >= count, 30)
    return page.evaluate("shown")


@needs_browser
def test_javascript_follows_a_chat(installation, agent, tmp_path):
    (script,) = (each for each in blocks("js") if each.startswith("import "))
    before = sum(" message.created " in line for line in log(installation, agent, 0))
    with page_of(tmp_path, installation, agent, script) as page:
        in_page(page, before)
        for count in restart(installation, agent):
            assert in_page(page, before + count)[before:] == MESSAGES[:count]
        assert page.failures == []
        end_tokens(installation, agent)
        wait_for(lambda: page.evaluate("1") and page.failures, 10)
        assert [failure.split()[:2] for failure in page.failures] == [["401", "This"]]
        page.wait_for_timeout(500)
        assert page.evaluate("shown")[before:] == MESSAGES


@needs_browser
@pytest.mark.parametrize(
    ("event", "milliseconds"), [("", 46_000), ("", 17_000), ("online", 0), ("visibilitychange", 0)]
)
def test_javascript_leaves_a_connection_that_died_in_silence(
    installation, agent, tmp_path, event, milliseconds
):
    """After 45 seconds; after 16, when the machine slept or somebody comes back."""
    (script,) = (each for each in blocks("js") if each.startswith("import "))
    before = sum(" message.created " in line for line in log(installation, agent, 0))
    network = Network(installation.port)
    try:
        with page_of(
            tmp_path, installation, agent, script, port=network.port, clock=bool(milliseconds)
        ) as page:
            in_page(page, before)
            network.lose()
            say(installation, agent, ["Lost"])
            if event:
                # Lines come every 15 seconds; the page takes the last one to be older.
                page.evaluate("() => { const now = Date.now; Date.now = () => now() + 17_000; }")
                page.evaluate(
                    "(type) => (type === 'online' ? window : document)"
                    ".dispatchEvent(new Event(type))",
                    event,
                )
            else:
                page.clock.fast_forward(milliseconds)
                page.clock.resume()
            assert in_page(page, before + 1)[before:] == ["Lost"]
    finally:
        network.close()


@needs_browser
def test_eventsource_follows_a_chat(installation, agent, tmp_path):
    (script,) = (each for each in blocks("js") if each.startswith("const stream"))
    before = sum(" message.created " in line for line in log(installation, agent, 0))
    with page_of(tmp_path, installation, agent, script + "window.stream = stream;") as page:
        in_page(page, before)
        for count in restart(installation, agent):
            assert in_page(page, before + count)[before:] == MESSAGES[:count]
        end_tokens(installation, agent)
        wait_for(lambda: page.evaluate("stream.readyState") == 2, 10)
        assert page.evaluate("shown")[before:] == MESSAGES


@needs_browser
def test_javascript_stops_when_it_is_refused(installation, tmp_path):
    (script,) = (each for each in blocks("js") if each.startswith("import "))
    with page_of(tmp_path, installation, "cnp_nobody", script) as page:
        wait_for(lambda: page.evaluate("1") and page.failures, 10)
    assert page.failures[0].startswith("401 ")
