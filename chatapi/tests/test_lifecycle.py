"""A process ends with another one."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from chatapi.server import lifecycle


@pytest.fixture
def other():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_it_waits_until_another_process_has_ended(other, monkeypatch, has_pidfd):
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        monkeypatch.setattr(lifecycle.time, "sleep", lambda seconds: threading.Event().wait(0.01))
    waiting = threading.Thread(target=lifecycle.wait_for_exit, args=(other.pid,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    other.communicate()
    waiting.join(10)
    assert not waiting.is_alive()


def test_it_stops_with_its_parent(other, monkeypatch):
    signals, sent = [], threading.Event()

    def kill(pid, number):
        signals.append((pid, number))
        sent.set()

    monkeypatch.setattr(lifecycle, "wait_for_exit", lambda pid: other.communicate())
    monkeypatch.setattr(lifecycle.os, "kill", kill)
    monkeypatch.setenv(lifecycle.PARENT_VARIABLE, str(other.pid))
    lifecycle.end_with_parent()
    assert sent.wait(10)
    assert signals == [(os.getpid(), signal.SIGTERM)]
