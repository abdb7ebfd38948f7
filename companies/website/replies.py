"""The pages of saved replies: all members read them, managers write them."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from chatapi.api.errors import ApiError
from chatapi.website.forms import SerializerForm
from companies.access.companies import require_role
from companies.access.replies import get_saved_reply, saved_replies
from companies.actions.replies import create_reply, delete_reply, update_reply
from companies.models import Company, Role
from companies.serializers.replies import SavedReplyInput
from companies.website.base import company_page, show


class ReplyForm(SerializerForm):
    serializer_class = SavedReplyInput
    title = forms.CharField(label=gettext_lazy("Title"), max_length=100)
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 5})
    )


@company_page()
@require_http_methods(["GET", "HEAD", "POST"])
def replies(request: HttpRequest, company: Company) -> HttpResponse:
    form = ReplyForm(request.POST or None)
    if request.method == "POST":
        require_role(company, Role.MANAGER, Role.OWNER)
        if form.is_valid():
            try:
                create_reply(company, **form.validated)
            except ApiError as error:
                form.add_api_error(error)
            else:
                messages.success(request, _("Saved."))
                return redirect("saved-replies", company.slug)
    found = saved_replies(company)
    return show(request, "companies/replies.html", company, "replies", replies=found, form=form)


@company_page(Role.MANAGER, Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: HttpRequest, company: Company, reply_id: int) -> HttpResponse:
    """Edit or delete a reply."""
    found = get_saved_reply(company, str(reply_id))
    if request.method == "POST" and "delete" in request.POST:
        delete_reply(found)
        messages.success(request, _("Saved reply deleted."))
        return redirect("saved-replies", company.slug)
    form = ReplyForm(request.POST or None, initial={"title": found.title, "text": found.text})
    if form.is_valid():
        try:
            update_reply(found, form.validated)
        except ApiError as error:
            form.add_api_error(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("saved-replies", company.slug)
    return show(request, "companies/reply.html", company, "replies", reply=found, form=form)
