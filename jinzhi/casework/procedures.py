"""What an official procedure consists of, and the loader for `procedures/*.yaml` of every room.

A published version is immutable (see models.ProcedureVersion); this module knows nothing of cases.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps

from jinzhi.foundation.people.roles import StepChoice
from jinzhi.foundation.rules import RuleError
from jinzhi.foundation.rules.library import read_yaml

JOIN = "join"  # the end of a branch: back to the parallel block
END = "end:"  # end:granted closes the case with that outcome
NODE_KINDS = {"user", "parallel", "countersign", "decision", "timer", "subprocess", "notice"}
OUTCOMES = {
    "granted": "准予许可",
    "refused": "不予许可",
    "not_accepted": "不予受理",
    "withdrawn": "申请人撤回",
    "terminated": "终止",
    "merged": "并案",
    "done": "办结",
}
QUORUMS = ("all", "any")  # or a share such as 2/3


@dataclass(frozen=True)
class Outcome:
    """What one action at a step leads to: where the case goes and what happens to its clocks."""

    action: str
    label: str
    next: str
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    effect: str = ""  # name registered with casework.hooks
    guard: str = ""
    mark: str = ""  # received | accepted | decided: the date of the case this act sets
    reason: bool = False  # a reason must be stated
    phrases: tuple[str, ...] = ()  # reasons or opinions to pick instead of typing
    law: str = ""
    main: bool = False
    bulk: bool = False  # the law lets it be taken for many cases at once


@dataclass(frozen=True)
class Timer:
    """When a clock runs out at this step the engine itself takes an outcome."""

    clock: str
    outcome: str
    law: str = ""


@dataclass(frozen=True)
class Deadline:
    """When a clock of the case runs out, wherever the case stands: its open steps close and it goes to `next`.

    An undecided renewal counts as granted on the day its licence expires (行政许可法第五十条).
    """

    clock: str
    label: str
    next: str
    law: str
    mark: str = ""
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    effect: str = ""
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signer:
    """A member of a countersigning: who is asked for an opinion, and what about."""

    key: str
    name: str
    role: str
    level: str = "county"


@dataclass(frozen=True)
class Fee:
    """Something that may be charged; what it costs is a dated parameter in cents, with its basis."""

    key: str
    title: str
    rule: str


@dataclass(frozen=True)
class StepDef:
    """A node. `level` says which agency of the case's place acts: county, city, province, or a rule."""

    key: str
    name: str
    kind: str = "user"
    role: str = ""
    level: str = "county"
    law: str = ""
    limit: str = ""  # rule key of the step's own clock
    page: str = ""  # template of the step's own form, e.g. the on-site checklist
    help: str = ""
    outcomes: tuple[Outcome, ...] = ()
    back: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    next: str = ""
    timer: Timer | None = None
    not_same_as: tuple[str, ...] = ()  # separation of duties: another person than at these steps
    extend: str = ""  # clock that may be extended here with approval
    pauses: tuple[str, ...] = ()  # clocks of the case that do not count while the case is here
    ground: str = ""  # why not, one of 听证、检验、专家评审……
    # countersign: each signer is a step of its own, `<step>.<signer>`, made by `parse`
    signers: tuple[Signer, ...] = ()
    quorum: str = "all"
    sequential: bool = False
    # decision: a table of the rules and where each of its inputs is found in the case
    table: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    # subprocess: the procedure that is opened, and what its form is filled with
    procedure: str = ""
    passes: tuple[tuple[str, str], ...] = ()
    # notice: the document that is made on arrival
    document: str = ""

    @property
    def by_person(self) -> bool:
        """Somebody acts here: it stands in a to-do list."""
        return self.kind in ("user", "notice") and bool(self.role)

    def outcome(self, action: str) -> Outcome | None:
        return next((o for o in self.outcomes if o.action == action), None)


@dataclass(frozen=True)
class ClockDef:
    """A legal time limit of the procedure. `rule` is the dated parameter that holds the number."""

    key: str
    title: str
    rule: str
    extension: str = ""  # rule key of the allowed extension
    owner: str = "agency"  # whose duty: agency | applicant | laboratory
    promised: str = ""  # rule key of the shorter limit the agency has promised (承诺时限)
    until: str = (
        ""  # ends on a day found in the case (`facts.licence.valid_to`) and not after a number of days
    )
    by: str = (
        ""  # where the case says which of the limits holds: `facts.priority` P1 takes the rule `<rule>.P1`
    )
    when: str = ""  # begins only where the case holds something there
    since: str = ""  # counts from the moment found there (ISO), not from the act that starts it


@dataclass(frozen=True)
class Procedure:
    key: str
    version: int
    name: str
    matter: str
    rule_set: str
    valid_from: date
    valid_to: date | None
    law: str
    form: str
    form_version: int
    start: str
    submit_starts: tuple[str, ...]
    submit_documents: tuple[str, ...]
    clocks: dict[str, ClockDef]
    steps: dict[str, StepDef]
    withdrawable: bool = True
    summary: str = ""
    source: str = ""
    case_prefix: str = "XK"
    notes: tuple[str, ...] = field(default=())
    panels: tuple[str, ...] = field(default=())  # templates shown on the case page above the form
    deadlines: tuple[Deadline, ...] = ()
    fees: tuple[Fee, ...] = ()
    safety: bool = False  # 直接关系公共安全: bars on applying again (行政许可法第七十八、七十九条)
    kind: str = "new"  # new | change | renewal | reissue | cancellation | revocation | internal | other
    licence: str = ""  # kind of certificate in the register that this procedure makes or changes
    ex_officio: bool = False  # begun by the agency, without an application
    closed: str = ""  # nothing may be applied for any more: why, and where to turn instead
    reopens: str = ""  # step at which a closed case begins again by order
    takes_over: tuple[tuple[int, tuple[tuple[str, str], ...]], ...] = ()  # see casework.migrating

    def mapping_from(self, version: int) -> dict[str, str] | None:
        """Which step of an earlier version becomes which of this one, or None where nothing was said."""
        return next((dict(steps) for number, steps in self.takes_over if number == version), None)

    @property
    def internal(self) -> bool:
        """Work of the house itself: nobody applied, the law of licences and its supervision do not ask about it."""
        return self.kind == "internal"

    def step(self, key: str) -> StepDef:
        return self.steps[key]

    def enclosing(self, key: str) -> str:
        """Key of the innermost parallel block a step lies in, or empty."""
        for block in self.steps.values():
            if block.branches and any(key in self.chain(b) for b in block.branches):
                return block.key
        return ""

    def blocks(self, key: str) -> list[str]:
        """The parallel blocks a step lies in, outermost first."""
        block = self.enclosing(key)
        return [*self.blocks(block), block] if block else []

    def within(self, first: str) -> set[str]:
        """Everything a branch that begins at `first` holds, nested blocks included."""
        found: set[str] = set()
        queue = [first]
        while queue:
            for key in set(self.chain(queue.pop())) - found:
                found.add(key)
                queue += self.steps[key].branches
        return found

    def chain(self, first: str) -> list[str]:
        """Steps reachable from `first` without leaving its branch."""
        seen: list[str] = []
        queue = [first]
        while queue:
            key = queue.pop()
            if key in seen or key == JOIN or key.startswith(END) or key not in self.steps:
                continue
            seen.append(key)
            queue += self.targets(key)
        return seen

    def targets(self, key: str) -> list[str]:
        """Where a step leads (for a block: its continuation after the join)."""
        step = self.steps[key]
        return [o.next for o in step.outcomes] if step.kind == "user" or step.outcomes else [step.next]

    def reachable(self) -> list[str]:
        """Steps in the order a case meets them."""
        seen: list[str] = []
        queue = [self.start]
        while queue:
            key = queue.pop(0)
            if key in seen or key not in self.steps:
                continue
            seen.append(key)
            queue += [*self.steps[key].branches, *self.targets(key)]
        return seen


def _outcome(action: str, raw: dict) -> Outcome:
    lists: dict[str, Any] = {k: tuple(raw.pop(k, ())) for k in ("starts", "stops", "documents", "phrases")}
    return Outcome(action=action, **raw, **lists)


def _step(key: str, raw: dict) -> list[StepDef]:
    """The step, and behind it a step for each signer of a countersigning."""
    outcomes = tuple(_outcome(a, dict(o)) for a, o in raw.pop("outcomes", {}).items())
    timer = raw.pop("timer", None)
    signers = tuple(Signer(**s) for s in raw.pop("signers", ()))
    lists: dict[str, Any] = {k: tuple(raw.pop(k, ())) for k in ("back", "branches", "not_same_as", "pauses")}
    pairs: dict[str, Any] = {k: tuple(raw.pop(k, {}).items()) for k in ("inputs", "passes")}
    if signers:
        lists["branches"] = tuple(f"{key}.{s.key}" for s in signers)
    step = StepDef(
        key=key, **raw, outcomes=outcomes, timer=Timer(**timer) if timer else None, signers=signers,
        **lists, **pairs,
    )  # fmt: skip
    return [step, *(_signer(step, s) for s in signers)]


def _signer(step: StepDef, signer: Signer) -> StepDef:
    outcomes = (
        Outcome("agree", "同意", JOIN, main=True),
        Outcome("disagree", "不同意", JOIN, reason=True),
    )
    return StepDef(
        key=f"{step.key}.{signer.key}", name=signer.name, role=signer.role, level=signer.level, law=step.law,
        help=step.help, outcomes=outcomes, limit=step.limit,
    )  # fmt: skip


def _deadline(raw: dict) -> Deadline:
    lists: dict[str, Any] = {k: tuple(raw.pop(k, ())) for k in ("starts", "stops", "documents")}
    return Deadline(**raw, **lists)


NOTHING_TO_DO: dict[str, Any] = {
    "steps": {},
    "start": "",
    "form": {"key": "", "version": 0},
}  # of a closed matter


def parse(raw: dict, source: str = "") -> Procedure:
    """A procedure from its YAML or stored JSON; TypeError or KeyError names what is wrong."""
    raw = (NOTHING_TO_DO if raw.get("closed") else {}) | raw
    clocks = {k: ClockDef(key=k, **c) for k, c in raw.pop("clocks", {}).items()}
    steps = {s.key: s for k, raw_step in raw.pop("steps").items() for s in _step(k, dict(raw_step))}
    form = raw.pop("form")
    submit = raw.pop("submit", {})
    for name in ("valid_from", "valid_to"):
        if isinstance(raw.get(name), str):
            raw[name] = date.fromisoformat(raw[name])
    raw.setdefault("valid_to", None)
    takes_over = raw.pop("takes_over", {})
    return Procedure(
        **raw
        | {name: tuple(raw.get(name, ())) for name in ("notes", "panels")}
        | {
            "deadlines": tuple(_deadline(dict(d)) for d in raw.get("deadlines", ())),
            "fees": tuple(Fee(**f) for f in raw.get("fees", ())),
            "takes_over": tuple((int(v), tuple(steps.items())) for v, steps in takes_over.items()),
        },
        clocks=clocks,
        steps=steps,
        form=form["key"],
        form_version=form["version"],
        submit_starts=tuple(submit.get("starts", ())),
        submit_documents=tuple(submit.get("documents", ())),
        source=source,
    )


def files() -> list[Path]:
    rooms = [Path(a.path) for a in apps.get_app_configs() if a.name.startswith("jinzhi.")]
    return [p for room in rooms for p in sorted(room.glob("procedures/*.yaml"))]


def read(path: Path) -> dict:
    """The document of a procedure file. Raises RuleError with the file's name: broken YAML, a key given twice, nothing."""
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise RuleError(f"{path.name}: 不是一个流程定义")
    return found


@cache
def grantable() -> tuple[StepChoice, ...]:
    """Every step an official acts at, for powers limited to one; of several versions the newest names it."""
    found: dict[tuple[str, str], StepChoice] = {}
    for procedure in sorted((parse(read(path)) for path in files()), key=lambda p: (p.key, -p.version)):
        for step in procedure.steps.values():
            if step.by_person and step.role != "applicant":
                choice = StepChoice(procedure.key, procedure.matter, step.key, step.name, step.role)
                found.setdefault((procedure.key, step.key), choice)
    return tuple(found.values())
