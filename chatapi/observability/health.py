"""Health checks for load balancers and supervisors."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from chatapi.bus.connection import client


def live(request: HttpRequest) -> JsonResponse:
    """The process responds."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """The process can serve requests: 503 without the database. Redis is reported, but optional."""
    parts = {"database": "ok"}
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        parts["database"] = "down"
    if settings.REDIS_URL:
        try:
            client().ping()
            parts["redis"] = "ok"
        except redis.RedisError:
            parts["redis"] = "down"
    status = 200 if parts["database"] == "ok" else 503
    return JsonResponse({"status": "ok" if status == 200 else "down", **parts}, status=status)


class HealthMiddleware:
    """Responds before the host name is checked, because probes use the process's IP address."""

    VIEWS = {"/healthz": live, "/readyz": ready}

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = self.VIEWS.get(request.path)
        return view(request) if view else self.get_response(request)
