from django.apps import AppConfig


class ChatsConfig(AppConfig):
    name = "chats"

    def ready(self) -> None:
        from chats import mails  # noqa: F401  registers the kinds of mail
        from chats.actions import departures, tokens  # noqa: F401  hear of what ends
