"""What is measured in turn: the service, pgbench's limit of it, and who is measured beside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from bench import data, limit
from bench.environment import Environment, free_port
from bench.load import Sample
from bench.operations import (
    Operation,
    floor_operation,
    operations,
    plain_operations,
    verify,
)
from bench.served import Served
from bench.server import gunicorn
from bench.synapse.rooms import operations as synapse_operations
from bench.synapse.server import synapse

OURS, LIMIT, FLOOR, PLAIN, SYNAPSE = "service", "limit", "floor", "plain", "synapse"
BESIDE = (PLAIN, FLOOR, SYNAPSE)
TITLES = {
    OURS: "Chat API",
    LIMIT: "pgbench",
    FLOOR: "Django",
    PLAIN: "Plain DRF",
    SYNAPSE: "Synapse",
}


@dataclass(frozen=True)
class Case:
    """An operation of one side. `measure` takes seconds and connections.

    `sends` is the share of its requests that write a message into our database.
    """

    side: str
    operation: str
    title: str
    measure: Callable[[int, int], Sample]
    sends: float = 0


@dataclass(frozen=True)
class Bench:
    """Where the cases are measured. The database is the service's, with `found` in it."""

    environment: Environment
    db: psycopg.Connection
    found: data.Data
    only: list[str]

    def served(self, master: int, environment: Environment) -> Served:
        return Served(environment.url, environment.data_dir, master, self.db)

    def service(self, served: Served) -> list[Case]:
        return cases(OURS, served, self.wanted(operations(self.found)))

    def limits(self, served: Served) -> Iterator[tuple[Case, str]]:
        """Each with the script that pgbench runs."""
        for operation in self.wanted(operations(self.found)):
            if operation.limited:
                data.settle(self.db)
                script = limit.script(operation, self.found, self.db, served.url)
                measure = partial(self.by_pgbench, script)
                title = f"{operation.title}: its statements"
                yield Case(LIMIT, operation.name, title, measure, operation.sends), script

    def by_pgbench(self, script: str, seconds: int, connections: int) -> Sample:
        clients = min(limit.most_clients(self.db), connections)
        return limit.run(script, self.environment, self.db, seconds, clients)

    @contextmanager
    def beside(self, side: str) -> Iterator[list[Case]]:
        """A side other than ours, started.

        Raises MissingError, or for Synapse BrokenError too, when it can't be.
        """
        if side == SYNAPSE:
            with synapse(self.environment) as served:
                wanted = self.wanted(synapse_operations(served.url))
                yield [
                    # What it writes is not in our database.
                    replace(case, sends=0, measure=partial(longer, case.measure))
                    for case in cases(SYNAPSE, served, wanted)
                ]
            return
        own = replace(
            self.environment,
            data_dir=self.environment.data_dir / side,
            port=free_port(),
            settings_module=f"bench.{side}.settings",
        )
        if side == PLAIN:
            wanted = self.wanted(plain_operations(self.found))
        else:
            wanted = [floor_operation(self.found)]
        # The service's own server and all that stands before Django, with other settings.
        with gunicorn(own) as master:
            yield cases(side, self.served(master, own), wanted)

    def wanted(self, known: list[Operation]) -> list[Operation]:
        return [each for each in known if each.name in self.only]


def longer(measure: Callable[[int, int], Sample], seconds: int, connections: int) -> Sample:
    """Twice the time: of many connections each waits for seconds where an answer takes long."""
    return measure(2 * seconds, connections)


def cases(side: str, served: Served, wanted: list[Operation]) -> list[Case]:
    """The operations of a server, each answered rightly once."""
    for operation in wanted:
        verify(operation, served.url)
    return [
        Case(side, each.name, each.title, partial(served.load, each), each.sends) for each in wanted
    ]
