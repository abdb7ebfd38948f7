"""README's first conversation, as it stands there, against a running installation."""

import re
import shutil
import subprocess

import pytest

from chatapi.tests.installation import ROOT, Installation

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="needs curl and jq")
def test_line_by_line(tmp_path):
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    first, second, third, streaming, waiting = (block for block in blocks if "$API" in block)
    installation = Installation(tmp_path)
    try:
        made = installation.demo()
        installation.start("web", "worker", "beat")
        first = first.replace("cnp_…", made["Token"]).replace(":8000", f":{installation.port}")
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert shell.stdin is not None
        assert shell.stdout is not None

        def paste(block: str) -> str:
            shell.stdin.write(f"{block}\necho THE-END\n")
            shell.stdin.flush()
            told = ""
            for line in shell.stdout:
                if line == "THE-END\n":
                    return told
                told += line
            raise AssertionError(told)

        assert '"code_mailed": true' in paste(first)
        told = paste(second.replace("123456", installation.mailbox.code(1)))
        assert '"text": "Red ones and yellow ones."' in told
        assert '"text": "Do you have white tulips?"' in told
        assert '"text": null' in told
        events = re.findall(r"\[(\d+),\"([\w.]+)\"\]", told)
        assert [int(seq) for seq, _ in events] == list(range(1, len(events) + 1))
        assert [kind for _, kind in events] == [
            "chat.created",
            "user.joined",
            "user.updated",
            "user.joined",
            "message.created",
            "message.created",
            "message.updated",
            "message.deleted",
        ]
        assert '"left"' in told
        assert told.endswith("true\n")
        told = paste(third.replace("654321", installation.mailbox.code(2)))
        assert '"status": "active"' in told
        # It would go on for ever; curl ends it with its own code for a time that is up.
        told = paste(
            streaming.replace("curl -N", "curl -sN --max-time 2").strip() + " || [ $? = 28 ]"
        )
        streamed = re.findall(r"^id: (\d+)\nevent: ([\w.]+)$", told, re.MULTILINE)
        assert streamed[: len(events)] == events
        assert "event: presence" in told
        assert '"data": []' in paste(waiting.replace("wait=30", "wait=1"))
        shell.stdin.close()
        shell.stdout.close()
        assert shell.wait(10) == 0
    finally:
        installation.close()
