"""Companies, their members, and the replies they have saved."""

from companies.models.companies import Company
from companies.models.invitations import InvitationBlock
from companies.models.members import Membership, Role
from companies.models.replies import SavedReply

__all__ = ["Company", "InvitationBlock", "Membership", "Role", "SavedReply"]
