"""Load on the service by wrk, with a script made for each operation."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.operations import Operation
from bench.stop import BrokenError

THREADS = 2  # wrk's; it needs little, and the service needs the rest
MARK = "bench:"

# {chat}, {seq} and the token come from the targets' file, a line for each request, with the number
# of its kind before. wrk's threads begin at different lines and go round, each for all its
# connections. {txn} is another one for each request.
SCRIPT = r"""
local counter = 0
function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

local requests, at, sent = {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do
    local kind, chat, token, seq = line:match("^(%d+) (%S+) (%S+) (%S+)$")
    local what = KINDS[tonumber(kind)]
    local path = what.path:gsub("{chat}", chat):gsub("{seq}", seq)
    local headers = { ["Authorization"] = "Bearer " .. token }
    if what.body then headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(what.method, path, headers, what.body)
  end
  at = math.floor(number * #requests / THREADS)
end

function request()
  at = at % #requests + 1
  if not TXN then return requests[at] end
  sent = sent + 1
  return (requests[at]:gsub("{txn}", TXN .. number .. "-" .. sent, 1))
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
    parts = operation.parts or (operation,)
    # JSON's strings are Lua's, as long as they are plain ASCII without \u.
    kinds = [
        f"{{ method = {json.dumps(part.method)}, path = {json.dumps(part.path)},"
        f" body = {json.dumps(part.body) if part.body else 'nil'} }}"
        for part in parts
    ]
    # Of this very round, so that none comes twice in a run.
    txn = any("{txn}" in part.path for part in parts)
    constants = {
        "KINDS": f"{{ {', '.join(kinds)} }}",
        "TXN": f'"{time.time_ns()}-"' if txn else "nil",
        "THREADS": str(threads),
    }
    lines = [f"local {name} = {value}" for name, value in constants.items()]
    script.write_text("\n".join(lines) + SCRIPT.replace("MARK", MARK))
    targets.write_text("".join(requests(operation, len(parts))))
    targets.chmod(0o600)
    return script, targets


def requests(operation: Operation, parts: int) -> Iterator[str]:
    """The lines of the targets' file: every part for each target, one after the other in turn."""
    for turn in range(parts):
        for place, target in enumerate(operation.targets):
            kind = (place + turn) % parts + 1
            yield f"{kind} {target.chat} {target.token} {target.seq}\n"


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
