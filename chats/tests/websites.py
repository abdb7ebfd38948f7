"""Other websites, of other origins, with the button of a chat."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from chatapi.tests.browser import People, Site

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
STRICT = "default-src 'none'; script-src {0}; frame-src {0}"
PAUSE = b"<!-- pause -->"


class Host:
    """Another website: `serve(…)` and `show(…)` have it show a page, and return its URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = ""
        self.resume = threading.Event()  # a page with PAUSE in it goes on after this
        host = self

        class Handler(SimpleHTTPRequestHandler):
            def end_headers(self) -> None:
                self.send_header("Cache-Control", "no-store")  # the next page has the same URL
                if host.policy:
                    self.send_header("Content-Security-Policy", host.policy)
                super().end_headers()

            def copyfile(self, source: Any, outputfile: Any) -> None:
                first, _, rest = source.read().partition(PAUSE)
                outputfile.write(first)
                outputfile.flush()
                if rest:
                    host.resume.wait(30)
                    outputfile.write(PAUSE + rest)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        # 127.0.0.1 by another name is another site, with other cookies and storage.
        self.origin = f"http://localhost:{self.server.server_port}"
        (folder / "favicon.ico").write_bytes(b"")

    def serve(self, site: Site, attributes: str = "", policy: str = STRICT) -> str:
        """A page with the script, under a policy."""
        html = (DOCS / "embed-example.html").read_text()
        html = re.sub(r"<meta http-equiv=.*>", "", html)  # the header is the policy here
        html = html.replace("http://127.0.0.1:8000", site.url)
        html = re.sub(r'data-company=.*" defer', f'data-company="acme" {attributes} defer', html)
        return self.show(html, policy=policy.format(site.url))

    def show(self, html: str, name: str = "index.html", policy: str = "") -> str:
        """A page of this text; the ending of its name is its type."""
        self.policy = policy
        (self.folder / name).write_text(html)
        return f"{self.origin}/{name}"

    def close(self) -> None:
        self.resume.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def host(tmp_path: Path, site: Site, person: People) -> Iterator[Host]:
    made = Host(tmp_path)
    path = f"/api/companies/{site.acme['id']}"
    site.ask("PUT", path, {"allowed_origins": [made.origin]}, site.alice)
    yield made
    person.leave()
    site.ask("PUT", path, {"allowed_origins": []}, site.alice)
    made.close()


def button(page: Page, name: str = "Get help") -> Locator:
    return page.get_by_role("button", name=name)
