"""Chats, chat users and messages, for staff."""

from chats.admin import chat_users, chats, messages

__all__ = ["chat_users", "chats", "messages"]
