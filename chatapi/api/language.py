"""The language of a caller."""

from contextlib import AbstractContextManager

from django.http import HttpRequest
from django.utils import translation
from rest_framework.request import Request


def callers_language(request: HttpRequest | Request) -> AbstractContextManager[None]:
    """Activate the language that `Accept-Language` asks for.

    Middleware does this for pages. In the API, only views that send mails need it.
    """
    return translation.override(translation.get_language_from_request(request))
