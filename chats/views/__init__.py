"""The routes of chats: one module a noun."""
