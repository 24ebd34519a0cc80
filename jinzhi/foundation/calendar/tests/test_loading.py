"""A notice takes effect when a person confirms it, for all, in one transaction."""

import threading
from datetime import date

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from jinzhi.foundation import calendar, history
from jinzhi.foundation.calendar import bootstrap, loading, table
from jinzhi.foundation.calendar.loading import NoticeRefused, confirm_notice, preview_notice
from jinzhi.foundation.calendar.models import Day, HolidayNotice, Version
from jinzhi.foundation.calendar.tests import texts
from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.places import scope

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def fresh_calendar():
    calendar.forget()
    yield
    calendar.forget()


@pytest.mark.django_db
def test_a_preview_shows_what_would_change_and_stores_nothing():
    found = preview_notice(texts.OF_2027, 2027, today=TODAY)
    assert found.ok and found.warnings == [] and found.existing is None
    assert (found.number, found.issued_on) == ("国办发明电〔2026〕9号", date(2026, 11, 10))
    assert found.workdays == 261 - 13
    changed = {day: after for day, _, after in found.changed}
    assert changed[date(2027, 2, 8)] == "holiday" and changed[date(2027, 1, 31)] == "makeup_workday"
    assert not HolidayNotice.objects.filter(year=2027).exists()


@pytest.mark.django_db
def test_a_confirmed_notice_moves_dates_and_ends_their_being_provisional():
    start = date(2027, 1, 25)
    before = calendar.due(start, 10)
    assert (before.date, before.provisional) == (date(2027, 2, 8), True)
    confirm_notice(texts.OF_2027, 2027, "王敏", today=TODAY)
    after = calendar.due(start, 10)
    assert (after.date, after.provisional) == (date(2027, 2, 15), False)
    assert any("国办发明电〔2026〕9号" in sentence for sentence in after.why)
    assert calendar.is_provisional(date(2028, 1, 3))
    assert calendar.due(date(2026, 2, 10), 10).date == date(2026, 3, 2)


@pytest.mark.django_db
def test_ordinals_stay_without_gaps_after_a_notice():
    confirm_notice(texts.OF_2027, 2027, today=TODAY)
    ordinal = 0
    for day, works, held in Day.objects.order_by("day").values_list("day", "is_workday", "ordinal"):
        ordinal += works
        assert held == ordinal, day


@pytest.mark.django_db
def test_other_rooms_are_told_before_the_transaction_ends():
    told = []

    def listen(sender, **facts):
        told.append(facts | {"in_transaction": connection.in_atomic_block})

    calendar.notice_confirmed.connect(listen)
    try:
        confirm_notice(texts.OF_2027, 2027, today=TODAY)
    finally:
        calendar.notice_confirmed.disconnect(listen)
    (facts,) = told
    assert facts["in_transaction"] and facts["notice"].year == 2027
    assert date(2027, 2, 8) in facts["changed"] and date(2026, 2, 16) not in facts["changed"]
    start = date(2027, 1, 25)
    assert calendar.due(start, 10, table=facts["before"]).date == date(2027, 2, 8)
    assert calendar.due(start, 10, table=facts["after"]).date == date(2027, 2, 15)


@pytest.mark.django_db
def test_the_trail_names_who_confirmed_it():
    confirm_notice(texts.OF_2027, 2027, "王敏", today=TODAY)
    entry = AuditEntry.objects.get(chain=loading.CHAIN)
    assert (entry.actor, entry.subject, entry.kind) == ("王敏", "2027", "calendar.notice.confirmed")
    assert "2027-02-08" in entry.data["changed"] and history.verify(loading.CHAIN) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "year", "says"),
    [
        (texts.OF_2026, 2027, "标题写的是 2026 年的安排，与所选的 2027 年不符"),
        (texts.ITEMS_2026, 2027, "所写的星期与 2027 年不符，与 .*2026 年"),
        (texts.OF_2027.replace("2027", "2028"), 2028, "2028 年尚早"),
        (texts.ITEMS_2027, 1999, "年份应在 2004 至 2035"),
        (texts.ITEMS_2027, 2050, "年份应在 2004 至 2035"),
        ("", 2027, "没有找到"),
        ("放假一天", 2027, "没有找到"),
    ],
)
def test_a_wrong_year_is_refused_and_nothing_is_written(text, year, says):
    version = Version.objects.get().token
    with pytest.raises(NoticeRefused, match=says):
        confirm_notice(text, year, today=TODAY)
    assert Version.objects.get().token == version
    assert not HolidayNotice.objects.filter(year__gt=2026).exists()


@pytest.mark.django_db
def test_a_year_that_has_its_notice_is_only_replaced_when_asked():
    other = texts.OF_2026.replace("5月9日（周六）", "5月10日（周日）")
    assert preview_notice(other, 2026, today=TODAY).existing.year == 2026
    with pytest.raises(NoticeRefused, match="2026 年的放假通知已于"):
        confirm_notice(other, 2026, today=TODAY)
    confirm_notice(other, 2026, replace=True, today=TODAY)
    assert not calendar.is_workday(date(2026, 5, 9)) and calendar.is_workday(date(2026, 5, 10))
    assert sorted(HolidayNotice.objects.filter(year=2026).values_list("status", flat=True)) == [
        "confirmed",
        "superseded",
    ]
    bootstrap.bootstrap()  # a new start does not bring the replaced one back
    assert calendar.is_workday(date(2026, 5, 10))


@pytest.mark.django_db
def test_what_is_confirmed_is_what_was_seen():
    seen = preview_notice(texts.OF_2027, 2027, today=TODAY)
    other = texts.OF_2027.replace("5月8日（周六）", "5月9日（周日）")
    with pytest.raises(NoticeRefused, match="重新预览"):
        confirm_notice(other, 2027, digest=seen.digest, today=TODAY)
    assert confirm_notice(texts.OF_2027, 2027, digest=seen.digest, today=TODAY).pk


@pytest.mark.django_db
def test_loading_again_writes_nothing():
    token = Version.objects.get().token
    bootstrap.bootstrap()
    assert Version.objects.get().token == token
    assert loading.rebuild() == []
    assert Version.objects.get().token == token


@pytest.mark.django_db
def test_the_correction_from_memory_is_marked_so():
    notice = HolidayNotice.objects.get(source="2006-change.yaml")
    assert (notice.kind, notice.mark, notice.shown_number) == ("change", "memory", "文号待补")
    assert notice.mark_title == "凭记忆，待核"
    assert calendar.is_workday(date(2005, 12, 31))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "face", [scope.NOBODY, scope.PUBLIC, scope.staff(330000000000), scope.enterprise("x")]
)
def test_everybody_reads_the_calendar_and_nobody_writes_it_directly(face):
    with scope.acting(face):
        assert calendar.due(date(2026, 2, 10), 10).date == date(2026, 3, 2)
    for statement in ("UPDATE calendar_day SET is_workday = true", "DELETE FROM calendar_holidaynotice"):
        with pytest.raises(ProgrammingError), transaction.atomic(), scope.acting(face):
            connection.cursor().execute(statement)


@pytest.mark.django_db
def test_staff_confirm_through_the_service():
    with scope.acting(scope.staff(330000000000)):
        assert confirm_notice(texts.OF_2027, 2027, today=TODAY).pk
        assert scope.current() == scope.staff(330000000000)


@pytest.mark.django_db(transaction=True)
def test_of_two_people_confirming_at_once_one_is_told():
    results, barrier = [], threading.Barrier(2)

    def confirm(name):
        scope.enter(scope.SYSTEM)
        barrier.wait()
        try:
            confirm_notice(texts.OF_2027, 2027, name, today=TODAY)
            results.append("confirmed")
        except NoticeRefused as fault:
            results.append(str(fault))
        connection.close()

    people = [threading.Thread(target=confirm, args=(name,)) for name in ("王敏", "李强")]
    [person.start() for person in people]
    [person.join() for person in people]
    assert "confirmed" in results and any("已于" in result for result in results), results
    assert HolidayNotice.objects.filter(year=2027).count() == 1


@pytest.mark.django_db(transaction=True)
def test_another_process_notices_the_change(monkeypatch):
    assert calendar.current().is_provisional(date(2027, 2, 8))
    held = table._table
    confirm_notice(texts.OF_2027, 2027, today=TODAY)
    monkeypatch.setattr(table, "_table", held)  # as a process that did not do it
    monkeypatch.setattr(table, "_checked", 0.0)
    assert not calendar.current().is_provisional(date(2027, 2, 8))


@pytest.mark.django_db(transaction=True)
def test_nobody_sees_a_notice_before_it_is_committed():
    seen = []

    def look():
        scope.enter(scope.PUBLIC)
        seen.append(calendar.is_provisional(date(2027, 2, 8)))
        connection.close()

    with transaction.atomic():
        confirm_notice(texts.OF_2027, 2027, today=TODAY)
        assert not calendar.is_provisional(date(2027, 2, 8))
        other = threading.Thread(target=look)
        other.start()
        other.join()
    table._checked = 0.0
    look()
    assert seen == [True, False]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_notice_leaves_no_trace_in_memory():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        confirm_notice(texts.OF_2027, 2027, today=TODAY)
        assert not calendar.is_provisional(date(2027, 2, 8))
        raise ZeroDivisionError
    table._checked = 0.0
    assert calendar.is_provisional(date(2027, 2, 8))
