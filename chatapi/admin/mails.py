"""Outgoing mails in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from chatapi.admin.base import ReadOnlyAdmin, StateFilter
from chatapi.mail import outbox
from chatapi.mail.letters import KINDS
from chatapi.models import OutgoingMail


class MailStateFilter(StateFilter):
    states = {
        "waiting": lambda mails: mails.filter(sent_at=None, dropped_at=None),
        "sent": lambda mails: mails.filter(sent_at__isnull=False),
        "dropped": lambda mails: mails.filter(sent_at=None, dropped_at__isnull=False),
    }


class MailKindFilter(admin.SimpleListFilter):
    """Lists the registered kinds, because a query for distinct kinds would read the whole table."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind.replace("_", " ").capitalize()) for kind in sorted(KINDS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    list_display = ("to", "kind", "state", "attempts", "created_at", "sent_at", "short_error")
    list_filter = (MailStateFilter, MailKindFilter)
    search_fields = ("to",)
    search_help_text = "An e-mail address, or a part of one"
    date_hierarchy = "created_at"
    actions = ("send_again_now",)
    fields = (
        "to",
        "kind",
        "about",
        "state",
        "attempts",
        "last_error",
        "created_at",
        "leased_until",
        "sent_at",
        "dropped_at",
    )

    @admin.display(description="state")
    def state(self, mail: OutgoingMail) -> str:
        if mail.sent_at:
            return "sent"
        return "dropped" if mail.dropped_at else "waiting"

    @admin.display(description="last error")
    def short_error(self, mail: OutgoingMail) -> str:
        return Truncator(mail.last_error).chars(80)

    @admin.action(description="Send again now", permissions=["operate"])
    def send_again_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.act(request, queryset, outbox.send_again, "handed over to be sent")
