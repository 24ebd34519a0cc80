"""Asking, answering, ending: what the rules of sharing refuse, and what a grant lets out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import declared, node, sending
from jinzhi.foundation.people.acting import Refused
from jinzhi.foundation.people.tests import cast
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue import challenging, lineage, listing, measuring, registering, requesting
from jinzhi.network.catalogue.models import Entry, Grant, Quality, Request
from jinzhi.network.partners.models import Partner
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
COUNTY = 330106_000000


@pytest.fixture
def provider():
    return cast.actor(cast.person("keeper", cast.PROVINCE, "supervisor"))


@pytest.fixture
def asker():
    return cast.actor(cast.person("asker", cast.PROVINCE, "administrator"))


def wish(**more) -> requesting.Wish:
    today = calendar.today()
    usual = {
        "dataset": "registry.certificate", "kind": "partner", "consumer": "health",
        "purpose": "餐饮许可与食品生产许可比对", "fields": ("number", "holder_name", "status"), "since": today,
        "until": today + timedelta(300), "area": 330000_000000, "legal_basis": "食品安全法第七条",
    }  # fmt: skip
    return requesting.Wish(**(usual | more))


def refused(asker, **more) -> Refused:
    with pytest.raises(Refused) as caught:
        requesting.ask(asker, wish(**more))
    return caught.value


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"until": None}, "应当有期限"),
        ({"until": calendar.today() + timedelta(4000)}, "不超过 36 个月"),
        ({"until": calendar.today() - timedelta(1)}, "早于起始"),
        ({"since": calendar.today() - timedelta(1)}, "早于今天"),
        ({"fields": ()}, "选择需要的信息项"),
        ({"fields": ("number", "password")}, "没有登记的信息项"),
        ({"purpose": "工作需要"}, "具体用途"),
        ({"consumer": "nobody"}, "没有这个使用方"),
        ({"kind": "person"}, "没有这个使用方"),
        ({"dataset": "registry.nothing"}, "没有登记的数据集"),
        ({"dataset": "faren.registration", "fields": ("representative_id",)}, "不予共享的信息项不能申请：法定代表人证件号码"),
        ({"fields": ("case_number",), "legal_basis": ""}, "有条件共享，请写明申请的依据"),
        ({"dataset": "sac.standard", "fields": ("number",)}, "没有面向外部单位共享"),
        ({"area": 990000_000000}, "现行的行政区划"),
    ],
)  # fmt: skip
def test_what_sharing_refuses(asker, change, word):
    assert word in refused(asker, **change).message


def test_a_dataset_that_is_not_shared_cannot_be_asked_for(asker, monkeypatch):
    closed = replace(declared.get("registry.certificate"), share="no", legal_basis="个人信息保护法")
    every = declared.all() | {closed.key: closed}
    monkeypatch.setattr(declared, "all", lambda: every)
    assert "不予共享（个人信息保护法）" in refused(asker).message


def test_a_second_request_and_a_second_grant_are_refused(asker, provider):
    row = requesting.ask(asker, wish())
    assert "已有一项申请在办" in refused(asker).message
    requesting.answer(provider, row.pk, accept=True, text="同意")
    assert "已有这项数据的有效授权" in refused(asker).message


def test_the_answer_is_due_in_ten_working_days(asker):
    row = requesting.ask(asker, wish())
    assert calendar.workdays_between(row.asked_on, requesting.due(row)) == 10
    assert not requesting.late(row)
    row.asked_on = calendar.today() - timedelta(30)
    assert requesting.late(row)


def test_nobody_answers_himself_and_only_the_provider_answers(asker, provider):
    row = requesting.ask(asker, wish())
    with pytest.raises(Refused, match="自己提出"):
        requesting.answer(asker, row.pk, accept=True, text="同意")
    elsewhere = cast.actor(cast.person("other", cast.NINGBO, "supervisor"))
    with pytest.raises(Refused, match="另一个机构"):
        requesting.answer(elsewhere, row.pk, accept=True, text="同意")
    clerk = cast.actor(cast.person("clerk", cast.PROVINCE, "window_clerk"))
    with pytest.raises(Refused, match="督查"):
        requesting.answer(clerk, row.pk, accept=True, text="同意")


def test_the_provider_may_give_less_and_never_more(asker, provider):
    row = requesting.ask(asker, wish())
    with pytest.raises(Refused, match="没有申请的信息项"):
        requesting.answer(provider, row.pk, accept=True, text="同意", fields=["number", "address"])
    with pytest.raises(Refused, match="不能长于"):
        requesting.answer(provider, row.pk, accept=True, text="同意", until=row.until + timedelta(1))
    with pytest.raises(Refused, match="写明答复"):
        requesting.answer(provider, row.pk, accept=True, text=" ")
    requesting.answer(
        provider, row.pk, accept=True, text="同意", fields=["number"], until=row.until - timedelta(9)
    )
    grant = Grant.objects.get(request=row)
    assert (grant.fields, grant.until) == (["number"], row.until - timedelta(9))
    with pytest.raises(Refused, match="不能再次办理"):
        requesting.answer(provider, row.pk, accept=False, text="不同意")


def test_refusing_and_withdrawing(asker, provider):
    row = requesting.ask(asker, wish())
    assert (
        requesting.answer(provider, row.pk, accept=False, text="用途不在职责内").state
        == Request.State.REFUSED
    )
    again = requesting.ask(asker, wish())
    with pytest.raises(Refused, match="申请的机构撤回"):
        requesting.withdraw(provider, again.pk)
    assert requesting.withdraw(asker, again.pk).state == Request.State.WITHDRAWN
    assert not Grant.objects.exists()


def test_an_agency_asks_for_itself_only():
    city = cast.actor(cast.person("city", cast.HANGZHOU, "supervisor"))
    with pytest.raises(Refused, match="由提供方收到后登记"):
        requesting.ask(city, wish())
    with pytest.raises(Refused, match="只能为本机构"):
        requesting.ask(
            city, wish(kind="agency", consumer="330200", dataset="registry.entry", fields=("title",))
        )
    with pytest.raises(Refused, match="按目录向各市下发"):
        requesting.ask(city, wish(kind="agency", consumer="330100"))
    row = requesting.ask(
        city, wish(kind="agency", consumer="330100", dataset="registry.entry", fields=("title", "state"))
    )
    assert row.consumer_name == "杭州市市场监督管理局"


def test_another_city_does_not_see_the_request(asker):
    city = cast.actor(cast.person("city", cast.HANGZHOU, "supervisor"))
    row = requesting.ask(
        city, wish(kind="agency", consumer="330100", dataset="registry.entry", fields=("title",))
    )
    with scope.acting(scope.staff(330200_000000)):
        assert not Request.objects.filter(pk=row.pk).exists()
    with scope.acting(scope.staff(330100_000000)):
        assert Request.objects.filter(pk=row.pk).exists()
    with (
        scope.acting(scope.PUBLIC),
        pytest.raises(Exception, match="permission denied"),
        transaction.atomic(),
    ):
        Request.objects.exists()


def test_a_suspended_dataset_takes_no_new_requests(asker, provider):
    registering.register()
    registering.suspend(provider, "registry.certificate", suspended=True, reason="核对中")
    assert "暂停共享" in refused(asker).message
    registering.suspend(provider, "registry.certificate", suspended=False)
    assert requesting.ask(asker, wish())


def test_a_changed_declaration_is_dated_once(monkeypatch):
    registering.register()
    assert registering.register() == (0, 0)
    Entry.objects.filter(pk="registry.entry").update(updated_on="2020-01-01")
    one = replace(declared.get("registry.entry"), summary="改过的摘要")
    every = declared.all() | {one.key: one}
    monkeypatch.setattr(declared, "all", lambda: every)
    assert registering.register() == (0, 1)
    assert Entry.objects.get(pk="registry.entry").updated_on == calendar.today()
    assert registering.register() == (0, 0)


# -- what a grant lets out


@pytest.fixture
def hub():
    node.enable("330000", True)
    Partner.objects.filter(code="health").update(state="active")
    node.open_channel("out.health", "health", "pull")


def enterprise(**more) -> Enterprise:
    usual = {"name": "杭州样例食品有限公司", "place": COUNTY, "kind": "company"}
    return Enterprise.objects.create(**(usual | more))


def granted(asker, provider, **more):
    row = requesting.ask(asker, wish(dataset="registry.enterprise", fields=("name", "status"), **more))
    requesting.answer(provider, row.pk, accept=True, text="同意")
    return Grant.objects.get(request=row)


def out() -> list[dict]:
    import json

    sending.number()
    return [json.loads(p) for _, s, p in sending.messages("out.health", 0, 1000) if not s.endswith("_batch")]


def test_only_granted_fields_of_granted_places_go_out_and_the_stock_first(hub, asker, provider):
    stock = enterprise()
    enterprise(name="宁波的", place=330203_000000)
    sending.number()
    granted(asker, provider, area=330100_000000)
    enterprise(name="后来的", address="不该出去")
    said = out()
    assert [m["body"]["name"] for m in said] == [stock.name, "后来的"]
    assert all(set(m["body"]) == {"name", "status"} for m in said)


def test_an_ended_grant_lets_nothing_more_out(hub, asker, provider):
    grant = granted(asker, provider)
    enterprise(name="先")
    assert len(out()) == 1
    with pytest.raises(Refused, match="原因"):
        requesting.end(provider, grant.pk, "")
    requesting.end(provider, grant.pk, "用途已经实现")
    enterprise(name="后")
    assert [m["body"]["name"] for m in out()] == ["先"]
    with pytest.raises(Refused, match="已经终止"):
        requesting.end(provider, grant.pk, "再来一次")


def test_a_grant_ends_with_its_last_day(hub, asker, provider):
    grant = granted(asker, provider)
    Grant.objects.filter(pk=grant.pk).update(until=calendar.today() - timedelta(1))
    assert requesting.expire() == 1 and requesting.expire() == 0
    enterprise(name="期满以后")
    assert out() == []


def test_lineage_goes_from_the_record_to_the_receiver(hub, asker, provider):
    granted(asker, provider)
    made = enterprise()
    out()
    line = lineage.of("registry.enterprise", made.pk)
    assert line.receivers["health"].standing == ("待发送", "yellow")
    last = sending.standing("out.health")["numbered"]
    sending.stored("out.health", last)
    assert lineage.of("registry.enterprise", made.pk).receivers["health"].standing[0] == "已送达，待确认"
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, last, rows, digest FROM exchange_batch WHERE channel = 'out.health'")
        number, last, rows, digest = cursor.fetchone()
    body = {
        "batch": number,
        "last": last,
        "rows": rows,
        "digest": digest,
        "ok": True,
        "applied": 1,
        "refused": [],
    }
    sending.receipt("health", body)
    assert lineage.of("registry.enterprise", made.pk).receivers["health"].standing[0] == "对方已确认"


# -- doubts


def test_a_doubt_is_answered_by_the_bureau_that_keeps_the_record_and_corrects_it():
    made = enterprise(address="文三路 1 号")
    asker = cast.actor(cast.person("doubts", cast.HANGZHOU, "examiner"))
    keeper = cast.actor(cast.person("keeps", cast.WEST_LAKE, "approver"))
    with pytest.raises(Refused, match="相同"):
        challenging.raise_one(asker, "registry.enterprise", made.pk, "address", "文三路 1 号", "核对")
    row = challenging.raise_one(asker, "registry.enterprise", made.pk, "address", "文三路 9 号", "现场核对")
    with pytest.raises(Refused, match="已有一项疑义"):
        challenging.raise_one(asker, "registry.enterprise", made.pk, "address", "文三路 8 号", "现场核对")
    with pytest.raises(Refused, match="保存这条记录的机构"):
        challenging.answer(
            cast.actor(cast.person("far", cast.NINGBO, "approver")), row.pk, accept=True, text="好"
        )
    challenging.answer(keeper, row.pk, accept=True, text="执照为 9 号")
    made.refresh_from_db()
    assert made.address == "文三路 9 号"
    with pytest.raises(Refused, match="已经答复"):
        challenging.answer(keeper, row.pk, accept=False, text="又不对")


def test_a_doubt_about_what_one_cannot_see_is_not_heard():
    made = enterprise(place=330203_000000)
    asker = cast.actor(cast.person("doubts", cast.WEST_LAKE, "examiner"))
    with scope.acting(scope.staff(COUNTY)), pytest.raises(Refused, match="不在管辖范围"):
        challenging.raise_one(asker, "registry.enterprise", made.pk, "address", "x", "y")


def test_a_doubt_settles_itself_when_the_record_says_what_it_should():
    made = enterprise(address="旧")
    asker = cast.actor(cast.person("doubts", cast.HANGZHOU, "examiner"))
    row = challenging.raise_one(asker, "registry.enterprise", made.pk, "address", "新", "门牌变更")
    made.address = "新"
    made.save()
    assert challenging.settle_corrected() == 1
    row.refresh_from_db()
    assert row.state == "accepted"


# -- quality and lists


def test_quality_is_measured_in_parts():
    enterprise(uscc="91330106MA27XYYU0U")
    enterprise(name="另一家")
    held = measuring.measure(declared.get("registry.enterprise"))
    assert held.records >= 2 and 0 <= held.score <= 100 and held.parts["completeness"] > 50
    assert measuring.measure_all() == len(declared.all())
    assert Quality.objects.count() == len(declared.all())


def test_the_list_finds_by_words_and_identifier():
    assert [one.dataset.key for one in listing.search("长三角 召回")] == ["yangtze.recall"]
    assert [one.dataset.key for one in listing.search("330001/XKZS-0001")] == ["registry.certificate"]
    assert all(one.dataset.share == "conditional" for one in listing.search(share="conditional"))
    assert measuring.overview()["datasets"] == len(declared.all())
