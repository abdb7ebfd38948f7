"""What is measured beside us, in a Python environment of its own."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bench.stop import MissingError

INSTALL_SECONDS = 240


def install(requirements: Path) -> Path:
    """The Python of an environment with these, made once for each set of versions.

    Raises MissingError when it can't be made within some minutes.
    """
    lines = requirements.read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    key = hashlib.sha256(" ".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "chatapi-bench" / key
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    quiet = ["--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", *quiet, *wanted],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise MissingError(f"{wanted[0]} was not installed in {INSTALL_SECONDS} s.") from None
        if done.returncode:
            raise MissingError(f"{wanted[0]} could not be installed: {done.stderr[-500:].strip()}")
    (folder / "complete").touch()
    return python
