from importlib import import_module

from django.apps import AppConfig


class ChatsConfig(AppConfig):
    name = "chats"

    def ready(self) -> None:
        # Importing these modules registers kinds of mail and receivers of signals.
        for module in ("chats.mails", "chats.receivers"):
            import_module(module)
