"""Routes with large bodies and responses, which the service itself does not have."""

import hashlib
from collections import Counter

from django.conf import settings
from django.http import FileResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from rest_framework.response import Response

from chatapi.api.policies import WRITE, Policy
from chatapi.api.views import ApiViewSet
from chatapi.urls import handler400, handler403, handler404, handler500
from chatapi.urls import urlpatterns as own

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

MAX_BYTES = 25 * 1024 * 1024
SMALL_BYTES = 512 * 1024
BLOCK = bytes(range(256)) * 256
calls: Counter[str] = Counter()


class UploadViewSet(ApiViewSet):
    policies = {
        "create": Policy((), (), (WRITE,), anonymous=True, max_upload_bytes=MAX_BYTES),
        "update": Policy((), (), (WRITE,), anonymous=True, max_upload_bytes=SMALL_BYTES),
    }

    def create(self, request):
        calls["upload"] += 1
        digest, size, plain = hashlib.sha256(), 0, request._request
        while part := plain.read(65_536):
            digest.update(part)
            size += len(part)
        return Response({"sha256": digest.hexdigest(), "size": size})

    def update(self, request):
        return Response({})


def download(request):
    calls["download"] += 1
    return FileResponse(open(settings.DATA_DIR / "large", "rb"))


def blocks(request):
    """`count` blocks of 64 KiB, and then an error if `fail` is given."""

    def parts():
        try:
            for _ in range(int(request.GET["count"])):
                calls["block"] += 1
                yield BLOCK
            if "fail" in request.GET:
                raise RuntimeError("the blocks broke")
        finally:
            calls["closed"] += 1

    return StreamingHttpResponse(parts())


def counts(request):
    return JsonResponse(calls)


urlpatterns = [
    path("api/test/uploads", UploadViewSet.as_view({"post": "create", "put": "update"})),
    path("test/download", download),
    path("test/blocks", blocks),
    path("test/counts", counts),
    *own,
]
