"""Plain DRF: the service's settings with Django's own database engine and DRF's own classes."""

from chatapi.settings import *  # noqa: F403 (a settings module)
from chatapi.settings import DATABASES as OURS

ROOT_URLCONF = "bench.plain"

options = dict(OURS["default"]["OPTIONS"])
for name in ("server_side_binding", "prepare_threshold"):
    options.pop(name, None)
engine = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": options}
DATABASES = {"default": OURS["default"] | engine}

# No throttling: DRF's own counts less exactly than the service's limits, and would cost it more.
REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 15,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
