"""Moving open cases to a newer version of their procedure: previewed, mapped step by step, told in the story.

The new version says in `takes_over` which of its steps stand for those of an earlier one; steps of the same
key stand for themselves. Limits that have begun keep their numbers and days, and so do the rules of the
case's own date: what changes is how the case goes on.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from jinzhi.casework import clocks, engine, intake
from jinzhi.casework.actions import Act, Actor, AlreadyDone, NoPower, Refused
from jinzhi.casework.actions.base import moment
from jinzhi.casework.models import LIVE, PERSONAL, Case, ProcedureVersion, Step
from jinzhi.casework.procedures import Procedure
from jinzhi.foundation import calendar

ROLE = "administrator"
MOST = 500  # cases of one run; the next run goes on with those that are left


@dataclass(frozen=True)
class Preview:
    """What moving one case would do, or why it cannot be moved."""

    case: Case
    keys: dict[str, str]  # every step the case has been through -> the step that stands for it
    open: tuple[tuple[str, str], ...]  # names of the open steps, before and after
    problems: tuple[str, ...]

    @property
    def possible(self) -> bool:
        return not self.problems


def targets(version: ProcedureVersion) -> QuerySet[ProcedureVersion]:
    """Later versions that say how to go on with cases of this one."""
    later = ProcedureVersion.objects.filter(key=version.key, version__gt=version.version)
    wanted = [v.pk for v in later if v.procedure.mapping_from(version.version) is not None]
    return later.filter(pk__in=wanted).order_by("version")


def counterpart(mapping: dict[str, str], new: Procedure, key: str) -> str:
    """The step of the new version that stands for `key`; empty where none does."""
    if key in mapping:
        return mapping[key] if mapping[key] in new.steps else ""
    if key in new.steps:
        return key
    block, dot, signer = key.rpartition(".")  # a member of a countersigning goes with it
    following = f"{mapping.get(block, block)}.{signer}"
    return following if dot and following in new.steps else ""


def preview(case: Case, version: ProcedureVersion) -> Preview:
    """What would become of the case under `version`; changes nothing."""
    old, new = case.definition, version.procedure
    mapping = new.mapping_from(old.version) if version.key == old.key else None
    if mapping is None or version.version <= old.version:
        return Preview(case, {}, (), (f"第 {version.version} 版没有写明怎样接续第 {old.version} 版的办件",))
    problems: list[str] = [] if case.state == Case.State.OPEN else ["本件已办结"]
    if version.valid_from > calendar.today():
        problems.append(f"第 {version.version} 版自 {version.valid_from} 起施行，现在还不能转换")
    keys, live = {}, []
    for step in case.steps.select_related("parent").order_by("id"):
        keys[step.key] = counterpart(mapping, new, step.key)
        if not keys[step.key]:
            problems.append(f"“{step.name}”在新版本中没有对应的环节")
        elif step.state in LIVE:
            live.append(step)
            problems += _fits(step, keys, old, new)
    running = case.clocks.filter(state__in=clocks.RUNNING, step=None)
    known = set(new.clocks)
    problems += [
        f"“{c.title}”在新版本中没有对应的期限"
        for c in running
        if c.key.removesuffix(":promised") not in known
    ]
    names = [
        (s.name, new.steps[keys[s.key]].name) for s in live if s.kind in (*PERSONAL, "timer", "subprocess")
    ]
    return Preview(case, keys, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(problems)))


def _fits(step: Step, keys: dict[str, str], old: Procedure, new: Procedure) -> list[str]:
    """Whether an open step can stand where its counterpart stands."""
    target = new.steps[keys[step.key]]
    if old.steps[step.key].kind != target.kind:
        return [f"“{step.name}”在新版本中是另一种环节（{target.name}）"]
    block = keys.get(step.parent.key, "") if step.parent else ""
    if step.kind != "sign" and new.enclosing(target.key) != block:
        return [f"“{step.name}”在新版本中不在同一并联审查之内"]
    problems = []
    if set(old.steps[step.key].pauses) - set(target.pauses):
        problems.append(f"“{step.name}”暂停了期限，新版本的“{target.name}”不会恢复它")
    if old.steps[step.key].limit and not target.limit:
        problems.append(f"“{step.name}”的环节期限在新版本中没有了")
    return problems


def move(
    case_id, version: ProcedureVersion, actor: Actor, at: datetime | None = None, reason: str = ""
) -> Act:
    """Move one open case to `version`. Raises Refused; nothing has happened then."""
    if not any(p.role == ROLE for p in actor.powers):
        raise NoPower("转换流程版本由系统管理员办理")
    if not reason.strip():
        raise Refused("请写明转换流程版本的理由", "reason")
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case_id)
        if case.procedure_id == version.pk:
            raise AlreadyDone(f"本件已按第 {version.version} 版办理")
        act = Act(case, None, "migrate", actor, moment(case, at), reason.strip())
        carry_over(act, version, act.who, act.reason)
        case.save()
        clocks.refresh_urgency(case)
    return act


def carry_over(act: Act, version: ProcedureVersion, who: str, why: str) -> None:
    """Put the case of an act under `version` and say so in its story; the caller saves. Raises Refused."""
    case, former = act.case, act.case.procedure
    found = preview(case, version)
    if not found.possible:
        raise Refused(f"{case.number} 不能转换：{'；'.join(found.problems)}")
    case.procedure = version
    _rename(case, found.keys)
    steps = "；".join(f"“{a}”由“{b}”接续" if a != b else f"“{a}”照旧" for a, b in found.open)
    act.log(
        "migrate",
        f"{who} 将本件由《{former.name}》第 {former.version} 版转为第 {version.version} 版办理：{steps}；"
        f"已经开始计算的期限不变。理由：{why}",
        former=former.version, version=version.version, steps=found.keys,
    )  # fmt: skip


def still_open(act: Act) -> None:
    """Refused where the matter has been closed between receipt and acceptance."""
    try:
        version = intake.version_on(act.case.definition.key, act.day)
    except intake.NotInForce:
        return
    if version.procedure.closed:
        raise Refused(version.procedure.closed)


def rules_of_acceptance(act: Act) -> bool:
    """An application received before a change and accepted after it is decided under the new rules.

    The rule set in force on the day of acceptance holds, where the new version says how to go on with cases
    of the old one; otherwise the old version finishes what was begun under it. Answers whether the case moved.
    """
    case = act.case
    try:
        version = intake.version_on(case.definition.key, act.day)
    except intake.NotInForce:
        return False
    if version.pk == case.procedure_id or version.procedure.mapping_from(case.procedure.version) is None:
        return False
    carry_over(act, version, "系统", f"受理之日（{act.day:%Y-%m-%d}）施行的是第 {version.version} 版")
    case.rule_date = act.day
    return True


def _rename(case: Case, keys: dict[str, str]) -> None:
    """Give every step its new key, and open ones the name, role and agency that the new version says."""
    definition = case.definition
    for step in case.steps.all():
        node = definition.steps[keys[step.key]]
        step.key = node.key
        if step.state in LIVE and step.kind != "sign":
            step.name = node.name
            if step.kind in PERSONAL:
                role = node.role or engine.WINDOW
                agency = engine.agency_of(case, node)
                if (role, agency) != (step.role, step.agency_id):
                    step.role, step.agency_id, step.assignee, step.taken_at = role, agency, None, None
        step.save()
    for clock in case.clocks.exclude(step=None).select_related("step"):
        if clock.step is not None and clock.key != f"step:{clock.step.key}":
            clock.key = f"step:{clock.step.key}"
            clock.save(update_fields=["key"])


# -- many at once


@dataclass(frozen=True)
class Survey:
    """What a run would do with the open cases of one version that the post sees."""

    total: int
    possible: int
    looked_at: int
    reasons: tuple[tuple[str, int], ...]  # why not, and how many
    moves: tuple[tuple[str, str, int], ...]  # open step before, after, and how many


def waiting(version: ProcedureVersion) -> QuerySet[Case]:
    return Case.objects.filter(procedure=version, state=Case.State.OPEN).order_by("pk")


def survey(former: ProcedureVersion, version: ProcedureVersion) -> Survey:
    """How many open cases of `former` can go on under `version`; the first MOST are looked at one by one."""
    cases = waiting(former)
    total = cases.count()
    found = [preview(case, version) for case in cases.select_related("procedure")[:MOST]]
    reasons = Counter(p for one in found for p in one.problems)
    moves = Counter(pair for one in found if one.possible for pair in one.open)
    return Survey(
        total, sum(one.possible for one in found), len(found), tuple(reasons.most_common()),
        tuple((a, b, n) for (a, b), n in moves.most_common()),
    )  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one run did; `last` is where the next one goes on, None when it reached the end."""

    moved: int
    refused: int
    last: UUID | None


def move_all(
    former: ProcedureVersion, version: ProcedureVersion, actor: Actor, reason: str, after: UUID | None = None
) -> Run:
    """Look at the next MOST cases and move those that can be, each in a transaction of its own."""
    cases = waiting(former)
    keys = list((cases.filter(pk__gt=after) if after else cases).values_list("pk", flat=True)[: MOST + 1])
    moved = refused = 0
    for case_id in keys[:MOST]:
        try:
            move(case_id, version, actor, reason=reason)
            moved += 1
        except (NoPower, Case.DoesNotExist):
            raise
        except Refused:
            refused += 1
    return Run(moved, refused, keys[MOST - 1] if len(keys) > MOST else None)
