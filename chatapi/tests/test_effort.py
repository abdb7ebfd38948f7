"""What strangers send is read in linear time, and a check finds expressions that are not."""

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from chatapi.wsgi import application

CHECK = Path(settings.BASE_DIR) / "deploy" / "regexes.py"
LENGTH = 60_000


def seconds(action):
    """Processor time of this thread, the least of three: other work on the machine adds to it."""

    def once():
        begun = time.thread_time()
        action()
        return time.thread_time() - begun

    return min(once() for _ in range(3))


def answer(path, body=b"{}", **environ):
    """The status of the application as it is served, for a POST."""
    statuses = []
    sent = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "SERVER_NAME": "testserver",
        "SERVER_PORT": "80", "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1", **environ,
    }  # fmt: skip
    content = b"".join(application(sent, lambda status, headers: statuses.append(status)))
    return int(statuses[0][:3]), content


@pytest.mark.parametrize("start", ["", "application/json", 'text/html;a="', "multipart/form-data"])
@pytest.mark.parametrize("filling", [";", "a;", ";=", "a=b;", ';"', '";', "\\;", "a*0=b;", " ;"])
def test_a_long_media_type_is_not_parsed(acme, start, filling):
    def ask():
        media_type = start + filling * (LENGTH // len(filling))
        status, content = answer("/api/companies/acme/start-chat", CONTENT_TYPE=media_type)
        assert status == 422
        assert b'"unsupported_media_type"' in content

    ask()
    assert seconds(ask) < 0.2  # it was up to 5


def test_media_types_of_programs_are_as_they_were(acme):
    boundary = "x" * 70
    for media_type, body in {
        "application/json": b"{}",
        "application/json; charset=utf-8": b"{}",
        f'multipart/form-data; boundary="{boundary}"': f"--{boundary}--\r\n".encode(),
        "application/x-www-form-urlencoded": b"",
    }.items():
        status, content = answer("/api/companies/acme/start-chat", body, CONTENT_TYPE=media_type)
        assert status == 422
        assert b'"validation_failed"' in content


@pytest.mark.parametrize("filling", ["\u00e4.", "\u00e4", "a.", ":", "[", "@", "/", "\u3002"])
def test_a_long_origin_is_refused_unread(mary, filling):
    def ask():
        origin = "https://" + filling * 150_000
        answer = mary.api.put("/api/companies/acme", {"allowed_origins": [origin]})
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["allowed_origins.0"]
        assert len(answer.content) < 1000

    ask()
    assert seconds(ask) < 0.3


def check(folder):
    run = subprocess.run(
        [sys.executable, str(CHECK), str(folder)], capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$", r"\s+$", r"x.*x.*y", r"<[^>]*>x", r"\[\[.*?\]\]",
        r"(?:^|.*&)wait=(\d{1,2})(?!.*&wait=)(?:&|$)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["py", "js"])
def test_the_check_finds_what_takes_too_long(tmp_path, pattern, language):
    source = f"import re\nSOME = re.compile(r'{pattern}')\n"
    if language == "js":
        source = f"export const some = /{pattern}/g;\n"
    (tmp_path / f"some.{language}").write_text(source)
    code, said = check(tmp_path)
    assert code == 1
    assert f"some.{language}:{2 if language == 'py' else 1}: " in said


def test_the_check_lets_linear_ones_pass(tmp_path):
    (tmp_path / "some.py").write_text(
        "import re\n"
        "ID = re.compile(r'[1-9][0-9]{0,18}')\n"
        "RANGE = re.compile(r'\\s*(\\d{1,2})\\s*-\\s*(\\d{1,2})\\s*')\n"
        "RANGE.fullmatch('1-2')\n"  # from each place it would be the square
    )
    (tmp_path / "some.js").write_text("'a'.replace(/\\D/g, ''); /^#(..)(?<b>..)$/.exec('#abcd');\n")
    code, said = check(tmp_path)
    assert (code, said) == (0, "4 regular expressions checked, 0 take more than linear time\n")


@pytest.mark.parametrize("pattern", [r"(?:\p{L}+)+@", r"[\p{L}\p{N}]+x.*y", r"\p{White_Space}+$"])
def test_the_check_knows_the_properties_of_unicode(tmp_path, pattern):
    (tmp_path / "some.js").write_text(f"export const some = /{pattern}/u;\n")
    code, said = check(tmp_path)
    assert code == 1
    assert "some.js:1: " in said
    (tmp_path / "some.js").write_text(r"/(?<!\p{M})[^\p{C}]+/u.exec('a'); /\p{Emoji}/u.exec('a');")
    code, said = check(tmp_path)
    assert code == 1
    assert r"some.js:1: add \p{Emoji} to PROPERTIES." in said


@pytest.mark.parametrize("source", ["import re\nre.compile('a' + str(1))\n"])
def test_the_check_refuses_what_it_cannot_read(tmp_path, source):
    (tmp_path / "some.py").write_text(source)
    code, said = check(tmp_path)
    assert code == 1
    assert "only a constant expression" in said
