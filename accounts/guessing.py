"""Limits of guessing an account's secrets: passwords and two-factor codes.

A guess counts for whoever makes it: for a browser that has logged in to the account before, or
else for the network. All networks share a pool for each account. When that is empty, a right guess
from an unknown browser is answered like a wrong one, and the account's owner is sent a link that
makes the browser known; so a crowd of guessers learns nothing and locks nobody out.
"""

from dataclasses import dataclass

from django.http import HttpRequest

from accounts import known_browser
from accounts.addresses import normal_email
from chatapi.limits.address import network_address
from chatapi.limits.limiter import Charge, Verdict, limiter


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess: its charges, and what became of them."""

    own: list[Charge]
    pool: Charge | None
    verdict: Verdict  # of the guesser's own limits
    in_pool: bool  # whether the pool had one left; True for a known browser

    def was_right(self) -> None:
        """Only wrong ones count."""
        for charge in self.own:
            limiter().give_back(charge)
        if self.pool is not None and self.in_pool:
            limiter().give_back(self.pool)


def guess(request: HttpRequest, email: str, what: str = "password") -> Guess:
    """Count a guess at `what` protects the account of `email`, whether there is one or not."""
    email = normal_email(email)
    browser = known_browser.knows(request, email)
    if browser is not None:
        who = f"browser {browser} {what} {email}"
        own, pool = [Charge("LOGIN", who), Charge("PASSWORD", who)], None
    else:
        own = [Charge("LOGIN", network_address(request))]
        pool = Charge("LOGIN_ACCOUNT", f"{what} {email}")
    verdict = limiter().take(own)
    in_pool = verdict.allowed and (pool is None or limiter().take([pool]).allowed)
    return Guess(own, pool, verdict, in_pool)
