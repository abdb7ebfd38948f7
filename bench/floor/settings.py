"""The service's settings with one view, which answers with nothing."""

from chatapi.settings import *  # noqa: F403

ROOT_URLCONF = "bench.floor.urls"
