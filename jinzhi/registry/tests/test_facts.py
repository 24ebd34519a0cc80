"""Whose statement of a field counts, what history it leaves, and the archive as it was on a day."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from django.db import DatabaseError, connection
from django.utils import timezone

from jinzhi.foundation import codes
from jinzhi.foundation.places import scope
from jinzhi.registry import facts, services, stating, suspicions
from jinzhi.registry.models import Enterprise, Entry, Fact
from jinzhi.registry.services import Refused

from .conftest import NINGBO, WESTLAKE

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/archive.yaml").read_text(encoding="utf-8"))
DAY = date(2026, 11, 22)
TODAY = timezone.localdate


@pytest.mark.parametrize("case", CASES["codes"], ids=lambda c: c["body"])
def test_codes_of_the_reference(case):
    assert not codes.check("organization_code", case["org"]).problems
    assert not codes.check("uscc", case["uscc"]).problems
    assert case["uscc"][8:17] == case["org"]


@pytest.mark.parametrize("case", CASES["identity"], ids=lambda c: c["title"])
def test_identity_of_the_reference(case):
    found = suspicions.compare(case["one"], case["other"], DAY)
    assert found["verdict"] == case["verdict"]
    assert found["score"] == case.get("score", found["score"])
    assert found["same_name"] is case.get("same_name", found["same_name"])


@pytest.mark.parametrize(
    "case", CASES["survivorship"], ids=lambda c: f"{c['held'][1]}-{c['new'][1]}-{c['outcome']}"
)
def test_survivorship_of_the_reference(case):
    def stated(value, source, on, until=None):
        return facts.Stated(value, source, on, facts.rank_of(source, DAY), until)

    held, new = stated(*case["held"], case.get("locked_until")), stated(*case["new"])
    verdict = facts.decide(case["field"], held, new, DAY)
    assert verdict.outcome == case["outcome"]
    assert verdict.reason or verdict.outcome == "same"


@pytest.fixture
def moved(enterprise):
    """Two addresses in sequence: until 2020-05-01 the one of the fixture, then another."""
    Enterprise.objects.filter(pk=enterprise.pk).update(
        source="登记机关", source_on=date(2015, 3, 1), founded_on=date(2010, 6, 1)
    )
    stating.state(
        enterprise.pk, "address", "杭州市西湖区文一路2号", source="登记机关", source_on=date(2020, 5, 1)
    )
    return Enterprise.objects.get(pk=enterprise.pk)


@pytest.mark.parametrize(
    ("on", "address"),
    [
        (date(2010, 6, 1), "龙井路1号"),
        (date(2020, 4, 30), "龙井路1号"),
        (date(2020, 5, 1), "文一路2号"),
        (date(2026, 1, 1), "文一路2号"),
    ],
)
def test_a_value_is_what_it_was_on_the_day(moved, on, address):
    found = services.archive(moved, on=on)
    assert found["address"].endswith(address) and found["exists"] and found["as_of"] == on.isoformat()


def test_before_the_first_known_day_the_archive_says_so(moved):
    found = services.archive(moved, on=date(2010, 5, 31))
    assert not found["exists"] and found["first_known_on"] == "2010-06-01"
    assert found["address"] == "" and found["status_name"] == "尚未登记"


def test_what_the_register_knew_on_a_day_is_told_apart_from_what_was_so(moved):
    Fact.objects.filter(enterprise=moved).update(received_at=timezone.now() - timedelta(days=10))
    before, after = TODAY() - timedelta(days=20), TODAY() - timedelta(days=5)
    on = date(2021, 1, 1)
    assert services.archive(moved, on=on, known_on=before)["address"].endswith("龙井路1号")
    assert services.archive(moved, on=on, known_on=after)["address"].endswith("文一路2号")


def test_conflicting_statements_stand_side_by_side_with_the_rule(moved):
    verdict = stating.state(
        moved.pk, "address", "杭州市西湖区天目山路3号", source="企业自报", source_on=date(2024, 1, 1)
    )
    assert verdict.outcome == "differs"
    found = services.archive(moved, inner=True)
    (other,) = [f for f in found["facts"] if f["state"] == "differs"]
    assert found["address"].endswith("文一路2号") and "等级较低" in other["reason"]
    stating.state(
        moved.pk, "address", "杭州市西湖区天目山路3号", source="企业自报", source_on=date(2024, 1, 1)
    )
    assert moved.facts.filter(state="differs").count() == 1


def test_a_correction_holds_twelve_months_and_leaves_history(moved):
    fact = stating.correct(
        moved.pk, "address", "杭州市西湖区文一路12号", reason="门牌误录，见执照", actor="张三"
    )
    assert (fact.locked_until.year, fact.locked_until.month) == (TODAY().year + 1, TODAY().month)
    assert stating.state(moved.pk, "address", "别处", source="登记机关").outcome == "differs"
    # an error never held: no day shows the wrong number, yet the register tells that it once stood there
    assert services.archive(moved, on=date(2021, 1, 1))["address"].endswith("文一路12号")
    yesterday = TODAY() - timedelta(days=1)
    Fact.objects.filter(pk__lt=fact.pk - 1).update(received_at=timezone.now() - timedelta(days=9))
    assert services.archive(moved, on=date(2021, 1, 1), known_on=yesterday)["address"].endswith("文一路2号")


def test_a_change_by_hand_keeps_the_former_value_for_its_days(moved):
    stating.correct(
        moved.pk, "legal_representative", "赵六", reason="变更登记", actor="张三", since=date(2024, 2, 1)
    )
    assert services.archive(moved, on=date(2024, 1, 31))["legal_representative"] == "王小明"
    assert services.archive(moved, on=date(2024, 2, 1))["legal_representative"] == "赵六"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("address", "别处", " "),
        ("founded_on", "0212/12/07", "错"),
        ("place", "330199000000", "错"),
        ("place", "杭州", "错"),
        ("status", "alive", "错"),
        ("registered_capital_cents", "-5", "错"),
        ("name", "", "错"),
        ("name", "甲" * 201, "错"),
        ("uscc", "91330100732000014Q", "错"),
        ("address", "杭州市\0", "错"),
    ],
)
def test_nonsense_is_no_correction(moved, field, value, reason):
    with pytest.raises(Refused):
        stating.correct(moved.pk, field, value, reason=reason, actor="张三")
    assert not Fact.objects.filter(state="locked").exists()


def test_a_conflict_is_settled_once(moved):
    stating.state(
        moved.pk, "address", "杭州市西湖区天目山路3号", source="企业自报", source_on=date(2024, 1, 1)
    )
    fact = moved.facts.get(state="differs")
    stating.settle(fact, False, reason="现场核实仍在文一路", actor="张三")
    assert moved.facts.filter(state="refused", reason="现场核实仍在文一路").exists()
    with pytest.raises(Refused):
        stating.settle(fact, True, reason="再来", actor="李四")


def test_an_accepted_conflict_becomes_current(moved):
    stating.state(
        moved.pk, "address", "杭州市西湖区天目山路3号", source="企业自报", source_on=date(2024, 1, 1)
    )
    stating.settle(moved.facts.get(state="differs"), True, reason="执照已变更", actor="张三")
    moved.refresh_from_db()
    assert (
        moved.address.endswith("天目山路3号")
        and not moved.facts.filter(state="differs", removed_at=None).exists()
    )


def test_facts_are_seen_by_the_place_and_the_public_sees_no_conflict(moved):
    stating.state(moved.pk, "address", "杭州市西湖区天目山路3号", source="企业自报")
    with scope.acting(scope.staff(WESTLAKE)):
        assert Fact.objects.filter(state="differs").exists()
    with scope.acting(scope.staff(NINGBO)):
        assert not Fact.objects.exists()
    with scope.acting(scope.enterprise(moved.pk)):
        assert Fact.objects.filter(state="differs").exists()
        assert Fact.objects.update(value="改") == 0
    with scope.acting(scope.PUBLIC):
        assert {f["state"] for f in services.archive(moved.uscc)["facts"]} <= {"former", "chosen", "locked"}
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM registry_fact")


def test_entries_reach_each_face_as_far_as_they_may(enterprise):
    def enter(title, section, published):
        Entry.objects.create(enterprise=enterprise, place=WESTLAKE, section=section, title=title,
                             occurred_on=date(2025, 1, 1), published=published)  # fmt: skip

    enter("公布的抽检", "samples", True)
    enter("异议中的抽检", "samples", False)
    enter("正在调查的举报", "complaints", False)

    def seen(eyes, inner=False):
        with scope.acting(eyes):
            return {e["title"] for e in services.archive(enterprise.uscc, inner=inner)["entries"]}

    assert seen(scope.PUBLIC) == {"公布的抽检"}
    assert seen(scope.enterprise(enterprise.pk), True) == {"公布的抽检", "异议中的抽检"}
    assert len(seen(scope.staff(WESTLAKE), True)) == 3
    with scope.acting(scope.staff(NINGBO)):
        assert not Entry.objects.exists()


def test_the_interface_answers_as_of_a_day_and_refuses_nonsense(moved, client):
    address = f"/api/v1/enterprises/{moved.uscc}"
    assert client.get(address, {"as_of": "2020-04-30"}).json()["address"].endswith("龙井路1号")
    assert client.get(address).json()["as_of"] is None
    for wrong in (
        "garbage",
        "2026-13-45",
        "0212/12/07",
        "99999999999",
        (TODAY() + timedelta(days=1)).isoformat(),
    ):
        answer = client.get(address, {"as_of": wrong})
        assert answer.status_code == 422, wrong
    assert client.get(address, {"as_of": "0001-01-01"}).json()["exists"] is False
