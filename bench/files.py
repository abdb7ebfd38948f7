"""Uploads and downloads of large files: memory of the web processes, and sends beside them."""

import argparse
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench import people
from bench.load import Sample, ask, operations, wrk
from bench.report import Report, number, table
from bench.services import BrokenError, Server, database, gunicorn, say

MIB = 2**20
FILE_BYTES = 25 * MIB
PART_BYTES = 256 * 1024
SAMPLE_SECONDS = 0.02
UPLOADS = 10
CONNECTIONS = 8
MAGIC = b"PK\x03\x04"  # of a ZIP file
EDGE = "a-boundary-of-the-benchmark"
HEAD = (
    f"--{EDGE}\r\nContent-Disposition: form-data; name=file; filename=large.zip\r\n\r\n".encode()
    + MAGIC
)
TAIL = f"\r\n--{EDGE}--\r\n".encode()
LENGTH = len(HEAD) + FILE_BYTES - len(MAGIC) + len(TAIL)
CONTENT = os.urandom(PART_BYTES)


def run(chosen: argparse.Namespace, report: Report) -> None:
    with ExitStack() as stack:
        stack.enter_context(database())
        found = people.make(100, 20)
        limits = {"LIMIT_UPLOAD": "100000/s", "COMPANY_QUOTA_BYTES": str(2**50)}
        server = stack.enter_context(gunicorn(**limits))
        (chat, token), *_ = found.guests
        link = upload(server, chat, token)  # also warms up
        download(server, link)
        rows = []
        for title, action in (
            ("An upload of 25 MiB", lambda: upload(server, chat, token)),
            ("A download of it", lambda: download(server, link)),
            (f"{UPLOADS} uploads at once", lambda: at_once(server, chat, token)),
        ):
            say(f"{title} ...")
            added = [peak(server, action) / MIB for _ in range(chosen.rounds)]
            rows.append([title, number(median(added)), number(max(added))])
        report.parts.append(table(["Memory added to all processes, MiB", "median", "most"], rows))
        send = operations(found)["send"]
        alone, beside = [], []
        for _ in range(chosen.rounds):
            alone.append(wrk(send, server, chosen.seconds, CONNECTIONS))
            with uploading(server, chat, token):
                beside.append(wrk(send, server, chosen.seconds, CONNECTIONS))
        rows = [
            [title, *(number(median(each)) for each in columns(samples))]
            for title, samples in (("alone", alone), (f"during {UPLOADS} uploads", beside))
        ]
        report.parts.append(table(["Sends", "a second", "p50 ms", "p99 ms", "failed"], rows))
        server.check()


def columns(samples: list[Sample]) -> list[list[float]]:
    return [[getattr(each, name) for each in samples] for name in ("rate", "p50", "p99", "failed")]


def upload(server: Server, chat: int, token: str) -> str:
    """Upload a file, and have a message show it. Returns the path of its link."""

    def body() -> Iterator[bytes]:
        yield HEAD
        left = FILE_BYTES - len(MAGIC)
        while left:
            part = CONTENT[: min(left, PART_BYTES)]
            left -= len(part)
            yield part
        yield TAIL

    http = server.http()
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={EDGE}",
        "Content-Length": str(LENGTH),
    }
    http.request("POST", f"/api/chats/{chat}/attachments", body(), headers)
    response = http.getresponse()
    answer = response.read()
    if response.status != 201:
        raise BrokenError(f"An upload was answered {response.status}: {answer[:300]!r}")
    http.close()
    path = f"/api/chats/{chat}/attachments/{json.loads(answer)['id']}"
    return urlsplit(ask(server.http(), "GET", path, token)["url"]).path


def download(server: Server, path: str) -> None:
    http = server.http()
    http.request("GET", path)
    response, size = http.getresponse(), 0
    while part := response.read(PART_BYTES):
        size += len(part)
    http.close()
    if size < FILE_BYTES:
        raise BrokenError(f"A download had {size} bytes.")


def at_once(server: Server, chat: int, token: str) -> None:
    threads = [threading.Thread(target=upload, args=(server, chat, token)) for _ in range(UPLOADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


@contextmanager
def uploading(server: Server, chat: int, token: str) -> Iterator[None]:
    """UPLOADS at once, one after the other, until the end of the block."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.is_set():
            upload(server, chat, token)

    threads = [threading.Thread(target=repeat) for _ in range(UPLOADS)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        ended.set()
        for each in threads:
            each.join()


def peak(server: Server, action: Callable[[], Any]) -> float:
    """The most bytes that the processes had more than before, while `action` ran."""
    before, ended = server.memory(), threading.Event()
    most = [before]

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            most[0] = max(most[0], server.memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        action()
        time.sleep(SAMPLE_SECONDS * 2)
    finally:
        ended.set()
        thread.join()
    return most[0] - before
