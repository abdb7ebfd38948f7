"""A guest's page in headless Chromium, with an empty cache each time: `make bench-pages`.

The time is from the start of the navigation until the newest message is visible and the guest can
write.
"""

import argparse
import gzip
import shutil
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import sync_playwright

from bench import people
from bench.report import Report, number, table
from bench.services import database, gunicorn

MESSAGES = 100
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 360, "height": 740}}
USABLE = """() => {
    const ready = document.activeElement?.matches('.composer textarea')
        && document.querySelectorAll('.message').length >= 50;
    return ready ? performance.now() : false;
}"""


def run(chosen: argparse.Namespace, report: Report) -> None:
    rows, bodies = [], dict[str, bytes]()
    with ExitStack() as stack:
        stack.enter_context(database())
        ((chat, token),) = people.make(1, MESSAGES).guests
        server = stack.enter_context(gunicorn())
        playwright = stack.enter_context(sync_playwright())
        chromium, options = shutil.which("chromium"), ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        stored = f"localStorage['chatapi:chat:{chat}'] = JSON.stringify({{token: '{token}'}})"

        def opened(viewport: Any) -> float:
            """Milliseconds until the page is usable. Its scripts and styles are kept."""
            context = browser.new_context(viewport=viewport)
            context.add_init_script(stored)
            page = context.new_page()

            def keep(answer: Any) -> None:
                if answer.request.resource_type in {"script", "stylesheet"}:
                    bodies[urlsplit(answer.url).path] = answer.body()

            page.on("response", keep)
            page.goto(f"{server.url}/chats/{chat}", wait_until="commit")
            milliseconds = float(page.wait_for_function(USABLE).json_value())
            context.close()
            return milliseconds

        for name, viewport in SIZES.items():
            times = [opened(viewport) for _ in range(chosen.rounds)]
            rows.append([name, *map(number, np.percentile(times, [50, 0, 100]))])
        browser.close()
    sizes = {path: len(gzip.compress(body)) for path, body in bodies.items()}
    report.parts.append(table(["Until the page is usable", "median ms", "least", "most"], rows))
    report.parts.append(
        f"Scripts and styles: {len(sizes)} files, {sum(sizes.values()) / 1024:.1f} KiB compressed."
    )
