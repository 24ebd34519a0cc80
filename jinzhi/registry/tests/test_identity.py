"""Two rows that are one enterprise: merged with every link, taken back; splits, mergers, changes of code."""

import threading
from datetime import date

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from jinzhi.foundation.people.models import Account
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates, identity, services, suspicions
from jinzhi.registry.models import (
    Certificate,
    Enterprise,
    EnterpriseContact,
    Entry,
    Fact,
    Identifier,
    Lineage,
    MergeLog,
    Suspicion,
)
from jinzhi.registry.services import Refused

from .conftest import NINGBO, TEA, WESTLAKE

USCC, OTHER = "91330100723456781Y", "91330100732000014Q"


@pytest.fixture
def double(enterprise):
    """The same enterprise entered a second time, without a code, with its own links."""
    row = Enterprise.objects.create(
        name="杭州西湖龙井食品有限责任公司", place=WESTLAKE, address="龙井路一号", source="企业自报",
        premises_address="龙井路1号后院",
    )  # fmt: skip
    Identifier.objects.create(
        enterprise=row, place=WESTLAKE, scheme="registration_number", value="330106000012345"
    )
    EnterpriseContact.objects.create(enterprise=row, place=WESTLAKE, name="王五")
    Entry.objects.create(enterprise=row, place=WESTLAKE, section="awards", title="名牌产品", published=True)
    certificates.issue(
        number="SC11464010500015",
        kind="food_production",
        holder=row,
        valid_from=date(2024, 1, 1),
        items=[TEA],
    )
    return row


def merge(enterprise, double):
    return identity.merge(enterprise, double, reason="同一注册号", actor="张三", post="西湖区局")


def links_of(row) -> dict:
    return {
        f"{model._meta.label}.{column}": model._base_manager.filter(**{column: row.pk}).count()
        for model, column in identity.links()
    }


@pytest.mark.django_db
class TestMerging:
    def test_rooms_above_are_among_the_links(self):
        found = {(model, column) for model, column in identity.links()}
        case = apps.get_model("casework.Case")
        assert {(case, "enterprise_id"), (Account, "enterprise_id"), (Certificate, "holder_id")} <= found

    def test_every_link_goes_to_the_survivor(self, enterprise, double):
        Account.objects.create(username="dbl", kind="enterprise", enterprise_id=double.pk)
        before = links_of(double)
        kept = links_of(enterprise)
        merge(enterprise, double)
        assert not any(links_of(double).values())
        assert links_of(enterprise) == {key: kept[key] + before[key] for key in kept}
        found = services.archive(double)
        assert found["id"] == str(enterprise.pk)
        assert [c["number"] for c in found["certificates"]] == ["SC11464010500015"]
        assert services.find_enterprise("330106000012345") == enterprise

    def test_empty_fields_are_filled_and_conflicts_stand_beside(self, enterprise, double):
        merge(enterprise, double)
        enterprise.refresh_from_db()
        assert enterprise.premises_address == "龙井路1号后院" and enterprise.address.endswith("龙井路1号")
        assert {f.field: f.value for f in enterprise.facts.filter(state="differs")} == {
            "name": "杭州西湖龙井食品有限责任公司", "address": "龙井路一号",
        }  # fmt: skip

    def test_undoing_restores_both_rows_and_their_links(self, enterprise, double):
        before = (links_of(enterprise), links_of(double))
        rows = list(
            Enterprise.objects.order_by("pk").values("name", "uscc", "address", "premises_address", "status")
        )
        log = merge(enterprise, double)
        identity.unmerge(log, reason="两家", actor="李四")
        assert (links_of(enterprise), links_of(double)) == before
        assert rows == list(
            Enterprise.objects.order_by("pk").values("name", "uscc", "address", "premises_address", "status")
        )
        assert services.archive(double)["id"] == str(double.pk)
        assert not Fact.objects.filter(removed_at=None).exists()
        with pytest.raises(Refused):
            identity.unmerge(log, reason="再来", actor="李四")

    def test_what_changed_since_stays_when_undone(self, enterprise, double):
        log = merge(enterprise, double)
        Enterprise.objects.filter(pk=enterprise.pk).update(premises_address="新址")
        late = certificates.issue(
            number="SC11834020305037", kind="food_production", holder=Enterprise.objects.get(pk=enterprise.pk),
            valid_from=date(2024, 1, 1),
        )  # fmt: skip
        identity.unmerge(log, reason="两家", actor="李四")
        enterprise.refresh_from_db()
        late.refresh_from_db()
        assert enterprise.premises_address == "新址" and late.holder_id == enterprise.pk

    def test_the_code_goes_to_the_survivor_and_back(self, enterprise, double):
        log = identity.merge(double, enterprise, reason="同一家", actor="张三")
        double.refresh_from_db()
        assert double.uscc == USCC and services.archive(USCC)["id"] == str(double.pk)
        identity.unmerge(log, reason="两家", actor="张三")
        assert services.archive(USCC)["id"] == str(enterprise.pk)
        double.refresh_from_db()
        assert (double.uscc, double.org_code) == ("", "")

    def test_chains_lead_to_the_last_and_are_undone_from_the_end(self, enterprise, double):
        third = Enterprise.objects.create(name="第三份", place=WESTLAKE)
        first = identity.merge(double, third, reason="同一家", actor="张三")
        second = merge(enterprise, double)
        assert services.archive(third)["id"] == str(enterprise.pk)
        with pytest.raises(Refused, match="先撤销"):
            identity.unmerge(first, reason="错", actor="张三")
        identity.unmerge(second, reason="错", actor="张三")
        assert services.archive(third)["id"] == str(double.pk)
        identity.unmerge(first, reason="错", actor="张三")
        assert services.archive(third)["id"] == str(third.pk)

    def test_two_valid_codes_are_two_enterprises(self, enterprise):
        other = services.register_enterprise(name=enterprise.name, place=WESTLAKE, uscc=OTHER)
        with pytest.raises(Refused, match="不能合并"):
            merge(enterprise, other)
        Identifier.objects.create(
            enterprise=enterprise, place=WESTLAKE, scheme="uscc", value=OTHER, valid_to=date(2020, 1, 1)
        )
        Identifier.objects.create(
            enterprise=enterprise, place=WESTLAKE, scheme="organization_code", value=OTHER[8:17],
            valid_to=date(2020, 1, 1),
        )  # fmt: skip
        merge(enterprise, other)  # the change of code is on record
        assert services.archive(OTHER)["id"] == str(enterprise.pk)

    def test_into_itself_without_reason_or_twice_is_refused(self, enterprise, double):
        for left, right, why in ((enterprise, enterprise, "x"), (enterprise, double, " ")):
            with pytest.raises(Refused):
                identity.merge(left, right, reason=why, actor="张三")
        merge(enterprise, double)
        with pytest.raises(Refused, match="已经并入"):
            merge(enterprise, double)

    def test_a_county_merges_only_what_it_sees(self, enterprise):
        far = Enterprise.objects.create(name="宁波一家", place=NINGBO)
        with scope.acting(scope.staff(WESTLAKE)), pytest.raises(Refused, match="管辖"):
            merge(enterprise, far)
        for eyes in (scope.PUBLIC, scope.enterprise(enterprise.pk)):
            with scope.acting(eyes), pytest.raises(Exception):  # noqa: B017  no right to lock, or no row
                merge(enterprise, far)
        with scope.acting(scope.staff(330000_000000)):
            merge(enterprise, far)
        with scope.acting(scope.staff(NINGBO)):
            assert MergeLog.objects.count() == 1

    def test_what_came_while_merging_is_gathered(self, enterprise, double):
        log = merge(enterprise, double)
        late = Entry.objects.create(enterprise=double, place=WESTLAKE, section="awards", title="迟到的")
        assert identity.gather() == 1
        late.refresh_from_db()
        assert late.enterprise_id == enterprise.pk
        identity.unmerge(log, reason="两家", actor="李四")
        late.refresh_from_db()
        assert late.enterprise_id == double.pk

    def test_an_enterprise_counts_once_and_a_branch_as_a_site(self, enterprise, double):
        Entry.objects.create(enterprise=double, place=WESTLAKE, section="branches", title="宁波分公司")
        assert services.counted() == {"enterprises": 2, "sites": 3}
        merge(enterprise, double)
        assert services.counted() == {"enterprises": 1, "sites": 2}


@pytest.mark.django_db
class TestLineage:
    def test_a_merger_in_fact_keeps_both_archives_with_an_edge(self, enterprise, double):
        new = services.register_enterprise(name="合并后的公司", place=WESTLAKE, uscc=OTHER)
        identity.combine([enterprise, double], new, on=date(2026, 3, 1), reason="吸收合并", actor="张三")
        enterprise.refresh_from_db()
        assert enterprise.status == "cancelled"
        (edge,) = services.archive(USCC)["lineage"]
        assert (edge["kind_name"], edge["direction"], edge["name"]) == ("合并", "to", "合并后的公司")
        assert services.archive(USCC, on=date(2026, 2, 28))["status"] == "active"
        assert services.archive(USCC, on=date(2026, 2, 28))["lineage"] == []
        with scope.acting(scope.PUBLIC):
            assert len(services.archive(OTHER)["lineage"]) == 2

    def test_a_split_names_what_came_out(self, enterprise, double):
        identity.split(enterprise, [double], on=date(2026, 3, 1), reason="存续分立", actor="张三")
        assert services.archive(double)["lineage"][0]["direction"] == "from"
        enterprise.refresh_from_db()
        assert enterprise.status == "active"

    def test_a_changed_code_stays_findable(self, enterprise):
        identity.change_code(enterprise, OTHER, on=date(2026, 1, 1), reason="换码", actor="张三")
        assert services.archive(USCC)["uscc"] == OTHER and services.archive(OTHER)["name"] == enterprise.name
        assert services.archive(USCC, on=date(2025, 12, 31))["uscc"] == USCC
        with pytest.raises(Refused):
            identity.change_code(
                enterprise, "91330100732000014A", on=date(2026, 1, 1), reason="错", actor="张三"
            )

    def test_another_enterprise_keeps_its_code(self, enterprise):
        services.register_enterprise(name="另一家", place=NINGBO, uscc=OTHER)
        with scope.acting(scope.staff(WESTLAKE)), pytest.raises(Refused, match="另一家"):
            identity.change_code(enterprise, OTHER, on=date(2026, 1, 1), reason="换码", actor="张三")


@pytest.mark.django_db
class TestQueue:
    def pair(self, one, other):
        return {"left_id": one.pk, "right_id": other.pk, "score": 80, "stage": "同名同址", "evidence": []}

    def test_a_pair_enters_once_in_either_order(self, enterprise, double):
        assert identity.suggest([self.pair(enterprise, double)])["new"] == 1
        assert identity.suggest([self.pair(double, enterprise)]) == {"new": 0, "known": 1, "skipped": 0}
        assert identity.suggest([self.pair(double, double)])["skipped"] == 1

    def test_a_decision_outlives_the_next_comparison(self, enterprise, double):
        identity.suggest([self.pair(enterprise, double)])
        found = Suspicion.objects.get()
        suspicions.decide(found.pk, "separate", reason="两个门牌", actor="张三")
        identity.suggest([self.pair(enterprise, double)])
        assert Suspicion.objects.get().state == "separate"

    def test_merging_settles_the_pair_and_undoing_opens_it(self, enterprise, double):
        identity.suggest([self.pair(enterprise, double)])
        log = merge(enterprise, double)
        assert Suspicion.objects.get().state == "merged"
        identity.unmerge(log, reason="两家", actor="张三")
        assert Suspicion.objects.get().state == "open"

    def test_one_side_in_the_place_is_enough_to_see_a_pair(self, enterprise):
        far = Enterprise.objects.create(name="宁波一家", place=NINGBO)
        identity.suggest([self.pair(enterprise, far)])
        for place, count in ((WESTLAKE, 1), (NINGBO, 1), (330113_000000, 0)):
            with scope.acting(scope.staff(place)):
                assert Suspicion.objects.count() == count


def at_once(*actions) -> list:
    """Run in threads of their own, all let go together; results or errors."""
    gate, told = threading.Barrier(len(actions)), [None] * len(actions)

    def run(n, action):
        try:
            gate.wait(10)
            with scope.acting(scope.SYSTEM):
                told[n] = action()
        except Exception as error:
            told[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told


@pytest.mark.django_db
def test_merges_that_replaced_one_value_are_taken_back_newest_first():
    first, second, third = (
        Enterprise.objects.create(
            name="老龙井茶厂",
            place=WESTLAKE,
            address=f"龙井路{n}号",
            source="登记机关",
            source_on=date(2020 + n, 1, 1),
        )
        for n in (1, 2, 3)
    )
    one = identity.merge(first, second, reason="同一家", actor="张三")
    two = identity.merge(first.pk, third, reason="同一家", actor="张三")
    assert Enterprise.objects.get(pk=first.pk).address == "龙井路3号"
    with pytest.raises(Refused, match="先撤销那一次"):
        identity.unmerge(one, reason="两家", actor="李四")
    for log in (two, one):
        identity.unmerge(log, reason="两家", actor="李四")
    found = Enterprise.objects.filter(pk__in=[first.pk, second.pk, third.pk]).order_by("source_on")
    assert [(e.address, e.status) for e in found] == [(f"龙井路{n}号", "active") for n in (1, 2, 3)]


@pytest.mark.django_db(transaction=True)
def test_two_people_merging_one_pair_make_one_merge(enterprise, double):
    told = at_once(lambda: merge(enterprise, double), lambda: merge(double, enterprise))
    assert sorted(type(t).__name__ for t in told) == ["MergeLog", "Refused"]
    assert Enterprise.objects.filter(merged_into__isnull=False).count() == 1
    assert Lineage.objects.count() == MergeLog.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_statement_during_a_merge_is_not_lost(enterprise, double):
    from jinzhi.registry import stating

    told = at_once(
        lambda: merge(enterprise, double),
        lambda: stating.state(
            enterprise.pk, "scale", "small", source="登记机关", source_on=timezone.localdate()
        ),
    )
    assert not [t for t in told if isinstance(t, Exception)]
    enterprise.refresh_from_db()
    assert enterprise.scale == "small" and services.archive(double)["scale"] == "small"
