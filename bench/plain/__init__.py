"""The plain way: the same models and rows under Django REST framework as its tutorial has it."""

# Before the settings: it loads them, for Celery, and must not be loaded by them.
import chatapi  # noqa: F401
