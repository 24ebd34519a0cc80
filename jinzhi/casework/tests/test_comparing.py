"""Two versions side by side: what was added, removed, changed, with the numbers of the limits."""

import copy
from itertools import pairwise

import pytest

from jinzhi.casework import comparing, reading
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.tests import every_kind, sample

pytestmark = pytest.mark.django_db


def compared(change, takes_over=None) -> comparing.Comparison:
    raw = copy.deepcopy(sample.DEFINITION) | {"version": 2}
    if takes_over is not None:
        raw["takes_over"] = {1: takes_over}
    change(raw)
    return comparing.compare(sample.version(), every_kind.publish(raw))


def parts(found) -> dict[str, comparing.Part]:
    return {p.name: p for p in found if p.state != comparing.SAME}


def lines(part) -> dict[str, tuple[str, str]]:
    return {line.label: (line.old, line.new) for line in part.lines}


def test_nothing_changed_is_said_so():
    assert compared(lambda raw: None).same


def test_a_step_of_another_role_article_and_way_on():
    def change(raw):
        raw["steps"]["last"] |= {"role": "legal_reviewer", "level": "province", "law": "新法第五条"}
        raw["steps"]["last"]["outcomes"]["refuse"] = {"label": "不予", "next": "end:refused", "reason": True}

    (step,) = parts(compared(change).steps).values()
    said = lines(step)
    assert step.state == comparing.CHANGED and said["依据"] == ("x", "新法第五条")
    assert said["由谁办理"] == ("市级机构审批岗", "省级机构法制审核岗")
    assert said["结果：不予"] == ("", "办结（不予许可）；须说明理由")


def test_steps_added_and_removed_stand_where_they_belong():
    def change(raw):
        raw["steps"]["left"]["outcomes"]["pass"]["next"] = "join"
        raw["steps"]["last"]["back"] = ["left"]
        del raw["steps"]["left2"]
        raw["steps"]["file"] = {
            "name": "归档", "role": "window_clerk", "law": "x",
            "outcomes": {"conclude": {"label": "归档", "next": "end:granted"}},
        }  # fmt: skip
        raw["steps"]["last"]["outcomes"]["approve"]["next"] = "file"

    found = compared(change)
    order = [p.name for p in found.steps]
    assert parts(found.steps)["左二"].state == comparing.REMOVED
    assert parts(found.steps)["归档"].state == comparing.ADDED
    assert order.index("左") < order.index("左二") < order.index("右")


def test_a_step_that_takes_over_another_is_the_same_step_renamed():
    def change(raw):
        raw["steps"]["check"] = raw["steps"].pop("left2") | {"name": "复核"}
        raw["steps"]["left"]["outcomes"]["pass"]["next"] = "check"

    found = compared(change, {"left2": "check"})
    assert lines(parts(found.steps)["复核"])["名称"] == ("左二", "复核")
    assert comparing.REMOVED not in {p.state for p in found.steps}


def test_limits_come_with_their_numbers():
    def change(raw):
        raw["clocks"]["decision"] |= {"rule": "licensing.delivery", "promised": "licensing.acceptance"}

    (limit,) = parts(compared(change).limits).values()
    said = lines(limit)
    assert said["长度"] == ("20 个工作日", "10 个工作日") and said["承诺"] == ("", "5 个工作日")
    assert said["依据"][0] != said["依据"][1]


def test_the_form_and_the_days_of_force():
    def change(raw):
        raw["valid_from"] = "2020-01-01"
        raw["form"] = {"key": "food_production_application", "version": 1}

    found = compared(change)
    said = {line.label: (line.old, line.new) for line in found.head}
    assert said["施行"] == ("2004-07-01", "2020-01-01") and "第 1 版" in said["申请表"][1]
    assert any(p.state == comparing.ADDED for p in found.fields)


def test_every_pair_of_published_versions_can_be_compared_and_every_version_read():
    by_key: dict[str, list[ProcedureVersion]] = {}
    for version in ProcedureVersion.objects.order_by("key", "version"):
        by_key.setdefault(version.key, []).append(version)
        shown = reading.read(version)
        assert len(shown.steps) == len(version.procedure.reachable())
        assert all(row.who or row.kind in ("并联", "会签", "另立办件", "送达文书") for row in shown.steps)
    for versions in by_key.values():
        for old, new in pairwise(versions):
            assert not comparing.compare(old, new).same
