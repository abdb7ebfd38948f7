"""Every write to companies and their memberships."""

import secrets
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.access.addresses import is_verified
from accounts.actions.addresses import verify_address
from accounts.actions.users import account_for
from accounts.addresses import normal_email
from accounts.models import User
from chatapi.api.errors import ErrorCode, forbidden, not_found, unprocessable
from chatapi.bus.hints import access_changed
from chatapi.mail import outbox
from companies import access
from companies.models import Company, InvitationBlock, Membership, Role, SavedReply


def create_company(owner: User, *, name: str, slug: str = "", **fields: Any) -> Company:
    """A company with `owner` as its owner. Without `slug`, one is made from the name.

    ApiError 422 on `slug` when a given one is taken.
    """
    base = slug or made_from(name)
    for attempt in range(1, 12):
        suffix = f"-{attempt}" if attempt < 10 else f"-{secrets.token_hex(4)}"
        candidate = base if attempt == 1 else base + suffix
        try:
            with transaction.atomic():
                company = Company.objects.create(name=name, slug=candidate, **fields)
                Membership.objects.create(company=company, user=owner, role=Role.OWNER)
        except IntegrityError:
            if slug:
                raise slug_taken() from None
        else:
            access_changed(f"user:{owner.pk}")
            company.role = Role.OWNER  # type: ignore[attr-defined]
            return company
    raise slug_taken()


def made_from(name: str) -> str:
    """A slug out of a name; never all digits, which would read as an id, nor a page's."""
    slug = slugify(name)[:70].strip("-_")
    good = slug and not slug.isdigit() and slug not in Company.RESERVED_SLUGS
    return slug if good else f"company-{slug}".strip("-")


def slug_taken() -> Exception:
    return unprocessable(ErrorCode.VALIDATION_FAILED, _("This slug is taken."), "slug")


def update_company(company: Company, fields: dict[str, Any]) -> Company:
    """Write the fields that are given. ApiError 422 on `slug` when it is taken."""
    for name, value in fields.items():
        setattr(company, name, value)
    if fields:
        try:
            with transaction.atomic():
                company.save(update_fields=list(fields))
        except IntegrityError:
            raise slug_taken() from None
    return company


def delete_company(company: Company) -> Company:
    """Hide a company and all its chats; staff can restore it until it is pruned."""
    company.deleted_at = timezone.now()
    Company.objects.filter(pk=company.pk, deleted_at=None).update(deleted_at=company.deleted_at)
    access_changed(f"company:{company.pk}")
    return company


def restore_company(company: Company) -> None:
    Company.objects.filter(pk=company.pk).update(deleted_at=None)
    access_changed(f"company:{company.pk}")


# --- Invitations -------------------------------------------------------------------------------

MAIL_AGAIN_AFTER = timedelta(minutes=10)


def invite_member(company: Company, by: Role, email: str, role: Role) -> Membership:
    """Invite the person of `email` by mail; they are a member when they accept.

    Nothing here depends on whether an account has the address. Again, the mail is sent once more,
    and the role is the new one. ApiError 403 when `by` may not give the role, 422 when the person
    is a member already.
    """
    require_giver(by, role)
    email = normal_email(email)
    with transaction.atomic():
        lock_company(company.pk)
        if Membership.objects.live().filter(company=company, user__email=email).exists():
            raise already_member()
        invitation = Membership.objects.invited().filter(company=company, email=email).first()
        if invitation is None:
            invitation = Membership.objects.create(company=company, email=email, role=role)
        elif invitation.role != role:
            require_giver(by, Role(invitation.role))
            invitation.role = role
            invitation.save(update_fields=["role"])
        mail_invitation(invitation)
    return invitation


def mail_invitation(invitation: Membership) -> None:
    """Send the mail, unless one has just gone out or the person wants none."""
    now = timezone.now()
    if invitation.mailed_at is not None and invitation.mailed_at > now - MAIL_AGAIN_AFTER:
        return
    if not access.blocks(invitation.email, invitation.company_id).exists():
        outbox.post("company_invitation", invitation.pk, invitation.email)
    invitation.mailed_at = now
    invitation.save(update_fields=["mailed_at"])


def accept_invitation(invitation: Membership, user: User) -> Membership:
    """Make `user`, whose proven address was invited, a member.

    ApiError 404 when the invitation is no longer open, or not this person's.
    """
    with transaction.atomic():
        invitation = lock_invitation(invitation)
        user = User.objects.get(pk=user.pk)
        if invitation.email != user.email or not user.is_active or not is_verified(user):
            raise not_found()
        return settle(invitation, user)


@sensitive_variables("password")
def accept_with_password(invitation: Membership, password: str) -> Membership:
    """Make the person a member who holds the invitation's mail and has no proven account.

    The mail proves the address, and `password` is from now on the account's. ApiError 404 when the
    invitation is no longer open, or the account has been proven meanwhile.
    """
    with transaction.atomic():
        invitation = lock_invitation(invitation)
        user = account_for(invitation.email)
        if not user.is_active or is_verified(user):
            raise not_found()
        verify_address(user, password)
        return settle(invitation, user)


def settle(invitation: Membership, user: User) -> Membership:
    member = Membership.objects.live().filter(company=invitation.company_id, user=user).first()
    if member is not None:  # an operator added them
        end(invitation)
        return member
    invitation.user, invitation.email = user, ""
    invitation.save(update_fields=["user", "email"])
    access_changed(f"user:{user.pk}")
    return invitation


def decline_invitation(invitation: Membership, block: str = "") -> Membership:
    """End an invitation for its person, who may `block` all of the `company`, or `all` there are.

    ApiError 404 when it is no longer open.
    """
    with transaction.atomic():
        invitation = lock_invitation(invitation)
        end(invitation)
        if block:
            company = invitation.company if block == "company" else None
            InvitationBlock.objects.get_or_create(email=invitation.email, company=company)
    return invitation


def lift_block(block: InvitationBlock) -> None:
    """Let the invitations through that a person had blocked."""
    InvitationBlock.objects.filter(pk=block.pk).delete()


def add_member(company: Company, email: str, role: Role) -> Membership:
    """Make the person of `email` a member without asking them; for operators.

    ValidationError when `email` is not an address, ApiError 422 when they are a member already.
    """
    user = account_for(email)
    with transaction.atomic():
        lock_company(company.pk)
        if Membership.objects.live().filter(company=company, user=user).exists():
            raise already_member()
        for invitation in Membership.objects.invited().filter(company=company, email=user.email):
            end(invitation)
        membership = Membership.objects.create(company=company, user=user, role=role)
        access_changed(f"user:{user.pk}")
    return membership


def lock_invitation(invitation: Membership) -> Membership:
    """The invitation as it stands, with other answers kept waiting. ApiError 404 unless open."""
    lock_company(invitation.company_id)
    found = access.open_invitations().filter(pk=invitation.pk).first()
    if found is None:
        raise not_found()
    return found


def already_member() -> Exception:
    return unprocessable(ErrorCode.ALREADY_MEMBER, _("This person is a member already."), "email")


# --- Members -----------------------------------------------------------------------------------


def change_role(membership: Membership, by: Role, role: Role) -> Membership:
    """ApiError 403 when `by` may not give or take the role, 422 for the last owner's."""
    with transaction.atomic():
        membership = lock(membership)
        if membership.ended_at is not None:
            raise not_found()
        if membership.role != role:
            require_giver(by, role)
            require_giver(by, Role(membership.role))
            keep_an_owner(membership)
            membership.role = role
            membership.save(update_fields=["role"])
    return membership


# In the transaction that ends a membership, with `membership` and `rotate_passwords`.
membership_ended = Signal()


def end_membership(
    membership: Membership, by: Role, *, leaves: bool, rotate_passwords: bool = False
) -> Membership:
    """Take a person out of a company, or cancel an invitation; `leaves` when they go themselves.

    Chat users that the membership made are refused from that moment, and `chats` removes them. With
    `rotate_passwords`, the chats that the person could see get new passwords soon after. ApiError
    403 when `by` may not, 422 when the last owner would go.
    """
    if rotate_passwords and not by.manages:
        raise forbidden(ErrorCode.PERMISSION_DENIED, _("This needs the role manager or owner."))
    with transaction.atomic():
        membership = lock(membership)
        if membership.ended_at is None:
            if not leaves:
                require_giver(by, Role(membership.role))
            keep_an_owner(membership)
            end(membership)
            if membership.user_id is not None:
                access_changed(f"user:{membership.user_id}")
                membership_ended.send(
                    Membership, membership=membership, rotate_passwords=rotate_passwords
                )
    return membership


def end(membership: Membership) -> None:
    membership.ended_at = timezone.now()
    membership.save(update_fields=["ended_at"])


def lock(membership: Membership) -> Membership:
    """The membership as it stands, with every other change in its company kept waiting.

    ApiError 404 for an invitation that has been accepted meanwhile: it has another id now.
    """
    lock_company(membership.company_id)
    found = Membership.objects.select_related("user").get(pk=membership.pk)
    if found.public_id != membership.public_id:
        raise not_found()
    return found


def lock_company(company_id: int) -> None:
    """Keep every other change of a company's members waiting."""
    if not Company.objects.select_for_update().filter(pk=company_id).first():
        raise not_found()  # pruned meanwhile


def require_giver(by: Role, role: Role) -> None:
    if role == Role.OWNER and by != Role.OWNER:
        raise forbidden(ErrorCode.PERMISSION_DENIED, _("Only an owner makes or unmakes owners."))
    if not by.manages:
        raise forbidden(ErrorCode.PERMISSION_DENIED, _("This needs the role manager or owner."))


def keep_an_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        return
    owners = Membership.objects.live().filter(company=membership.company_id, role=Role.OWNER)
    if not owners.exclude(pk=membership.pk).exists():
        raise unprocessable(ErrorCode.LAST_OWNER)


MOST_REPLIES = 200  # of a company


def save_reply(company: Company, *, title: str, text: str) -> SavedReply:
    """Prepare an answer. ApiError 422 when the title is taken, or the company has enough."""
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=company.pk)  # one at a time are counted
        if company.saved_replies.count() >= MOST_REPLIES:
            raise unprocessable(
                ErrorCode.VALIDATION_FAILED,
                _("A company has at most %(most)s saved replies.") % {"most": MOST_REPLIES},
            )
        require_free_title(company.pk, title)
        return SavedReply.objects.create(company=company, title=title, text=text)


def change_reply(reply: SavedReply, fields: dict[str, Any]) -> SavedReply:
    """Write the fields that are given. ApiError 422 on `title` when it is taken."""
    if not fields:
        return reply
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=reply.company_id)
        if "title" in fields:
            require_free_title(reply.company_id, fields["title"], but=reply.pk)
        for name, value in fields.items():
            setattr(reply, name, value)
        reply.updated_at = timezone.now()
        reply.save(update_fields=[*fields, "updated_at"])
    return reply


def delete_reply(reply: SavedReply) -> SavedReply:
    """Remove it for good; returns it as it was."""
    SavedReply.objects.filter(pk=reply.pk).delete()
    return reply


def require_free_title(company_id: int, title: str, but: int = 0) -> None:
    taken = SavedReply.objects.filter(company_id=company_id, title=title).exclude(pk=but)
    if taken.exists():
        raise unprocessable(ErrorCode.VALIDATION_FAILED, _("This title is taken."), "title")
