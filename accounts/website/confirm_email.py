"""The page that a confirmation link opens.

Opening the link verifies the address, but does not prove who chose the account's password. In the
browser that signed up, one press is enough; in any other, the owner sets a new password.
"""

from functools import cached_property
from typing import Any

from allauth.account import views
from allauth.account.models import EmailConfirmationHMAC
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.actions.addresses import verify_address
from accounts.login.passwords import PasswordForm, knows_password, log_in
from accounts.models import User


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class ConfirmEmailView(views.ConfirmEmailView):
    request: HttpRequest

    def get_object(self, queryset: Any = None) -> EmailConfirmationHMAC:
        found = super().get_object(queryset)
        if not found.email_address.user.is_active:
            raise Http404
        return found

    @property
    def owner(self) -> User:
        user: User = self.object.email_address.user
        return user

    @property
    def is_another_address(self) -> bool:
        """Return whether the account would change from its current address to this one."""
        return bool(self.owner.email != self.object.email_address.email)

    @property
    def must_log_in(self) -> bool:
        """The address's owner must not confirm a change that a stranger's account requested."""
        return self.is_another_address and self.request.user != self.owner

    @cached_property
    def form(self) -> PasswordForm | None:
        """The form for a new password, or None where none is needed."""
        known = self.request.user == self.owner or knows_password(self.request, self.owner)
        if known or self.is_another_address:
            return None
        data = self.request.POST if self.request.method == "POST" else None
        return PasswordForm(user=self.owner, data=data)

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.object = self.get_object()
        except Http404:
            self.object = None
        return self.render_page()

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.object = self.get_object()
        if self.must_log_in:
            return self.render_page()
        if self.form is None:
            response: HttpResponseBase = super().post(*args, **kwargs)
            return response
        if not self.form.is_valid():
            return self.render_page()
        verify_address(self.owner, self.form.cleaned_data["password1"])
        self.logout_other_user(self.object)
        return log_in(self.request, self.owner)

    def render_page(self) -> HttpResponseBase:
        response: HttpResponseBase = self.render_to_response(self.get_context_data())
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if self.object:
            context |= {"form": self.form, "must_log_in": self.must_log_in}
        return context


confirm_email = ConfirmEmailView.as_view()
