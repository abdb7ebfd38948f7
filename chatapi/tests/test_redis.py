"""The connection to Redis that every request uses, with a Redis of the test's own."""

import os
import shutil
import threading

import pytest
import redis

from chatapi.bus.redis import ThreadConnection
from chatapi.tests.installation import Redis

pytestmark = pytest.mark.skipif(
    not shutil.which("redis-server") and not os.environ.get("REQUIRE_SERVICES"),
    reason="needs redis-server to start its own",
)


@pytest.fixture
def server(tmp_path, settings):
    server = Redis(tmp_path)
    settings.REDIS_URL = server.url
    yield server
    server.kill()


@pytest.fixture
def connection(server):
    return ThreadConnection()


def test_replies_come_in_the_order_of_the_commands(connection):
    assert connection.execute(("SET", "a", 1), ("GET", "a"), ("INCR", "a")) == [b"OK", b"1", 2]


def test_a_refused_command_leaves_the_others_replies_to_nobody(connection):
    with pytest.raises(redis.ResponseError):
        connection.execute(("INCR", "a"), ("NONSENSE",), ("INCR", "a"))
    assert connection.execute(("GET", "a")) == [b"2"]


def test_a_connection_that_was_closed_is_made_again(connection, server):
    connection.execute(("PING",))
    server.kill()
    with pytest.raises(redis.ConnectionError):
        connection.execute(("PING",))
    server.start()
    assert connection.execute(("PING",)) == [b"PONG"]
    mine = connection.execute(("CLIENT", "ID"))[0]
    redis.Redis.from_url(server.url).client_kill_filter(_id=mine)
    assert connection.execute(("PING",)) == [b"PONG"]


def test_threads_and_processes_have_connections_of_their_own(connection):
    ids = [connection.execute(("CLIENT", "ID"))[0]]
    thread = threading.Thread(target=lambda: ids.extend(connection.execute(("CLIENT", "ID"))))
    thread.start()
    thread.join()
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, b"%d" % connection.execute(("CLIENT", "ID"))[0])
        os._exit(0)
    os.wait()
    ids.append(int(os.read(read, 20)))
    assert len(set(ids)) == 3
    assert connection.execute(("CLIENT", "ID"))[0] == ids[0]
