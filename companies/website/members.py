"""The pages to list, invite, change and remove members, and to leave."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from chatapi.api.errors import ApiError
from chatapi.limits.limiter import Charge
from chatapi.website.forms import SerializerForm
from chatapi.website.limits import charge
from companies.access.companies import require_role
from companies.access.members import get_membership, memberships
from companies.actions import members as actions
from companies.actions.invitations import invite_member
from companies.limits import invitation_charges
from companies.models import Company, Membership, Role
from companies.serializers.members import CompanyUserEdit, CompanyUserInput
from companies.website.base import account, company_page, role_of, show

MAX_ROWS = 500

ROLES = [
    (Role.AGENT, gettext_lazy("Agent: answers chats")),
    (Role.MANAGER, gettext_lazy("Manager: also changes settings and invites people")),
    (Role.OWNER, gettext_lazy("Owner: also manages owners and can delete the company")),
]
SHORT_ROLES = [
    (Role.AGENT, gettext_lazy("Agent")),
    (Role.MANAGER, gettext_lazy("Manager")),
    (Role.OWNER, gettext_lazy("Owner")),
]


class InviteForm(SerializerForm):
    serializer_class = CompanyUserInput
    email = forms.CharField(
        label=gettext_lazy("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), initial=Role.AGENT)

    def __init__(self, *args: Any, by: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.choices = [each for each in ROLES if by == Role.OWNER or each[0] != Role.OWNER]


class RoleForm(SerializerForm):
    serializer_class = CompanyUserEdit
    role = forms.ChoiceField(label=gettext_lazy("Role"))

    def __init__(self, *args: Any, by: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.choices = [each for each in SHORT_ROLES if by == Role.OWNER or each[0] != Role.OWNER]


@company_page()
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest, company: Company) -> HttpResponse:
    role = role_of(company)
    if request.method != "POST":
        return show_members(request, company, InviteForm(by=role))
    require_role(company, Role.MANAGER, Role.OWNER)
    form = InviteForm(request.POST, by=role)
    if form.is_valid():
        email = form.validated["email"]
        charge(
            request,
            Charge("CODE_MAIL", f"company {company.pk} {email}"),
            *invitation_charges(account(request), company),
        )
        try:
            invite_member(company, role, email, Role(form.validated["role"]))
        except ApiError as error:
            form.add_api_error(error)
        else:
            messages.success(request, _("We sent an invitation to %(email)s.") % {"email": email})
            return redirect("members", company.slug)
    return show_members(request, company, form)


def show_members(request: HttpRequest, company: Company, form: InviteForm) -> HttpResponse:
    me, role = account(request), role_of(company)

    def row(membership: Membership) -> dict[str, Any]:
        may_change = role == Role.OWNER or (role.manages and membership.role != Role.OWNER)
        choice = RoleForm(
            by=role, initial={"role": membership.role}, auto_id=f"role-{membership.public_id}-%s"
        )
        return {
            "membership": membership,
            "is_me": membership.user_id == me.pk,
            "form": choice if may_change else None,
            "may_remove": may_change,
        }

    rows = [row(membership) for membership in memberships(company)[:MAX_ROWS]]
    return show(request, "companies/members.html", company, "members", rows=rows, form=form)


@company_page(Role.MANAGER, Role.OWNER)
@require_POST
def change_role(request: HttpRequest, company: Company, member: str) -> HttpResponse:
    membership = get_membership(company, member)
    form = RoleForm(request.POST, by=role_of(company))
    if form.is_valid():
        try:
            actions.change_role(membership, role_of(company), Role(form.validated["role"]))
        except ApiError as error:
            if error.status_code != 422:
                raise
            messages.error(request, error.message)
        else:
            messages.success(request, _("Saved."))
    return redirect("members", company.slug)


@company_page()
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, company: Company, member: str) -> HttpResponse:
    """Remove a member, leave, or cancel an invitation, after a confirmation."""
    membership = get_membership(company, member)
    leaves = membership.user_id == account(request).pk
    if not leaves:
        actions.require_may_assign(role_of(company), Role(membership.role))
    if request.method == "POST":
        try:
            rotate = not leaves and "rotate_passwords" in request.POST
            actions.end_membership(
                membership, role_of(company), leaves=leaves, rotate_passwords=rotate
            )
        except ApiError as error:
            if error.status_code != 422:
                raise
            messages.error(request, error.message)
            return redirect("members", company.slug)
        if leaves:
            messages.success(request, _("You left %(company)s.") % {"company": company.name})
            return redirect("companies")
        if membership.user is None:
            text = _("Invitation for %(email)s cancelled.") % {"email": membership.email}
        else:
            text = _("%(name)s was removed.") % {"name": membership.user.name}
        messages.success(request, text)
        return redirect("members", company.slug)
    return show(
        request, "companies/remove.html", company, "members", membership=membership, leaves=leaves
    )
