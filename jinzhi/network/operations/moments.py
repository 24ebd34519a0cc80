"""Moments as people type them: 2026-11-23 14:05, in China's time."""

from datetime import datetime, timedelta

from django.utils import timezone

from jinzhi.casework.refusals import Refused

FORMAT = "%Y-%m-%d %H:%M"


def read(text: str, label: str, field: str = "") -> datetime:
    """Raises Refused where it is no moment."""
    try:
        found = datetime.strptime(str(text).strip().replace("T", " ")[:16], FORMAT)
    except ValueError:
        raise Refused(f"{label}应写成“年-月-日 时:分”，如 2026-11-23 14:05", field) from None
    return timezone.make_aware(found)


def past(text: str, label: str, now: datetime, field: str = "") -> datetime:
    """A moment that has come; a minute ahead is a clock that differs."""
    found = read(text, label, field)
    if found > now + timedelta(minutes=1):
        raise Refused(f"{label}不能晚于现在", field)
    return found


def shown(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime(FORMAT) if moment else ""
