"""Accounts and their personal access tokens, for staff."""

from accounts.admin import login, tokens, users

__all__ = ["login", "tokens", "users"]
