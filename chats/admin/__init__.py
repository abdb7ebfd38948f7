"""Chats, who takes part in them and what is said, for staff."""

from chats.admin import chat_users, chats, messages

__all__ = ["chat_users", "chats", "messages"]
