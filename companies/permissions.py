"""What a caller's role in the company of the URL allows."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from companies.access.companies import require_role
from companies.models import Role


class CompanyMember(BasePermission):
    """Any role; an outsider is told 404."""

    roles: tuple[Role, ...] = tuple(Role)

    def has_permission(self, request: Request, view: Any) -> bool:
        require_role(view.company, *self.roles)
        return True


class CompanyManager(CompanyMember):
    roles = (Role.MANAGER, Role.OWNER)


class CompanyOwner(CompanyMember):
    roles = (Role.OWNER,)
