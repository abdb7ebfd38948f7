"""A network between a browser and the service that can fail without a word."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any


class Network:
    """Forwards connections to a port of this machine, until it is told to lose what they carry."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.answers = True  # whether new connections are forwarded
        self._dead: set[socket.socket] = set()
        self._clients: set[socket.socket] = set()
        self._sockets = {self._listener}
        self._threads: list[threading.Thread] = []
        self._run(self._accept)

    def lose(self) -> None:
        """Nobody hears of the end of the connections that are open now."""
        self._dead |= self._clients

    def close(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _run(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.add(client)
                self._sockets.add(client)
                self.connections += 1
                if not self.answers:
                    self._dead.add(client)
                    continue
                server = socket.create_connection(("127.0.0.1", self._to))
                self._sockets.add(server)
                self._run(self._pump, client, client, server)
                self._run(self._pump, client, server, client)

    def _pump(self, client: socket.socket, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if client not in self._dead:
                    target.sendall(data)
            if client not in self._dead:
                target.shutdown(socket.SHUT_WR)
