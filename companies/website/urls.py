"""The routes of the company pages."""

from django.urls import path

from companies.website import companies, invitations, members, replies

urlpatterns = [
    path("companies", companies.companies, name="companies"),
    path("companies/new", companies.new, name="new-company"),
    path("companies/<str:slug>", companies.settings, name="company"),
    path("companies/<str:slug>/delete", companies.delete, name="delete-company"),
    path("companies/<str:slug>/members", members.members, name="members"),
    path("companies/<str:slug>/members/<str:member>/role", members.change_role, name="change-role"),
    path("companies/<str:slug>/members/<str:member>/remove", members.remove, name="remove-member"),
    path("invitation/<str:key>", invitations.by_mail, name="invitation"),
    path("invitations/<int:invitation_id>", invitations.invitation, name="own-invitation"),
    path("invitations/blocks/<int:block_id>", invitations.lift_block, name="lift-block"),
    path("companies/<str:slug>/replies", replies.replies, name="saved-replies"),
    path("companies/<str:slug>/replies/<int:reply_id>", replies.reply, name="saved-reply"),
]
