"""How processes notify each other: over Redis, and within one process without it."""

import asyncio
import os
import shutil
import threading

import pytest
import redis
from django.db import connection as database
from django.db import transaction

from chatapi.bus import publish
from chatapi.bus.connection import Script, client, connection
from chatapi.bus.listener import MemoryListener, RedisListener
from chatapi.bus.memory import memory_bus
from chatapi.bus.messages import CONTROL, redis_channel
from chatapi.tests.installation import Redis
from chats.tests.streaming import eventually

needs_redis_server = pytest.mark.skipif(
    not shutil.which("redis-server") and not os.environ.get("REQUIRE_SERVICES"),
    reason="needs redis-server to start its own",
)


class Handler:
    """Notes what a listener calls it with."""

    def __init__(self):
        self.messages, self.connected = [], None

    def on_message(self, channel, payload):
        if payload == b"broken":
            raise ValueError(payload)
        self.messages.append((channel, payload))

    def on_disconnected(self):
        self.connected = False

    def on_connected(self):
        self.connected = True


# --- The connection to Redis -------------------------------------------------------------------


@pytest.fixture
def server(tmp_path, settings):
    server = Redis(tmp_path)
    settings.REDIS_URL = server.url
    yield server
    server.kill()


@needs_redis_server
@pytest.mark.usefixtures("server")
class TestConnection:
    def test_replies_come_in_the_order_of_the_commands(self):
        replies = connection().execute(("SET", "a", 1), ("GET", "a"), ("INCR", "a"))
        assert replies == [b"OK", b"1", 2]

    def test_a_refused_command_does_not_mix_up_later_replies(self):
        with pytest.raises(redis.ResponseError):
            connection().execute(("INCR", "a"), ("NONSENSE",), ("INCR", "a"))
        assert connection().execute(("GET", "a")) == [b"2"]

    def test_a_connection_that_was_closed_is_made_again(self, server):
        connection().execute(("PING",))
        server.kill()
        with pytest.raises(redis.ConnectionError):
            connection().execute(("PING",))
        server.start()
        assert connection().execute(("PING",)) == [b"PONG"]
        client().client_kill_filter(_id=connection_id())
        assert connection().execute(("PING",)) == [b"PONG"]

    def test_threads_and_processes_have_their_own_connections(self):
        ids = [connection_id()]
        thread = threading.Thread(target=lambda: ids.append(connection_id()))
        thread.start()
        thread.join()
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, b"%d" % connection_id())
            os._exit(0)
        os.wait()
        ids.append(int(os.read(read, 20)))
        assert len(set(ids)) == 3
        assert connection_id() == ids[0]

    def test_a_script_is_sent_again_if_redis_has_forgotten_it(self):
        script = Script("return {KEYS[1], ARGV[1]}")
        assert script(["a"], [1]) == [b"a", b"1"]
        client().script_flush()
        assert script(["a"], [2]) == [b"a", b"2"]


def connection_id():
    return connection().execute(("CLIENT", "ID"))[0]


# --- The listener for Redis --------------------------------------------------------------------


@pytest.fixture
def redis_listener(settings):
    if not settings.REDIS_URL:
        pytest.skip("needs Redis (TEST_REDIS_URL)")

    def run(test):
        async def inside():
            handler = Handler()
            listener = RedisListener(handler)
            try:
                await asyncio.wait_for(listener.subscribe(["warm-up"]), 5)
                await eventually(lambda: handler.connected)
                await test(listener, handler)
            finally:
                listener._task.cancel()

        asyncio.run(inside())

    return run


def send(name, payload):
    """Publish a message. Returns the number of its receivers."""
    return client().publish(redis_channel(name), payload)


class TestRedisListener:
    def test_messages_of_subscribed_channels_arrive(self, redis_listener):
        async def test(listener, handler):
            for number in range(50):
                await listener.subscribe([f"chat:{number}"])
                assert send(f"chat:{number}", b"x") == 1
                listener.unsubscribe(f"chat:{number}")
            await eventually(lambda: len(handler.messages) == 50)
            assert send("chat:7", b"x") == 0

        redis_listener(test)

    def test_unsubscribing_and_subscribing_again_at_any_moment(self, redis_listener):
        async def test(listener, handler):
            await listener.subscribe(["a"])
            for turns in range(12):
                listener.unsubscribe("a")
                subscribing = asyncio.ensure_future(listener.subscribe([f"b{turns}"]))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await asyncio.wait_for(listener.subscribe(["a"]), 5)
                await subscribing
                assert send("a", b"x") == 1, turns

        redis_listener(test)

    def test_a_subscription_that_is_ended_before_its_confirmation_returns(self, redis_listener):
        async def test(listener, handler):
            subscribing = asyncio.ensure_future(listener.subscribe(["a"]))
            await asyncio.sleep(0)
            listener.unsubscribe("a")
            await asyncio.wait_for(subscribing, 5)

        redis_listener(test)

    def test_an_invalid_message_does_not_affect_others(self, redis_listener):
        async def test(listener, handler):
            await listener.subscribe(["a"])
            send("a", b"broken")
            send("a", b"whole")
            await eventually(lambda: handler.messages == [("a", b"whole")])

        redis_listener(test)


def test_a_forked_process_has_its_own_publisher(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    first = publish.redis_publisher()
    first._resync_pending = True
    child = os.fork()
    if not child:
        os._exit(publish.redis_publisher() is first)
    assert os.waitpid(child, 0)[1] == 0
    publish.redis_publisher.cache_clear()


# --- Without Redis -----------------------------------------------------------------------------


@pytest.fixture
def in_memory(settings):
    settings.REDIS_URL = ""
    memory_bus.cache_clear()
    yield
    memory_bus.cache_clear()


@pytest.mark.usefixtures("in_memory")
class TestMemory:
    def test_messages_of_any_thread_arrive_in_order(self):
        async def test():
            handler = Handler()
            MemoryListener(handler)
            messages = [("chat:1", b"%d" % number) for number in range(100)]

            def publish_all():
                for message in messages:
                    publish.ephemeral(message)

            await asyncio.to_thread(publish_all)
            await eventually(lambda: handler.messages == messages)

        asyncio.run(test())

    @pytest.mark.django_db(transaction=True)
    def test_what_is_in_the_log_is_published_after_the_commit(self):
        async def test():
            handler = Handler()
            MemoryListener(handler)

            def write():
                with transaction.atomic():
                    publish.after_commit(lambda: [("chat:1", b"kept")])
                    assert handler.messages == []
                with transaction.atomic():
                    publish.after_commit(lambda: [("chat:1", b"rolled back")])
                    transaction.set_rollback(True)
                publish.access_changed("user:1")
                database.close()

            await asyncio.to_thread(write)
            expected = [("chat:1", b"kept"), (CONTROL, b"access user:1")]
            await eventually(lambda: handler.messages == expected)

        asyncio.run(test())

    @pytest.mark.django_db
    def test_nothing_is_rendered_for_nobody(self, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            publish.after_commit(lambda: pytest.fail("rendered"))
        assert callbacks == []

    def test_a_receiver_whose_event_loop_is_closed_harms_nobody(self):
        closed, handler = Handler(), Handler()

        async def listen():
            MemoryListener(closed)

        asyncio.run(listen())
        publish.ephemeral(("a", b"lost"))

        async def test():
            MemoryListener(handler)
            publish.ephemeral(("a", b"kept"))
            await eventually(lambda: handler.messages == [("a", b"kept")])

        asyncio.run(test())
        assert closed.messages == []
