"""The project: settings, and what every app's API shares."""

from chatapi.celery import app as celery_app

__all__ = ["celery_app"]
