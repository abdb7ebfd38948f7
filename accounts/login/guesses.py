"""Limits on guessing an account's secrets: passwords and two-factor codes.

A guess is charged to the browser if it has logged in to the account before, otherwise to the
network. All networks also share one pool per account. Once the pool is empty, a right guess from an
unknown browser is answered like a wrong one, and the account's owner is mailed a link that makes
the browser known. So a crowd of guessers learns nothing and locks nobody out.
"""

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.addresses import normalize_email
from accounts.login.known_browsers import known_browser_id
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge, Verdict, limiter


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess, its charges and whether it is allowed."""

    own: list[Charge]
    pool: Charge | None
    verdict: Verdict  # on the charges to the browser or network
    in_pool: bool  # False: the pool was empty, so even a right guess fails

    def refund(self) -> None:
        """Give back the charges of a right guess."""
        for charge in self.own:
            limiter().give_back(charge)
        if self.pool is not None and self.in_pool:
            limiter().give_back(self.pool)


def charge_guess(request: HttpRequest, email: str, kind: str = "password") -> Guess:
    """Charge a guess at the password or code of `email`, even if there is no such account."""
    email = normalize_email(email)
    browser = known_browser_id(request, email)
    if browser is not None:
        who = f"browser {browser} {kind} {email}"
        own, pool = [Charge("LOGIN", who), Charge("PASSWORD", who)], None
    else:
        own = [Charge("LOGIN", network_address(request))]
        pool = Charge("LOGIN_ACCOUNT", f"{kind} {email}")
    verdict = limiter().take(own)
    in_pool = verdict.allowed and (pool is None or limiter().take([pool]).allowed)
    return Guess(own, pool, verdict, in_pool)
