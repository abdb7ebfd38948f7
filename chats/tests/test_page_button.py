"""The button on another website: however its script is loaded, and whatever the page does."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from chatapi.tests.browser import DESKTOP, PHONE, Person, Site, assert_accessible, shot
from chats.tests.websites import PAUSE, Host, button

pytestmark = pytest.mark.browser
PAGE = '<!doctype html><html lang="en"><title>Tulips</title>{head}<body><main><h1>Tulips</h1>{body}'
XHTML = (
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xml:lang="de">'
    "<head><title>Tulips</title>{head}</head><body><main><h1>Tulips</h1></main>{body}</body></html>"
)


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


# --- How the script is loaded ---

INSERT = """<script>{
    const made = document.createElement('script');
    Object.assign(made, { src: '%s/embed.js', type: '%s' });
    made.dataset.company = 'acme';
    %s
}</script>"""


def ways(site: Site, line: Callable[..., str]) -> dict[str, dict[str, str]]:
    plain = line("")
    inert = plain.replace("<script", '<script type="text/plain"')
    return {
        "in the head": {"head": plain},
        "in the head, deferred": {"head": line()},
        "in the head, async": {"head": line("async")},
        "in the body": {"body": plain},
        "in the body, async": {"body": line("async")},
        "a module in the head": {"head": line('type="module"')},
        "an async module": {"head": line('type="module" async')},
        "a module in the body": {"body": line('type="module" crossorigin')},
        "with crossorigin": {"head": line("crossorigin defer")},
        "with crossorigin=anonymous": {"body": line('crossorigin="anonymous"')},
        "with the type of old": {"head": line('type="text/javascript" language="javascript"')},
        "with a version": {"head": plain.replace("embed.js", "embed.js?v=2#x")},
        "twice": {"head": plain, "body": plain},
        "as a script and as a module": {"head": line(), "body": line('type="module"')},
        "inserted": {"head": INSERT % (site.url, "", "document.head.append(made)")},
        "inserted before there is a body": {
            "head": INSERT % (site.url, "", "document.documentElement.append(made)")
        },
        "inserted, and removed at once": {
            "body": INSERT % (site.url, "", "document.body.append(made); made.remove()")
        },
        "inserted as a module": {
            "body": INSERT % (site.url, "module", "document.body.append(made)")
        },
        "by a loader that leaves out the attributes": {
            "body": inert
            + INSERT % (site.url, "", "delete made.dataset.company; document.body.append(made);")
            + plain.replace(" src=", ' type="text/javascript" async src=')
        },
        "in quirks mode": {"head": plain, "whole": "<title>Tulips</title>{head}{body}<p>Tulips"},
        "without any tag but its own": {"head": plain, "whole": "{head}"},
        "in XHTML": {"head": line('defer="defer"'), "whole": XHTML, "name": "x.xhtml"},
        "in XHTML, in the head": {"head": plain, "whole": XHTML, "name": "x.xhtml"},
    }


def test_the_script_may_be_loaded_in_any_way(
    site: Site, show: Callable[..., Page], script: Callable[..., str]
) -> None:
    for way, parts in ways(site, script).items():
        page = show(**parts)
        expect(page.locator("chatapi-embed .open"), way).to_have_count(1)
        expect(page.locator("chatapi-embed .open"), way).to_be_visible()
        expect(page.locator("chatapi-embed .open"), way).to_have_text(
            "Hilfe" if "XHTML" in way else "Get help"
        )
        assert page.locator("chatapi-embed ~ body").count() == 0, way  # it came after the body
        # Loaded before the test ends, when the website may no longer embed it.
        with page.expect_event("framenavigated", lambda each: "/embed/" in each.url):
            page.locator("chatapi-embed .open").click()
        expect(panel(page), way).to_have_count(1)
        expect(page.locator("chatapi-embed iframe")).to_have_attribute(
            "src", f"{site.url}/embed/acme"
        )


@pytest.mark.parametrize("attributes", ["async", "", 'type="module" async'])
def test_the_script_runs_while_the_body_is_still_to_come(
    site: Site,
    person: Callable[..., Person],
    host: Host,
    script: Callable[..., str],
    attributes: str,
) -> None:
    page = person(base_url=host.origin).page()
    line = script(f'{attributes} onload="window.ran = true"')
    html = f"<!doctype html><title>Tulips</title>{line}{PAUSE.decode()}<body><main>Tulips"
    page.goto(host.show(html), wait_until="commit")
    # By a timer: without a body, nothing may be drawn, and so no frame be asked for.
    page.wait_for_function("window.ran && !document.body", polling=50)
    host.resume.set()
    expect(button(page)).to_be_visible()


def test_a_script_that_waits_for_consent_shows_no_button(
    show: Callable[..., Page], script: Callable[..., str], berlin: str
) -> None:
    waits = script('type="text/plain"', berlin)
    for line in (script(""), script('type="module"')):
        page = show(waits, line)
        expect(button(page)).to_have_count(1)
        expect(button(page)).to_be_visible()


def test_a_script_without_its_company_is_named_in_the_console(
    person: Callable[..., Person], host: Host, script: Callable[..., str]
) -> None:
    visitor = person(base_url=host.origin)
    visitor.allow("embed.js needs")
    page = visitor.page()
    for line in (script("", ""), script('type="module"', ""), script("").replace("data-c", "c")):
        with page.expect_console_message(lambda message: "data-company" in message.text):
            page.goto(host.show(PAGE.format(head="", body=line)))
        assert page.locator("chatapi-embed").count() == 0


# --- What frameworks do with the page ---

STAYS = {  # the panel goes on as it was
    "another body": "document.body.replaceWith(document.createElement('body'))",
    "another body, as Turbo does": (
        "document.documentElement.replaceChild(document.body.cloneNode(true), document.body)"
    ),
    "another body of the document": "document.body = document.createElement('body')",
    "no content": "document.body.innerHTML = ''",
    "no children": "document.body.replaceChildren()",
    "a body that was away": (
        "const { body } = document; body.remove(); document.documentElement.append(body)"
    ),
    "another head": "document.head.replaceWith(document.createElement('head'))",
}
RETURNS = {  # the panel is there again, as the browser loads a frame that moved once more
    "a removed button": "document.querySelector('chatapi-embed').remove()",
    "a button moved into the body": "document.body.append(document.querySelector('chatapi-embed'))",
    "the children of <html>": (
        "document.documentElement.replaceChildren("
        "document.createElement('head'), document.createElement('body'))"
    ),
    "the HTML of <html>": "document.documentElement.innerHTML = '<head></head><body>New</body>'",
    "another <html>": (
        "const html = document.createElement('html'); html.append(document.createElement('body'));"
        "document.documentElement.replaceWith(html)"
    ),
    "an <html> that comes later": (
        "const html = document.documentElement; html.remove();"
        "setTimeout(() => { html.replaceChildren(document.createElement('body'));"
        "document.append(html) }, 20)"
    ),
    "another document": "document.open(); document.write('<body>New'); document.close()",
}


def test_it_outlives_what_frameworks_do(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    # One after the other on the same page: each has to leave the next something that works.
    page = show(script())
    for what, change in (STAYS | RETURNS).items():
        page.evaluate(f"() => {{ {change} }}")
        expect(page.locator("chatapi-embed"), what).to_have_count(1)
        expect(button(page), what).to_be_visible()
        button(page).click()
        expect(panel(page), what).to_be_visible()
        expect(button(page), what).to_have_attribute("aria-expanded", "true")
        button(page).click()
        expect(panel(page), what).to_have_count(0)


def test_an_open_panel_outlives_it_too(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    page = show(script())
    open_panel(page)
    frame(page).get_by_label("How can we help?").fill("A long story.")
    for what, change in STAYS.items():
        page.evaluate(f"() => {{ {change} }}")
        expect(frame(page).get_by_label("How can we help?"), what).to_have_value("A long story.")
        expect(frame(page).get_by_label("How can we help?"), what).to_be_focused()
    for what, change in RETURNS.items():
        before = page.frames[-1]
        before.evaluate("window.before = true")
        page.evaluate(f"() => {{ {change} }}")
        expect(panel(page), what).to_be_visible()
        expect(button(page), what).to_have_attribute("aria-expanded", "true")
        expect(frame(page).get_by_role("heading", level=1), what).to_have_text("Start a chat")
    page.keyboard.press("Tab")
    page.locator("chatapi-embed .close").click()
    expect(panel(page)).to_have_count(0)


def test_a_page_that_always_removes_it_stays_fast(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    hostile = """<script>
        window.times = [];
        new MutationObserver(() => document.querySelectorAll('chatapi-embed').forEach((each) => {
            times.push(performance.now());
            each.remove();
        })).observe(document, { childList: true, subtree: true });
    </script>"""
    page = show(hostile + script())
    page.wait_for_function("times.length > 4")
    gaps = page.evaluate("times.slice(1, 5).map((time, index) => time - times[index])")
    # Milliseconds; more of them on a busy machine.
    for gap, least in zip(gaps, (50, 150, 350, 750), strict=True):
        assert gap > least - 1


def test_a_busy_page_costs_it_nothing(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    counted = """<script>
        window.calls = 0;
        window.MutationObserver = class extends MutationObserver {
            constructor(listener) { super((...all) => { calls += 1; listener(...all); }); }
        };
    </script>"""
    page = show(counted + script())
    expect(button(page)).to_be_visible()
    page.evaluate("calls = 0")
    assert (
        page.evaluate("""async () => {
        for (let index = 0; index < 1000; index += 1) {
            const added = document.createElement('p');
            document.body.append(added);
            document.body.className = `busy-${index}`;
            document.documentElement.className = `busy-${index}`;
            document.title = `${index}`;
            if (index % 100 === 0) await new Promise((done) => setTimeout(done));
        }
        return calls;
    }""")
        == 0
    )


def test_a_script_that_runs_again_has_its_new_attributes(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    for kind in ("", "module"):
        page = show(body=script(f'type="{kind}"') + "<p>One")
        open_panel(page)
        page.evaluate(
            """type => {
                const old = document.querySelector('script[data-company]');
                const body = document.createElement('body');
                const again = document.createElement('script');
                Object.assign(again, { src: old.src, type });
                Object.assign(again.dataset, { company: 'acme', text: 'Frag uns', side: 'start' });
                document.body.replaceWith(body);
                body.append(again);
            }""",
            kind,
        )
        expect(button(page, "Frag uns")).to_be_visible()
        expect(page.locator("chatapi-embed .open")).to_have_count(1)
        expect(frame(page).get_by_role("heading", level=1)).to_have_text("Start a chat")


# --- The page's rules ---

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


# --- Languages ---

LANGUAGES = [
    # lang of the page, data-lang, text of the button, what the panel's page is asked for
    ("en", None, "Get help", None),
    ("DE-AT", None, "Hilfe", None),
    ("de", None, "Hilfe", None),
    ("De-ch-1996", None, "Hilfe", None),
    ("de_DE", None, "Hilfe", None),
    (" de ", None, "Hilfe", None),
    ("den", None, "Get help", None),
    ("deutsch", None, "Get help", None),
    ("", None, "Get help", None),
    ("fr-CA", None, "Get help", None),
    ("__proto__", None, "Get help", None),
    ("constructor", None, "Get help", None),
    ("x-de", None, "Get help", None),
    ("en", "DE-AT", "Hilfe", "de"),
    ("en", "de-Latn-DE", "Hilfe", "de"),
    ("de", "EN_us", "Get help", "en"),
    ("de", "en", "Get help", "en"),
    ("de", "fr", "Hilfe", None),
    ("de", "", "Hilfe", None),
    ("de", "toString", "Hilfe", None),
    ("de", "de&lang=en", "Hilfe", None),
]


def test_any_tag_of_a_language_will_do(
    site: Site, show: Callable[..., Page], script: Callable[..., str]
) -> None:
    for lang, data, text, asked in LANGUAGES:
        attributes = "defer" if data is None else f'defer data-lang="{data}"'
        page = show(script(attributes), whole=PAGE.replace('"en"', f'"{lang}"'))
        case = f"lang={lang!r} data-lang={data!r}"
        expect(page.locator("chatapi-embed .open"), case).to_have_text(text)
        expect(page.locator("chatapi-embed .open")).to_have_attribute(
            "lang", "de" if text == "Hilfe" else "en"
        )
        button(page, text).click()
        query = f"?lang={asked}" if asked else ""
        src = f"{site.url}/embed/acme{query}"
        expect(page.locator("chatapi-embed iframe"), case).to_have_attribute("src", src)


def test_the_language_of_a_page_may_change(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    page = show(script())
    expect(button(page)).to_be_visible()
    page.evaluate("document.documentElement.lang = 'de-DE'")
    expect(button(page, "Hilfe")).to_be_visible()


# --- Several companies ---


@pytest.mark.parametrize("kind", ["defer", "async", 'type="module"'])
def test_two_companies_have_a_button_each(
    site: Site, show: Callable[..., Page], script: Callable[..., str], berlin: str, kind: str
) -> None:
    long = "Do you have a question about one of our many kinds of tulips?"
    for first, second in [
        ("", 'data-text="Berlin"'),
        ('data-side="start"', 'data-text="Berlin"'),
        ("", 'data-side="start" data-text="Berlin"'),
        (f'data-text="{long}"', f'data-side="start" data-text="{long} Berlin"'),
    ]:
        page = show(script(f"{kind} {first}"), script(f"{kind} {second}", berlin))
        buttons = page.locator("chatapi-embed .open")
        expect(buttons).to_have_count(2)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            one, two = boxes(buttons)
            apart = (
                one[0] + one[2] < two[0]
                or two[0] + two[2] < one[0]
                or one[1] + one[3] < two[1]
                or two[1] + two[3] < one[1]
            )
            assert apart, (first, second, size)
            for x, y, width, height in (one, two):
                assert x >= 20, (first, second)
                assert y > 0, (first, second)
                assert x + width <= size["width"] - 20
                assert y + height <= size["height"] - 20
            if long in first:
                shot(page, f"embed-two-{size['width']}")
        page.set_viewport_size(DESKTOP)
    buttons.filter(has_not_text="Berlin").click()
    expect(panel(page).locator("iframe")).to_have_attribute("src", f"{site.url}/embed/acme")
    ((_, top, _, height),) = boxes(panel(page))
    for box in boxes(buttons):
        assert top + height < box[1]
    buttons.filter(has_text="Berlin").click()
    expect(panel(page)).to_have_count(1)
    expect(panel(page).locator("iframe")).to_have_attribute("src", f"{site.url}/embed/{berlin}")
    expect(buttons.filter(has_not_text="Berlin")).to_have_attribute("aria-expanded", "false")
    assert_accessible(page)


# --- window.chatapi ---

LISTEN = """<script>
    window.heard = [];
    window.chatapi = window.chatapi || [];
    chatapi.push((chat) => {
        for (const type of ['open', 'close', 'unread']) {
            chat.on(type, (detail) => heard.push([type, detail]));
        }
    });
</script>"""
OWN = """<button id="own" type="button">Talk with us</button><script>
    own.addEventListener('click', () => chatapi.push((chat) => chat.open()));
</script>"""
SAY = "message => parent.postMessage({ from: 'chatapi', ...message }, '*')"


def test_a_website_has_a_button_of_its_own(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    page = show(LISTEN + script('defer data-button="none"'), OWN)
    page.wait_for_function("document.querySelector('chatapi-embed')")
    expect(page.locator("chatapi-embed .open")).to_be_hidden()
    own = page.get_by_role("button", name="Talk with us")
    own.click()
    expect(frame(page).get_by_role("heading", level=1)).to_have_text("Start a chat")
    shot(page, "embed-own-button")
    frame(page).get_by_label("First name").focus()
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    expect(own).to_be_focused()
    assert_accessible(page)
    assert page.evaluate("heard") == [["open", {"company": "acme"}], ["close", {"company": "acme"}]]


def test_a_script_of_the_website_opens_closes_and_listens(
    show: Callable[..., Page], script: Callable[..., str], berlin: str
) -> None:
    # Asked for before the script of either company has run, also of the one that runs last.
    early = f"<script>chatapi.push((chat) => chat.open('{berlin}'))</script>"
    for order in ("defer", 'type="module"', ""):
        page = show(LISTEN + early, script(order) + script(order, berlin))
        expect(panel(page).locator("iframe")).to_have_attribute("title", "Get help")
        assert page.evaluate("heard") == [["open", {"company": berlin}]], order
    page.evaluate("heard.length = 0; chatapi.open('acme'); chatapi.open('acme')")
    page.evaluate("chatapi.close(); chatapi.close(); chatapi.close('acme')")
    assert page.evaluate("heard.map(([type, { company }]) => [type, company])") == [
        ["close", berlin],
        ["open", "acme"],
        ["close", "acme"],
    ]
    expect(panel(page)).to_have_count(0)
    # A listener can be ended, and one that fails is the website's own fault.
    page.evaluate("heard.length = 0; window.end = chatapi.on('open', () => heard.push('mine')); 0")
    page.evaluate("chatapi.open(); end(); chatapi.close(); chatapi.open()")
    assert page.evaluate("heard.filter((each) => each === 'mine')") == ["mine"]


@pytest.mark.parametrize(
    ("count", "told"),
    [(3, 3), (1, 1), ("2", 2), (0, None), ("x", None), (None, None), ({"secret": 1}, None)],
)
def test_a_website_hears_how_many_messages_wait_and_no_more(
    site: Site, show: Callable[..., Page], script: Callable[..., str], count: Any, told: Any
) -> None:
    page = show(LISTEN + script())
    open_panel(page)
    page.evaluate("heard.length = 0")
    inside = next(each for each in page.frames if "/embed/" in each.url)
    inside.evaluate(SAY, {"type": "unread", "count": count, "secret": "cnc_"})
    inside.evaluate(SAY, {"type": "unread", "count": count, "secret": "cnc_"})
    inside.evaluate(SAY, {"type": "opened", "secret": "cnc_"})
    inside.evaluate(SAY, {"type": "close", "secret": "cnc_"})
    page.wait_for_function("heard.some(([type]) => type === 'close')")
    unread = [["unread", {"company": "acme", "count": told}]] if told else []
    assert page.evaluate("heard") == [*unread, ["close", {"company": "acme"}]]
    expect(button(page, f"Get help ({told})" if told else "Get help")).to_be_visible()
    # Who listens later is not too late; and nobody else can say such a thing.
    page.evaluate(
        "origin => dispatchEvent(new MessageEvent('message', { origin, source: window,"
        "data: { from: 'chatapi', type: 'unread', count: 9 } }))",
        site.url,
    )
    late = page.evaluate(
        "() => { const late = []; chatapi.on('unread', (each) => late.push(each)); return late }"
    )
    assert late == [each for _, each in unread]


def test_a_name_that_is_taken_is_left_alone(
    person: Callable[..., Person], host: Host, script: Callable[..., str]
) -> None:
    visitor = person(base_url=host.origin)
    visitor.allow("window.chatapi is something else|there is no|no script here|a fault of mine")
    page = visitor.page()
    page.goto(host.show(PAGE.format(head="<script>chatapi = { mine: 1 }</script>", body=script())))
    expect(button(page)).to_be_visible()
    assert page.evaluate("chatapi") == {"mine": 1}
    # An element of that id is no name that is taken.
    page.goto(host.show(PAGE.format(head=script(), body="<p id=chatapi>")))
    expect(button(page)).to_be_visible()
    page.evaluate("chatapi.on('open', () => { throw new Error('a fault of mine') }); 0")
    page.evaluate("chatapi.open()")
    expect(panel(page)).to_be_visible()
    with page.expect_console_message(lambda message: "nobody" in message.text):
        page.evaluate("chatapi.open('nobody')")


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
