"""All routes: the API, its schema and docs, the admin, health."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

import chats.urls

urlpatterns = [
    path("api/", include("companies.urls")),
    path("api/", include("chats.urls")),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    *chats.urls.public_paths,
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("docs/", RedirectView.as_view(pattern_name="docs")),
    path("", RedirectView.as_view(pattern_name="docs")),
]

handler400 = "chatapi.errors.handler400"
handler403 = "chatapi.errors.handler403"
handler404 = "chatapi.errors.handler404"
handler500 = "chatapi.errors.handler500"
