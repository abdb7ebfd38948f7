"""Management commands of an installation, without starting Python and Django for each of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What a process needs to be measured, if this one is (`make coverage`).
MEASURED = {
    name: os.environ[name]
    for name in ("COVERAGE_PROCESS_CONFIG", "PYTHONPATH")
    if "COVERAGE_PROCESS_CONFIG" in os.environ
}


class Console:
    """A process that runs one command after another, all in the environment of its start."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = dict(env)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatapi.tests.console"],
            cwd=ROOT,
            env=self.env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, *arguments: str) -> str:
        """What `manage.py` with these arguments prints; AssertionError if it fails."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["error"] is None, answer["error"]
        return str(answer["output"])

    def close(self) -> None:
        self.process.communicate()


def serve() -> None:
    import contextlib
    import io
    import traceback

    os.environ["DJANGO_SETTINGS_MODULE"] = "chatapi.settings"
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    answers = sys.stdout
    for line in sys.stdin:
        output, error = io.StringIO(), None
        try:
            with contextlib.redirect_stdout(output):
                call_command(*json.loads(line))
        except (Exception, SystemExit):
            error = traceback.format_exc()
        connections.close_all()
        print(json.dumps({"output": output.getvalue(), "error": error}), file=answers, flush=True)


if __name__ == "__main__":
    serve()
