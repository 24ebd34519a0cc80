"""Batches taken back, entries of sections, profiles, background work, imports that are stopped or killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from jinzhi.foundation.files import storing
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates, services
from jinzhi.registry.importing import jobs, profiles, running, spool, text, undoing
from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.models import Certificate, Enterprise, Entry, Fact, ImportBatch, ImportChange, ImportRow

from .conftest import LINPING, WESTLAKE
from .test_import_mess import OTHER, credit_code, lines, row, run
from .test_import_pages import sign_in  # noqa: F401
from .test_import_pages import text as words_of
from .test_importing import ENTERPRISES, GOOD, HEADER, reasons

pytestmark = pytest.mark.django_db
FOOD = settings.BASE_DIR.parent / "shared/data/inspections_chicago_food"
LIFTS = settings.BASE_DIR.parent / "shared/data/special_equipment_elevators/maryland_elevators_2022.csv.gz"


@pytest.fixture(autouse=True)
def _own(settings, tmp_path):
    settings.DEMO = True  # posts without a second factor
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def file(tmp_path):
    def made(*rows, header=HEADER):
        path = tmp_path / "t.csv"
        path.write_text(lines(header, *rows), encoding="utf-8")
        return path

    return made


def test_what_a_batch_entered_goes_and_what_it_changed_comes_back(file):
    first = run(file(GOOD))
    second = run(file([GOOD[0], "新名", "临平区", "2004-05-08", "注销"], OTHER))
    assert (second.updated, second.inserted) == (1, 1)
    assert Fact.objects.filter(batch=second.batch, state="former").count() == 3
    undone = undoing.undo(second.batch)
    assert (undone.removed, undone.restored, undone.kept) == (1, 1, 0)
    found = Enterprise.objects.get()
    assert (found.name, found.place, found.status, found.version) == (GOOD[1], WESTLAKE, "active", 3)
    assert found.initials and not Fact.objects.filter(batch=second.batch, removed_at=None).exists()
    assert ImportBatch.objects.get(pk=second.batch).state == "undone"
    with pytest.raises(undoing.CannotUndo, match="已经撤销"):
        undoing.undo(second.batch)
    undone = undoing.undo(first.batch)  # nothing but batches taken back has touched it since
    assert (undone.removed, undone.kept) == (1, 0) and not Enterprise.objects.exists()


def test_batches_taken_back_newest_first_leave_what_was_before(file):
    stood = run(file(OTHER))
    first = run(file(GOOD))
    second = run(file([GOOD[0], "二", *GOOD[2:]]))
    third = run(file([GOOD[0], "三", *GOOD[2:]]))
    assert undoing.undo(third.batch).restored == 1 and Enterprise.objects.filter(name="二").exists()
    again = run(file([GOOD[0], "三", *GOOD[2:]]))
    assert undoing.undo(again.batch).restored == 1
    undone = undoing.undo(second.batch)
    assert (undone.restored, undone.kept) == (1, 0) and Enterprise.objects.filter(name=GOOD[1]).exists()
    undone = undoing.undo(first.batch)
    assert (undone.removed, undone.kept, undone.reasons) == (1, 0, [])
    assert [e.batch for e in Enterprise.objects.all()] == [UUID(stood.batch)]


def test_what_an_official_changed_between_batches_is_not_removed(file):
    first = run(file(GOOD))
    second = run(file([GOOD[0], "二", *GOOD[2:]]))
    undoing.undo(second.batch)
    Enterprise.objects.update(remark="官员所记", version=F("version") + 1)
    undone = undoing.undo(first.batch)
    assert (undone.removed, undone.kept) == (0, 1) and GOOD[1] in undone.reasons[0]


def test_what_a_later_batch_changed_is_kept_and_named(file):
    run(file(GOOD))
    second = run(file([GOOD[0], "二", *GOOD[2:]]))
    third = run(file([GOOD[0], "三", *GOOD[2:]]))
    undone = undoing.undo(second.batch)
    assert (undone.restored, undone.kept) == (0, 1) and third.batch in undone.reasons[0]
    assert Enterprise.objects.get().name == "三"


def test_an_enterprise_that_others_refer_to_stays(file):
    outcome = run(file(GOOD, OTHER))
    holder = Enterprise.objects.get(uscc=GOOD[0])
    certificates.issue(number="SC11333019700024", kind="food_production", holder=holder, case_number="办件1")
    undone = undoing.undo(outcome.batch)
    assert (undone.removed, undone.kept) == (1, 1) and GOOD[1] in undone.reasons[0]
    assert Enterprise.objects.get() == holder


@pytest.mark.parametrize("key", ["x", "01a205a8-1d2f-7016-9c96-8bf0e3612ac0"])
def test_an_unknown_batch_is_said_so(key):
    with pytest.raises(undoing.CannotUndo):
        undoing.undo(key)


LICENCES = {
    "kind": "certificate", "source": "旧许可",
    "fields": {"number": "证号", "kind": {"constant": "food_production"}, "name": "持证人", "uscc": "代码",
               "place": {"constant": "330106"}, "valid_to": "止", "category": "类别"},
}  # fmt: skip


def test_certificates_come_back_with_what_they_covered(file):
    header = ["证号", "持证人", "代码", "止", "类别"]
    one = ["SC11333019700024", "甲厂", credit_code(1), "2027-01-01", "茶叶"]
    first = run(file(one, header=header), LICENCES)
    second = run(file([*one[:3], "2030-01-01", "糕点"], header=header), LICENCES)
    assert (second.updated, undoing.undo(second.batch).restored) == (1, 1)
    found = Certificate.objects.get()
    assert found.valid_to == date(2027, 1, 1) and found.items.get().category == "茶叶"
    undone = undoing.undo(first.batch)
    assert (undone.kept, undone.removed) == (0, 2) and not Certificate.objects.exists()


VISITS = {
    "kind": "inspection", "source": "检查系统", "published": True,
    "fields": {"uscc": "代码", "name": "单位", "place": "区", "source_key": "编号", "occurred_on": "日期", "title": "类型"},
    "facts": {"结果": "结论"},
}  # fmt: skip


def test_entries_of_a_section_find_their_enterprise_and_are_renewed(file):
    services.register_enterprise(name="甲厂", place=WESTLAKE, uscc=credit_code(1), source="登记机关")
    header = ["代码", "单位", "区", "编号", "日期", "类型", "结论"]
    visit = [credit_code(1), "甲厂（检查单写法）", "", "J1", "2025-03-04", "日常检查", "合格"]
    strange = [credit_code(2), "乙厂", "", "J2", "2025-03-05", "", "不合格"]
    new = [credit_code(3), "丙厂", "330106", "J3", "2025-03-06", "", "合格"]
    path = file(visit, strange, new, [*visit[:6], "再来"], header=header)
    outcome = run(path, VISITS)
    assert outcome.inserted == 2 and set(reasons(outcome)) == {3, 5}
    assert "写明地区" in reasons(outcome)[3] and "与第 2 行重复" in reasons(outcome)[5]
    entry = Entry.objects.get(source_key="inspections:J1")
    assert (entry.section, entry.facts, entry.title, entry.published) == (
        "inspections",
        {"结果": "合格"},
        "日常检查",
        True,
    )
    assert (
        entry.enterprise.name == "甲厂" and Entry.objects.get(source_key="inspections:J3").title == "监督检查"
    )
    assert run(path, VISITS).unchanged == 2
    changed = run(file([*visit[:6], "不合格"], header=header), VISITS)
    assert changed.updated == 1 and undoing.undo(changed.batch).restored == 1
    entry.refresh_from_db()
    assert entry.facts == {"结果": "合格"}


@pytest.mark.reference
@pytest.mark.skipif(not FOOD.exists(), reason="芝加哥检查数据不在本机")
def test_real_inspections_are_entered_beside_the_real_licences():
    example = settings.BASE_DIR / "docs/examples"
    licences = mappings.read_yaml((example / "chicago_licences.map.yaml").read_text(encoding="utf-8"))
    visits = mappings.read_yaml((example / "chicago_inspections.map.yaml").read_text(encoding="utf-8"))
    run(FOOD / "licences.csv.gz", licences)
    holders = Enterprise.objects.count()
    outcome = run(FOOD / "inspections.csv.gz", visits)
    assert outcome.read == 12_998 or outcome.read > 10_000
    assert outcome.refused == 0 and Entry.objects.count() == outcome.inserted
    assert Enterprise.objects.count() <= holders + outcome.inserted
    assert run(FOOD / "inspections.csv.gz", visits).unchanged == outcome.read


@pytest.mark.reference
@pytest.mark.skipif(not LIFTS.exists(), reason="电梯数据不在本机")
def test_real_lifts_become_entries_of_the_equipment_section():
    raw = mappings.read_yaml(
        (settings.BASE_DIR / "docs/examples/maryland_lifts.map.yaml").read_text(encoding="utf-8")
    )
    outcome = run(LIFTS, raw)
    assert outcome.read == 17_671 and outcome.inserted > 17_000
    assert Entry.objects.filter(section="equipment").count() == outcome.inserted


def test_profiles_are_saved_used_and_found_by_their_columns(file):
    profiles.save("登记清单", ENTERPRISES, WESTLAKE, by="某人")
    profiles.save("登记清单", ENTERPRISES | {"source": "改"}, WESTLAKE)
    assert profiles.mapping_of(" 登记清单 ")["source"] == "改"
    assert profiles.fitting([*HEADER, "备注"], "enterprise").name == "登记清单"
    assert profiles.fitting(HEADER[1:]) is None
    with pytest.raises(profiles.Unknown, match="现有：登记清单"):
        profiles.mapping_of("没有")
    with scope.acting(scope.staff(LINPING)), pytest.raises(profiles.Unknown):
        profiles.mapping_of("登记清单")


@pytest.fixture
def stored():
    def made(*rows) -> ImportBatch:
        from jinzhi.foundation import files

        blob = files.store_bytes(lines(HEADER, *rows).encode(), "application/octet-stream")
        size = storing.path_of(blob.sha256).stat().st_size
        return ImportBatch.objects.create(
            place=WESTLAKE,
            kind="enterprise",
            file_name="单.csv",
            sha256=blob.sha256,
            size=size,
            mapping=ENTERPRISES,
        )

    return made


def test_a_queued_import_is_worked_off_once_with_the_eyes_of_its_place(stored):
    batch = stored(GOOD, row(2, place="330113"))
    jobs.begin(batch)
    jobs.begin(batch)
    jobs.import_batch(str(batch.pk))
    batch.refresh_from_db()
    assert (batch.state, batch.created, batch.refused) == ("done", 1, 1)
    assert "不在您的管辖范围内" in ImportRow.objects.get(batch=batch).problems[0]["reason"]
    jobs.import_batch(str(batch.pk))
    assert Enterprise.objects.count() == 1


def test_a_cancelled_import_writes_nothing_and_goes_on_where_it_stopped(stored, monkeypatch):
    batch = stored(*(row(n) for n in range(100)))
    monkeypatch.setattr(text, "BLOCK", 700)
    checked = []
    real = running.Checker.check

    def check(self, piece):
        checked.append(piece.height)
        if len(checked) == 3:
            ImportBatch.objects.filter(pk=batch.pk).update(cancel_asked=True)
        return real(self, piece)

    monkeypatch.setattr(running.Checker, "check", check)
    jobs.begin(batch)
    jobs.import_batch(str(batch.pk))
    batch.refresh_from_db()
    assert batch.state == "cancelled" and not Enterprise.objects.exists()
    before = sum(checked)
    jobs.resume(batch)
    jobs.import_batch(str(batch.pk))
    batch.refresh_from_db()
    assert (batch.state, batch.total, batch.created) == ("done", 100, 100)
    assert sum(checked) == 100 and 0 < before < 100  # no slice was checked twice
    assert not spool.folder(str(batch.pk)).exists()


def test_the_same_batch_is_not_worked_on_twice_at_once(stored):
    batch = stored(GOOD)
    with running._alone(spool.folder(str(batch.pk))):
        assert running.is_alive(batch)
        with pytest.raises(running.Busy):
            jobs.now(batch)
    assert not running.is_alive(batch)


def test_a_batch_of_another_county_is_neither_seen_stopped_nor_undone(stored, sign_in):  # noqa: F811
    batch = stored(GOOD)
    path = f"/registry/import/{batch.pk}/"
    for client in (sign_in("330113", "certificate_clerk"),):
        for address in (path, f"{path}progress", f"{path}rows.csv"):
            assert client.get(address).status_code == 404
        for act in ("cancel", "resume", "undo"):
            assert client.post(f"{path}act/{act}").status_code == 404
    nobody = sign_in("330106", "window_clerk")
    assert nobody.post(f"{path}act/undo").status_code == 403
    batch.refresh_from_db()
    assert batch.state == "ready"


def test_a_large_import_shows_how_far_it_is_and_can_be_undone_on_its_page(stored, sign_in, monkeypatch):  # noqa: F811
    from jinzhi.registry import import_views

    monkeypatch.setattr(import_views, "AT_ONCE", 10)
    batch = stored(GOOD)
    client = sign_in("330106", "certificate_clerk")
    path = f"/registry/import/{batch.pk}/"
    fields = {f"field-{f}": f"column:{c}" for f, c in ENTERPRISES["fields"].items()}
    assert (
        client.post(path, fields | {"source": "登记机关", "do": "run", "profile": "常用"}).status_code == 302
    )
    page = words_of(client.get(path))
    assert "排队中" in page and "取消" in page and profiles.mapping_of("常用")
    assert client.get(f"{path}progress").status_code == 200
    jobs.import_batch(str(batch.pk))
    assert client.get(f"{path}progress").headers["HX-Refresh"] == "true"
    assert "撤销整批" in words_of(client.get(path))
    assert client.post(f"{path}act/undo").status_code == 302
    assert "这一批已撤销" in words_of(client.get(path)) and not Enterprise.objects.exists()


KILLED = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "jinzhi.settings"
django.setup()
from django.db import connections
connections["default"].settings_dict.update(NAME=sys.argv[1], HOST=sys.argv[2], PORT="5432", USER=sys.argv[3])
from pathlib import Path
from jinzhi.foundation.places import scope
from jinzhi.registry.importing import merging, running, spool
spool.folder = lambda name: Path(sys.argv[5]) / name
real = merging.insert_rows
def slow(*given):
    real(*given)
    print("written", flush=True)
    import time; time.sleep(60)
merging.insert_rows = slow
with scope.acting(scope.SYSTEM):
    running.run(Path(sys.argv[4]), {"kind": "enterprise", "source": "s", "fields": {"uscc": "信用代码",
        "name": "企业名称", "place": "区县"}})
"""


@pytest.mark.django_db(transaction=True)
def test_an_import_killed_while_it_writes_leaves_nothing(file, tmp_path):
    path = file(*(row(n) for n in range(500)))
    base = connection.settings_dict
    given = [base["NAME"], base["HOST"], base["USER"], str(path), str(tmp_path / "killed")]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *given], stdout=subprocess.PIPE, cwd=settings.BASE_DIR, text=True
    )
    try:
        assert process.stdout.readline() == "written\n"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    time.sleep(0.5)
    assert not Enterprise.objects.exists() and not ImportChange.objects.exists()
    assert ImportBatch.objects.get().state == "running"  # said to run, though nobody does
    outcome = running.run(path, ENTERPRISES)
    assert outcome.inserted == 500
