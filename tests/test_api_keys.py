"""Keys of other agencies' systems: what they open, what stays closed, how they end; exports; conditional requests."""

import csv
import io
from datetime import timedelta
from types import SimpleNamespace

import openpyxl
import polars
import pytest
from django.core.cache import cache
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from jinzhi.foundation.history.models import AuditEntry as Entry
from jinzhi.foundation.people import keys
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.people.models import ApiKey
from jinzhi.foundation.people.tests.cast import HANGZHOU, WEST_LAKE, person, sign_in
from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
NINGBO = "330203"
WEST_LAKE_PLACE, NINGBO_PLACE = 330106_000000, 330203_000000


@pytest.fixture(autouse=True)
def _fresh(settings):
    cache.clear()
    settings.DEMO = True


@pytest.fixture
def security():
    return person("sec", HANGZHOU, "security_administrator")


@pytest.fixture
def issued(security):
    def make(*scopes, rate=600, days=30, agency=None):
        by = Actor(security.account, security, frozenset({"security_administrator"}))
        return keys.issue(
            by, agency=agency or security.agency, name="市医保局数据平台", scopes=list(scopes), rate=rate,
            expires_on=timezone.localdate() + timedelta(days=days),
        )  # fmt: skip

    return make


@pytest.fixture
def register():
    for name, place, code in (
        ("杭州西湖龙井食品有限公司", WEST_LAKE_PLACE, "91330100723456781Y"),
        ("=宁波水产", NINGBO_PLACE, "91330200MA2A1B2C69"),
    ):
        services.register_enterprise(name=name, place=place, uscc=code, contacts=[{"name": "李四"}])


def bearing(text: str) -> Client:
    return Client(headers={"authorization": f"Bearer {text}"})


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_key_is_shown_once_and_kept_as_a_hash(issued):
    key, text = issued("export")
    assert text.startswith(keys.PREFIX) and text not in str(vars(ApiKey.objects.get(pk=key.pk)))
    assert Entry.objects.filter(kind="people.key.issued").exists()


def test_an_export_holds_what_lies_in_the_agencys_place_and_leaves_a_trace(issued, register):
    _, text = issued("export")
    answer = bearing(text).get("/api/v1/exports/enterprises?format=csv")
    rows = list(csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig"))))
    assert [r["name"] for r in rows] == ["杭州西湖龙井食品有限公司"] and rows[0][
        "uscc"
    ] == "91330100723456781Y"
    assert "李四" not in str(rows)
    assert Entry.objects.get(kind="registry.exported").data["密钥"].startswith("市医保局")
    book = openpyxl.load_workbook(
        io.BytesIO(body(bearing(text).get("/api/v1/exports/enterprises?format=xlsx")))
    )
    assert book.active["A2"].value == "91330100723456781Y"
    found = polars.read_parquet(body(bearing(text).get("/api/v1/exports/enterprises?format=parquet")))
    assert found["name"].to_list() == ["杭州西湖龙井食品有限公司"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("place=330203", 403), ("place=330106", 200), ("place=330199", 422), ("place=330106000000", 200),
     ("place=9", 422), ("format=pdf", 422), ("place=x", 422)],
)  # fmt: skip
def test_an_export_stays_within_the_place(issued, register, query, status):
    _, text = issued("export")
    assert bearing(text).get(f"/api/v1/exports/enterprises?{query}").status_code == status


def test_without_the_power_there_is_no_export(issued, register, client):
    _, text = issued("archive")
    assert bearing(text).get("/api/v1/exports/enterprises").status_code == 403
    assert client.get("/api/v1/exports/enterprises").status_code == 401
    sign_in(client, person("li", WEST_LAKE, "examiner"))
    rows = body(client.get("/api/v1/exports/certificates")).decode().splitlines()
    assert len(rows) == 1


def test_a_key_reads_nothing_but_what_it_is_for(issued, register):
    _, text = issued("export", "archive")
    client = bearing(text)
    for path in ("/api/v1/cases/X1", "/api/v1/supervision/cards", "/api/v1/my/licences"):
        assert client.get(path).status_code in (401, 403, 404), path
    assert client.post("/api/v1/cases", {}, content_type="application/json").status_code == 401
    assert client.get("/office/todo/").status_code == 302  # a page knows no keys
    assert client.get("/api/v1/enterprises?q=西湖").status_code == 200


def test_a_key_ends_when_it_is_revoked_or_its_day_has_come(issued, security, register):
    key, text = issued("export")
    assert bearing(text).get("/api/v1/search?q=西湖").status_code == 200
    ApiKey.objects.filter(pk=key.pk).update(expires_on=timezone.localdate() - timedelta(days=1))
    assert bearing(text).get("/api/v1/search?q=西湖").status_code == 401
    other, again = issued("export")
    keys.revoke(Actor(security.account, security, frozenset({"security_administrator"})), other)
    assert bearing(again).get("/api/v1/exports/enterprises").status_code == 401
    assert bearing(keys.PREFIX + "x" * 40).get("/api/v1/search?q=西湖").status_code == 401


def test_a_key_has_its_own_rate(issued, register, monkeypatch):
    _, text = issued(rate=3)
    now = SimpleNamespace(time=lambda: 6_000_000_001.0)
    monkeypatch.setattr("jinzhi.api.time", now)
    answers = [bearing(text).get("/api/v1/search?q=西湖").status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    assert Client().get("/api/v1/search?q=西湖").status_code == 200
    assert bearing(text).get("/api/v1/search?q=西湖")["Retry-After"] in ("59", "60")
    now.time = lambda: 6_000_000_060.0
    assert bearing(text).get("/api/v1/search?q=西湖").status_code == 200


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"days": 400}, "expires_on"),
        ({"days": 0}, "expires_on"),
        ({"rate": 0}, "rate"),
        ({"scopes": ["all"]}, "scopes"),
    ],
)
def test_a_key_without_measure_is_refused(issued, changed, field):
    scopes = changed.pop("scopes", ["export"])
    with pytest.raises(Refused) as refused:
        issued(*scopes, **changed)
    assert refused.value.field == field


def test_only_the_security_administrator_of_the_place_issues_and_ends_keys(security, client):
    mine = person("one", WEST_LAKE, "security_administrator")
    day = timezone.localdate() + timedelta(days=9)
    page = {"agency": security.agency.pk, "name": "甲", "rate": 10, "expires_on": day.isoformat()}
    sign_in(client, mine)
    answer = client.post("/desk/keys/new/", page)
    assert answer.status_code == 200 and not ApiKey.objects.exists()  # a county reaches no city
    answer = client.post("/desk/keys/new/", page | {"agency": mine.agency.pk, "scopes": ["export"]})
    assert keys.PREFIX in answer.content.decode()
    key = ApiKey.objects.get()
    for role, place in (
        ("administrator", HANGZHOU),
        ("examiner", WEST_LAKE),
        ("security_administrator", NINGBO),
    ):
        other = sign_in(Client(), person(f"p{role}{place}", place, role))
        assert other.post(f"/desk/keys/{key.pk}/revoke/").status_code in (403, 404)
    key.refresh_from_db()
    assert key.revoked_at is None
    client.post(f"/desk/keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at


def test_neither_the_public_nor_an_enterprise_sees_a_key(issued):
    issued()
    for eyes in (scope.PUBLIC, scope.enterprise("0" * 32)):
        with (
            scope.acting(eyes),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT * FROM people_apikey")


def test_an_unchanged_answer_is_not_sent_again(register, client):
    first = client.get("/api/v1/enterprises/91330100723456781Y")
    assert first.status_code == 200 and first["ETag"] and "no-cache" in first["Cache-Control"]
    again = client.get("/api/v1/enterprises/91330100723456781Y", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304 and again.content == b""
    other = client.get("/api/v1/enterprises/91330100723456781Y", headers={"if-none-match": '"x"'})
    assert other.status_code == 200


def test_the_search_answers_in_groups_what_the_asker_may_see(register, client):
    groups = {g["key"]: g["hits"] for g in client.get("/api/v1/search?q=西湖龙井").json()["groups"]}
    (hit,) = groups["enterprises"]
    assert hit["code"] == "91330100723456781Y" and hit["url"] == "/enterprises/91330100723456781Y"
    assert client.get(hit["url"]).status_code == 200
    assert client.get("/api/v1/search", {"q": "  "}).json()["groups"] == []
    for word in ("\0", "'; --", "%", "x" * 200):
        assert client.get("/api/v1/search", {"q": word}).status_code in (200, 422)
    sign_in(client, person("li", NINGBO, "examiner"))
    assert client.get("/api/v1/search?q=西湖龙井").json()["groups"] == []


def test_a_key_for_archives_reads_the_inner_part_of_its_own_place_without_contacts(issued, register):
    Enterprise.objects.update(remark="内部备注")
    mine, other = "91330100723456781Y", "91330200MA2A1B2C69"
    for scopes, sees in ((("archive",), True), (("export",), False)):
        client = bearing(issued(*scopes)[1])
        answer = client.get(f"/api/v1/enterprises/{mine}")
        assert answer.status_code == 200 and ("内部备注" in answer.content.decode()) is sees
        assert "李四" not in answer.content.decode() and "contacts" not in answer.json()
        elsewhere = client.get(f"/api/v1/enterprises/{other}")
        assert elsewhere.status_code == 200 and "内部备注" not in elsewhere.content.decode()
