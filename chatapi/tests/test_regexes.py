"""`deploy/regexes.py` finds the regular expressions that take more than linear time."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow

CHECK = Path(settings.BASE_DIR) / "deploy" / "regexes.py"


def check(folder):
    run = subprocess.run(
        [sys.executable, str(CHECK), str(folder)], capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"\s+$",
        r"x.*x.*y",
        r"<[^>]*>x",
        r"\[\[.*?\]\]",
        r"(?:^|.*&)wait=(\d{1,2})(?!.*&wait=)(?:&|$)",
    ],
)
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
