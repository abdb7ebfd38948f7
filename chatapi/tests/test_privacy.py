"""What others on the machine, or on the way, can read of an installation."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import accounts.website.urls
import chats.website.urls
import companies.website.urls
from chatapi.tests.console import MEASURED, ROOT

pytestmark = pytest.mark.slow


def settings_with(folder, code, **environment):
    return subprocess.run(
        [sys.executable, "-c", f"from django.conf import settings\n{code}"],
        env=MEASURED
        | {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "chatapi.settings",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "k" * 40,
            "DATA_DIR": str(folder),
            **environment,
        },
        cwd=ROOT,
        text=True,
        capture_output=True,
    )


def test_the_data_directory_is_its_owners_alone(tmp_path):
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    (folder / "chatapi.sqlite3").write_text("")
    (folder / "chatapi.sqlite3").chmod(0o644)
    (folder / "broker" / "queue").mkdir(parents=True)
    (folder / "broker" / "queue" / "task").write_text("")
    (folder / "broker" / "queue" / "task").chmod(0o666)
    ran = settings_with(folder, "open(settings.DATA_DIR / 'new', 'w'); settings.DEBUG")
    assert ran.returncode == 0, ran.stderr
    for path in (folder, *folder.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_directory_that_all_users_share_is_refused(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    ran = settings_with(folder, "settings.DEBUG")
    assert ran.returncode
    assert "DATA_DIR must be a folder of this service alone" in ran.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777


@pytest.mark.parametrize("what", ["home", "project", "above the project", "/srv", "/var/lib"])
def test_a_folder_that_serves_others_is_left_as_it_is(what, tmp_path):
    folder = {
        "home": tmp_path,
        "project": ROOT,
        "above the project": ROOT.parent,
        "/srv": Path("/srv"),
        "/var/lib": Path("/var/lib"),
    }[what]
    before = stat.S_IMODE(folder.stat().st_mode)
    ran = settings_with(folder, "settings.DEBUG", HOME=str(tmp_path))
    assert ran.returncode
    assert "DATA_DIR must be a folder of this service alone" in ran.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == before


def test_a_database_elsewhere_is_its_owners_alone(tmp_path):
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"my.db{suffix}").write_text("")
        (tmp_path / f"my.db{suffix}").chmod(0o644)
    url = f"sqlite:///{tmp_path}/my.db"
    assert settings_with(tmp_path / "var", "settings.DEBUG", DATABASE_URL=url).returncode == 0
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("my.db*")} == {0o600}


def test_sqlite_overwrites_what_it_deletes(tmp_path):
    code = "print(settings.DATABASES['default']['OPTIONS']['init_command'])"
    assert "secure_delete=ON" in settings_with(tmp_path / "var", code).stdout


@pytest.mark.parametrize("path", ["/start/{}", "/embed/{}"])
def test_numbers_name_no_company(client, acme, path):
    assert client.get(path.format(acme.slug)).status_code == 200
    for number in (acme.pk, f"0{acme.pk}", "%00", "1e0"):
        assert client.get(path.format(number)).status_code == 404


def test_answers_of_the_api_are_kept_nowhere(client, alice, gina, chat):
    answers = [
        alice.api.get("/api/user"),
        gina.api.get("/api/chat-user"),
        alice.api.post(f"/api/chats/{chat.pk}/share"),
        client.get("/api/user"),
        client.get("/api/nowhere"),
    ]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store, private"}


def pages():
    """The paths of all pages, with their parameters."""
    for module in (accounts.website.urls, companies.website.urls, chats.website.urls):
        for pattern in module.urlpatterns:
            yield str(pattern.pattern)
    yield from ("", "accounts/password/change/", "accounts/email/", "accounts/2fa/", "admin/")


def test_pages_of_somebody_logged_in_are_kept_nowhere(client, alice, acme, chat):
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    client.force_login(alice.user)
    given = {
        "slug": acme.slug,
        "company": acme.slug,
        "chat_id": chat.pk,
        "member": alice.user.pk,
    }
    seen = []
    for path in pages():
        filled = re.sub(r"<\w+:(\w+)>", lambda found: str(given.get(found[1], 1)), path)
        answer = client.get(f"/{filled}")
        if answer.status_code == 200 and "Cookie" in answer.get("Vary", ""):
            seen.append(path)
            assert "no-store" in answer["Cache-Control"], path
            assert "private" in answer["Cache-Control"], path
    assert {"account", "account/tokens", "companies", "inbox", "admin/"} <= set(seen)
    assert len(seen) >= 12


def test_forms_for_anybody_are_their_readers_alone(client, db):
    for path in ("/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
        assert "private" in client.get(path)["Cache-Control"], path


def test_pages_may_not_use_what_they_do_not_need(client, acme):
    for path in ("/", "/start/acme", "/embed/acme", "/accounts/login/"):
        policy = client.get(path)["Permissions-Policy"]
        assert "camera=()" in policy
        assert "geolocation=()" in policy
        assert "clipboard" not in policy
