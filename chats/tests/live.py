"""What the tests of streams share: an installation, and the people in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chatapi.tests.installation import Installation
from chats.tests.streaming import Event, Stream

HIGH = {
    f"LIMIT_{name}": "10000/s" for name in ("READ", "WRITE", "SEND", "ANONYMOUS", "JOIN", "STREAM")
}


class Live:
    """An installation with one web process; alice owns all of its companies."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.installation = Installation(folder, WEB_CONCURRENCY="1", **(HIGH | settings))
        self.installation.start("web")
        self.alice = self.account("alice@acme.test")
        self.acme = self.company()
        self._guests = 0

    def close(self) -> None:
        self.installation.close()
        assert "Traceback" not in (self.installation.folder / "web.log").read_text()

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """The body of an answer that is no error."""
        answer = self.installation.call(method, path, body, token)
        assert answer.status < 400, answer
        return answer.body

    def account(self, email: str) -> str:
        """The token of an account."""
        return self.installation.manage("issue_token", email).strip()

    def company(self, token: str = "") -> int:
        """A company whose guests get their token at once."""
        body = {"name": "Acme", "verify_first_join": False}
        company = self.ask("POST", "/api/companies", body, token or self.alice)
        return int(company["id"])

    def chat(self, company: int = 0) -> int:
        chat = self.ask("POST", "/api/chats", {"company_id": company or self.acme}, self.alice)
        return int(chat["id"])

    def guest(self, chat: int, first_name: str = "Gina") -> tuple[int, str]:
        """The id and the token of a guest who joins."""
        self._guests += 1
        password = self.ask("POST", f"/api/chats/{chat}/share", {}, self.alice)["password"]
        joined = self.ask(
            "POST",
            f"/api/chats/{chat}/users",
            {
                "password": password,
                "first_name": first_name,
                "last_name": "Guest",
                "email": f"guest{self._guests}@guest.test",
            },
        )
        return joined["id"], joined["token"]

    def say(self, chat: int, token: str, text: str = "Hello") -> int:
        """The seq of a message that is sent."""
        sent = self.ask("POST", f"/api/chats/{chat}/messages", {"text": text}, token)
        return int(sent["seq"])

    def note(self, chat: int, text: str = "Hello") -> int:
        """The member_seq of a note by alice."""
        note = self.ask("POST", f"/api/chats/{chat}/notes", {"text": text}, self.alice)
        return int(note["member_seq"])

    def head(self, chat: int) -> int:
        return int(self.ask("GET", f"/api/chats/{chat}", token=self.alice)["last_seq"])

    @contextmanager
    def stream(
        self, chat: int | None, token: str | None, query: str = "", **options: Any
    ) -> Iterator[Stream]:
        path = "/api/events" if chat is None else f"/api/chats/{chat}/events"
        url = f"http://127.0.0.1:{self.installation.port}{path}{query}"
        with Stream(url, token, **options) as stream:
            yield stream


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    live = Live(tmp_path_factory.mktemp("live"))
    yield live
    live.close()


def logged(stream: Stream, seconds: float = 10) -> Event:
    """The next event of the log."""
    while True:
        event = stream.next(seconds)
        if event.id is not None:
            return event


def passing(stream: Stream, type: str, seconds: float = 10) -> Event:
    """The next passing event of a type."""
    while True:
        event = stream.next(seconds)
        if event.type == type and event.id is None:
            return event
