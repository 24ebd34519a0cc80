"""How old the last backup is: in the heartbeat, on the console, in /healthz, and as an alarm by rule."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.exchange import node as exchange_node
from jinzhi.foundation.people.tests import cast
from jinzhi.network import backups, health, pulse
from jinzhi.network.models import Alarm, Node
from jinzhi.network.operations import measuring, watching

from .world import CITY, PROVINCE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var(settings, tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("JINZHI_NETWORK", str(tmp_path))
    settings.VAR_DIR = tmp_path
    return tmp_path


def noted(var, hours=None, **more):
    last = {} if hours is None else {"last": (timezone.now() - timedelta(hours=hours)).isoformat()}
    (var / "backup.json").write_text(json.dumps({"folder": "/backup"} | last | more))


def limit(key):
    return int(rules.value(f"operations.alarm.{key}", on=timezone.localdate()).value)


def test_the_heartbeat_says_how_old_the_backup_is_and_how_the_drill_went(var):
    assert pulse.facts()["backup"] == "none" and measuring.own()["backup_hours"] is None
    drill = {"at": timezone.now().isoformat(timespec="seconds"), "passed": False}
    noted(var, 5, drill=drill)
    said = pulse.facts()
    assert said["backup"] == "made" and 4.9 < said["backup_hours"] < 5.2
    assert said["drill_passed"] is False and said["drill_at"]
    json.dumps(said)


@pytest.mark.parametrize("text", ["", "[]", '{"last": 5}', '{"last": "yesterday", "drill": 3}', "\x00", "{"])
def test_a_note_that_cannot_be_read_is_no_backup(var, text):
    (var / "backup.json").write_text(text)
    assert backups.standing()["backup"] == "none"


def test_a_database_elsewhere_is_backed_up_by_others(var, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/jinzhi")
    assert backups.state() == "elsewhere" and pulse.facts()["backup"] == "elsewhere"


def test_healthz_says_so(var):
    assert health.health()["backup"] == "none"
    noted(var, limit("backup") - 1)
    assert health.health()["backup"] == "ok"
    noted(var, limit("backup") + 1)
    assert health.health()["backup"] == "old"


@pytest.fixture
def city():
    exchange_node.enable("330000", True)
    Node.objects.create(code="330000", name="省中心", kind="hub", place=PROVINCE, state="active")
    return Node.objects.create(
        code="330100", name="杭州市节点", kind="city", place=CITY, state="active",
        last_seen=timezone.now(), joined_at=timezone.now(),
    )  # fmt: skip


def alarm():
    return dict(Alarm.objects.filter(kind="backup", cleared_at=None).values_list("node", "level")).get(
        "330100"
    )


def says(node, **facts):
    node.health, node.last_seen = facts, timezone.now()
    node.save()
    watching.watch()


def test_a_backup_that_is_too_old_raises_an_alarm_until_there_is_a_newer_one(city):
    says(city, backup="made", backup_hours=limit("backup"))
    assert alarm() is None
    says(city, backup="made", backup_hours=limit("backup") + 0.1)
    assert alarm() == "warning"
    says(city, backup="made", backup_hours=limit("backup_urgent") + 1)
    assert alarm() == "severe"
    says(city, backup="made", backup_hours=0.1)
    assert alarm() is None
    says(city, backup="elsewhere", backup_hours=None)
    assert alarm() is None


def test_a_new_node_has_time_for_its_first_backup(city):
    says(city, backup="none", backup_hours=None)
    assert alarm() is None
    city.joined_at = timezone.now() - timedelta(hours=limit("backup") + 1)
    says(city, backup="none", backup_hours=None)
    assert alarm() == "warning"
    assert "还没有备份" in Alarm.objects.get(kind="backup", node="330100").detail


def test_console_and_node_page_show_it(city, settings):
    settings.DEMO = True
    client = cast.sign_in(Client(), cast.person("keeper", cast.PROVINCE, "operator"))
    for facts, word in (
        ({"backup": "made", "backup_hours": 3.0}, "3 小时 0 分前"),
        ({"backup": "made", "backup_hours": 1000.0}, "41 天前"),
        ({"backup": "none"}, "没有备份"), ({"backup": "elsewhere"}, "外部数据库"),
    ):  # fmt: skip
        says(city, **facts)
        for path in ("/office/operations/", "/office/operations/nodes/330100/"):
            assert word in client.get(path).content.decode()
    says(city, backup="made", backup_hours=1, drill_at=timezone.now().isoformat(), drill_passed=False)
    assert "未通过" in client.get("/office/operations/nodes/330100/").content.decode()
