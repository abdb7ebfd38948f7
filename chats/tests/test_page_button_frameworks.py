"""The button on a page that frameworks and other scripts change."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from chats.tests.websites import button, frame, open_panel, panel

pytestmark = pytest.mark.browser

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


def test_a_panel_that_loads_again_is_sent_nothing_until_it_is_ready(
    show: Callable[..., Page], script: Callable[..., str]
) -> None:
    # The browser warns of a message to a page that is not there yet, and drops it.
    page = show(script())
    open_panel(page)
    page.route("**/embed/**", lambda route: None)
    with page.expect_request("**/embed/**"):
        page.evaluate("document.body.append(document.querySelector('chatapi-embed'))")
    button(page).click()
    button(page).click()
    expect(panel(page)).to_be_visible()
    page.unroute("**/embed/**")  # lets go of what was held
    expect(frame(page).get_by_role("heading", level=1)).to_have_text("Start a chat")


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
