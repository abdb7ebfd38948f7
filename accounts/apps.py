from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # A log-out ends its session's token; kinds of mail are registered.
        from accounts import mails  # noqa: F401
        from accounts.actions import browser_tokens  # noqa: F401
