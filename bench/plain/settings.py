"""The service's settings with Django's own database engine and DRF's own classes."""

from typing import Any

from chatapi import settings as service
from chatapi.settings import *  # noqa: F403

ROOT_URLCONF = "bench.plain.urls"

# Connections are kept and looked after as the service keeps them, in Django's own way.
OURS = {"server_side_binding", "prepare_threshold"}
config: dict[str, Any] = service.DATABASES["default"]
DATABASES = {
    "default": {
        **config,
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {name: each for name, each in config["OPTIONS"].items() if name not in OURS},
    }
}

# No throttling: DRF's own counts less exactly than the service's limits, and would cost it more.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["bench.plain.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["bench.plain.authentication.InChat"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
