"""Who has to go when clients have too many bytes of requests in a process."""

from types import SimpleNamespace

import pytest

from chatapi.server import connections
from chatapi.server.connections import Connections


class Connection:
    def __init__(self, network, since, held):
        self.network, self.since, self.held = network, since, held
        self.deadline, self.evicted = 1e12, False

    def held_bytes(self):
        return self.held

    def check(self, now):
        raise AssertionError("its time is not up")

    def evict(self):
        self.evicted = True


@pytest.fixture
def all_connections(monkeypatch):
    monkeypatch.setattr(connections, "MAX_HELD_BYTES", 100)
    monkeypatch.setattr(connections, "MAX_HELD_BYTES_OF_NETWORK", 50)
    loop = SimpleNamespace(time=lambda: 0.0, call_later=lambda *_: None)
    return Connections(loop)


def evicted(all_connections, *open_connections):
    for each in open_connections:
        all_connections.add(each)
    all_connections._sweep()
    return [each for each in open_connections if each.evicted]


def test_the_oldest_of_a_network_that_has_too_much(all_connections):
    older, newer = Connection("a", 1, 30), Connection("a", 2, 30)
    neighbour = Connection("b", 0, 30)
    assert evicted(all_connections, newer, older, neighbour) == [older]


def test_the_oldest_of_all_if_they_have_too_much_together(all_connections):
    each_of_its_own = [Connection(f"network {nth}", nth, 30) for nth in range(5)]
    assert evicted(all_connections, *each_of_its_own) == each_of_its_own[:2]


def test_nobody_while_there_is_room(all_connections):
    assert evicted(all_connections, Connection("a", 0, 25), Connection("a", 1, 25)) == []
