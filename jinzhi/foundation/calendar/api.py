"""GET /api/v1/calendar/due: when a legal period ends, and why."""

import re
from datetime import date

from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from jinzhi.foundation import calendar

PREFIX = "/calendar"
router = Router(tags=["工作日历"])


class DueAnswer(Schema):
    due: date
    provisional: bool
    why: list[str]


@router.get("/due", response=DueAnswer, summary="期限届满日及理由")
def due(
    request: HttpRequest,
    start: str = Query("", description="起算日，年-月-日，当日不计入", examples=["2026-02-10"]),
    limit: str = Query("", description="期限数", examples=["10"]),
    unit: str = Query("workday", description="workday 工作日、day 自然日、month 月、year 年"),
):
    try:
        found = calendar.due(parse_day(start), parse_limit(limit), unit.strip())
    except calendar.CalendarError as fault:
        raise HttpError(422, str(fault)) from None
    return {"due": found.date, "provisional": found.provisional, "why": found.why}


def parse_day(text: str, name: str = "起算日 start") -> date:
    text = text.strip()
    if not text:
        raise calendar.CalendarError(f"请给出{name}，写作 2026-02-10")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise calendar.CalendarError(f"{name}应写作 2026-02-10，现为“{text[:40]}”")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise calendar.CalendarError(f"{text} 不是存在的日期") from None


def parse_limit(text: str) -> int:
    text = text.strip()
    if not text:
        raise calendar.CalendarError("请给出期限数 limit，写作 10")
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise calendar.CalendarError(f"期限数 limit 应为整数，现为“{text[:40]}”")
    return int(text)
