from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # Importing these modules registers kinds of mail and receivers of signals.
        for module in ("accounts.mails", "accounts.actions.browser_tokens"):
            import_module(module)
