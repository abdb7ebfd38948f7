from django.apps import AppConfig


class ChatapiConfig(AppConfig):
    name = "chatapi"
    verbose_name = "Service"

    def ready(self) -> None:
        from chatapi import celery, checks, lookups  # noqa: F401  registers them and the tasks' app
