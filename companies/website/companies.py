"""The pages to list, create, configure and delete companies."""

from django.conf import settings as project
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chatapi.api.errors import ApiError
from chatapi.limits.limiter import Charge
from chatapi.website.limits import charge
from companies.access.companies import companies_for, get_company, require_role
from companies.access.invitations import blocks_of, invitations_for
from companies.actions.companies import create_company, delete_company, update_company
from companies.models import Company, Role
from companies.website.base import account, company_page, role_of, show
from companies.website.forms import CompanyForm, DeleteForm, NewCompanyForm

reads_and_writes = require_http_methods(["GET", "HEAD", "POST"])


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
        company = create_company(account(request), **form.valid)
        messages.success(request, _("The company is made. You own it."))
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
            update_company(company, form.valid)
        except ApiError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("company", company.slug)
    return show_settings(request, get_company(account(request), before), form)


def show_settings(request: HttpRequest, company: Company, form: CompanyForm) -> HttpResponse:
    url = project.PUBLIC_URL
    snippet = f'<script src="{url}/embed.js" data-company="{company.slug}" defer></script>'
    return show(
        request, "companies/settings.html", company, "settings",
        form=form, snippet=snippet, start_url=f"{url}/start/{company.slug}",
        owns=role_of(company) == Role.OWNER,
    )  # fmt: skip


@company_page(Role.OWNER)
@reads_and_writes
def delete(request: HttpRequest, company: Company) -> HttpResponse:
    form = DeleteForm(request.POST or None, company=company)
    if form.is_valid():
        delete_company(company)
        messages.success(request, _("The company is deleted."))
        return redirect("companies")
    days = project.KEEP_DELETED_DAYS
    return show(request, "companies/delete.html", company, "settings", form=form, days=days)
