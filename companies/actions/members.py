"""Add members, change their roles and end memberships."""

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions.users import account_for
from chatapi.api.errors import ApiError, ErrorCode, not_found
from chatapi.bus import publish
from companies.access.companies import lock_company
from companies.access.members import lock_membership
from companies.models import Company, Membership, Role

# Sent in the transaction that ends a membership, with `membership` and `rotate_passwords`.
membership_ended = Signal()


def add_member(company: Company, email: str, role: Role) -> Membership:
    """Make the person of `email` a member without asking them. For operators.

    Raises ValidationError when `email` is not an address, ApiError 422 when the person is a member
    already.
    """
    user = account_for(email)
    with transaction.atomic():
        lock_company(company.pk)
        if Membership.objects.live().filter(company=company, user=user).exists():
            raise already_member()
        for invitation in Membership.objects.invited().filter(company=company, email=user.email):
            mark_ended(invitation)
        membership = Membership.objects.create(company=company, user=user, role=role)
        publish.access_changed(f"user:{user.pk}")
    return membership


def change_role(membership: Membership, by: Role, role: Role) -> Membership:
    """Give a member another role.

    Raises ApiError 403 when a member with the role `by` may not grant `role` or revoke the current
    one, 422 when the last owner would lose theirs.
    """
    with transaction.atomic():
        membership = lock_membership(membership)
        if membership.ended_at is not None:
            raise not_found()
        if membership.role != role:
            require_may_assign(by, role)
            require_may_assign(by, Role(membership.role))
            require_another_owner(membership)
            membership.role = role
            membership.save(update_fields=["role"])
    return membership


def end_membership(
    membership: Membership, by: Role, *, leaves: bool, rotate_passwords: bool = False
) -> Membership:
    """Remove a member from a company or cancel an invitation; with `leaves`, the member leaves.

    Chat users that belong to the membership lose access at once; `chats` removes them later. With
    `rotate_passwords`, the chats that the person could see get new passwords soon afterwards.
    Raises ApiError 403 when the role `by` does not allow it, 422 when the last owner would go.
    """
    if rotate_passwords and not by.manages:
        raise ApiError(ErrorCode.PERMISSION_DENIED, _("Only managers and owners can do this."))
    with transaction.atomic():
        membership = lock_membership(membership)
        if membership.ended_at is None:
            if not leaves:
                require_may_assign(by, Role(membership.role))
            require_another_owner(membership)
            mark_ended(membership)
            if membership.user_id is not None:
                publish.access_changed(f"user:{membership.user_id}")
                membership_ended.send(
                    Membership, membership=membership, rotate_passwords=rotate_passwords
                )
    return membership


def mark_ended(membership: Membership) -> None:
    membership.ended_at = timezone.now()
    membership.save(update_fields=["ended_at"])


def require_may_assign(by: Role, role: Role) -> None:
    """Raise ApiError 403 unless a member with the role `by` may grant and revoke `role`."""
    if role == Role.OWNER and by != Role.OWNER:
        raise ApiError(
            ErrorCode.PERMISSION_DENIED, _("Only owners can grant or revoke the role owner.")
        )
    if not by.manages:
        raise ApiError(ErrorCode.PERMISSION_DENIED, _("Only managers and owners can do this."))


def require_another_owner(membership: Membership) -> None:
    """Raise ApiError 422 when `membership` is that of the last owner."""
    if membership.role != Role.OWNER:
        return
    owners = Membership.objects.live().filter(company=membership.company_id, role=Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise ApiError(ErrorCode.LAST_OWNER)


def already_member() -> ApiError:
    return ApiError(ErrorCode.ALREADY_MEMBER, _("This person is already a member."), "email")
