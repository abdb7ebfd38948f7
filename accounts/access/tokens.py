"""Lock personal access tokens."""

from django.utils import timezone

from accounts.models import ApiToken
from chatapi.api.errors import ApiError, ErrorCode


def lock_token(token: ApiToken) -> ApiToken:
    """Return the token's current row; it cannot be revoked until the transaction ends.

    To avoid deadlocks, take this lock before any other. Raises ApiError 401 when the token is
    revoked or expired.
    """
    live = ApiToken.objects.live(timezone.now()).select_for_update(of=("self",), no_key=True)
    found = live.filter(pk=token.pk).first()
    if found is None:
        raise ApiError(ErrorCode.INVALID_TOKEN)
    return found
