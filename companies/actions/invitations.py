"""Invite people to companies, and answer invitations."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.access.addresses import is_verified
from accounts.actions.addresses import verify_address
from accounts.actions.users import account_for
from accounts.addresses import normalize_email
from accounts.models import User
from chatapi.api.errors import not_found
from chatapi.bus import publish
from chatapi.mail import outbox
from companies.access.companies import lock_company
from companies.access.invitations import blocks_against, lock_invitation
from companies.actions.members import already_member, mark_ended, require_may_assign
from companies.models import Company, InvitationBlock, Membership, Role

RESEND_AFTER = timedelta(minutes=10)


def invite_member(company: Company, by: Role, email: str, role: Role) -> Membership:
    """Invite the person of `email` by mail; they become a member when they accept.

    The result does not reveal whether an account has the address. Inviting somebody again resends
    the mail and sets the new role. Raises ApiError 403 when a member with the role `by` may not
    grant `role`, 422 when the person is a member already.
    """
    require_may_assign(by, role)
    email = normalize_email(email)
    with transaction.atomic():
        lock_company(company.pk)
        if Membership.objects.live().filter(company=company, user__email=email).exists():
            raise already_member()
        invitation = Membership.objects.invited().filter(company=company, email=email).first()
        if invitation is None:
            invitation = Membership.objects.create(company=company, email=email, role=role)
        elif invitation.role != role:
            require_may_assign(by, Role(invitation.role))
            invitation.role = role
            invitation.save(update_fields=["role"])
        mail_invitation(invitation)
    return invitation


def mail_invitation(invitation: Membership) -> None:
    """Post the mail, unless one was sent recently or the person has blocked invitations."""
    now = timezone.now()
    if invitation.mailed_at is not None and invitation.mailed_at > now - RESEND_AFTER:
        return
    if not blocks_against(invitation.email, invitation.company_id).exists():
        outbox.post("company_invitation", invitation.pk, invitation.email)
    invitation.mailed_at = now
    invitation.save(update_fields=["mailed_at"])


def accept_invitation(invitation: Membership, user: User) -> Membership:
    """Make `user` a member, provided that the invited address is theirs and verified.

    Raises ApiError 404 when the invitation is no longer open, or is not theirs.
    """
    with transaction.atomic():
        invitation = lock_invitation(invitation)
        user = User.objects.get(pk=user.pk)
        if invitation.email != user.email or not user.is_active or not is_verified(user):
            raise not_found()
        return fill_invitation(invitation, user)


@sensitive_variables("password")
def accept_with_password(invitation: Membership, password: str) -> Membership:
    """Make the recipient of the invitation's mail a member when they have no verified account.

    The mail verifies the address, and `password` becomes the account's password. Raises ApiError
    404 when the invitation is no longer open, or the address has been verified in the meantime.
    """
    with transaction.atomic():
        invitation = lock_invitation(invitation)
        user = account_for(invitation.email)
        if not user.is_active or is_verified(user):
            raise not_found()
        verify_address(user, password)
        return fill_invitation(invitation, user)


def fill_invitation(invitation: Membership, user: User) -> Membership:
    """Turn an invitation into the membership of `user`."""
    member = Membership.objects.live().filter(company=invitation.company_id, user=user).first()
    if member is not None:  # an operator has added them
        mark_ended(invitation)
        return member
    invitation.user, invitation.email = user, ""
    invitation.save(update_fields=["user", "email"])
    publish.access_changed(f"user:{user.pk}")
    return invitation


def decline_invitation(invitation: Membership, block: str = "") -> Membership:
    """End an invitation at the person's request.

    `block` is "company" to block further invitations from this company, "all" to block every
    company's. Raises ApiError 404 when the invitation is no longer open.
    """
    with transaction.atomic():
        invitation = lock_invitation(invitation)
        mark_ended(invitation)
        if block:
            company = invitation.company if block == "company" else None
            InvitationBlock.objects.get_or_create(email=invitation.email, company=company)
    return invitation


def remove_block(block: InvitationBlock) -> None:
    """Let the invitations through again that a person had blocked."""
    InvitationBlock.objects.filter(pk=block.pk).delete()
