from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # A log-out ends its session's token; kinds of mail are registered.
        from accounts import browser_token, mails  # noqa: F401
