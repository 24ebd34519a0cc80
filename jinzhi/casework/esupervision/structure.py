"""What supervision has to know of each published procedure, read from its definition: which limit is the one for
acceptance, which steps no way goes around, who reviews and who decides, what is charged, what is issued.

Nothing is written per procedure: a new one is supervised as soon as it is published.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise

from jinzhi.casework.models import ProcedureVersion, published
from jinzhi.casework.procedures import END, JOIN, Outcome, Procedure, StepDef

ACCEPTANCE, DECISION, DELIVERY, FIRST_REVIEW, OTHER = (
    "acceptance",
    "decision",
    "delivery",
    "first_review",
    "other",
)
NOTICE = "special_procedure_notice"  # tells the applicant how long what does not count will take (第四十五条)
_LEVELS = {"county": 0, "city": 1, "province": 2, "deciding": 1}
_SUPPORTING = {"applicant", "window_clerk", "certificate_clerk", "records_clerk", ""}


def internal() -> list[int]:
    """Published versions of the house's own work, which no supervision of approvals asks about."""
    keys = ProcedureVersion.objects.values_list("pk", flat=True)
    return [key for key in keys if published(key).procedure.internal]


def clock_class(procedure: Procedure, key: str) -> str:
    """Which duty of the agency a limit is for, told by the outcomes that end and begin it."""
    stopped = [(s, o) for s, o in _outcomes(procedure) if key in o.stops]
    if any(o.mark == "accepted" or o.action in ("accept", "deem_accepted") for _, o in stopped):
        return ACCEPTANCE
    if any(o.mark == "decided" for _, o in stopped):
        return DECISION
    after = any(key in o.starts and o.mark == "decided" for _, o in _outcomes(procedure))
    if after and any(_hands_out(s, o) for s, o in stopped):
        return DELIVERY
    if any(_goes_up(procedure, s, o) for s, o in stopped):
        return FIRST_REVIEW
    return OTHER


def _outcomes(procedure: Procedure) -> Iterator[tuple[StepDef, Outcome]]:
    return ((s, o) for s in procedure.steps.values() for o in s.outcomes)


def _hands_out(step: StepDef, outcome: Outcome) -> bool:
    """The certificate or the decision is made and delivered here."""
    return step.kind == "notice" or step.role == "certificate_clerk" or outcome.action in ("issue", "serve")


def _goes_up(procedure: Procedure, step: StepDef, outcome: Outcome) -> bool:
    following = procedure.steps.get(outcome.next)
    if following is None or following.role in ("applicant", "") or step.role == "applicant":
        return False
    return _LEVELS.get(following.level, 0) > _LEVELS.get(step.level, 0)


def required(procedure: Procedure, end: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Steps that every way to `end:<end>` passes, and pairs of them of which the first comes before the second."""
    return _passed(procedure, procedure.start, END + end)


def _passed(procedure: Procedure, start: str, target: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Steps on every way from `start` to `target`, in order, the inside of parallel blocks included."""
    reach = _ways(procedure, start)
    through: dict[str, tuple[str, ...] | None] = dict.fromkeys(reach)  # steps on every way from start to here
    through[start] = (start,)
    changed = True
    while changed:  # a small fixpoint: forward, keeping what all the ways known so far have in common
        changed = False
        for key in reach:
            known = through[key]
            if known is None or key not in procedure.steps:
                continue
            for following in _next(procedure, key):
                ahead = (*known, following) if following not in known else known
                held = through.get(following)
                common = ahead if held is None else tuple(k for k in held if k in ahead or k == following)
                if common != held:
                    through[following], changed = common, True
    found = [k for k in through.get(target) or () if k != target and k in procedure.steps]
    by_people = [k for k in found if procedure.steps[k].kind == "user"]
    pairs = list(pairwise(by_people))
    steps, inside = list(found), list[str]()
    for key in found:
        if procedure.steps[key].kind == "parallel":
            for branch in procedure.steps[key].branches:
                more, order = _passed(procedure, branch, JOIN)
                inside += more
                pairs += order
    return [*steps, *inside], pairs


def _next(procedure: Procedure, key: str) -> list[str]:
    step = procedure.steps[key]
    ways = [o.next for o in step.outcomes] or [step.next]
    return [w for w in dict.fromkeys(ways) if w]


def _ways(procedure: Procedure, start: str) -> list[str]:
    """Everything reachable from `start`, breadth first; ends and the join included."""
    seen, queue = [], [start]
    while queue:
        key = queue.pop(0)
        if key in seen:
            continue
        seen.append(key)
        if key in procedure.steps:
            queue += _next(procedure, key)
    return seen


def reviewers(procedure: Procedure) -> list[str]:
    """Steps at which the application is examined: by officials, before the decision, and not the decision."""
    return [
        s.key
        for s in procedure.steps.values()
        if s.kind == "user" and s.role not in _SUPPORTING and not any(o.mark for o in s.outcomes)
    ]


def deciders(procedure: Procedure) -> list[str]:
    return [s.key for s in procedure.steps.values() if any(o.mark == "decided" for o in s.outcomes)]


def hearings(procedure: Procedure) -> list[str]:
    """Steps that hold a hearing: a sub-procedure or a step of its own."""
    return [
        s.key
        for s in procedure.steps.values()
        if s.kind in ("subprocess", "user") and (s.ground == "听证" or "hearing" in s.procedure or s.role == "hearing_officer")
    ]  # fmt: skip


@cache
def rows(version: int) -> dict[str, tuple[tuple, ...]]:
    """The facts of one published version, as rows for the statements of the rules."""
    procedure = published(version).procedure
    ends = {o.next.removeprefix(END) for _, o in _outcomes(procedure) if o.next.startswith(END)}
    must, order = list[tuple](), set[tuple]()
    for end in sorted(ends & {"granted", "refused", "done"}):
        steps, pairs = required(procedure, end)
        personal = [k for k in steps if procedure.steps[k].kind == "user"]
        must += [(version, end, k, procedure.steps[k].name) for k in personal]
        order |= {(version, a, b) for a, b in pairs if {a, b} <= set(personal)}
    return {
        "clock": tuple((version, key, clock_class(procedure, key)) for key in procedure.clocks),
        "must": tuple(must),
        "order": tuple(sorted(order)),
        "papers": tuple(
            (version, s.key, o.action, len(o.documents)) for s, o in _outcomes(procedure) if o.documents
        ),
        "told": tuple((version, s.key) for s, o in _outcomes(procedure) if NOTICE in o.documents),
        "review": tuple((version, key) for key in reviewers(procedure)),
        "decide": tuple((version, key) for key in deciders(procedure)),
        "hearing": tuple((version, key) for key in hearings(procedure)),
        "fee": tuple((version, fee.key) for fee in procedure.fees),
    }


def all_rows(versions: Iterable[int] | None = None) -> dict[str, list[tuple]]:
    """The facts of every published version together."""
    found: dict[str, list[tuple]] = {}
    keys = ProcedureVersion.objects.values_list("pk", flat=True) if versions is None else versions
    for version in keys:
        for name, some in rows(version).items():
            found.setdefault(name, []).extend(some)
    return found
