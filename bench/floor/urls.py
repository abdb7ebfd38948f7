"""An empty JSON view, below /api so that it passes all that the API passes."""

from django.http import HttpRequest, JsonResponse
from django.urls import path


def empty(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


urlpatterns = [path("api/empty", empty)]
