"""Other websites, of other origins, with the button of a chat."""

import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from chatapi.tests.browser import People, Person, Site

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
STRICT = "default-src 'none'; script-src {0}; frame-src {0}"
PAUSE = b"<!-- pause -->"
PAGE = '<!doctype html><html lang="en"><title>Tulips</title>{head}<body><main><h1>Tulips</h1>{body}'


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


@pytest.fixture
def show(site: Site, person: Callable[..., Person], host: Host) -> Callable[..., Page]:
    """Shows a page of another website; all in one browser, whose console stays empty."""
    page = person(base_url=host.origin).page()

    def show_page(
        head: str = "",
        body: str = "",
        whole: str = PAGE,
        name: str = "index.html",
        policy: str = "",
    ) -> Page:
        url = host.show(whole.format(head=head, body=body), name, policy.format(site.url))
        page.goto(url)
        return page

    return show_page


@pytest.fixture
def script(site: Site) -> Callable[..., str]:
    """The line for a website."""

    def line(attributes: str = "defer", company: str = "acme") -> str:
        return f'<script src="{site.url}/embed.js" data-company="{company}" {attributes}></script>'

    return line


@pytest.fixture
def berlin(site: Site, host: Host) -> str:
    """Another company, which the website may show, too."""
    fields = {"name": "Berlin", "allowed_origins": [host.origin]}
    return str(site.ask("POST", "/api/companies", fields, site.alice)["slug"])


def button(page: Page, name: str = "Get help") -> Locator:
    return page.get_by_role("button", name=name)


def panel(page: Page) -> Locator:
    return page.locator("chatapi-embed .panel:visible")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("chatapi-embed .panel:visible iframe")


def open_panel(page: Page) -> None:
    button(page).click()
    expect(frame(page).get_by_role("heading", level=1)).to_have_text("Start a chat")


def boxes(locator: Locator) -> Any:
    return locator.evaluate_all(
        "all => all.map(each => { const { x, y, width, height } = each.getBoundingClientRect();"
        "return [x, y, width, height] })"
    )
