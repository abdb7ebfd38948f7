"""The routes of the account pages."""

from django.urls import path

from accounts.website import account, browser_tokens, tokens

urlpatterns = [
    path("account", account.account, name="account"),
    path("account/tokens", tokens.tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke-token"),
    path("account/end-access", tokens.end_access, name="end-access"),
    path("account/browser-token", browser_tokens.issue, name="browser-token"),
]
