from django.apps import AppConfig


class ChatapiConfig(AppConfig):
    name = "chatapi"
    verbose_name = "Service"

    def ready(self) -> None:
        from chatapi import checks  # noqa: F401  registers the deployment checks
