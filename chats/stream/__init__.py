"""Waiting for what happens in a chat: ASGI, before Django, so that no wait holds a thread."""
