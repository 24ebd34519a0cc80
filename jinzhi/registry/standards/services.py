"""What the catalogue answers: a standard on a day, what replaced it, whether cited standards were in force."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import Q

from jinzhi.foundation import rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.calendar.clock import today
from jinzhi.registry.standards import numbers
from jinzhi.registry.standards.models import Replacement, Standard
from jinzhi.registry.standards.numbers import BadNumber, Number

PAGE, MOST = 20, 100
STATES = {
    "future": "即将实施",
    "in_force": "现行",
    "partly_replaced": "部分代替",
    "transition": "过渡期内",
    "replaced": "被代替",
    "abolished": "废止",
    "unknown": "实施日期未载明",
}
VALID = ("in_force", "partly_replaced", "transition")
MOST_CHECKED = 5000


class Cycle(ValueError):
    """Standards that replace each other in a circle: an error of the catalogue."""


@dataclass(frozen=True)
class Edge:
    """One replacement with the day from which it counts (None: not known)."""

    newer: str
    older: str
    extent: str
    on: date | None

    @property
    def whole(self) -> bool:
        return self.extent != Replacement.Extent.PARTIAL

    @property
    def word(self) -> str:
        return str(Replacement.Extent(self.extent).label)


@dataclass
class Standing:
    """A standard on a day: in force from `since` until the day before `until`, and who takes its place."""

    standard: Standard
    on: date
    state: str
    since: date | None
    until: date | None
    replaced_by: list[Edge] = field(default_factory=list)
    replaces: list[Edge] = field(default_factory=list)
    transition_until: date | None = None

    @property
    def word(self) -> str:
        return STATES[self.state]

    @property
    def valid(self) -> bool:
        return self.state in VALID

    @property
    def message(self) -> str:
        """One sentence for whoever cites it."""
        name = self.standard.number
        whole = [e for e in self.replaced_by if e.whole]
        successors = "、".join(e.newer for e in whole)
        if self.state == "replaced":
            when = f"于 {self.until} " if self.until else ""
            return f"{name} 已{when}被 {successors} 代替"
        if self.state == "abolished":
            return f"{name} 已于 {self.until} 废止"
        if self.state == "future":
            return f"{name} 自 {self.since} 起实施，{self.on} 时尚未实施"
        if self.state == "transition":
            return f"{name} 已被 {successors} 代替，过渡期至 {self.transition_until}"
        if self.state == "partly_replaced":
            parts = "、".join(e.newer for e in self.replaced_by if e.on and e.on <= self.on)
            return f"{name} 现行，部分内容已被 {parts} 代替"
        if self.state == "unknown":
            return f"{name} 的实施日期未载明，不能判断 {self.on} 时是否有效"
        if whole and self.until:
            return f"{name} 现行，将于 {self.until} 被 {successors} 代替"
        return f"{name} 现行" if self.on >= today() else f"{name} 当日有效"


def this_year() -> int:
    return today().year


def parse(text: str) -> Number:
    return numbers.parse(text, now=this_year())


# -- one standard


def edges(found: Iterable[str]) -> list[Edge]:
    """The replacements in which these numbers take part."""
    names = list(found)
    rows = list(Replacement.objects.filter(Q(older__in=names) | Q(newer__in=names)))
    effective = dict(
        Standard.objects.filter(number__in={r.newer for r in rows}).values_list("number", "effective_on")
    )
    return [Edge(r.newer, r.older, r.extent, r.effective_on or effective.get(r.newer)) for r in rows]


def standing(standard: Standard, on: date, known: list[Edge] | None = None) -> Standing:
    """effective_on ≤ day < the earlier of abolition and the effect of a full replacement; a transition prolongs it."""
    known = edges([standard.number]) if known is None else known
    by = sorted((e for e in known if e.older == standard.number), key=lambda e: (e.on or date.max, e.newer))
    found = Standing(
        standard,
        on,
        "in_force",
        standard.effective_on,
        None,
        by,
        [e for e in known if e.newer == standard.number],
    )
    replaced = min((e.on for e in by if e.whole and e.on), default=None)
    found.until = min((d for d in (standard.abolished_on, replaced) if d), default=None)
    found.transition_until = _transition(by)
    found.state = _state(found, replaced)
    return found


def _transition(by: list[Edge]) -> date | None:
    """The last day on which the replaced standard may still be used."""
    names = [e.newer for e in by if e.whole]
    if not names:
        return None
    stated = Standard.objects.filter(number__in=names).values_list("transition_until", flat=True)
    return max((d for d in stated if d), default=None)


def _state(found: Standing, replaced: date | None) -> str:
    standard, on = found.standard, found.on
    if standard.abolished_on and standard.abolished_on <= on and not (replaced and replaced <= on):
        return "abolished"
    if replaced and replaced <= on:
        prolonged = found.transition_until and on <= found.transition_until
        return "transition" if prolonged and not _over(standard.abolished_on, on) else "replaced"
    if any(e.whole and e.on is None for e in found.replaced_by):
        return "replaced"  # the catalogue names a successor without a day
    if standard.effective_on is None:
        return "unknown"
    if standard.effective_on > on:
        return "future"
    partly = any(not e.whole and e.on and e.on <= on for e in found.replaced_by)
    return "partly_replaced" if partly else "in_force"


def _over(day: date | None, on: date) -> bool:
    return day is not None and day <= on


def find(text: str, on: date) -> Standing | None:
    """The standard of a number; of one without its year, the edition in force on the day (else the latest before).

    A number unknown under its nature is looked for under another (GB 1234, GB/T 1234). Raises BadNumber.
    """
    number = parse(text)
    if number.year:
        held = Standard.objects.filter(number=number.text).first() or (
            Standard.objects.filter(bare=number.bare, year=number.year).first()
            if number.kind == "national"
            else None
        )
        return standing(held, on) if held else None
    family = Standard.objects.filter(family=number.family) or Standard.objects.filter(bare=number.bare)
    editions = [standing(s, on) for s in family.order_by("effective_on", "year")]
    for wanted in (
        ("in_force", "partly_replaced"),
        ("transition",),
        ("replaced", "abolished"),
        ("future", "unknown"),
    ):
        if fitting := [s for s in editions if s.state in wanted]:
            return fitting[-1] if wanted[0] != "future" else fitting[0]
    return None


# -- chains


def chain(number: str) -> tuple[list[Edge], list[str]]:
    """(the edges from this number forward, the numbers at their ends). A fork gives several ends. Raises Cycle."""
    found: list[Edge] = []
    path: dict[str, list[str]] = {number: [number]}
    level = [number]
    while level:
        following = [e for e in edges(level) if e.older in level and e.whole]
        level = []
        for edge in following:
            if edge.newer in path[edge.older]:
                raise Cycle(f"代替关系成环：{' → '.join([*path[edge.older], edge.newer])}")
            found.append(edge)
            if edge.newer not in path:
                path[edge.newer] = [*path[edge.older], edge.newer]
                level.append(edge.newer)
    older = {e.older for e in found}
    return found, sorted({e.newer for e in found} - older) or [number]


# -- cited standards


@dataclass
class Checked:
    """A citation as it was written, what it is, and what is to be said: `code` STD-01, STD-02, INFO, UNKNOWN or BAD."""

    cited: str
    number: str = ""
    found: Standing | None = None
    code: str = ""
    message: str = ""

    @property
    def fine(self) -> bool:
        return not self.code


def check_list(cited: Iterable[str], on: date, *, by_standard: bool = False) -> list[Checked]:
    """Each cited standard on a day: STD-01 not in force (STD-02 when an enterprise standard cites it).

    One that ends within the notice period after the day is told (INFO); one the catalogue does not hold is UNKNOWN.
    """
    months = int(rules.value("standards.expiry_notice", on=max(on, date(2006, 1, 1))).value)
    soon = add_months(on, months)
    known: dict[str, Checked] = {}
    answers = []
    for text in cited:
        if text not in known:
            known[text] = _checked(text, on, soon, by_standard)
        answers.append(known[text])
    return answers


def _checked(text: str, on: date, soon: date, by_standard: bool) -> Checked:
    try:
        number = parse(text)
        found = find(text, on)
    except BadNumber as fault:
        return Checked(text, code="BAD", message=str(fault))
    if found is None:
        return Checked(text, number.text, code="UNKNOWN", message=f"目录中没有 {number.text}")
    answer = Checked(text, number.text, found, message=found.message)
    if found.state == "unknown":
        answer.code = "UNKNOWN"
    elif not found.valid:
        answer.code = "STD-02" if by_standard else "STD-01"
    elif found.until and on < found.until <= soon:
        answer.code = "INFO"
        answer.message = f"{found.standard.number} 有效，但将于 {found.until} 失效"
    return answer


def remarks(text: str, on: date) -> list[Checked]:
    """What is to be said of the standards that a text cites: only those not in force, or soon no longer.

    `许可证引用 GB 7718-2004` → `GB 7718-2004 已于 2012-04-20 被 GB 7718-2011 代替`.
    """
    cited = list(dict.fromkeys(n.text for n in numbers.find(text)))
    if not cited:
        return []
    return [c for c in check_list(cited, on) if c.code in ("STD-01", "STD-02", "INFO")]


# -- lists


def search(
    q: str = "", *, ics: str = "", kind: str = "", after: str = "", limit: int = PAGE
) -> tuple[list[Standard], str]:
    """Standards by number or words of the title, in the order of their numbers; (rows, where the next page begins)."""
    limit = max(1, min(limit, MOST))
    where, values = ["number > %s"], [after]
    if words := q.strip():
        where.append("(number_key LIKE %s OR title_grams @@ registry_gram_query(%s) AND title ILIKE %s)")
        values += [f"{_escaped(_key(words))}%", words, f"%{_escaped(words)}%"]
    if ics:
        where.append("EXISTS (SELECT FROM jsonb_array_elements_text(ics) AS c WHERE c LIKE %s)")
        values.append(f"{_escaped(ics)}%")
    if kind:
        where.append("kind = %s")
        values.append(kind)
    sql = f"SELECT id FROM standards_standard WHERE {' AND '.join(where)} ORDER BY number LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, limit + 1])
        keys = [row[0] for row in cursor.fetchall()]
    held = Standard.objects.in_bulk(keys)
    rows = [held[key] for key in keys[:limit]]
    return rows, rows[-1].number if len(keys) > limit else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _key(words: str) -> str:
    return numbers.normalize(words).replace(" ", "")


def standings(found: list[Standard], on: date) -> list[Standing]:
    known = edges(s.number for s in found)
    return [standing(s, on, known) for s in found]
