"""The pages for invited people: accept, decline, and remove blocks."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.addresses import is_verified
from accounts.actions.addresses import verify_address
from accounts.login.passwords import PasswordForm, log_in
from accounts.models import User
from chatapi.api.errors import ApiError
from companies.access.invitations import blocks_of, get_invitation, invitation_from_link_key
from companies.actions import invitations as actions
from companies.models import Company, Membership
from companies.website.base import account

reads_and_writes = require_http_methods(["GET", "HEAD", "POST"])


class DeclineForm(forms.Form):
    block = forms.ChoiceField(
        label=gettext_lazy("What do you want to decline?"),
        required=False,
        initial="",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        block: Any = self.fields["block"]
        block.choices = [
            ("", gettext_lazy("Only this invitation")),
            (
                "company",
                gettext_lazy("All invitations from %(company)s") % {"company": company.name},
            ),
            ("all", gettext_lazy("All invitations from any company")),
        ]


@never_cache
@sensitive_post_parameters()
@reads_and_writes
def by_mail(request: HttpRequest, key: str) -> HttpResponseBase:
    """The page that the mailed link opens. Its key proves access to the mailbox."""
    invitation = invitation_from_link_key(key)
    step = next_step(request, invitation)
    if invitation is None or step == "closed":
        if request.method == "POST":
            raise Http404
        return render(request, "companies/invitation_closed.html")
    if request.POST.get("answer") == "decline":
        return decline(request, invitation)
    accepts = request.POST.get("answer") == "accept"
    form = PasswordForm(
        data=request.POST if accepts and step == "password" else None,
        user=User.objects.filter(email=invitation.email).first() or User(email=invitation.email),
    )
    if accepts and step == "accept":
        if not is_verified(account(request)):
            verify_address(account(request))
        return accept(request, invitation)
    if form.is_valid():
        return accept_with_password(request, invitation, form)
    return show(request, invitation, step, form)


def next_step(request: HttpRequest, invitation: Membership | None) -> str:
    """Return what the recipient of the mail has to do next."""
    if invitation is None:
        return "closed"
    if request.user.is_authenticated:
        return "accept" if account(request).email == invitation.email else "log_out"
    user = User.objects.filter(email=invitation.email).first()
    if user is None:
        return "password"
    if not user.is_active:
        return "closed"
    # If the address is not verified, the password may be a stranger's.
    return "log_in" if is_verified(user) else "password"


@login_required
@never_cache
@reads_and_writes
def invitation(request: HttpRequest, invitation_id: int) -> HttpResponseBase:
    """The same page, for an account that is logged in and whose address is verified."""
    try:
        found = get_invitation(account(request), invitation_id)
    except ApiError as error:
        raise Http404 from error
    answer = request.POST.get("answer")
    if answer == "accept":
        return accept(request, found)
    return decline(request, found) if answer == "decline" else show(request, found, "accept")


def show(
    request: HttpRequest, invitation: Membership, step: str, form: PasswordForm | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "section": "companies",
        "company": invitation.company,
        "membership": invitation,
        "step": step,
        "form": form,
        "decline": DeclineForm(company=invitation.company),
    }
    return render(request, "companies/invitation.html", context)


def accept(request: HttpRequest, invitation: Membership) -> HttpResponse:
    try:
        actions.accept_invitation(invitation, account(request))
    except ApiError as error:
        raise Http404 from error
    messages.success(request, joined(invitation))
    return redirect("company", invitation.company.slug)


def accept_with_password(
    request: HttpRequest, invitation: Membership, form: PasswordForm
) -> HttpResponseBase:
    try:
        member = actions.accept_with_password(invitation, form.cleaned_data["password1"])
    except ApiError as error:
        raise Http404 from error
    assert member.user is not None
    messages.success(request, joined(invitation))
    return log_in(request, member.user, reverse("company", args=[invitation.company.slug]))


def joined(invitation: Membership) -> str:
    return _("You are now a member of %(company)s.") % {"company": invitation.company.name}


def decline(request: HttpRequest, invitation: Membership) -> HttpResponse:
    form = DeclineForm(request.POST, company=invitation.company)
    block = form.cleaned_data["block"] if form.is_valid() else ""
    try:
        actions.decline_invitation(invitation, block)
    except ApiError as error:
        raise Http404 from error
    messages.success(request, _("Invitation declined."))
    return redirect("companies" if request.user.is_authenticated else "home")


@login_required
@never_cache
@require_POST
def lift_block(request: HttpRequest, block_id: int) -> HttpResponse:
    actions.remove_block(get_object_or_404(blocks_of(account(request)), pk=block_id))
    messages.success(request, _("You will receive these invitations again."))
    return redirect("companies")
