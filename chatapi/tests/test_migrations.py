"""Migrations can be undone, on a database of their own."""

import pytest

from chatapi.tests.installation import Installation

pytestmark = pytest.mark.slow


def test_all_can_be_undone_and_made_again(tmp_path):
    installation = Installation(tmp_path)
    try:
        before = installation.manage("showmigrations")
        installation.manage("migrate", "chats", "zero", "--verbosity", "0")
        installation.manage("migrate", "companies", "zero", "--verbosity", "0")
        assert "[ ] 0001" in installation.manage("showmigrations", "chats")
        installation.manage("migrate", "--verbosity", "0")
        assert installation.manage("showmigrations") == before
        assert installation.demo()["Chat id"] == "1"
    finally:
        installation.close()
