"""What no page of ours ever asks for is answered before a view has to think of it."""

from django.core.exceptions import BadRequest
from django.http import JsonResponse
from django.middleware.http import ConditionalGetMiddleware
from django.utils.cache import patch_cache_control, patch_vary_headers

from jinzhi.web import errors


class NoNull:
    """Answers 400 to U+0000 in an address or a form: no person types it and PostgreSQL cannot keep it.

    The API is left alone; it judges its input by its own schemas.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if request.path_info.startswith("/api/"):
            return
        asked = [request.path_info, *_texts(request.GET)]
        if any("\0" in text for text in asked) or any("\0" in text for text in _texts(request.POST)):
            raise BadRequest("U+0000 in an address or a form")


def _texts(values):
    for name, many in values.lists():
        yield name
        yield from many


class ForeignRecord:
    """Says so when somebody tries to change a record that another node of the network owns."""

    SQLSTATE = "JZ001"  # raised by the triggers of foundation.exchange

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        cause = getattr(exception, "__cause__", None)
        if cause is None or getattr(cause, "sqlstate", "") != self.SQLSTATE:
            return None
        owner = getattr(cause.diag, "message_detail", "") or ""
        if request.path_info.startswith("/api/"):
            return JsonResponse(
                {"message": f"这条记录归节点 {owner}，只能在该节点修改", "problems": []}, status=409
            )
        return errors.foreign_record(request, owner)


class ConditionalApi(ConditionalGetMiddleware):
    """Answers of the interface carry an ETag; an unchanged one is answered 304 without its body."""

    def process_response(self, request, response):
        if not request.path_info.startswith("/api/"):
            return response
        if request.method == "GET" and "Cache-Control" not in response.headers:
            patch_cache_control(response, private=True, no_cache=True)
            patch_vary_headers(response, ("Authorization", "Cookie"))
        return super().process_response(request, response)
