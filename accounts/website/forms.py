"""Forms of the account pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.actions.tokens import DEFAULT_TOKEN_DAYS
from accounts.models import ApiToken


class NameForm(forms.Form):
    first_name = forms.CharField(
        label=_("First name"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )  # fmt: skip
    last_name = forms.CharField(
        label=_("Last name"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )  # fmt: skip


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What it is for"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[("read", _("Read")), ("write", _("Write"))],
        initial=list(ApiToken.SCOPES),
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=_("Days it is good for"), min_value=1, max_value=3650, initial=DEFAULT_TOKEN_DAYS
    )
