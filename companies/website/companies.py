"""The pages to list, create, configure and delete companies."""

from typing import Any

from django import forms
from django.conf import settings as project
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chatapi.api.errors import ApiError
from chatapi.limits.limiter import Charge
from chatapi.website.forms import SerializerForm
from chatapi.website.limits import charge
from companies.access.companies import companies_for, get_company, require_role
from companies.access.invitations import blocks_of, invitations_for
from companies.actions.companies import create_company, delete_company, update_company
from companies.hours import timezones
from companies.models import Company, Role
from companies.models.companies import MAX_NAME_LENGTH
from companies.serializers.companies import CompanyInput
from companies.website.base import account, company_page, role_of, show
from companies.website.hours import WEEKDAY_LABELS, format_ranges, parse_ranges

reads_and_writes = require_http_methods(["GET", "HEAD", "POST"])


def given(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


class NewCompanyForm(SerializerForm):
    serializer_class = CompanyInput
    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NAME_LENGTH)


class CompanyForm(SerializerForm):
    serializer_class = CompanyInput
    # The fields whose values the form takes from the company, and sends, as they are.
    PLAIN_FIELDS = (
        "name",
        "slug",
        "logo_url",
        "verify_first_join",
        "mail_transcripts",
        "edit_window_minutes",
        "chat_user_token_days",
        "closed_text",
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NAME_LENGTH)
    slug = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=80,
        help_text=gettext_lazy(
            "Used in links. If you change it, existing links will stop working."
        ),
    )
    logo_url = forms.CharField(
        label=gettext_lazy("Logo URL"),
        max_length=500,
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
    )
    verify_first_join = forms.BooleanField(
        label=gettext_lazy("Verify addresses on a visitor's first join"),
        required=False,
        help_text=gettext_lazy(
            "We email visitors a code. If off, they only need one when they return."
        ),
    )
    mail_transcripts = forms.BooleanField(
        label=gettext_lazy("Email the transcript when a chat is closed"),
        required=False,
        help_text=gettext_lazy("To the visitors in the chat who have verified their address."),
    )
    edit_window_minutes = forms.IntegerField(
        label=gettext_lazy("Messages can be edited for (minutes)"),
        min_value=0,
        max_value=525_600,
    )
    chat_user_token_days = forms.IntegerField(
        label=gettext_lazy("Visitors need a new code after (days)"), min_value=1, max_value=365
    )
    allowed_origins = forms.CharField(
        label=gettext_lazy("Websites that can embed the chat"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One per line, for example https://example.com. On other websites, the button opens "
            "a new window."
        ),
    )
    limited = forms.BooleanField(label=gettext_lazy("Limit to opening hours"), required=False)
    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        choices=lambda: [("", "-"), *((name, name) for name in timezones())],
    )
    closed_text = forms.CharField(
        label=gettext_lazy("Message outside opening hours"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day, label in WEEKDAY_LABELS.items():
            self.fields[day] = forms.CharField(label=label, required=False, max_length=200)

    @classmethod
    def of(cls, company: Company) -> "CompanyForm":
        """Return the form, filled in with the company's values."""
        stored: dict[str, Any] = company.opening_hours
        initial = {name: getattr(company, name) for name in cls.PLAIN_FIELDS}
        return cls(
            initial={
                **initial,
                "allowed_origins": "\n".join(company.allowed_origins),
                "limited": bool(stored),
                "timezone": stored.get("timezone", ""),
                **{day: format_ranges(stored.get(day)) for day in WEEKDAY_LABELS},
            }
        )

    def weekdays(self) -> list[forms.BoundField]:
        return [self[day] for day in WEEKDAY_LABELS]

    def serializer_input(self, values: dict[str, Any]) -> dict[str, Any]:
        body = given(values, *self.PLAIN_FIELDS)
        lines = values.get("allowed_origins", "").splitlines()
        body["allowed_origins"] = [line for line in lines if line.strip()]
        body["opening_hours"] = self.opening_hours(values) if values.get("limited") else {}
        return body

    def opening_hours(self, values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"timezone": values.get("timezone", "")}
        if not found["timezone"] and "timezone" not in self.errors:
            self.add_error("timezone", _("Select a time zone."))
        for day in WEEKDAY_LABELS:
            try:
                found[day] = parse_ranges(values.get(day, ""))
            except ValidationError as error:
                self.add_error(day, error)
        return found


class DeleteForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Enter the company name to confirm"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company = company

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.casefold() != self.company.name.strip().casefold():
            raise ValidationError(_("This does not match the company name."))
        return name


@login_required
@never_cache
@require_safe
def companies(request: HttpRequest) -> HttpResponse:
    user = account(request)
    context = {
        "section": "companies",
        "companies": companies_for(user),
        "invitations": invitations_for(user),
        "blocks": blocks_of(user),
    }
    return render(request, "companies/companies.html", context)


@login_required
@never_cache
@reads_and_writes
def new(request: HttpRequest) -> HttpResponse:
    form = NewCompanyForm(request.POST or None)
    if form.is_valid():
        charge(request, Charge("WRITE", f"user {account(request).pk}"))
        company = create_company(account(request), **form.validated)
        messages.success(request, _("Company created. You are its owner."))
        return redirect("company", company.slug)
    return render(request, "companies/new.html", {"section": "companies", "form": form})


@company_page()
@reads_and_writes
def settings(request: HttpRequest, company: Company) -> HttpResponse:
    """Agents can read the settings, managers can change them."""
    if request.method != "POST":
        return show_settings(request, company, CompanyForm.of(company))
    require_role(company, Role.MANAGER, Role.OWNER)
    form = CompanyForm(request.POST)
    before = company.slug
    if form.is_valid():
        try:
            update_company(company, form.validated)
        except ApiError as error:
            form.add_api_error(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("company", company.slug)
    return show_settings(request, get_company(account(request), before), form)


def show_settings(request: HttpRequest, company: Company, form: CompanyForm) -> HttpResponse:
    url = project.PUBLIC_URL
    snippet = f'<script src="{url}/embed.js" data-company="{company.slug}" defer></script>'
    return show(
        request,
        "companies/settings.html",
        company,
        "settings",
        form=form,
        snippet=snippet,
        start_url=f"{url}/start/{company.slug}",
        owns=role_of(company) == Role.OWNER,
    )


@company_page(Role.OWNER)
@reads_and_writes
def delete(request: HttpRequest, company: Company) -> HttpResponse:
    form = DeleteForm(request.POST or None, company=company)
    if form.is_valid():
        delete_company(company)
        messages.success(request, _("Company deleted."))
        return redirect("companies")
    days = project.KEEP_DELETED_DAYS
    return show(request, "companies/delete.html", company, "settings", form=form, days=days)
