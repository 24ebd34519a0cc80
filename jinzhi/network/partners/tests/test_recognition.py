"""Mutual recognition: the worked cases, and the check over reports that really came."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from jinzhi.network.partners import recognition
from jinzhi.network.partners.recognition import Accreditation, Report
from jinzhi.network.partners.tests.conftest import ready

BOOK = yaml.safe_load((Path(__file__).parents[1] / "cases/recognition.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", BOOK["cases"], ids=lambda case: case["name"])
def test_worked_cases(case):
    body = BOOK["body"] | {"items": tuple(BOOK["body"]["items"]), "state": case.get("state", "有效")}
    held = [] if case.get("body") == "none" else [Accreditation(**body)]
    report = Report(
        "R-1", case["item"], "上海样例检测所", "CMA-31-0001", case["tested_on"], "合格", case.get("report_until"),
        case.get("withdrawn_on"),
    )  # fmt: skip
    found = recognition.judge(report, held, case["day"])
    assert found.recognised is case["recognised"], found.reasons
    if found.recognised:
        assert found.valid_to == case["until"]
    else:
        assert case["reason"] in "；".join(found.reasons)


@pytest.mark.django_db
def test_a_report_that_came_is_checked_against_the_bodies_that_came(hub):
    cnca = ready("cnca", gives=("cnca.laboratory",))
    shanghai = ready("shanghai", gives=("yangtze.report",), accepts=["http"])
    body = {
        "number": "CMA-31-0001", "name": "上海样例检测所", "kind": "CMA", "items": [{"name": "食品中铅"}, "压力表检定"],
        "valid_from": "2024-01-01", "valid_to": "2029-12-31", "state": "有效",
    }  # fmt: skip
    report = {
        "number": "SH-R-1", "subject": "大米", "holder": "某企业", "item": "食品中铅", "body": "上海样例检测所",
        "body_number": "CMA-31-0001", "tested_on": "2026-10-01", "result": "合格",
    }  # fmt: skip
    lab = {"batch": "1", "dataset": "cnca.laboratory", "rows": [{"body": body}]}
    assert cnca.post("/batches", lab).json()["accepted"] == 1
    sent = {"batch": "1", "dataset": "yangtze.report", "rows": [{"body": report}]}
    assert shanghai.post("/batches", sent).json()["accepted"] == 1
    said = shanghai.get("/recognitions/SH-R-1", "on=2026-11-23").json()
    assert said["recognised"] and said["valid_to"] == "2027-10-01"
    withdrawn = sent | {"batch": "2", "rows": [{"body": report | {"withdrawn_on": "2026-11-01"}}]}
    shanghai.post("/batches", withdrawn)
    said = shanghai.get("/recognitions/SH-R-1", "on=2026-11-23").json()
    assert not said["recognised"] and "撤回" in said["reasons"][0]
    assert shanghai.get("/recognitions/none").status_code == 404
    assert recognition.of("none", date(2026, 11, 23)) is None
