"""`/api/v1/supervision/…`: boards, cards and scores for a higher supervision platform, in the reader's own range.

Cards are handed over in the order in which they changed; `next` of one answer is `since` of the following request.
A card is delivered again when it changes, so a reader keeps it by `id` and the highest `version`.
"""

from datetime import date, datetime, timedelta
from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from jinzhi.casework.esupervision import cards, scoring, telling
from jinzhi.casework.esupervision.models import Run, Signal
from jinzhi.foundation import calendar
from jinzhi.foundation.people.bearer import signed_in
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.foundation.places.services import name_path

PREFIX = "/supervision"
router = Router(tags=["电子监察"], auth=signed_in)
MOST = 500
SETTLING = timedelta(minutes=10)  # a pass that is still writing shows up within it
NAMES = {"province": 100_000_000, "city": 1_000_000}


class Counts(Schema):
    red: int
    yellow: int
    blue: int
    green: int
    waiting: int
    appealed: int
    lifted: int


class BoardLine(Schema):
    key: str
    name: str
    counts: Counts


class Board(Schema):
    place: str
    name: str
    by: str
    first: date | None
    last: date
    run_at: datetime | None
    totals: Counts
    lines: list[BoardLine]


class Card(Schema):
    id: int
    version: int
    rule: str
    title: str
    colour: str
    colour_name: str
    law: str
    case: str | None
    matter: str
    place: str
    agency: str
    agency_name: str
    step: str
    role: str
    person: str
    happened_on: date
    raised_on: date
    escalated_on: date | None
    status: str
    status_name: str
    reply_by: date | None
    replied_on: date | None
    appealed_on: date | None
    decided_on: date | None
    corrected_on: date | None
    ground: str
    finding: str
    is_demo: bool
    changed_at: datetime


class Cards(Schema):
    results: list[Card]
    next: str


class Score(Schema):
    agency: str
    agency_name: str
    level: str
    cases: int
    total: float | None
    grade: str
    rank: int | None
    state: str
    revision: int
    reason: str


class Scores(Schema):
    period: str
    start: date
    end: date
    results: list[Score]


def _reader(request: HttpRequest, code: str) -> int:
    """The place asked for, inside the range of the post that asks."""
    post = getattr(request, "post", None)
    if not request.user.is_authenticated or post is None:
        raise HttpError(401, "需要以工作人员身份登录。")
    if not set(getattr(request, "roles", ())) & {"supervisor", "auditor"}:
        raise HttpError(403, "监察数据由督查岗位读取。")
    own = post.agency.place
    if not code:
        return own
    if not code.isdecimal() or len(code) not in (6, 12):
        raise HttpError(422, f"地区代码 place 应为 6 位或者 12 位数字，现为“{code[:20]}”")
    place = int(code) * (1_000_000 if len(code) == 6 else 1)
    lo, hi = jurisdiction(place)
    own_lo, own_hi = jurisdiction(own)
    if not own_lo <= lo <= hi <= own_hi:
        raise HttpError(404, "没有找到这个地区，或者它不在您的管辖范围内。")
    return place


@router.get("/board", response=Board, summary="监察看板：按地区、机构、事项、人员、规则汇总")
def board(
    request: HttpRequest,
    place: Annotated[str, Query(description="6 位区划代码；缺省为本机构的管辖范围")] = "",
    by: Annotated[
        str, Query(description="place 地区、agency 机构、matter 事项、person 人员、rule 规则")
    ] = "place",
    period: Annotated[str, Query(description="month 本月、quarter 本季度、year 本年、all 全部")] = "month",
):
    seat = _reader(request, place)
    if by not in cards.BY:
        raise HttpError(422, f"by 应为以下之一：{'、'.join(cards.BY)}")
    today = calendar.today()
    signals = cards.within(*jurisdiction(seat))
    first, last = None, today
    if period != "all":
        if period not in scoring.MONTHS:
            raise HttpError(422, f"period 应为以下之一：{'、'.join([*scoring.MONTHS, 'all'])}")
        first, last = scoring.bounds(period, today)
        signals = signals.filter(raised_on__range=(first, last))
    width = NAMES["province"] if seat % 10_000_000_000 == 0 else NAMES["city"]
    lines = cards.board(signals, by, width)
    run = Run.objects.filter(finished_at__isnull=False).first()
    return {
        "place": f"{seat // 1_000_000:06d}", "name": name_path(seat).split(" / ")[-1], "by": by, "first": first, "last": last,
        "run_at": run and run.finished_at, "totals": cards.totals(signals),
        "lines": [{"key": x.key, "name": x.name, "counts": x.counts} for x in lines],
    }  # fmt: skip


@router.get("/cards", response=Cards, summary="监察信号，按变动先后，供上级监察平台续传")
def list_cards(
    request: HttpRequest,
    place: Annotated[str, Query(description="6 位区划代码；缺省为本机构的管辖范围")] = "",
    since: Annotated[str, Query(description="上一次回答的 next；缺省从头开始")] = "",
    colour: Annotated[str, Query(description="red、yellow、blue、green；缺省为黄牌和红牌")] = "",
    status: Annotated[str, Query(description="open、replied、appealed、upheld、lifted")] = "",
    rule: Annotated[str, Query(description="规则，如 T6")] = "",
    case: Annotated[str, Query(description="办件编号")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
):
    seat = _reader(request, place)
    rows = cards.within(*jurisdiction(seat)).select_related("case", "agency", "account")
    if colour and colour not in Signal.Colour.values:
        raise HttpError(422, f"colour 应为以下之一：{'、'.join(Signal.Colour.values)}")
    if status and status not in Signal.Status.values:
        raise HttpError(422, f"status 应为以下之一：{'、'.join(Signal.Status.values)}")
    rows = rows.filter(colour=colour) if colour else rows.filter(cards.CARDS)
    rows = rows.filter(status=status) if status else rows
    rows = rows.filter(rule=rule) if rule else rows
    rows = rows.filter(case__number=case) if case else rows
    if since:
        rows = rows.extra(
            where=["(esupervision_signal.changed_at, esupervision_signal.id) > (%s, %s)"],
            params=list(_cursor(since)),
        )
    found = list(rows.order_by("changed_at", "id")[:limit])
    return {"results": [_card(s) for s in found], "next": _next(found, len(found) == limit, since)}


def _cursor(text: str) -> tuple[datetime, int]:
    moment, _, key = text.partition("~")
    try:
        since, last = datetime.fromisoformat(moment), int(key)
        if since.tzinfo is None or not 0 <= last < 2**63:
            raise ValueError
        return since, last
    except ValueError:
        raise HttpError(422, "since 应为上一次回答的 next") from None


def _next(found: list[Signal], full: bool, since: str) -> str:
    """Where to go on. At the end of what there is, a little before it: a pass may still be writing."""
    if not found:
        return since
    last = found[-1]
    moment, key = last.changed_at, last.pk
    if not full and moment > (held := timezone.now() - SETTLING):
        moment, key = held, 0
    return f"{moment.isoformat()}~{key}"


def _card(s: Signal) -> dict:
    return {
        "id": s.pk, "version": s.version, "rule": s.rule, "title": s.title, "colour": s.colour,
        "colour_name": s.get_colour_display(), "law": s.law, "case": s.case.number if s.case else None, "matter": s.matter,
        "place": f"{s.case_place // 1_000_000:06d}", "agency": s.agency.key, "agency_name": s.agency.name,
        "step": s.step_name, "role": s.role, "person": s.account.name if s.account else "", "happened_on": s.happened_on,
        "raised_on": s.raised_on, "escalated_on": s.escalated_on, "status": s.status, "status_name": s.get_status_display(),
        "reply_by": telling.due(s, "esupervision.reply") if s.is_card else None, "replied_on": s.replied_on,
        "appealed_on": s.appealed_on, "decided_on": s.decided_on, "corrected_on": s.corrected_on, "ground": s.ground,
        "finding": telling.finding(s), "is_demo": s.is_demo, "changed_at": s.changed_at,
    }  # fmt: skip


@router.get("/scores", response=Scores, summary="绩效考核得分和等次")
def scores(
    request: HttpRequest,
    place: Annotated[str, Query(description="6 位区划代码；缺省为本机构的管辖范围")] = "",
    period: Annotated[str, Query(description="month、quarter、half、year")] = "month",
    on: Annotated[date | None, Query(description="周期内任意一天；缺省今天")] = None,
):
    seat = _reader(request, place)
    if period not in scoring.MONTHS:
        raise HttpError(422, f"period 应为以下之一：{'、'.join(scoring.MONTHS)}")
    day = on or calendar.today()
    if not scoring.FIRST <= day <= scoring.LAST:
        raise HttpError(422, f"on 应在 {scoring.FIRST} 至 {scoring.LAST} 之间")
    start, end = scoring.bounds(period, day)
    lo, hi = jurisdiction(seat)
    sheets = [s for s in scoring.latest(period, start) if lo <= s.place <= hi]
    results = [
        {
            "agency": s.agency.key, "agency_name": s.agency.name, "level": s.agency.level, "cases": s.cases,
            "total": None if s.total is None else float(s.total), "grade": s.grade, "rank": s.rank, "state": s.state,
            "revision": s.revision, "reason": s.reason,
        }
        for s in sheets
    ]  # fmt: skip
    return {"period": period, "start": start, "end": end, "results": results}
