"""Print mail to the terminal in readable form: the recipients, the subject and the text."""

from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as ConsoleBackend


class EmailBackend(ConsoleBackend):
    def write_message(self, message: EmailMessage) -> None:
        stream: Any = self.stream
        rule = "-" * 72
        stream.write(
            f"{rule}\nTo: {', '.join(message.recipients())}\nSubject: {message.subject}\n\n"
            f"{message.body.rstrip()}\n{rule}\n"
        )
