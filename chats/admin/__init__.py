"""Chats, who takes part in them and what is said, for staff."""

from chats.admin import chats, messages, users

__all__ = ["chats", "messages", "users"]
