"""The settings of an installation that has the routes of `chatapi.tests.large_urls`, too."""

from chatapi.settings import *  # noqa: F403 (a settings module)

ROOT_URLCONF = "chatapi.tests.large_urls"
