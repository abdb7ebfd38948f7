"""The pages of companies."""

from django.urls import path

from companies.pages import members, replies, views

urlpatterns = [
    path("companies", views.companies, name="companies"),
    path("companies/new", views.new, name="new-company"),
    path("companies/<str:slug>", views.settings, name="company"),
    path("companies/<str:slug>/delete", views.delete, name="delete-company"),
    path("companies/<str:slug>/members", members.members, name="members"),
    path(
        "companies/<str:slug>/members/<int:user_id>/role", members.change_role, name="change-role"
    ),
    path("companies/<str:slug>/members/<int:user_id>/remove", members.remove, name="remove-member"),
    path("companies/<str:slug>/replies", replies.replies, name="saved-replies"),
    path("companies/<str:slug>/replies/<int:reply_id>", replies.reply, name="saved-reply"),
]
