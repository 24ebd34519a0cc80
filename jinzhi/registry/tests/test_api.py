"""The public API of the register over HTTP: public fields only, whoever asks; clear refusals."""

import json

import pytest

from jinzhi.registry import services
from jinzhi.registry.models import Enterprise

from .conftest import WESTLAKE

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(certificate, client):
    return client


@pytest.mark.parametrize(
    "code", ["91330100723456781Y", "91330100723456781y", "723456781", "７２３４５６７８１"]
)
def test_an_archive_by_either_code(held, code):
    answer = held.get(f"/api/v1/enterprises/{code}")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/json")
    found = answer.json()
    assert found["name"] == "杭州西湖龙井食品有限公司"
    assert found["certificates"][0]["number"] == "SC11333019700024"
    assert not {"remark", "contacts", "version", "case_number"} & set(found)


def test_no_inner_word_leaves_by_the_api(held):
    for path in ("enterprises/91330100723456781Y", "enterprises?q=西湖", "certificates/SC11333019700024"):
        text = json.dumps(held.get(f"/api/v1/{path}").json(), ensure_ascii=False)
        assert "内部" not in text and "13800000000" not in text and "李四" not in text


def test_what_the_schema_promises_is_what_is_sent(held):
    from jinzhi.registry import api

    raw = held.get("/api/v1/enterprises/91330100723456781Y").json()
    assert set(raw) == set(api.Enterprise.model_fields)
    assert set(raw["certificates"][0]) == set(api.Certificate.model_fields)
    api.Enterprise.model_validate(raw)


def test_two_characters_find_enterprises(held):
    found = held.get("/api/v1/enterprises", {"q": "西湖"}).json()
    assert [r["name"] for r in found["results"]] == ["杭州西湖龙井食品有限公司"]
    assert found["results"][0]["code"] == "91330100723456781Y" and found["next"] == ""


def test_pages_are_followed_by_their_mark(held):
    for n in range(5):
        Enterprise.objects.create(name=f"西湖第{n}家", place=WESTLAKE)
    first = held.get("/api/v1/enterprises", {"q": "西湖", "limit": 4}).json()
    second = held.get("/api/v1/enterprises", {"q": "西湖", "limit": 4, "after": first["next"]}).json()
    assert len(first["results"]) == 4 and len(second["results"]) == 2 and second["next"] == ""
    one = first["results"][0]
    assert held.get(f"/api/v1/enterprises/{one['code']}").json()["name"] == one["name"]


@pytest.mark.parametrize(
    "query", [{}, {"q": "x" * 300}, {"q": "西湖", "limit": 0}, {"q": "西湖", "limit": "x"}]
)
def test_a_request_that_cannot_be_answered_says_why(held, query):
    answer = held.get("/api/v1/enterprises", query)
    assert answer.status_code == 422 and answer.json()["message"]


@pytest.mark.parametrize("q", ["' OR '1'='1", "%", "'; DROP TABLE registry_enterprise;--", "\x00", "😀"])
def test_hostile_words_find_nothing(held, q):
    answer = held.get("/api/v1/enterprises", {"q": q})
    assert answer.status_code == 200 and answer.json()["results"] == []


@pytest.mark.parametrize(
    "number", ["SC11333019700024", "sc11333019700024", "ＳＣ１１３３３０１９７０００２４"]
)
def test_a_certificate_tells_what_it_covers_and_its_state(held, number):
    found = held.get(f"/api/v1/certificates/{number}").json()
    assert found["holder"]["name"] == "杭州西湖龙井食品有限公司"
    assert (found["kind"], found["status"]) == ("food_production", "valid")
    assert (found["valid_from"], found["valid_to"]) == ("2024-01-10", "2029-01-09")
    assert found["items"][0]["category"] == "茶叶及相关制品"
    assert found["agency"] == "杭州市西湖区市场监督管理局"


def test_unknown_ones_are_said_so_with_what_may_be_wrong(held):
    answer = held.get("/api/v1/certificates/SC11333019700025")
    assert answer.status_code == 404 and "没有登记" in answer.json()["message"]
    assert services.number_looks_wrong("SC11333019700025") in answer.json()["message"]
    answer = held.get("/api/v1/enterprises/91330100723456781Z")
    assert answer.status_code == 404 and "没有登记" in answer.json()["message"]
