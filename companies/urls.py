"""API routes of companies, their users and replies, and the caller's account."""

from django.urls import path
from rest_framework.routers import SimpleRouter
from rest_framework_nested.routers import NestedSimpleRouter

from companies.views.companies import CompanyViewSet
from companies.views.current_user import CurrentUserViewSet
from companies.views.members import CompanyUserViewSet
from companies.views.replies import SavedReplyViewSet

router = SimpleRouter(trailing_slash=False)
router.register("companies", CompanyViewSet, basename="company")
in_company = NestedSimpleRouter(router, "companies", lookup="company", trailing_slash=False)
in_company.register("users", CompanyUserViewSet, basename="company-user")
in_company.register("replies", SavedReplyViewSet, basename="saved-reply")

urlpatterns = [
    path("user", CurrentUserViewSet.as_view({"get": "retrieve"}), name="current-user"),
    *router.urls,
    *in_company.urls,
]
