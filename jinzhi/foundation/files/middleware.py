"""Sends away a request that says it is too large before any of it is read."""

from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.files.storing import megabytes


class RequestSize:
    """Answers 413 by the Content-Length, so that 300 MB are neither received nor kept in memory."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > 1_000_000:
            limit = int(rules.value("files.max_request_bytes", on=timezone.localdate()).value)
            if int(length) > limit:
                return _too_large(request, int(length), limit)
        return self.get_response(request)


def _too_large(request, length: int, limit: int) -> HttpResponse:
    message = (
        f"提交的内容有 {megabytes(length)}，超过一次 {megabytes(limit)} 的限制，没有接收。请压缩或分次上传。"
    )
    if "json" in request.headers.get("Accept", ""):
        response: HttpResponse = JsonResponse({"message": message}, status=413)
    else:
        response = HttpResponse(message, status=413, content_type="text/plain; charset=utf-8")
    response.headers["Connection"] = "close"  # what is still on its way is not read
    return response
