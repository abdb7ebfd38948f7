"""Access and context shared by the pages of one company."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.models import User
from chatapi.api.errors import ApiError
from companies.access.companies import get_company, require_role
from companies.models import Company, Role

View = Callable[..., HttpResponse]


def account(request: HttpRequest) -> User:
    """Return the account, on a page that requires a log-in."""
    assert isinstance(request.user, User)
    return request.user


def role_of(company: Company) -> Role:
    """Return the caller's role in a company that `get_company` returned."""
    return Role(company.role)


def company_page(*roles: Role) -> Callable[[View], View]:
    """Decorate a page below `companies/<slug>`; the view receives the company.

    People who are not members get 404, members without one of `roles` 403. Errors 404 and 403 from
    actions become the same pages.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponse:
            try:
                company = get_company(account(request), slug)
                require_role(company, *(roles or tuple(Role)))
                return view(request, company, **kwargs)
            except ApiError as error:
                if error.status_code == 404:
                    raise Http404 from error
                if error.status_code == 403:
                    raise PermissionDenied from error
                raise

        return never_cache(login_required(wrapped))

    return decorate


def show(
    request: HttpRequest, template: str, company: Company, tab: str, **context: Any
) -> HttpResponse:
    """Render a page of a company, with `tab` selected in its navigation."""
    context |= {
        "section": "companies",
        "tab": tab,
        "company": company,
        "role": role_of(company),
        "manages": role_of(company).manages,
    }
    return render(request, template, context)
