"""The floor: what the server and Django cost before the application does anything."""

# Before the settings: it loads them, for Celery, and must not be loaded by them.
import chatapi  # noqa: F401
