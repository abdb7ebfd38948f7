"""Permissions by the caller's role in the company that the URL names.

In the schema, `who` begins the description of each action.
"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from companies.access.companies import require_role
from companies.models import Role


class CompanyMember(BasePermission):
    """Any role. Callers who are not members get 404 from `view.company`."""

    roles: tuple[Role, ...] = tuple(Role)

    def has_permission(self, request: Request, view: Any) -> bool:
        require_role(view.company, *self.roles)
        return True


class CompanyManager(CompanyMember):
    who = "For managers and owners."
    roles = (Role.MANAGER, Role.OWNER)


class CompanyOwner(CompanyMember):
    who = "For owners."
    roles = (Role.OWNER,)
