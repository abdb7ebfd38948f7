"""The button under the page's styles, layouts, dialogs and policies."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import DESKTOP, PHONE, Person, shot
from chats.tests.websites import PAGE, Host, boxes, button, open_panel, panel

pytestmark = pytest.mark.browser

RULES = [
    ":not(html), *::before, *::after { all: unset !important; display: none !important }",
    ":not(html) { display: none !important }",
    "body > *, html > :not(head, body) { display: none !important }",
    ":empty { display: none !important }",
    "[hidden], [popover], :not(:defined) { display: none !important }",
    "* { visibility: hidden !important }",
    "* { opacity: 0 !important }",
    "html { opacity: 0.1 }",
    "* { position: static !important; float: left !important; margin: 50px !important }",
    "* { transform: rotate(10deg) scale(2) !important; transition: all 3s !important }",
    "html, body { transform: translate(100px, -100px) }",
    "html { filter: invert(1) }",
    "html, body { filter: blur(3px); perspective: 10px; will-change: transform; contain: strict }",
    "html { contain: paint; width: 100px; height: 50px; overflow: hidden }",
    "html { font-size: 62.5% } * { font: 40px/3 serif !important; letter-spacing: 9px !important }",
    "* { text-transform: uppercase !important; text-indent: 99px !important; zoom: 1 !important }",
    "*::before, *::after { content: 'x' !important; display: block !important; height: 99px }",
    "::backdrop { background: red !important; pointer-events: auto !important }",
    "* { pointer-events: none !important; user-select: none !important; cursor: none !important }",
    "* { clip-path: inset(50%) !important; mask: linear-gradient(transparent, transparent) }",
    "* { animation: gone 1s infinite !important } @keyframes gone { to { opacity: 0; top: 9px } }",
    "main { position: fixed; inset: 0; z-index: 2147483647; background: lime }",
    "@layer first { :not(html) { display: none !important; z-index: -1 !important } }",
    "chatapi-embed { all: revert !important; display: none !important; width: 5px !important }",
    "html { display: grid; place-items: center } body { display: flex }",
    "button, span, .open, .layer, .buttons, .panel, .bar { display: none !important }",
    ":root { --color: red !important; --ink: red !important } * { color: red !important }",
    "@scope (html) { :scope > * { display: none !important } }",
    "html { writing-mode: vertical-rl; columns: 3; color-scheme: dark; accent-color: red }",
]
SET_RULE = """rule => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rule);
    document.adoptedStyleSheets = [sheet];
}"""
STYLE = """() => {
    const { shadowRoot } = document.querySelector('chatapi-embed');
    return [...shadowRoot.querySelectorAll('*')].map((each) => {
        const style = getComputedStyle(each);
        const { x, y, width, height } = each.getBoundingClientRect();
        // What depends on <html> by definition, and on nothing that is seen.
        const left_out = /^(perspective|transform)-origin$/;
        return [each.className, x, y, width, height, each.checkVisibility(),
            ...[...style].filter((name) => !left_out.test(name) && !name.startsWith('--'))
                .map((name) => `${name}: ${style[name]}`)];
    });
}"""
HIT = """([x, y]) => document.elementFromPoint(x, y)?.localName"""


def middle(box: Any) -> list[float]:
    x, y, width, height = box
    return [x + width / 2, y + height / 2]


def test_no_rule_of_the_page_reaches_it(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    page = show(script())
    expect(button(page)).to_be_visible()
    ((x, y, width, height),) = boxes(button(page))
    clip: Any = {"x": x + 12, "y": y + 4, "width": width - 24, "height": height - 8}
    for opened in (False, True):
        if opened:
            open_panel(page)
            button(page).focus()
        page.evaluate(SET_RULE, "")
        before, picture = page.evaluate(STYLE), page.screenshot(clip=clip)
        for rule in RULES:
            page.evaluate(SET_RULE, rule)
            for old, new in zip(before, page.evaluate(STYLE), strict=True):
                assert new == old, (rule, sorted(set(map(str, new)) ^ set(map(str, old))))
            assert page.screenshot(clip=clip) == picture, rule
            assert page.evaluate(HIT, middle((x, y, width, height))) == "chatapi-embed", rule
            if opened:
                (box,) = boxes(panel(page))
                assert page.evaluate(HIT, middle(box)) == "chatapi-embed", rule


def test_no_rule_reaches_it_where_there_are_no_popovers(
    person: Callable[..., Person], host: Host, script: Callable[..., str]
) -> None:
    visitor = person(base_url=host.origin)
    visitor.context.add_init_script("delete HTMLElement.prototype.showPopover")
    page = visitor.page()
    page.goto(host.show(PAGE.format(head=script(), body="")))
    expect(button(page)).to_be_visible()
    before = boxes(button(page))
    # Only a popover escapes what a page does to <html>.
    for rule in [
        each for each in RULES if not each.startswith(("html", "* { tr", "* { op", "* { clip"))
    ]:
        page.evaluate(SET_RULE, rule)
        assert boxes(button(page)) == before, rule
        assert page.evaluate(HIT, middle(before[0])) == "chatapi-embed", rule


LAYOUTS = [
    "",
    "body { display: flex; gap: 20px; justify-content: space-between }",
    "body { display: grid; grid-auto-flow: column; gap: 3px }",
    "html { display: flex; gap: 40px } html > * { flex: 1 }",
    "html { display: grid; grid-template-columns: 1fr 1fr } html > * { min-height: 10px }",
    "body > :last-child { margin-block-end: 99px; border: 9px solid }",
    "body > * + * { margin-block-start: 50px } body > :nth-last-child(2) { padding: 30px }",
    "html > :last-child, html > :nth-child(2) { padding: 30px }",
    "html { columns: 2; height: 100% } body { height: 100% }",
    "*::after { content: 'x' !important; display: block !important; height: 50px !important }",
    "html > * { display: block !important; position: relative !important; height: 77px }",
]
MEASURE = """() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    const all = document.querySelectorAll('html, body, body *');
    const boxes = [...all].flatMap((each) => {
        const { x, y, width, height } = each.getBoundingClientRect();
        return [x, y, width, height];
    });
    return [scrollWidth, scrollHeight, document.body.children.length, ...boxes];
}"""


def test_it_takes_no_part_in_the_layout(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    content = "</main><p>One</p><div>Two</div>"
    for rule in LAYOUTS:
        style = f"<style>{rule}</style>".replace("{", "{{").replace("}", "}}")
        whole = PAGE.replace("{head}", style + "{head}")
        # The script in the head, so that it is no part of the body either.
        alone = show("<script></script>", content, whole).evaluate(MEASURE)
        page = show(script(), content, whole)
        expect(button(page)).to_be_visible()
        assert page.evaluate(MEASURE) == alone, rule
        button(page).click()
        expect(panel(page)).to_be_visible()
        assert page.evaluate(MEASURE) == alone, rule


def test_it_is_not_printed(show: Callable[..., Page], script: Callable[..., str]) -> None:
    page = show(script())
    for rule in (
        "",
        "* { display: block !important }",
        "@media print { * { all: revert !important } }",
    ):
        page.evaluate(SET_RULE, rule)
        button(page).click()
        expect(panel(page)).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator("chatapi-embed .open")).to_be_hidden()
        expect(panel(page)).to_have_count(0)
        page.emulate_media(media="screen")
        button(page).click()


def test_it_follows_the_direction_of_the_page(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    for where in ("html", "body"):
        for side in ("start", "end"):
            page = show(script(f'defer data-side="{side}"'))
            expect(button(page)).to_be_visible()
            for direction in ("rtl", "ltr"):
                page.evaluate(f"document.querySelector('{where}').dir = '{direction}'")
                if where == "body":  # noticed when a page brings its body along
                    page.evaluate("document.body.replaceWith(document.body.cloneNode())")
                left = (side == "start") == (direction == "ltr")
                find = "document.querySelector('chatapi-embed').shadowRoot.querySelector('.open')"
                page.wait_for_function(
                    f"left => ({find}.getBoundingClientRect().x < 100) === left", arg=left
                )


def test_dialogs_and_popovers_of_the_page(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    body = "<dialog style='position: fixed; inset: 0; margin: 0; width: 100%; max-width: none;"
    body += "height: 100%; max-height: none'>Buy</dialog>"
    page = show(script(), body)
    expect(button(page)).to_be_visible()
    ((x, y, width, height),) = boxes(button(page))
    hit = "at => document.elementFromPoint(...at)?.localName"
    point = middle((x, y, width, height))
    page.evaluate("document.querySelector('dialog').showModal()")
    assert page.evaluate(hit, point) == "dialog"
    # Nor does it come to the front when it is added again.
    page.evaluate("document.querySelector('chatapi-embed').remove()")
    page.wait_for_function("document.querySelector('chatapi-embed')")
    assert page.evaluate(hit, point) == "dialog"
    page.evaluate("document.querySelector('dialog').close()")
    open_panel(page)
    assert page.evaluate("document.querySelector('[popover]')") is None


POLICIES = [
    "default-src 'none'; script-src {0}; frame-src {0}",
    "default-src 'none'; script-src {0}; frame-src {0}; style-src 'self'",
    (
        "default-src 'none'; script-src {0}; frame-src {0}; style-src 'none'; img-src 'none';"
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "default-src 'none'; script-src {0} 'strict-dynamic' 'nonce-tulip'; frame-src {0}",
]


def test_it_works_under_strict_policies(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    for policy in POLICIES:
        for attributes in ("defer", "", 'type="module"'):
            page = show(script(f'{attributes} nonce="tulip"'), policy=policy)
            expect(button(page)).to_have_css("background-color", "rgb(11, 92, 173)")
            ((x, y, width, height),) = boxes(button(page))
            assert (x + width, y + height) == (1260, 780)
            open_panel(page)


@pytest.mark.parametrize(
    ("color", "seen"),
    [
        ("gold", "rgb(255, 215, 0)"),
        ("#0B5CAD", "rgb(11, 92, 173)"),
        ("hsl(120 100% 25%)", "rgb(0, 128, 0)"),
        ("no colour", "rgb(11, 92, 173)"),
        ("", "rgb(11, 92, 173)"),
        ("red; display: none", "rgb(11, 92, 173)"),
    ],
)
def test_its_colour_is_one(
    show: Callable[..., Page], script: Callable[..., str], color: str, seen: str
) -> None:
    page = show(script(f'defer data-color="{color}"'))
    expect(button(page)).to_have_css("background-color", seen)


# --- How it looks ---


def test_it_fits_on_a_hostile_page(show: Callable[..., Page], script: Callable[..., str]) -> None:
    rule = "* { color: red !important; transform: skew(9deg) !important; max-width: 99px }"
    page = show(script())
    page.evaluate(SET_RULE, f"{rule} :root {{ color-scheme: light dark }}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in (DESKTOP, PHONE):
            width, height = size["width"], size["height"]
            page.set_viewport_size(size)
            expect(button(page)).to_be_visible()
            shot(page, f"embed-hostile-{scheme}-{width}")
            open_panel(page)
            shot(page, f"embed-hostile-panel-{scheme}-{width}")
            ((x, y, wide, high),) = boxes(panel(page))
            if size is PHONE:
                assert (x, y, wide, high) == (0, 0, width, height)
            else:
                assert (x + wide, wide, high) == (width - 20, 400, 640)
                assert boxes(button(page))[0][1] == y + high + 16
            page.locator("chatapi-embed .close").click()
            expect(button(page)).to_be_focused()
