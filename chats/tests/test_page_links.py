"""Which part of a text becomes a link, and where it leads."""

# ruff: noqa: RUF001 -- characters that look alike are the point here

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# Each text with the links in it: what is shown, and the address if it is not that with a slash.
WHERE_IT_ENDS = [
    ("see http://a.test/x.", "http://a.test/x"),
    ("(http://a.test/x)", "http://a.test/x"),
    ("http://a.test/x_(y)", "http://a.test/x_(y)"),
    ("(http://a.test/x_(y)).", "http://a.test/x_(y)"),
    ("[http://a.test/{x}}]!?", "http://a.test/{x}"),
    ("http://a.test/x)y)", "http://a.test/x)y"),
    (
        "https://en.wikipedia.org/wiki/Tulip_(flower)",
        "https://en.wikipedia.org/wiki/Tulip_(flower)",
    ),
    ("[tulips](https://a.test/x)", "https://a.test/x"),
    ('"https://a.test/x"', "https://a.test/x"),
    ("'https://a.test/x',", "https://a.test/x"),
    ("<https://a.test/x>", "https://a.test/x"),
    ("`https://a.test/x`", "https://a.test/x"),
    ("https://a.test/x...", "https://a.test/x"),
    # Quotation marks, brackets and punctuation of all scripts.
    ("„https://a.test/x“ there", "https://a.test/x"),
    ("“https://a.test/x”.", "https://a.test/x"),
    ("‚https://a.test/x‘", "https://a.test/x"),
    ("«https://a.test/x»", "https://a.test/x"),
    ("»https://a.test/x«", "https://a.test/x"),
    ("‹https://a.test/x›", "https://a.test/x"),
    ("（https://a.test/x）", "https://a.test/x"),
    ("「https://a.test/x」", "https://a.test/x"),
    ("『https://a.test/x』", "https://a.test/x"),
    ("【https://a.test/x】", "https://a.test/x"),
    ("《https://a.test/x》", "https://a.test/x"),
    ("〈https://a.test/x〉", "https://a.test/x"),
    ("https://a.test/x。次", "https://a.test/x"),
    ("https://a.test/x、次", "https://a.test/x"),
    ("https://a.test/x，次", "https://a.test/x"),
    ("https://a.test/x！", "https://a.test/x"),
    ("https://a.test/x？", "https://a.test/x"),
    ("https://a.test/x；", "https://a.test/x"),
    ("https://a.test/x：", "https://a.test/x"),
    ("https://a.test/x، ثم", "https://a.test/x"),
    ("https://a.test/x؟", "https://a.test/x"),
    ("https://a.test/x।", "https://a.test/x"),
    ("https://a.test/x…", "https://a.test/x"),
    ("https://a.test/x–", "https://a.test/x"),
    ("https://a.test/x’s colour", "https://a.test/x"),
    ("www.example.com’s", "www.example.com"),
    ("www.example.com's", "www.example.com"),
    # An underscore or a star belongs to the address, unless it surrounds it.
    ("https://a.test/watch?v=abc_", "https://a.test/watch?v=abc_"),
    ("https://a.test/abc_.", "https://a.test/abc_"),
    ("https://a.test/abc*", "https://a.test/abc*"),
    ("https://a.test/abc-", "https://a.test/abc-"),
    ("https://a.test/abc~", "https://a.test/abc~"),
    ("*https://a.test/x*", "https://a.test/x"),
    ("_https://a.test/x_", "https://a.test/x"),
    ("**https://a.test/x_**.", "https://a.test/x_"),
    ("_*https://a.test/x*_", "https://a.test/x"),
    ("~~https://a.test/x~~", "https://a.test/x"),
    ("*http://a.test/_x_*", "http://a.test/_x_"),
    ("_https://a.test/x*", "https://a.test/x*"),
    ("_https://a.test_", "https://a.test"),
    # What nobody sees, and what turns the text around.
    ("https://a.test/x\u200bnext", "https://a.test/x"),
    ("https://a.test\u200bnext", "https://a.test"),
    ("https://a.test/\u202egnp.exe", "https://a.test/"),
    ("\u2066https://a.test/x\u2069", "https://a.test/x"),
    ("https://a.test/x\u200f", "https://a.test/x"),
    ("https://a.test/x\u00ad", "https://a.test/x"),
    ("https://a.test/x\ufeff", "https://a.test/x"),
    ("https://a.test/x\u2060y", "https://a.test/x"),
    ("https://a.test/x\u3164y", "https://a.test/x"),
    ("https://a.test/x\u2800y", "https://a.test/x"),
    ("https://a.test/x\u00a0y", "https://a.test/x"),
    ("https://a.test/x\u0007y", "https://a.test/x"),
    # Hosts.
    ("https://a.test:8080/x", "https://a.test:8080/x"),
    ("http://[::1]:8000/x", "http://[::1]:8000/x"),
    ("http://localhost:8000/x", "http://localhost:8000/x"),
    ("https://a.test: see", "https://a.test"),
    ("https://a.test?", "https://a.test"),
    ("https://example.comを見て", "https://example.com"),
    ("見てhttps://example.com/x", "https://example.com/x"),
    ("https://a.test/@kim", "https://a.test/@kim"),
]

ADDRESSES = [
    ("WWW.Example.com/A", [["WWW.Example.com/A", "https://www.example.com/A"]]),
    (
        "https://bücher.example/ä",
        [["https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"]],
    ),
    ("www.例え.テスト", [["www.例え.テスト", "https://www.xn--r8jz45g.xn--zckzah/"]]),
    ("https://пример.рф/", [["https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"]]),
    (
        "https://a.test,https://b.test;www.c.test",
        [
            ["https://a.test", "https://a.test/"],
            ["https://b.test", "https://b.test/"],
            ["www.c.test", "https://www.c.test/"],
        ],
    ),
    # A backslash is a slash for browsers, so that this would lead to evil.example.
    ("https://evil.example\\@bank.example", [["https://evil.example", "https://evil.example/"]]),
    # A stroke that looks like a slash.
    ("https://bank.example⁄x.evil.example", [["https://bank.example", "https://bank.example/"]]),
]

MAILBOXES = [
    ("kim@example.com", "kim@example.com", "mailto:kim@example.com"),
    ("Write to kim@example.com.", "kim@example.com", "mailto:kim@example.com"),
    ("(kim@example.com)", "kim@example.com", "mailto:kim@example.com"),
    ("„kim@example.com“", "kim@example.com", "mailto:kim@example.com"),
    ("'kim@example.com'", "kim@example.com", "mailto:kim@example.com"),
    ("_kim@example.com_", "kim@example.com", "mailto:kim@example.com"),
    ("*kim@example.com*", "kim@example.com", "mailto:kim@example.com"),
    ("Mail:kim@example.com", "kim@example.com", "mailto:kim@example.com"),
    ("kim@example.com’s", "kim@example.com", "mailto:kim@example.com"),
    ("kim@example.com、", "kim@example.com", "mailto:kim@example.com"),
    ("連絡先はkim@example.comです", "kim@example.com", "mailto:kim@example.com"),
    ("kim\u202e@example.com kim@example.com", "kim@example.com", "mailto:kim@example.com"),
    (
        "kim.o'neill+x_y%z@mail.example.co.uk",
        "kim.o'neill+x_y%z@mail.example.co.uk",
        "mailto:kim.o'neill+x_y%25z@mail.example.co.uk",
    ),
    ("kim@bücher.example", "kim@bücher.example", "mailto:kim@xn--bcher-kva.example"),
    ("MAILTO:kim@example.com", "MAILTO:kim@example.com", "mailto:kim@example.com"),
    (
        "mailto:kim@example.com?subject=Hello.",
        "mailto:kim@example.com?subject=Hello",
        "mailto:kim@example.com?subject=Hello",
    ),
]

TELEPHONES = [
    ("tel:+49301234567", "tel:+49301234567", "tel:+49301234567"),
    ("(tel:+49 30 1234567).", "tel:+49 30 1234567", "tel:+49301234567"),
    ("tel:+1-201-555-0123", "tel:+1-201-555-0123", "tel:+12015550123"),
    ("tel:+49 (0)30 123-45", "tel:+49 (0)30 123-45", "tel:+493012345"),
    ("tel:(030)1234567", "tel:(030)1234567", "tel:0301234567"),
    ("Tel:030/1234567", "Tel:030/1234567", "tel:0301234567"),
    ("tel:112 2 people", "tel:112", "tel:112"),
    ("tel:112\u202e", "tel:112", "tel:112"),
]

NOTHING = [
    "javascript:alert(1)",
    "JAVASCRIPT://a.test/%0aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:x",
    "ftp://kim@example.com",
    "http://[",
    "http://",
    "https:///a.test",
    "www.",
    "xhttps://a.test",
    "https://a.test:99999/",
    "http://a.test/" + "x" * 3000,
    # A user's name before the host looks like the host.
    "https://bank.example@evil.example/",
    "https://bank.example:443@evil.example",
    "https://bank.example%2F@evil.example",
    "https://user:password@a.test/x",
    "www.bank.example@evil.example/x",
    "kim@localhost",
    "@example.com",
    "kim@",
    "kim@192.0.2.1",
    "kim@example.c",
    "a@b@example.com",
    "müller@example.com",
    "mu\u0308ller@example.com",
    "O’Neill@example.com",
    "mailto:",
    "mailto:kim",
    "tel:",
    "tel:12",
    "tel:*#06#",
    "tel:1234567890123456",
    "hotel:1234567",
]

# What is repeated, and what stands before it.
LONG = [
    ("see http://example.com/", filling)
    for filling in (
        ")",
        "(",
        "[]",
        "(])}",
        ".",
        ".)",
        "_*",
        "www.",
        "http://",
        "http://[ ",
        "a/../",
        "一",
        "ä.",
        "\u200b",
        "“",
        "）",
        "@",
    )
] + [
    ("", filling)
    for filling in (
        "www.a,",
        "http://a,",
        "https://a@",
        "a@",
        "a@a.b,",
        "'",
        "'a@",
        "_a@b.cd_",
        "mailto:",
        "tel:1",
        "tel:1 ",
        "a.",
        "*",
        "*https://a.a/*",
        "tel:+1 (",
        "www.a。",
    )
]

FIND = """async (texts) => {
    const { linkify } = await import('/chats/conversation/links.js');
    return texts.map((text) => {
        const nodes = linkify(text);
        const links = nodes.filter((node) => typeof node !== 'string');
        return {
            whole: nodes.map((node) => node.textContent ?? node).join(''),
            links: links.map((link) => [link.textContent, link.href]),
            titles: links.map((link) => link.title),
            attributes: links.map((link) => [link.dir, link.rel, link.target].join('; ')),
        };
    });
}"""


def links_in(page: Page, texts: list[str]) -> list[list[list[str]]]:
    """The links of each text: what is shown, and the address."""
    found = page.evaluate(FIND, texts)
    assert [each["whole"] for each in found] == texts
    attributes = {each for text in found for each in text["attributes"]}
    assert attributes <= {"ltr; noopener noreferrer nofollow ugc; _blank"}
    return [each["links"] for each in found]


def test_where_a_link_ends(modules: Page) -> None:
    found = links_in(modules, [text for text, _ in WHERE_IT_ENDS])
    shown = [[link[0] for link in links] for links in found]
    expected = [[address] for _, address in WHERE_IT_ENDS]
    assert differing(WHERE_IT_ENDS, shown, expected) == []


def test_where_links_lead(modules: Page) -> None:
    cases = ADDRESSES + [(text, [[shown, to]]) for text, shown, to in MAILBOXES + TELEPHONES]
    found = links_in(modules, [text for text, _ in cases])
    assert differing(cases, found, [links for _, links in cases]) == []


def test_what_is_no_link(modules: Page) -> None:
    found = links_in(modules, NOTHING)
    assert differing(NOTHING, found, [[]] * len(NOTHING)) == []


def test_a_host_in_another_spelling_is_named(modules: Page) -> None:
    texts = ["https://аррӏе.com/", "https://2130706433/", "https://a.test/", "https://A.test/ä"]
    found = modules.evaluate(FIND, texts)
    titles = [each["titles"] for each in found]
    assert titles == [["xn--80ak6aa92e.com"], ["127.0.0.1"], [""], [""]]


@pytest.mark.parametrize("length", [10_000, 65_536])
def test_looking_for_links_takes_linear_time(modules: Page, length: int) -> None:
    """As long as a message may be, and six times that."""
    times = modules.evaluate(
        """async ([cases, length]) => {
            const { linkify } = await import('/chats/conversation/links.js');
            return cases.map(([start, filling]) => {
                const time = (text) => {
                    const begun = performance.now();
                    linkify(text);
                    return performance.now() - begun;
                };
                const text = (size) => start + filling.repeat(size / filling.length);
                time(text(1000));
                const whole = text(length);
                return Math.min(time(whole), time(whole), time(whole));
            });
        }""",
        [LONG, length],
    )
    # Square time took 20 s for 10,000 characters; 65,536 in linear time take 0.04 to 0.3 s.
    slow = {filling: time for (_, filling), time in zip(LONG, times, strict=True) if time > 2000}
    assert slow == {}


def differing(cases: list[object], found: list[object], expected: list[object]) -> list[object]:
    """The cases whose outcome is another one than expected, with both."""
    both = zip(cases, found, expected, strict=True)
    return [[case, is_, should] for case, is_, should in both if is_ != should]
