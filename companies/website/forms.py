"""Forms of the company pages, validated by the API's serializers."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chatapi.website.forms import RulesForm
from companies.hours import WEEKDAYS, timezones
from companies.models import Company, Role
from companies.serializers.companies import CompanyInput
from companies.serializers.members import CompanyUserEdit, CompanyUserInput
from companies.website import hours

ROLES = [
    (Role.AGENT, _("Agent: answers chats")),
    (Role.MANAGER, _("Manager: and changes settings, invites people")),
    (Role.OWNER, _("Owner: and makes owners, deletes the company")),
]
SHORT_ROLES = [(Role.AGENT, _("Agent")), (Role.MANAGER, _("Manager")), (Role.OWNER, _("Owner"))]
DAYS = dict(
    zip(
        WEEKDAYS,
        (
            _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"),
            _("Sunday"),
        ),
        strict=True,
    )
)  # fmt: skip


def given(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


class NewCompanyForm(RulesForm):
    rules = CompanyInput
    name = forms.CharField(label=_("Name"), max_length=200)


class CompanyForm(RulesForm):
    rules = CompanyInput
    name = forms.CharField(label=_("Name"), max_length=200)
    slug = forms.CharField(
        label=_("Short name"), max_length=80,
        help_text=_("In links. Those of before stop working when you change it."),
    )  # fmt: skip
    logo_url = forms.CharField(
        label=_("Address of the logo"), max_length=500, required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )  # fmt: skip
    verify_first_join = forms.BooleanField(
        label=_("Visitors prove their address when they first join"), required=False,
        help_text=_("By a code in a mail. Otherwise only when they come back."),
    )  # fmt: skip
    edit_window_minutes = forms.IntegerField(
        label=_("Minutes in which a message can be edited"), min_value=0, max_value=525_600
    )
    chat_user_token_days = forms.IntegerField(
        label=_("Days until a visitor needs another code"), min_value=1, max_value=365
    )
    allowed_origins = forms.CharField(
        label=_("Websites that may show the chat"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One a line, like https://example.com. Elsewhere the button opens a window."),
    )  # fmt: skip
    limited = forms.BooleanField(label=_("Only in these hours"), required=False)
    timezone = forms.ChoiceField(
        label=_("Time zone"), required=False,
        choices=lambda: [("", "-"), *((name, name) for name in timezones())],
    )  # fmt: skip
    closed_text = forms.CharField(
        label=_("What visitors read out of hours"), max_length=500, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day, label in DAYS.items():
            self.fields[day] = forms.CharField(label=label, required=False, max_length=200)

    @classmethod
    def of(cls, company: Company) -> "CompanyForm":
        """Return the form, filled in with the company's values."""
        kept: dict[str, Any] = company.opening_hours
        plain = {
            name: getattr(company, name)
            for name in (
                "name", "slug", "logo_url", "verify_first_join", "edit_window_minutes",
                "chat_user_token_days", "closed_text",
            )
        }  # fmt: skip
        return cls(
            initial={
                **plain,
                "allowed_origins": "\n".join(company.allowed_origins),
                "limited": bool(kept),
                "timezone": kept.get("timezone", ""),
                **{day: hours.format_ranges(kept.get(day)) for day in DAYS},
            }
        )

    def weekdays(self) -> list[forms.BoundField]:
        return [self[day] for day in DAYS]

    def taken(self, values: dict[str, Any]) -> dict[str, Any]:
        body = given(
            values, "name", "slug", "logo_url", "verify_first_join", "edit_window_minutes",
            "chat_user_token_days", "closed_text",
        )  # fmt: skip
        lines = values.get("allowed_origins", "").splitlines()
        body["allowed_origins"] = [line for line in lines if line.strip()]
        body["opening_hours"] = self.opening_hours(values) if values.get("limited") else {}
        return body

    def opening_hours(self, values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"timezone": values.get("timezone", "")}
        if not found["timezone"] and "timezone" not in self.errors:
            self.add_error("timezone", _("Choose a time zone."))
        for day in DAYS:
            try:
                found[day] = hours.parse_ranges(values.get(day, ""))
            except ValidationError as error:
                self.add_error(day, error)
        return found


class InviteForm(RulesForm):
    rules = CompanyUserInput
    email = forms.CharField(
        label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), initial=Role.AGENT)

    def __init__(self, *args: Any, by: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.choices = [each for each in ROLES if by == Role.OWNER or each[0] != Role.OWNER]


class RoleForm(RulesForm):
    rules = CompanyUserEdit
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, by: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.choices = [each for each in SHORT_ROLES if by == Role.OWNER or each[0] != Role.OWNER]


class DeclineForm(forms.Form):
    block = forms.ChoiceField(
        label=_("What to decline"), required=False, initial="", widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        block: Any = self.fields["block"]
        block.choices = [
            ("", _("Only this invitation")),
            ("company", _("All invitations from %(company)s") % {"company": company.name}),
            ("all", _("All invitations, from any company")),
        ]


class DeleteForm(forms.Form):
    name = forms.CharField(
        label=_("Type the company's name"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company = company

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.casefold() != self.company.name.strip().casefold():
            raise ValidationError(_("This is not its name."))
        return name
