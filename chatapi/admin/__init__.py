"""The admin for staff."""

from chatapi.admin import mails  # noqa: F401 (registers its models)
