"""Load on the service by wrk, with a script made for each operation."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.operations import Operation
from bench.stop import BrokenError

THREADS = 2  # wrk's; it needs little, and the service needs the rest
MARK = "bench:"

# {chat}, {seq} and the token come from the targets' file, a line for each. wrk's threads begin at
# different lines and go round, each for all its connections.
SCRIPT = r"""
local counter = 0
function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

local requests, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local chat, token, seq = line:match("^(%S+) (%S+) (%S+)$")
    local path = PATH:gsub("{chat}", chat):gsub("{seq}", seq)
    local headers = { ["Authorization"] = "Bearer " .. token }
    if BODY then headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(METHOD, path, headers, BODY)
  end
  at = math.floor(number * #requests / THREADS)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'MARK{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "most": %d, '
    .. '"status": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency.max, errors.status, errors.connect, errors.read, errors.write, errors.timeout
  ))
end
"""


@dataclass(frozen=True)
class Sample:
    """One round. Times in milliseconds; CPU in milliseconds a request, None where unknown.

    `failed` counts answers with an error status, and connections that failed or waited too long.
    """

    requests: int
    rate: float
    p50: float
    p99: float
    failed: int
    web_cpu: float | None = None
    database_cpu: float | None = None


def write_script(operation: Operation, folder: Path, threads: int) -> tuple[Path, Path]:
    """The script and the targets' file of an operation."""
    script, targets = folder / f"{operation.name}.lua", folder / f"{operation.name}.targets"
    # JSON's strings are Lua's, as long as they are plain ASCII without \u.
    constants = {
        "METHOD": json.dumps(operation.method),
        "PATH": json.dumps(operation.path),
        "BODY": json.dumps(operation.body) if operation.body else "nil",
        "THREADS": str(threads),
    }
    lines = [f"local {name} = {value}" for name, value in constants.items()]
    script.write_text("\n".join(lines) + SCRIPT.replace("MARK", MARK))
    targets.write_text("".join(f"{t.chat} {t.token} {t.seq}\n" for t in operation.targets))
    targets.chmod(0o600)
    return script, targets


def run(operation: Operation, base: str, folder: Path, seconds: int, connections: int) -> Sample:
    """Send `operation` over so many connections, each one request after the other."""
    threads = min(THREADS, connections)
    script, targets = write_script(operation, folder, threads)
    command = [
        "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
        "-s", str(script), base, "--", str(targets),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    said = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not said:
        raise BrokenError(
            f"wrk failed for {operation.name}: {(done.stderr or done.stdout)[-1000:]}"
        )
    found = json.loads(said[0].removeprefix(MARK))
    # wrk takes 3xx for good; the service never redirects, and `verify` has looked at an answer.
    errors = ("status", "connect", "read", "write", "timeout")
    return Sample(
        requests=found["requests"],
        rate=found["requests"] / (found["microseconds"] / 1e6),
        p50=found["p50"] / 1000,
        p99=found["p99"] / 1000,
        failed=sum(found[name] for name in errors),
    )
