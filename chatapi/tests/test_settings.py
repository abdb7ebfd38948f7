"""Settings out of the environment: what is wrong stops the start with one sentence."""

import fcntl
import os
import re
import socket
import stat
import subprocess
import sys

import pytest

from chatapi.tests.console import MEASURED
from chatapi.tests.installation import BIN, ROOT, free_port

pytestmark = pytest.mark.slow

GOOD = MEASURED | {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "k" * 20 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "PATH": f"{BIN}:{os.environ['PATH']}",
}


def manage(tmp_path, *arguments, **env):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=GOOD | {"DATA_DIR": str(tmp_path)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("DEBUG", "perhaps"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PUBLIC_URL", "chat.example.com"),
        ("PUBLIC_URL", "https://"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("REDIS_URL", "localhost:6379"),
        ("CELERY_BROKER_URL", "kafka://x"),
        ("EMAIL_URL", "mail.example.com"),
        ("PUBLIC_URL", "http://[x"),
        ("REDIS_URL", "redis://:p@host:bad/0"),
        ("LIMIT_READ", "2000000/s"),
        ("DATA_DIR", "/dev/null/x"),
        ("UPLOAD_DIR", "/dev/null/x"),
        ("UPLOAD_BYTES_PER_ADDRESS", "1"),
        ("LIMIT_SEND", "many"),
        ("LIMIT_READ", "0/s"),
        ("NUM_PROXIES", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("WEB_THREADS", "0"),
        ("AUTH_CODE_MINUTES", "soon"),
        ("PORT", "99999999"),
        ("EMAIL_URL", "smtp://"),
        ("ALLOWED_HOSTS", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "k" * 31),
        ("PUBLIC_URL", "https://a.example/chat"),
        ("ALLOWED_HOSTS", "https://a.example"),
        ("DEFAULT_FROM_EMAIL", "Flowers, Inc. <chat@example.com>"),
        ("EMAIL_URL", "filemail://"),
        ("DATABASE_URL", "postgres://h/d?nonsense=1"),
        ("TRANSCRIPT_KEYS", "1a" * 31),
        ("TRANSCRIPT_KEYS", f"{'1a' * 32},any text"),
        ("TRANSCRIPT_SALT_KEY", "any text"),
        ("TRANSCRIPT_SALT_KEY", f"{'1a' * 32},{'2b' * 32}"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_names_the_setting(tmp_path, name, value):
    done = manage(tmp_path, "check", **{name: value})
    assert done.returncode != 0
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith(name)


def test_the_example_with_nothing_filled_in_is_no_production(tmp_path):
    example = str(ROOT / ".env.example")
    done = manage(tmp_path, "check", ENV_FILE=example, SECRET_KEY="")
    assert done.stderr.startswith("SECRET_KEY is not set")


def test_the_example_with_all_filled_in_is_clean(tmp_path):
    filled = re.sub(r"^#([A-Z_]+=)", r"\1", (ROOT / ".env.example").read_text(), flags=re.M)
    filled = filled.replace("SECRET_KEY=\n", f"SECRET_KEY={GOOD['SECRET_KEY']}\n")
    filled = filled.replace("CHAT_PASSWORD_KEYS=\n", "CHAT_PASSWORD_KEYS=one,two\n")
    filled = filled.replace("TRANSCRIPT_KEYS=\n", f"TRANSCRIPT_KEYS={'1a' * 32}, {'2B' * 32}\n")
    filled = filled.replace("TRANSCRIPT_SALT_KEY=\n", f"TRANSCRIPT_SALT_KEY={'3c' * 32}\n")
    filled = filled.replace("DATA_DIR=var\n", "").replace("NUM_PROXIES=0", "NUM_PROXIES=1")
    (tmp_path / "env").write_text(filled)
    env = {key: value for key, value in GOOD.items() if key != "SECRET_KEY"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=env | {"DATA_DIR": str(tmp_path), "ENV_FILE": str(tmp_path / "env")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_comment_behind_a_value_is_no_part_of_it(tmp_path):
    (tmp_path / "env").write_text("SECRET_KEY=     # required\n")
    done = manage(tmp_path, "check", ENV_FILE=str(tmp_path / "env"), SECRET_KEY="")
    assert done.returncode != 0
    (tmp_path / "env").write_text("PORT=9000     # where\n")
    assert manage(tmp_path, "check", ENV_FILE=str(tmp_path / "env")).returncode == 0


def test_a_password_in_a_wrong_url_is_not_repeated(tmp_path):
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PUBLIC_URL"):
        for wrong in ("mysql://me:hunter2@localhost/x", "postgres://me:hunter2@host:bad/x"):
            done = manage(tmp_path, "check", **{name: wrong})
            assert done.returncode != 0
            assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["gunicorn", "--config", "deploy/gunicorn.conf.py", "chatapi.asgi:application"],
        ["celery", "--app", "chatapi", "worker"],
    ],
)
def test_the_servers_stop_with_it_too(tmp_path, command):
    env = GOOD | {"DATA_DIR": str(tmp_path), "LIMIT_SEND": "many"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "LIMIT_SEND must be a number a second, minute or hour" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def allowed_hosts(tmp_path, **env):
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS)"
    done = manage(tmp_path, "shell", "--no-imports", "--command", code, **env)
    return done.stdout.strip()


def test_names_of_the_machine_itself_are_served_only_where_they_are_the_public_ones(tmp_path):
    public = allowed_hosts(tmp_path, PUBLIC_URL="https://Chat.example.com")
    assert public == "['chat.example.com']"
    for env in (
        {},
        {"PUBLIC_URL": "http://localhost:8000"},
        {"PUBLIC_URL": "https://chat.example.com", "DEBUG": "true"},
    ):
        assert "'localhost'" in allowed_hosts(tmp_path, **env)


def test_a_developers_machine_needs_no_secret(tmp_path):
    assert manage(tmp_path, "check", SECRET_KEY="", DEBUG="true").returncode == 0


PRODUCTION = {
    "CHAT_PASSWORD_KEYS": "one",
    "TRANSCRIPT_KEYS": "1a" * 32,
    "TRANSCRIPT_SALT_KEY": "3c" * 32,
    "PUBLIC_URL": "https://chat.example.com",
    "DATABASE_URL": "postgres://chat@db.example.com/chat",
    "REDIS_URL": "redis://cache.example.com/0",
    "EMAIL_URL": "smtp+tls://u:p@mail.example.com:587",
    "NUM_PROXIES": "1",
}


def test_production_settings_are_clean(tmp_path):
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        ("CHAT_PASSWORD_KEYS", "", "W001"),
        ("TRANSCRIPT_KEYS", "", "W008"),
        ("TRANSCRIPT_SALT_KEY", "", "W008"),
        ("PUBLIC_URL", "http://chat.example.com", "W002"),
        ("DATABASE_URL", "sqlite:///x.db", "W003"),
        ("REDIS_URL", "", "W004"),
        ("EMAIL_URL", "consolemail://", "W005"),
        ("ACCEL_REDIRECT", "/protected-files/", "W007"),
    ],
)
def test_a_mistake_in_a_deployment_is_told(tmp_path, name, value, warning):
    done = manage(
        tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | {name: value}
    )
    assert done.returncode != 0
    assert f"chatapi.{warning}" in done.stderr


def test_every_setting_is_in_the_example():
    code = (ROOT / "chatapi" / "settings.py").read_text()
    named = set(
        re.findall(
            r'\b(?:text|items|number|flag|\w*url|hosts|mailbox|database)\(\s*"([A-Z_]+)"', code
        )
    ) - {"ENV_FILE"}
    named |= {f"LIMIT_{name}" for name in re.findall(r'^        "([A-Z_]+)": "\d+/', code, re.M)}
    example = (ROOT / ".env.example").read_text()
    missing = {name for name in named if not re.search(rf"^#?{name}=", example, re.M)}
    assert named
    assert not missing


class TestBeforeRun:
    def run(self, **changes):
        env = {name: value for name, value in (GOOD | changes).items() if value is not None}
        return subprocess.run(
            [sys.executable, "-m", "deploy.before_run"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_a_port_that_is_free(self):
        done = self.run(PORT=str(free_port()))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_a_port_in_use_is_one_sentence(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = self.run(PORT=str(port))
        assert done.returncode == 1
        assert done.stderr.startswith(f"Port {port} can't be used")
        assert len(done.stderr.strip().splitlines()) == 1

    def test_keys_are_made_once_and_an_env_file_keeps_what_it_has(self, tmp_path):
        env_file = tmp_path / "env"
        env_file.write_text("LOG_LEVEL=WARNING")
        for _ in range(2):
            done = self.run(PORT=str(free_port()), ENV_FILE=str(env_file), SECRET_KEY=None)
            assert done.returncode == 0, done.stderr
        kept = env_file.read_text()
        assert kept.startswith("LOG_LEVEL=WARNING\n")
        assert kept.count("SECRET_KEY=") == kept.count("CHAT_PASSWORD_KEYS=") == 1
        assert manage(tmp_path, "check", ENV_FILE=str(env_file)).returncode == 0

    def test_both_read_the_file_alike(self, tmp_path):
        env_file = tmp_path / "env"
        port = free_port()
        key = "k#8)b&z" * 6
        kept = (
            f"export SECRET_KEY={key}\nexport CHAT_PASSWORD_KEYS = '$one, two'\n"
            f"PORT = {port} # mine\n"
        )
        env_file.write_text(kept)
        env_file.chmod(0o644)
        done = self.run(ENV_FILE=str(env_file), SECRET_KEY=None)
        assert done.returncode == 0, done.stderr
        assert env_file.read_text() == kept
        assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
        code = (
            "from django.conf import settings as s;"
            " print(s.PORT, s.SECRET_KEY, s.CHAT_PASSWORD_KEYS)"
        )
        env = {name: value for name, value in GOOD.items() if name != "SECRET_KEY"}
        read = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "--command", code],
            cwd=ROOT,
            env=env | {"ENV_FILE": str(env_file), "DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert read.stdout.strip() == f"{port} {key} ['$one', 'two']"

    def test_what_is_no_port(self):
        assert self.run(PORT="many").stderr.startswith("PORT must be a whole number")


class TestWebProcesses:
    """Without Redis there is one web process, since limits and presence are in its memory."""

    def gunicorn(self, tmp_path, **settings):
        command = ["gunicorn", "--config", "deploy/gunicorn.conf.py", "chatapi.asgi:application"]
        env = GOOD | {"DATA_DIR": str(tmp_path), "PORT": str(free_port())} | settings
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_several_need_redis(self, tmp_path):
        for done in (
            manage(tmp_path, "check", WEB_CONCURRENCY="2"),
            self.gunicorn(tmp_path, WEB_CONCURRENCY="2"),
        ):
            assert done.returncode != 0
            assert "WEB_CONCURRENCY is 2, but several web processes need REDIS_URL" in done.stderr
        assert manage(tmp_path, "check", WEB_CONCURRENCY="1").returncode == 0
        redis = PRODUCTION["REDIS_URL"]
        assert manage(tmp_path, "check", WEB_CONCURRENCY="2", REDIS_URL=redis).returncode == 0

    def test_a_second_one_in_the_same_folder_is_refused(self, tmp_path):
        with (tmp_path / "web.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.gunicorn(tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith(f"Another web process uses {tmp_path}")
        assert len(done.stderr.strip().splitlines()) == 1
