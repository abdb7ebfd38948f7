"""The pages of companies."""

from django.urls import path

from companies.pages import views

urlpatterns = [
    path("companies", views.companies, name="companies"),
]
