"""A procedure in words: its steps, limits, forms and papers, as a legal officer or a citizen reads them.

Used by the reader page, the comparison of two versions and the interface; knows no cases.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cache

from jinzhi.casework import documents, procedures
from jinzhi.casework.clocks import limit_text
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import END, JOIN, OUTCOMES, Outcome, Procedure, StepDef
from jinzhi.foundation import calendar, forms, rules
from jinzhi.foundation.people import roles

KINDS = {
    "user": "办理", "parallel": "并联", "countersign": "会签", "decision": "自动判定", "timer": "等候期满",
    "subprocess": "另立办件", "notice": "送达文书",
}  # fmt: skip
LEVELS = {"county": "县级机构", "city": "市级机构", "province": "省级机构", "deciding": "有决定权的机构"}
QUORUMS = {"all": "全部同意", "any": "一人同意"}
MARKS = {"received": "收到申请", "accepted": "受理", "decided": "作出决定"}
OWNERS = {"agency": "行政机关", "applicant": "申请人", "laboratory": "检验机构"}
PROCEDURE_KINDS = {
    "new": "新办", "change": "变更", "renewal": "延续", "reissue": "补证", "cancellation": "注销",
    "revocation": "撤销、撤回、吊销", "other": "其他",
}  # fmt: skip


def day_of(version: ProcedureVersion) -> date:
    """The day whose rules a version is shown with: today, or its first or last day."""
    return max(version.valid_from, min(calendar.today(), version.valid_to or calendar.today()))


def value_on(key: str, on: date) -> rules.Value | None:
    try:
        return rules.value(key, on=on) if key else None
    except rules.NoRule:
        return None


def length(key: str, on: date) -> str:
    """The limit a rule sets on that day, in words; empty where it sets none."""
    value = value_on(key, on)
    return limit_text(int(value.value), value.unit) if value else ""


def target(p: Procedure, step: StepDef, to: str) -> str:
    """Where an outcome leads, in words."""
    if to == JOIN:
        block = p.steps[p.enclosing(step.key)]
        return f"{block.name}汇合"
    if to.startswith(END):
        return f"办结（{OUTCOMES[to.removeprefix(END)]}）"
    return p.steps[to].name if to in p.steps else to


def who(step: StepDef) -> str:
    """The role and whose agency, in words."""
    if not step.role:
        return "系统" if step.kind in ("decision", "timer") else ""
    if step.role == "applicant":
        return roles.name("applicant")
    return f"{LEVELS.get(step.level, step.level)}{roles.name(step.role)}岗"


def _names(p: Procedure, keys: tuple[str, ...]) -> str:
    return "、".join(p.clocks[k].title if k in p.clocks else k for k in keys)


def paper(kind: str) -> str:
    known = documents.kinds().get(kind)
    return f"《{known.title}》" if known else kind


def outcome(p: Procedure, step: StepDef, o: Outcome) -> str:
    """What one outcome does: where it leads, limits, papers, article."""
    parts = [f"转“{target(p, step, o.next)}”" if not o.next.startswith(END) else target(p, step, o.next)]
    if o.mark:
        parts.append(f"即{MARKS.get(o.mark, o.mark)}之日")
    if o.stops:
        parts.append(f"{_names(p, o.stops)}停止")
    if o.starts:
        parts.append(f"{_names(p, o.starts)}起算")
    if o.documents:
        parts.append(f"制作{'、'.join(paper(d) for d in o.documents)}")
    if o.reason:
        parts.append("须说明理由")
    if o.bulk:
        parts.append("可以批量办理")
    if o.law and o.law != step.law:
        parts.append(f"依据{o.law}")
    return "；".join(parts)


def facts(p: Procedure, step: StepDef, on: date) -> list[tuple[str, str]]:
    """Everything a definition says of a step, as label and text; what it does not say is left out."""
    found = [("种类", KINDS.get(step.kind, step.kind)), ("由谁办理", who(step)), ("依据", step.law)]
    found.append(("环节期限", _limit(step, on)))
    if step.branches and not step.signers:
        found.append(("同时进行", "、".join(p.steps[b].name for b in step.branches)))
    if step.kind == "parallel":
        found.append(("汇合之后", target(p, step, step.next)))
    if step.signers:
        names = "、".join(
            f"{s.name}（{LEVELS.get(s.level, s.level)}{roles.name(s.role)}岗）" for s in step.signers
        )
        found.append(("会签人", f"{names}，{'依次' if step.sequential else '同时'}征求"))
        found.append(("通过条件", QUORUMS.get(step.quorum, f"{step.quorum} 以上同意")))
    if step.table:
        found.append(("判定表", _decision(step, on)))
    if step.procedure:
        found.append(("另立办件", _titles().get(step.procedure, step.procedure)))
    if step.document:
        found.append(("送达的文书", paper(step.document)))
    if step.pauses:
        found.append(("不计入期限", f"{_names(p, step.pauses)}，因{step.ground}"))
    if step.extend and step.extend in p.clocks:
        clock = p.clocks[step.extend]
        found.append(("可以延长", f"{clock.title}，最多 {length(clock.extension, on)}"))
    if step.timer and (taken := step.outcome(step.timer.outcome)):
        law = f"（{step.timer.law}）" if step.timer.law else ""
        found.append(("期限届满", f"{_names(p, (step.timer.clock,))}届满未办，自动“{taken.label}”{law}"))
    if step.back:
        found.append(("可以退回到", "、".join(p.steps[b].name for b in step.back if b in p.steps)))
    if step.not_same_as:
        names = "、".join(p.steps[k].name for k in step.not_same_as if k in p.steps)
        found.append(("须由他人办理", f"办理过“{names}”的人不能办理"))
    found += [(f"结果：{o.label}", outcome(p, step, o)) for o in step.outcomes]
    return [(label, text) for label, text in found if text]


def _decision(step: StepDef, on: date) -> str:
    """The table's rows: under which conditions which way."""
    try:
        table = rules.table(step.table, on=on)
    except rules.NoRule:
        return step.table
    rows = []
    for row in table.rows:
        said = "、".join(f"{name} {_condition(c)}" for name, c in row["when"].items() if c != "-")
        taken = step.outcome(str(row["then"].get("outcome", "")))
        rows.append(f"{said or '其他'}：{taken.label if taken else row['then']}")
    return f"{table.title}（《{table.law}》{table.article}）——{'；'.join(rows)}"


def _condition(condition: object) -> str:
    if isinstance(condition, list):
        return " 或 ".join(_condition(one) for one in condition)
    if isinstance(condition, bool):
        return "是" if condition else "否"
    return str(condition)


def _limit(step: StepDef, on: date) -> str:
    value = value_on(step.limit, on)
    return f"{limit_text(int(value.value), value.unit)}（{value.basis}）" if value else ""


@cache
def _titles() -> dict[str, str]:
    return {raw["key"]: raw["name"] for raw in map(procedures.read, procedures.files())}


@dataclass(frozen=True)
class StepRow:
    """One line of the table of steps; `indent` counts the blocks it lies in."""

    step: StepDef
    who: str
    kind: str
    limit: rules.Value | None
    limit_text: str
    indent: int
    facts: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, str], ...]
    back: str


def order(p: Procedure) -> list[str]:
    """The steps a case may meet, as the file declares them, what lies in a block behind its block."""
    reachable = set(p.reachable())
    met = [key for key in p.steps if key in reachable]
    found: dict[str, None] = {}

    def place(key: str) -> None:
        if key in found:
            return
        found[key] = None
        for branch in p.steps[key].branches:
            inside = p.within(branch)
            for one in sorted(inside, key=met.index):
                place(one)

    for key in met:
        if not p.enclosing(key):
            place(key)
    return list(found)


def rows(p: Procedure, on: date) -> list[StepRow]:
    """The table of steps; members of a countersigning follow it."""
    found = []
    for key in order(p):
        step = p.steps[key]
        value = value_on(step.limit, on)
        every = facts(p, step, on)
        shown = {"种类", "由谁办理", "依据", "环节期限", "可以退回到"}
        found.append(
            StepRow(
                step=step,
                who=who(step),
                kind=KINDS.get(step.kind, step.kind),
                limit=value,
                limit_text=length(step.limit, on),
                indent=len(p.blocks(key)),
                facts=tuple((a, b) for a, b in every if a not in shown and not a.startswith("结果：")),
                outcomes=tuple((o.label, outcome(p, step, o)) for o in step.outcomes),
                back="、".join(p.steps[b].name for b in step.back if b in p.steps),
            )
        )
    return found


@dataclass(frozen=True)
class LimitRow:
    """A time limit with its number, its source and what starts and ends it."""

    key: str
    title: str
    owner: str
    length: str
    promised: str
    extension: str
    value: rules.Value | None
    promise: rules.Value | None
    starts: str
    stops: str


def limits(p: Procedure, on: date) -> list[LimitRow]:
    found = []
    for clock in p.clocks.values():
        starts = ["提交申请"] if clock.key in p.submit_starts else []
        starts += [
            f"{s.name}·{o.label}" for s in p.steps.values() for o in s.outcomes if clock.key in o.starts
        ]
        stops = [f"{s.name}·{o.label}" for s in p.steps.values() for o in s.outcomes if clock.key in o.stops]
        until = "到案卷中载明的日期为止" if clock.until else length(clock.rule, on)
        found.append(
            LimitRow(
                clock.key, clock.title, OWNERS.get(clock.owner, clock.owner), until, length(clock.promised, on),
                length(clock.extension, on), value_on(clock.rule, on), value_on(clock.promised, on),
                "、".join(dict.fromkeys(starts)), "、".join(dict.fromkeys(stops)),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Reading:
    """A version as its reader page shows it."""

    version: ProcedureVersion
    procedure: Procedure
    on: date
    steps: list[StepRow]
    limits: list[LimitRow]
    form: forms.Form
    papers: list[tuple[str, str]]
    deadlines: list[tuple[procedures.Deadline, str, str]]
    fees: list[tuple[str, rules.Value | None]]
    takes_over: list[tuple[int, list[tuple[str, str]]]] = field(default_factory=list)

    @property
    def tables(self) -> list[str]:
        """Decision tables the procedure uses."""
        return list(dict.fromkeys(s.table for s in self.procedure.steps.values() if s.table))

    @property
    def kind(self) -> str:
        return PROCEDURE_KINDS.get(self.procedure.kind, self.procedure.kind)


def read(version: ProcedureVersion) -> Reading:
    """Everything the reader page says, with the limits of its day."""
    p, on = version.procedure, day_of(version)
    return Reading(
        version=version,
        procedure=p,
        on=on,
        steps=rows(p, on),
        limits=limits(p, on),
        form=forms.get(p.form, p.form_version),
        papers=_papers(p),
        deadlines=[(d, p.clocks[d.clock].title, target(p, p.steps[p.start], d.next)) for d in p.deadlines],
        fees=[(f.title, value_on(f.rule, on)) for f in p.fees],
        takes_over=_takes_over(p),
    )


def _papers(p: Procedure) -> list[tuple[str, str]]:
    """Every paper the procedure makes, and when."""
    found: dict[str, list[str]] = {}
    for kind in p.submit_documents:
        found.setdefault(kind, []).append("提交申请")
    for step in p.steps.values():
        if step.document:
            found.setdefault(step.document, []).append(step.name)
        for o in step.outcomes:
            for kind in o.documents:
                found.setdefault(kind, []).append(f"{step.name}·{o.label}")
    for d in p.deadlines:
        for kind in d.documents:
            found.setdefault(kind, []).append(d.label)
    return [(paper(kind), "、".join(dict.fromkeys(when))) for kind, when in found.items()]


def _takes_over(p: Procedure) -> list[tuple[int, list[tuple[str, str]]]]:
    """Which steps of earlier versions this one goes on from, in names where they are known."""
    found = []
    for number, pairs in p.takes_over:
        former = ProcedureVersion.objects.filter(key=p.key, version=number).first()
        names = {k: s.name for k, s in former.procedure.steps.items()} if former else {}
        steps = [(names.get(a, a), p.steps[b].name if b in p.steps else b) for a, b in pairs]
        found.append((number, steps))
    return found
