"""People with an account, and the personal access tokens they act by."""

from accounts.models.tokens import ApiToken
from accounts.models.users import User

__all__ = ["ApiToken", "User"]
