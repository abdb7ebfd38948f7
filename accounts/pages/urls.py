"""The pages of one's account."""

from django.urls import path

from accounts.pages import browser_token, tokens, views

urlpatterns = [
    path("account", views.account, name="account"),
    path("account/tokens", tokens.tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke", tokens.revoke, name="revoke-token"),
    path("account/end-access", tokens.end_access, name="end-access"),
    path("account/browser-token", browser_token.issue, name="browser-token"),
]
