from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # Connect the receivers that revoke browser tokens, and register the kinds of mail.
        from accounts import mails  # noqa: F401
        from accounts.actions import browser_tokens  # noqa: F401
