from django.apps import AppConfig


class ChatapiConfig(AppConfig):
    name = "chatapi"
    verbose_name = "Service"

    def ready(self) -> None:
        # Importing them registers them.
        from chatapi import celery, checks  # noqa: F401
        from chatapi.db import lookups  # noqa: F401
