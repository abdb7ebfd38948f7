"""The pages of companies."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@login_required
def companies(request: HttpRequest) -> HttpResponse:
    return render(request, "companies/companies.html", {"section": "companies"})
