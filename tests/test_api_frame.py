"""The frame of /api/v1: refusals that people can read, a limit, an honest description."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import Http404
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError
from ninja.throttling import AnonRateThrottle

from jinzhi import api


@pytest.fixture
def request_(rf):
    return rf.get("/api/v1/anything")


def told(answer):
    return answer.status_code, json.loads(answer.content)["message"]


def test_invalid_parameters_are_named_in_chinese(request_):
    errors = [
        {"type": "missing", "loc": ("query", "start"), "msg": "Field required"},
        {"type": "greater_than_equal", "loc": ("query", "limit"), "msg": "…", "ctx": {"ge": 1}},
    ]
    answer = api._invalid(request_, ValidationError(errors))
    assert told(answer) == (422, "请求有误：start 缺少必填项；limit 不能小于 1")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Http404("No Enterprise matches the given query."), "没有找到。"),
        (Http404("没有这张证书"), "没有这张证书"),
    ],
)
def test_a_room_s_own_words_are_kept_and_english_defaults_are_not(request_, error, message):
    assert told(api._not_found(request_, error)) == (404, message)


def test_other_refusals_keep_their_status(request_):
    assert told(api._refused(request_, HttpError(403, "Forbidden"))) == (403, "没有权限。")


def test_a_failure_tells_nothing_about_the_inside(request_):
    status, message = told(api._failed(request_, RuntimeError("password=geheim")))
    assert status == 500
    assert "geheim" not in message


def test_more_requests_than_allowed_are_refused_with_the_time_to_wait(rf):
    frame = NinjaAPI(urls_namespace="limited", throttle=[AnonRateThrottle("2/m")])
    frame.add_exception_handler(Throttled, api._throttled)
    frame.get("/seen")(lambda request: {})
    view = next(pattern.callback for pattern in frame.urls[0] if str(pattern.pattern) == "seen")
    cache.clear()

    def ask(forwarded_for):  # a forged header does not make another client
        request = rf.get("/seen", HTTP_X_FORWARDED_FOR=forwarded_for)
        request.user = AnonymousUser()
        return view(request)

    answers = [ask(f"9.9.9.{n}") for n in range(3)]
    cache.clear()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert "频繁" in told(answers[-1])[1]


@pytest.mark.django_db
def test_the_description_is_openapi_31_and_names_the_refusals(client):
    description = client.get("/api/v1/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    for operations in description["paths"].values():
        for operation in operations.values():
            assert {"404", "422", "429"} <= set(operation["responses"])
    assert "Refusal" in description["components"]["schemas"]
