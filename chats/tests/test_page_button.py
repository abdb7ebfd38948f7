"""The button on another website: how its script is loaded, its languages, and `window.chatapi`."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import DESKTOP, PHONE, Person, Site, assert_accessible, shot
from chats.tests.websites import PAGE, PAUSE, Host, boxes, button, frame, open_panel, panel

pytestmark = pytest.mark.browser
XHTML = (
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xml:lang="de">'
    "<head><title>Tulips</title>{head}</head><body><main><h1>Tulips</h1></main>{body}</body></html>"
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
