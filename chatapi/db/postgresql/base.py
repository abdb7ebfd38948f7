"""PostgreSQL as Django has it, but for what costs each request time: how a connection is found to
be good, and how times are read."""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import Format

# psycopg's own, compiled where it can be; Django's sets any time zone, in Python.
LOADER: Any = psycopg.adapters.get_loader(base.TIMESTAMPTZ_OID, Format.TEXT)


class DatabaseWrapper(base.DatabaseWrapper):
    """For connections whose times are UTC, as ours all are."""

    def init_connection_state(self) -> None:
        super().init_connection_state()
        connection: Any = self.connection
        connection.adapters.register_loader("timestamptz", LOADER)

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor; Django's also sees to other time zones."""
        connection: Any = self.connection
        if name:
            return connection.cursor(name, scrollable=False, withhold=connection.autocommit)
        return connection.cursor()

    def is_usable(self) -> bool:
        """Whether the connection can be used, found without a round trip.

        A server that has closed a connection, or is about to, has said so: there is something to
        read where nothing was asked. Only then is it asked as Django does each time.
        """
        connection: Any = self.connection
        if connection is None or connection.closed:
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()
