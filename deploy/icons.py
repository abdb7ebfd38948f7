"""Render icon.svg to PNG icons with Chromium: `python deploy/icons.py`.

The results are in the repository, so that running the service requires no browser.
"""

import struct
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "chatapi" / "static" / "chatapi"
BLUE = "#0b5cad"


def draw(page: Page, name: str, size: int, background: str = "none", margin: float = 0) -> bytes:
    """The icon on a square of `size` pixels, with `margin` as the free share on each side."""
    inner = round(size * (1 - 2 * margin))
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(
        f"<style>body{{margin:0;display:grid;place-items:center;height:{size}px;"
        f"background:{background}}}svg{{width:{inner}px;height:{inner}px}}</style>"
        + (FOLDER / "icon.svg").read_text()
    )
    return page.screenshot(path=FOLDER / name if name else None, omit_background=True)


def ico(png: bytes, size: int) -> bytes:
    """An .ico file with a single PNG."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, size, size, 0, 0, 1, 32, len(png), 22) + png


with sync_playwright() as playwright:
    chromium = playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
    )
    page = chromium.new_page()
    draw(page, "icon-192.png", 192)
    draw(page, "icon-512.png", 512)
    draw(page, "icon-maskable-512.png", 512, BLUE, 0.1)  # the margin may be cropped
    draw(page, "icon-180.png", 180, BLUE)  # iOS rounds the corners itself
    (FOLDER / "favicon.ico").write_bytes(ico(draw(page, "", 32), 32))
    chromium.close()
