"""Matrix Synapse as one process on the same PostgreSQL, in a database of its own."""

import json
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import conninfo

from bench import services
from bench.load import Operation, Target, ask
from bench.people import TEXT
from bench.services import Server, database, database_url, free_port, install

REQUIREMENTS = Path(__file__).with_name("synapse-requirements.txt")
DATABASE = f"{services.DATABASE}_synapse"

# Limits are on as in production, and never reached.
NEVER = {"per_second": 1_000_000, "burst_count": 1_000_000}
LIMITS = {
    **dict.fromkeys(("rc_message", "rc_registration", "rc_joins_per_room"), NEVER),
    "rc_room_creation": NEVER,
    "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), NEVER),
    "rc_joins": dict.fromkeys(("local", "remote"), NEVER),
}
API = "/_matrix/client/v3"
SEND = f"{API}/rooms/{{chat}}/send/m.room.message/{{txn}}"
BODY = json.dumps({"msgtype": "m.text", "body": TEXT})
ROOMS = 50
MESSAGES = 10  # in each at first; with what makes a room, more than a page of events


@contextmanager
def synapse() -> Iterator[Server]:
    """A running homeserver. Raises MissingError when it can't be installed."""
    python, folder, port = install("synapse", REQUIREMENTS), Path(tempfile.mkdtemp()), free_port()
    arguments = conninfo.conninfo_to_dict(database_url(DATABASE))
    listener = {"port": port, "type": "http", "bind_addresses": ["127.0.0.1"]}
    configuration = {
        "server_name": "bench.test",
        "pid_file": str(folder / "pid"),
        "listeners": [{**listener, "resources": [{"names": ["client"], "compress": False}]}],
        "database": {"name": "psycopg2", "args": {**arguments, "cp_min": 5, "cp_max": 10}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "macaroon_secret_key": secrets.token_urlsafe(32),
        "form_secret": secrets.token_urlsafe(32),
        "report_stats": False,
        "trusted_key_servers": [],
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "bcrypt_rounds": 4,
        "presence": {"enabled": False},
        **LIMITS,
    }
    # Synapse insists on this collation.
    with database(DATABASE, "ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"):
        config, log = folder / "config.yaml", {"version": 1, "root": {"level": "ERROR"}}
        config.write_text(json.dumps(configuration))  # JSON is YAML
        (folder / "log.yaml").write_text(json.dumps(log))
        command = [python, "-m", "synapse.app.homeserver", "-c", str(config)]
        subprocess.run([*command, "--generate-keys"], capture_output=True, timeout=60)
        with Server(command, "/health", port) as server:
            yield server


def operations(server: Server) -> dict[str, Operation]:
    """Create rooms like our chats, with a guest and an agent; names are those of our operations."""

    def call(method: str, path: str, token: str, body: dict[str, Any]) -> Any:
        return ask(server.http(), method, f"{API}{path}", token, json.dumps(body))

    def register(name: str) -> str:
        auth, password = {"type": "m.login.dummy"}, secrets.token_urlsafe(16)
        account = {"username": name, "password": password, "auth": auth}
        return str(call("POST", "/register", "", account)["access_token"])

    agent = register("agent")

    def create(number: int) -> Target:
        guest = register(f"guest{number}")
        room = call("POST", "/createRoom", guest, {"preset": "public_chat"})["room_id"]
        call("POST", f"/rooms/{room}/join", agent, {})
        for nth in range(MESSAGES):
            ask(server.http(), "PUT", SEND.format(chat=room, txn=f"first{nth}"), guest, BODY)
        return Target(room, guest)

    with ThreadPoolExecutor(4) as pool:
        guests = list(pool.map(create, range(ROOMS)))
    history = f"{API}/rooms/{{chat}}/messages?dir=b&limit=15"
    return {
        "send": Operation("send", "Send a message", SEND, guests, 0, BODY, "PUT"),
        "list15": Operation("list15", "A room's newest 15 events", history, guests, 15),
    }
