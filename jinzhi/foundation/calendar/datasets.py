"""Holiday notices that the province has confirmed: every node counts working days alike."""

from collections.abc import Iterator

from jinzhi.foundation.calendar import loading
from jinzhi.foundation.calendar.models import HolidayNotice
from jinzhi.foundation.exchange.declared import Dataset, Field


def offered() -> Iterator[dict]:
    """Notices that somebody entered here and that are in force."""
    for notice in HolidayNotice.objects.filter(status="confirmed", kind="annual", source="").exclude(text=""):
        yield {
            "year": str(notice.year),
            "number": notice.number,
            "title": notice.title,
            "issued_on": notice.issued_on.isoformat() if notice.issued_on else None,
            "text": notice.text,
        }


def applied(bodies: list[dict]) -> None:
    """Confirm the notice here too, in place of another of that year. Raises loading.NoticeRefused."""
    for body in bodies:
        year = int(body["year"])
        if HolidayNotice.objects.filter(year=year, status="confirmed", text=body["text"]).exists():
            continue
        loading.confirm_notice(body["text"], year, "省级下发", number=body.get("number") or "", replace=True)


DATASETS = [
    Dataset(
        key="calendar.notice",
        title="放假通知",
        summary="国务院办公厅节假日安排通知，决定工作日的计算。",
        identifier="330001/FJTZ-0001",
        classification="102001/000001",
        flow="down",
        down="all",
        audience=frozenset({"cities"}),
        legal_basis="全国年节及纪念日放假办法",
        frequency="每年",
        key_fields=("year",),
        offered=offered,
        applied=applied,
        fields=(
            Field("year", "年份", required=True, length=4, open=True),
            Field("number", "文号", length=40, open=True),
            Field("title", "标题", length=120, open=True),
            Field("issued_on", "发文日期", "date", open=True),
            Field("text", "通知正文", required=True, open=True),
        ),
    )
]
