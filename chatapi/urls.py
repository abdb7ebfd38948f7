"""All routes: the API, its schema and docs, the pages, the admin, health."""

from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

import chats.urls
from chatapi.website import pwa, views

# Swagger UI sets style attributes.
styles_inline = csp_update({"style-src": ["'unsafe-inline'"]})

urlpatterns = [
    path("api/", include("chats.urls")),  # first, because most requests go there
    path("api/", include("companies.urls")),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    *chats.urls.public_paths,
    path(
        "docs",
        styles_inline(SpectacularSwaggerSplitView.as_view(url_name="schema")),
        name="docs",
    ),
    path("docs/", RedirectView.as_view(pattern_name="docs")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", views.home, name="home"),
    path("catalog/<str:language>.js", views.catalog, name="catalog"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("service-worker.js", pwa.service_worker, name="service-worker"),
    path("offline", pwa.offline, name="offline"),
    path("favicon.ico", pwa.favicon),
    path("language", include("django.conf.urls.i18n")),
    path("accounts/", include("accounts.website.allauth_urls")),
    path("", include("accounts.website.urls")),
    path("", include("companies.website.urls")),
    path("", include("chats.website.urls")),
]

handler400 = "chatapi.api.errors.handler400"
handler403 = "chatapi.api.errors.handler403"
handler404 = "chatapi.api.errors.handler404"
handler500 = "chatapi.api.errors.handler500"
