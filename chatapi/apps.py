from importlib import import_module

from django.apps import AppConfig


class ChatapiConfig(AppConfig):
    name = "chatapi"
    verbose_name = "Service"

    def ready(self) -> None:
        # Importing these modules registers tasks, checks and lookups.
        for module in ("chatapi.celery", "chatapi.checks", "chatapi.db.lookups"):
            import_module(module)
