"""Connections that die without a word, as with sleep, a VPN or a router that forgets."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from chatapi.tests.browser import Person, Site
from chats.tests.guests import join, message
from chats.tests.inbox import send
from chats.tests.network import Network

pytestmark = pytest.mark.browser


@pytest.fixture
def network(site: Site) -> Iterator[Network]:
    network = Network(site.installation.port)
    yield network
    network.close()


def later(page: Page, milliseconds: int) -> None:
    """Let the page take it to be later, without its timers having run: lines come every 15 s."""
    page.evaluate("(by) => { const now = Date.now; Date.now = () => now() + by; }", milliseconds)


def come_online(page: Page) -> None:
    later(page, 17_000)
    page.evaluate("dispatchEvent(new Event('online'))")


def come_back(page: Page) -> None:
    later(page, 17_000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def wake_up(page: Page) -> None:
    """The machine slept: the clock jumps at the next tick of a timer."""
    later(page, 17_000)


def wait(page: Page) -> None:
    """Nothing happens for 45 seconds."""
    page.clock.fast_forward(46_000)


@pytest.mark.parametrize("happens", [come_online, come_back, wake_up, wait])
def test_a_stream_that_died_in_silence_is_left(
    site: Site, network: Network, person: Callable[..., Person], happens: Callable[[Page], None]
) -> None:
    chat = site.chat()
    page = person(base_url=f"http://127.0.0.1:{network.port}").page()
    if happens is wait:
        page.clock.install()
    chat["url"] = chat["url"].replace(site.url, f"http://127.0.0.1:{network.port}")
    join(page, site, chat)
    agent = site.agent(chat)
    send(site, chat, agent, "Heard")
    expect(message(page, "Heard")).to_be_visible()
    network.lose()
    send(site, chat, agent, "Lost on the way")
    happens(page)
    expect(message(page, "Lost on the way")).to_be_visible(timeout=15_000)


def test_a_stream_that_is_never_answered_is_asked_for_again(
    site: Site, network: Network, person: Callable[..., Person]
) -> None:
    chat = site.chat()
    page = person(base_url=f"http://127.0.0.1:{network.port}").page()
    page.clock.install()
    chat["url"] = chat["url"].replace(site.url, f"http://127.0.0.1:{network.port}")
    join(page, site, chat)
    agent = site.agent(chat)
    network.answers = False
    network.lose()
    known = network.connections
    page.clock.fast_forward(46_000)
    while network.connections == known:
        page.wait_for_timeout(50)
    network.answers = True
    send(site, chat, agent, "Never mind")
    page.clock.fast_forward(11_000)
    page.clock.fast_forward(5_000)
    expect(message(page, "Never mind")).to_be_visible(timeout=15_000)
