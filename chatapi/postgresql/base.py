"""PostgreSQL as Django has it, but for how a connection is found to be good."""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
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
