"""What a guest's page costs: `make bench-pages`.

Chromium opens a chat of 100 messages, on an installation with PostgreSQL and Redis, each time with
an empty cache; the time is from the start of the navigation until one can write, with the newest
message in sight. Beside it the bytes of the page's own scripts and styles, compressed.
"""

import gzip
import os
import statistics
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from chatapi.tests.browser import DESKTOP, PHONE, Site
from chatapi.tests.installation import CHROMIUM, Installation
from chats.tests.guests import fill

ROUNDS = 15
USABLE = """() => {
    const ready = document.activeElement?.matches('.composer textarea')
        && document.querySelectorAll('.message').length >= 50;
    return ready ? performance.now() : false;
}"""


def main() -> None:
    if CHROMIUM is None:
        sys.exit("This needs Chromium.")
    server = "postgres://postgres@127.0.0.1:5432/postgres"
    os.environ.setdefault("TEST_DATABASE_URL", server)
    os.environ.setdefault("TEST_REDIS_URL", "redis://127.0.0.1:6379/10")
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        installation.env["PUBLIC_URL"] = f"http://127.0.0.1:{installation.port}"
        try:
            measure(Site(installation))
        finally:
            installation.close()


def measure(site: Site) -> None:
    chat = site.chat(name="Measured")
    token = site.guest(chat)
    fill(site, chat["id"], 100)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            times = [opened(browser, site, chat["id"], token, viewport)[0] for _ in range(ROUNDS)]
            print(
                f"{name}: usable after {statistics.median(times):.0f} ms"
                f" (median of {ROUNDS}; {min(times):.0f} to {max(times):.0f})"
            )
        _, bodies = opened(browser, site, chat["id"], token, DESKTOP)
        browser.close()
    sizes = {path: len(gzip.compress(body)) for path, body in bodies.items()}
    print(f"scripts and styles: {len(sizes)} files, {sum(sizes.values()) / 1024:.1f} KiB gzipped")


def opened(
    browser: Browser, site: Site, chat: int, token: str, viewport: dict[str, int]
) -> tuple[float, dict[str, bytes]]:
    """Milliseconds until the page is usable, and its scripts and styles by path."""
    context = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
    context.add_init_script(
        f"localStorage['chatapi:chat:{chat}'] = JSON.stringify({{token: '{token}'}})"
    )
    page = context.new_page()
    bodies: dict[str, bytes] = {}
    page.on(
        "response",
        lambda answer: (
            bodies.update({urlsplit(answer.url).path: answer.body()})
            if answer.request.resource_type in {"script", "stylesheet"}
            else None
        ),
    )
    page.goto(f"{site.url}/chats/{chat}", wait_until="commit")
    milliseconds = page.wait_for_function(USABLE).json_value()
    context.close()
    return float(milliseconds), bodies


if __name__ == "__main__":
    main()
