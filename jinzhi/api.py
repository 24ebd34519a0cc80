"""The public and partner API under /api/v1: the rooms' routers, refusals in Chinese, a request limit.

A refusal is `{"message": …, "problems": [{"field", "code", "message"}]}` with its HTTP status.
"""

import logging
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from ninja.renderers import JSONRenderer
from ninja.throttling import SimpleRateThrottle

from jinzhi.casework import actions
from jinzhi.foundation.people import acting, tokens
from jinzhi.runtime import discovery

log = logging.getLogger(__name__)


class Problem(Schema):
    field: str
    code: str
    message: str


class Refusal(Schema):
    message: str
    problems: list[Problem] = []


# pydantic's error types in the words of a person who fills a request
WORDS = {
    "missing": "缺少必填项",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "float_parsing": "应为数字",
    "decimal_parsing": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "string_type": "应为文字",
    "date_parsing": "应为日期，如 2026-01-31",
    "date_from_datetime_parsing": "应为日期，如 2026-01-31",
    "date_from_datetime_inexact": "应为日期，不带时间",
    "datetime_parsing": "应为时间，如 2026-01-31T08:00:00+08:00",
    "datetime_from_date_parsing": "应为时间，如 2026-01-31T08:00:00+08:00",
    "uuid_parsing": "应为 UUID",
    "json_invalid": "不是有效的 JSON",
    "string_pattern_mismatch": "格式不符",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "不超过 {max_length} 个字符",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "应小于 {lt}",
    "literal_error": "应为以下之一：{expected}",
    "enum": "应为以下之一：{expected}",
    "extra_forbidden": "没有这一项",
}
STATUS_WORDS = {
    400: "请求的内容不是有效的 JSON。",
    401: "需要登录。",
    403: "没有权限。",
    404: "没有找到。",
    405: "不支持这种方法。",
}


def _words(error: dict) -> str:
    template = WORDS.get(error["type"])
    if template is None:
        return error["msg"].removeprefix("Value error, ")
    return template.format_map({"expected": "", **error.get("ctx", {})})


def _field(error: dict) -> str:
    place = [str(part) for part in error.get("loc", ())]
    return ".".join(place[1:] or place)  # the first part says query, path or body


class _Counted(SimpleRateThrottle):
    """Counts the requests of each minute (or other period): a number for each asker, not a list of all his requests."""

    def allow_request(self, request: HttpRequest) -> bool:
        key = self.get_cache_key(request)
        if key is None:
            return True
        most, period = self.limits(request)
        now = time.time()
        self.left = period - now % period
        window = f"{key}_{int(now // period)}"
        self.cache.add(window, 0, period)
        try:
            return self.cache.incr(window) <= most
        except ValueError:  # the window ended between the two
            return True

    def limits(self, request: HttpRequest) -> tuple[int, int]:
        """Requests and seconds."""
        return self.num_requests or 0, self.duration or 1

    def wait(self) -> float:
        return self.left

    def keyed(self, asker: object) -> str:
        return self.cache_format % {"scope": self.scope, "ident": asker}


class _ByAddress(_Counted):
    """Whoever brings neither key nor token is counted by his address, in each web worker."""

    scope = "address"

    def get_cache_key(self, request: HttpRequest) -> str | None:
        known = getattr(request, "api_key", None) or getattr(request, "auth", None)
        return None if known else self.keyed(self.get_ident(request))


class _ByAccount(_Counted):
    """Whoever signed in is counted by his account."""

    scope = "account"

    def get_cache_key(self, request: HttpRequest) -> str | None:
        auth = getattr(request, "auth", None)
        return None if auth is None else self.keyed(getattr(auth, "pk", None) or auth)


class _ByKey(_Counted):
    """A key has the rate it was issued with."""

    scope = "key"

    def get_cache_key(self, request: HttpRequest) -> str | None:
        key = getattr(request, "api_key", None)
        return None if key is None else self.keyed(key.pk)

    def limits(self, request: HttpRequest) -> tuple[int, int]:
        return request.api_key.rate, 60  # type: ignore[attr-defined]


class ReadableJSON(JSONRenderer):
    """Chinese stays Chinese in the answer, not \\u escapes; half a surrogate pair becomes a question mark."""

    json_dumps_params = {"ensure_ascii": False}

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> Any:
        return super().render(request, data, response_status=response_status).encode("utf-8", "replace")


class JinzhiAPI(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> Any:
        """Every operation may also answer with a refusal."""
        schema = super().get_openapi_schema(**options)
        schema["components"].setdefault("schemas", {}).update(_refusal_schemas())
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
        for operations in schema["paths"].values():
            for operation in operations.values():
                refusals = {404: "没有找到", 422: "请求有误", 429: "请求过于频繁"}
                if "security" in operation:
                    refusals |= {401: "需要登录", 403: "没有权限"}
                if "requestBody" in operation:
                    refusals |= {
                        400: "不是有效的 JSON",
                        401: "需要登录",
                        403: "没有权限",
                        409: "已经办理",
                        413: "内容过大",
                    }
                for status, words in refusals.items():
                    operation["responses"].setdefault(status, {"description": words, "content": content})
        return schema


def _refusal_schemas() -> dict[str, Any]:
    schema = Refusal.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Refusal": schema}


api = JinzhiAPI(
    title="金质 Jinzhi",
    version="1",
    description="质量监督公共数据与业务接口。公开信息无需登录；登录后按任职或企业身份返回。",
    urls_namespace="api",
    renderer=ReadableJSON(),
    throttle=[_ByAddress(settings.API_RATE), _ByAccount(settings.API_RATE), _ByKey(settings.API_RATE)],
)


def refuse(
    request: HttpRequest, status: int, message: str, problems: list[dict] | None = None
) -> HttpResponse:
    return api.create_response(request, {"message": message, "problems": problems or []}, status=status)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [{"field": _field(e), "code": e["type"], "message": _words(e)} for e in error.errors]
    return refuse(
        request, 422, "请求有误：" + "；".join(f"{p['field']} {p['message']}" for p in problems), problems
    )


@api.exception_handler(MultiPartParserError)
def _unreadable(request: HttpRequest, error: MultiPartParserError) -> HttpResponse:
    return refuse(request, 400, "请求的内容与 Content-Type 不符。")


@api.exception_handler(RequestDataTooBig)
@api.exception_handler(TooManyFieldsSent)
@api.exception_handler(TooManyFilesSent)
def _too_large(request: HttpRequest, error: Exception) -> HttpResponse:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)
    return refuse(request, 413, f"请求的内容过大：除上传的文件外不超过 {most} MB，请分开提交。")


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    said = str(error)
    # Django's own texts are English and name the model; a room's own text is for people.
    return refuse(request, 404, said if said and not said.isascii() else STATUS_WORDS[404])


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    said = str(error)
    return refuse(
        request, error.status_code, STATUS_WORDS.get(error.status_code, said) if said.isascii() else said
    )


# What a rule forbids, by the room's own exception; the nearest class in this order counts.
REFUSALS: tuple[tuple[type[Exception], int], ...] = (
    (actions.AlreadyDone, 409),
    (actions.NoPower, 403),
    (actions.Refused, 422),
    (tokens.NotSignedIn, 401),
    (tokens.NotReady, 403),
    (tokens.Locked, 429),
    (acting.Refused, 422),
)


@api.exception_handler(actions.Refused)
@api.exception_handler(acting.Refused)
def _forbidden(request: HttpRequest, error: actions.Refused | acting.Refused) -> HttpResponse:
    status = next(number for kind, number in REFUSALS if isinstance(error, kind))
    problems = getattr(error, "problems", None)
    if problems is None and error.field:
        problems = [{"field": error.field, "code": "refused", "message": error.message}]
    return refuse(request, status, error.message, problems)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return refuse(request, 401, STATUS_WORDS[401])


@api.exception_handler(Throttled)
def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    answer = refuse(request, 429, "请求过于频繁，请稍后再试。")
    if error.wait:
        answer["Retry-After"] = str(int(error.wait) + 1)
    return answer


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    log.exception("%s %s", request.method, request.path)
    return refuse(request, 500, "系统出错，已记录。请稍后再试。")


for _, module in discovery.declared("api"):
    api.add_router(module.PREFIX, module.router)


def unknown(request: HttpRequest) -> HttpResponse:
    """An address below /api/ that no operation has: a program gets no page."""
    return refuse(request, 404, STATUS_WORDS[404])
