"""Countdown lamps: how much of a limit is left, as a colour with a word (never a colour alone)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jinzhi.foundation import calendar, rules

WORDS = {"green": "正常", "yellow": "临期", "orange": "紧急", "red": "超期", "grey": "暂停", "none": "无时限"}


@dataclass(frozen=True)
class Thresholds:
    yellow_share: float
    orange_days: int

    def yellow_from(self, limit: int) -> int:
        """Largest number of remaining days that shows yellow: 4 of 15 (0.3 x 15 = 4.5, rounded down)."""
        return int(limit * self.yellow_share)


def thresholds(on: date | None = None) -> Thresholds:
    on = on or calendar.today()
    return Thresholds(
        float(rules.value("lamps.yellow_share", on=on).value),
        int(rules.value("lamps.orange_days", on=on).value),
    )


@dataclass(frozen=True)
class Lamp:
    """`remaining` is working days after today up to the due day; negative when overdue."""

    colour: str
    remaining: int | None
    due: date | None
    provisional: bool = False
    left: int | None = None  # seconds to the moment on which a limit in hours or minutes ends

    @property
    def word(self) -> str:
        return WORDS[self.colour]

    @property
    def text(self) -> str:
        if self.left is not None:
            return f"{'剩' if self.left > 0 else '超期'} {_span(abs(self.left))}"
        match self.colour:
            case "none":
                return "无时限"
            case "grey":
                return "计时暂停"
            case "red":
                return f"超期 {-self.remaining} 个工作日" if self.remaining else "已超期"
        return "今日到期" if not self.remaining else f"剩 {self.remaining} 个工作日"


def _span(seconds: int) -> str:
    minutes = -(-seconds // 60)
    if minutes < 60:
        return f"{minutes} 分钟"
    if minutes < 48 * 60:
        return f"{minutes // 60} 小时 {minutes % 60} 分"
    return f"{minutes // 1440} 日"


def moment_lamp(due_at: datetime, total: timedelta, due: date, now: datetime, marks: Thresholds) -> Lamp:
    """The lamp of a limit that ends at a moment: yellow by the usual share of the limit, orange in the last third of it."""
    left = due_at - now
    share = left / total if total else 0
    colour = "red" if left <= timedelta(0) else "orange" if share <= marks.yellow_share / 3 else "green"
    if colour == "green" and share <= marks.yellow_share:
        colour = "yellow"
    return Lamp(colour, None, due, left=int(left.total_seconds()))


def lamp(due_ord: int | None, limit: int | None, paused: bool, today: date, marks: Thresholds) -> Lamp:
    """The lamp of one clock on that day."""
    if paused:
        return Lamp("grey", None, None)
    if due_ord is None:
        return Lamp("none", None, None)
    due = calendar.day_of(due_ord)
    remaining = due_ord - calendar.ordinal(today)
    if today > due:
        colour = "red"
    elif remaining <= marks.orange_days:
        colour = "orange"
    elif remaining <= marks.yellow_from(limit or 0):
        colour = "yellow"
    else:
        colour = "green"
    return Lamp(colour, remaining, due, calendar.is_provisional(due))
