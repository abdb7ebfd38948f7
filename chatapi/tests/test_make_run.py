"""`make run`, as a newcomer has it: its links open, and nothing outlives it."""

import os
import re
import signal
import socket
import subprocess
import urllib.request

import pytest
from django.conf import settings

from chatapi.tests.installation import ROOT, Installation, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(settings.REDIS_URL), reason="runs on the embedded default"),
]


class MakeRun:
    """`make run` in a process group of its own, with what it prints in a file."""

    def __init__(self, folder):
        self.installation = Installation(folder, migrated=False)
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.make = subprocess.Popen(
                ["make", "run"],
                cwd=ROOT,
                env=self.installation.env,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=in_a_terminal,
            )
        wait_for(self.installation.answers)
        wait_for(lambda: all(f"{each} started" in self.text for each in ("web", "worker", "beat")))

    @property
    def text(self):
        return self.output.read_text()

    @property
    def pids(self):
        """The processes by their names."""
        return {
            name: int(pid) for name, pid in re.findall(r"(\w+) started \(pid=(\d+)\)", self.text)
        }

    def has_ended(self):
        with socket.socket() as probe:
            is_free = probe.connect_ex(("127.0.0.1", self.installation.port)) != 0
        return is_free and not any(map(is_running, self.pids.values()))


def in_a_terminal():
    """A suite that runs under `nohup` would hand on that a closed terminal ends nothing."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def served(tmp_path):
    served = MakeRun(tmp_path)
    yield served
    for pid in (served.make.pid, *served.pids.values()):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    served.make.wait()
    served.installation.close()


def test_a_link_out_of_a_mail_opens(served):
    token = re.search(r"Token +(\S+)", served.text)[1]
    company = served.installation.call("GET", "/api/companies", token=token).body["data"][0]
    invited = served.installation.call(
        "POST",
        f"/api/companies/{company['id']}/users",
        {"email": "new@acme.test", "role": "agent"},
        token,
    )
    assert invited.status == 201, invited.body
    (mail,) = wait_for(lambda: served.installation.mailbox.taken)
    link = re.search(r"http://\S+", mail.get_body(("plain",)).get_content())[0]
    assert link.startswith(f"http://127.0.0.1:{served.installation.port}/")
    with urllib.request.urlopen(link, timeout=60) as page:
        assert page.status == 200
        assert company["name"] in page.read().decode()


@pytest.mark.parametrize("whom", ["terminal", "make", "manager"])
def test_nothing_outlives_it(served, whom):
    assert all(map(is_running, served.pids.values()))
    if whom == "terminal":  # is closed
        os.killpg(served.make.pid, signal.SIGHUP)
    elif whom == "make":
        served.make.kill()
    else:
        (manager,) = subprocess.run(
            ["pgrep", "-P", str(served.make.pid)], capture_output=True, text=True, check=True
        ).stdout.split()
        os.kill(int(manager), signal.SIGKILL)
    served.make.wait(60)
    assert wait_for(served.has_ended)
