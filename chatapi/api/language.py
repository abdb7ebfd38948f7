"""In which language somebody reads."""

from contextlib import AbstractContextManager

from django.http import HttpRequest
from django.utils import translation
from rest_framework.request import Request


def callers_language(request: HttpRequest | Request) -> AbstractContextManager[None]:
    """What is written within is in the language that `Accept-Language` asks for.

    Pages have it by their middleware; of the API only what sends mails needs it.
    """
    return translation.override(translation.get_language_from_request(request))
