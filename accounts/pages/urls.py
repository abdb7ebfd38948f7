"""The pages of one's account."""

from django.urls import path

from accounts.pages import views

urlpatterns = [
    path("", views.account, name="account"),
]
