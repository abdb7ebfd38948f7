from importlib import import_module

from django.apps import AppConfig


class CompaniesConfig(AppConfig):
    name = "companies"

    def ready(self) -> None:
        import_module("companies.mails")  # registers kinds of mail
