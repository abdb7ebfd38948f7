"""Streams and long polls: ASGI in front of Django, so that no waiting request holds a thread."""
