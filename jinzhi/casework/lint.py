"""The procedures linter: refuses what the engine could not carry to an end, or the law could not name."""

import re
from fractions import Fraction

from jinzhi.casework import actions, hooks
from jinzhi.casework.actions.time import GROUNDS
from jinzhi.casework.documents import kinds
from jinzhi.casework.procedures import (
    END,
    JOIN,
    NODE_KINDS,
    OUTCOMES,
    QUORUMS,
    Procedure,
    StepDef,
    files,
    parse,
    read,
)
from jinzhi.foundation import forms, rules
from jinzhi.foundation.people.roles import ROLES
from jinzhi.registry.kinds import kinds as certificate_kinds

LEVELS = {"county", "city", "province", "deciding"}
MARKS = {"", "received", "accepted", "decided"}
PROCEDURE_KINDS = {"new", "change", "renewal", "reissue", "cancellation", "revocation", "internal", "other"}


def _targets(p: Procedure) -> list[str]:
    problems = []
    for step in p.steps.values():
        for target in [*p.targets(step.key), *step.branches]:
            if target.startswith(END):
                if target.removeprefix(END) not in OUTCOMES:
                    problems.append(f"{step.key}: unknown outcome {target}")
                if p.enclosing(step.key):
                    problems.append(f"{step.key}: a branch may not end the case; use join")
            elif target == JOIN:
                if not p.enclosing(step.key):
                    problems.append(f"{step.key}: join outside a parallel block")
            elif target not in p.steps:
                problems.append(f"{step.key}: leads to {target or 'nowhere'}")
            elif target not in step.branches and p.enclosing(target) != p.enclosing(step.key):
                problems.append(f"{step.key}: jumps into or out of a parallel block to {target}")
        problems += [f"{step.key}: back to {b}" for b in step.back if b not in p.steps]
    reachable = p.reachable()
    problems += [f"{key}: unreachable" for key in p.steps if key not in reachable]
    return problems


def _exits(p: Procedure) -> list[str]:
    """Steps from which no end (or, in a branch, no join) can be reached."""
    good = {JOIN} | {END + o for o in OUTCOMES}
    while True:
        more = {k for k in p.steps if k not in good and any(t in good for t in p.targets(k))}
        if not more:
            break
        good |= more
    return [f"{k}: no way to an end" for k in p.steps if k not in good]


def _blocks(p: Procedure) -> list[str]:
    problems = []
    for block in (s for s in p.steps.values() if s.branches or s.kind == "parallel"):
        if len(block.branches) < 2:
            problems.append(f"{block.key}: a parallel block needs two branches")
        if not block.next and not block.signers:
            problems.append(f"{block.key}: no step after the join")
        chains = [set(p.chain(b)) for b in block.branches]
        branches = [p.within(b) for b in block.branches]
        if any(block.key in b for b in branches):
            problems.append(f"{block.key}: a block within itself")
        for mine in branches:
            theirs: set[str] = set().union(*(b for b in branches if b is not mine))
            problems += [
                f"{k}: back to {b} of another branch" for k in mine for b in p.steps[k].back if b in theirs
            ]
        if any(a & b for i, a in enumerate(chains) for b in chains[i + 1 :]):
            problems.append(f"{block.key}: branches share a step")
        for chain in chains:
            if not any(JOIN in p.targets(k) for k in chain):
                problems.append(f"{block.key}: a branch does not meet the join")
    return problems


def _clocks(p: Procedure) -> list[str]:
    steps = p.steps.values()
    used = {c for s in steps for o in s.outcomes for c in (*o.starts, *o.stops)} | set(p.submit_starts)
    used |= {s.timer.clock for s in steps if s.timer} | {c for s in steps for c in s.pauses}
    used |= {c for d in p.deadlines for c in (d.clock, *d.starts, *d.stops)}
    started = {c for s in steps for o in s.outcomes for c in o.starts} | set(p.submit_starts)
    started |= {c for d in p.deadlines for c in d.starts}
    problems = [f"clock {c} is not declared" for c in used - set(p.clocks)]
    problems += [f"clock {c} is never started" for c in set(p.clocks) - started]
    problems += [
        f"clock {c.key}: no parameter {c.rule}.…" for c in p.clocks.values() if c.by and not _chosen(c.rule)
    ]
    rule_keys = [k for c in p.clocks.values() if c.by for k in _chosen(c.rule)]
    rule_keys += [c.rule for c in p.clocks.values()] + [c.extension for c in p.clocks.values() if c.extension]
    rule_keys += [s.limit for s in steps if s.limit] + [c.promised for c in p.clocks.values() if c.promised]
    found = {}
    for key in dict.fromkeys(rule_keys):
        try:
            found[key] = rules.value(key, on=p.valid_from)
        except rules.NoRule:
            problems.append(f"rule {key} has no value on {p.valid_from}")
    for clock in p.clocks.values():
        legal, promised = found.get(clock.rule), found.get(clock.promised)
        if legal and promised and (promised.unit != legal.unit or promised.value > legal.value):
            problems.append(f"clock {clock.key}: promises {promised.shown}, the law says {legal.shown}")
        if clock.until.split(".")[0] not in ("", "facts", "data"):
            problems.append(f"clock {clock.key}: until must begin with facts. or data.")
    return problems


def _chosen(rule: str) -> list[str]:
    """The parameters a case chooses from where its limit is `by` something."""
    return [p.key for p in rules.all_parameters() if p.key.startswith(f"{rule}.")]


def _outcomes(p: Procedure, step: StepDef) -> list[str]:
    problems = []
    for o in step.outcomes:
        where = f"{step.key}.{o.action}"
        if step.kind in ("user", "timer", "notice") and o.action not in actions.registry:
            problems.append(f"{step.key}: unknown action {o.action}")
        if o.mark not in MARKS:
            problems.append(f"{where}: unknown mark {o.mark}")
        problems += [f"{where}: unknown hook {n}" for n in (o.effect, o.guard) if n and not hooks.known(n)]
    return problems


def _person(p: Procedure, step: StepDef) -> list[str]:
    problems = []
    if step.role not in ROLES:
        problems.append(f"{step.key}: unknown role {step.role}")
    if step.level not in LEVELS:
        problems.append(f"{step.key}: unknown level {step.level}")
    if step.page and not hooks.has_page(step.page):
        problems.append(f"{step.key}: unknown page {step.page}")
    if step.page and not any(o.main for o in step.outcomes):
        problems.append(f"{step.key}: a page without a main outcome")
    if not step.law:
        problems.append(f"{step.key}: names no article")
    if step.timer and not step.outcome(step.timer.outcome):
        problems.append(f"{step.key}: its timer takes {step.timer.outcome}, which it does not have")
    return problems


def _exactly(step: StepDef, *wanted: str) -> list[str]:
    found = {o.action for o in step.outcomes}
    return [] if found == set(wanted) else [f"{step.key}: a {step.kind} has the outcomes {', '.join(wanted)}"]


def _countersign(p: Procedure, step: StepDef) -> list[str]:
    problems = _exactly(step, "agreed", "disagreed")
    if len({s.key for s in step.signers}) != len(step.signers):
        problems.append(f"{step.key}: two signers of the same key")
    if step.quorum not in QUORUMS:
        try:
            if not 0 < Fraction(step.quorum) <= 1:
                raise ValueError
        except (ValueError, ZeroDivisionError):
            problems.append(f"{step.key}: quorum is all, any or a share such as 2/3")
    return problems


def _decision(p: Procedure, step: StepDef) -> list[str]:
    try:
        table = rules.table(step.table, on=p.valid_from)
    except rules.NoRule:
        return [f"{step.key}: table {step.table} has no version on {p.valid_from}"]
    if "outcome" not in table.outputs:
        return [f"{step.key}: table {step.table} has no output `outcome`"]
    asked, given = set(table.inputs), {name for name, _ in step.inputs}
    problems = [f"{step.key}: input {name} of {step.table} is not given" for name in sorted(asked - given)]
    answers = {str(row["then"]["outcome"]) for row in table.rows}
    return problems + [f"{step.key}: no outcome {a}" for a in sorted(answers) if not step.outcome(a)]


def _timer(p: Procedure, step: StepDef) -> list[str]:
    return _exactly(step, "elapse") + ([] if step.limit else [f"{step.key}: waits without a limit"])


def _keys() -> set[str]:
    """Keys of all procedures whose files can be read; what cannot is reported for its own file."""
    found = set()
    for path in files():
        try:
            found.add(str(read(path).get("key")))
        except rules.RuleError:
            continue
    return found


def _paths(p: Procedure) -> list[str]:
    """What steps and limits take from the application must be in its form; `facts.` are found out on the way."""
    try:
        form = forms.get(p.form, p.form_version)
    except forms.NoForm:
        return []
    known = {s.key: {f.key for f in s.fields} for s in form.sections}
    wanted = [(s.key, path) for s in p.steps.values() for _, path in (*s.inputs, *s.passes)]
    wanted += [(f"clock {c.key}", c.until) for c in p.clocks.values() if c.until]
    problems = []
    for where, path in wanted:
        head, _, rest = path.partition(".")
        section, _, field = rest.partition(".")
        if head == "data" and (section not in known or (field and field.split(".")[0] not in known[section])):
            problems.append(f"{where}: the form {form.key} has no {path}")
    return problems


def _subprocess(p: Procedure, step: StepDef) -> list[str]:
    problems = [] if step.procedure in _keys() else [f"{step.key}: unknown procedure {step.procedure}"]
    if step.procedure == p.key:
        problems.append(f"{step.key}: calls its own procedure")
    ends = {o.action for o in step.outcomes}
    if not ends or ends - set(OUTCOMES) - {"*"}:
        problems.append(f"{step.key}: its outcomes are those of a case, or *")
    if "*" not in ends and not {"withdrawn", "terminated", "done"} <= ends:
        problems.append(f"{step.key}: no outcome for a case that ends otherwise (*)")
    return problems


def _notice(p: Procedure, step: StepDef) -> list[str]:
    problems = _exactly(step, "serve")
    if step.document not in kinds():
        problems.append(f"{step.key}: document {step.document} is unknown")
    if step.role and step.role not in ROLES:
        problems.append(f"{step.key}: unknown role {step.role}")
    return problems


KINDS = {
    "user": _person, "countersign": _countersign, "decision": _decision, "timer": _timer,
    "subprocess": _subprocess, "notice": _notice,
}  # fmt: skip


def _names(p: Procedure) -> list[str]:
    problems = _clocks(p)
    documents = {d for s in p.steps.values() for o in s.outcomes for d in o.documents}
    documents |= set(p.submit_documents) | {d for x in p.deadlines for d in x.documents}
    problems += [f"document {d} is unknown" for d in documents - set(kinds())]
    for step in p.steps.values():
        if step.kind not in NODE_KINDS:
            problems.append(f"{step.key}: unknown kind {step.kind}")
        elif step.kind in KINDS:
            problems += KINDS[step.kind](p, step)
        problems += _outcomes(p, step)
        problems += [f"{step.key}: not_same_as {k}" for k in step.not_same_as if k not in p.steps]
        if step.extend and step.extend not in p.clocks:
            problems.append(f"{step.key}: extends unknown clock {step.extend}")
        if step.pauses and step.ground not in GROUNDS:
            problems.append(f"{step.key}: time does not count only for {'、'.join(GROUNDS)}")
    try:
        forms.get(p.form, p.form_version)
    except forms.NoForm as fault:
        problems.append(str(fault))
    return problems + _whole(p) + _paths(p)


def _whole(p: Procedure) -> list[str]:
    """What is said of the procedure as a whole."""
    problems = []
    for d in p.deadlines:
        if d.next not in p.steps and d.next.removeprefix(END) not in OUTCOMES:
            problems.append(f"deadline {d.clock}: leads to {d.next}")
        if p.enclosing(d.next):
            problems.append(f"deadline {d.clock}: leads into a parallel block")
        if d.mark not in MARKS:
            problems.append(f"deadline {d.clock}: unknown mark {d.mark}")
        if d.effect and not hooks.known(d.effect):
            problems.append(f"deadline {d.clock}: unknown hook {d.effect}")
    for fee in p.fees:
        if not any(v.unit == "cent" for v in _history(fee.rule)):
            problems.append(f"fee {fee.key}: {fee.rule} is no parameter in cents")
    if p.kind not in PROCEDURE_KINDS:
        problems.append(f"unknown kind {p.kind}")
    if p.licence and p.licence not in certificate_kinds():
        problems.append(f"unknown kind of certificate {p.licence}")
    if p.reopens and (p.reopens not in p.steps or p.enclosing(p.reopens)):
        problems.append(f"reopens at {p.reopens}, which is no step outside a block")
    for version, steps in p.takes_over:
        problems += [f"takes over {old} of {version} as {new}" for old, new in steps if new not in p.steps]
    return problems


def _history(key: str) -> list:
    try:
        return rules.history(key)
    except rules.NoRule:
        return []


def lint(p: Procedure) -> list[str]:
    """What is wrong with a procedure, in sentences; empty when it may be published."""
    if p.closed:  # nothing begins any more
        return []
    if p.start not in p.steps:
        return [f"{p.source}: start step {p.start} does not exist"]
    problems = _targets(p)
    if not problems:
        problems = _exits(p) + _blocks(p)
    return [f"{p.source}: {x}" for x in problems + _names(p)]


def lint_files() -> list[str]:
    try:
        rules.all_parameters()
    except rules.RuleError as fault:  # every procedure stands on them
        return [str(fault)]
    problems = []
    for path in files():
        try:
            problems += lint(parse(read(path), path.name))
        except rules.RuleError as fault:
            problems.append(str(fault))
        except KeyError as fault:
            problems.append(f"{path.name}: 缺少 {fault.args[0]}")
        except TypeError as fault:
            problems.append(f"{path.name}: {_unknown_word(str(fault))}")
        except (AttributeError, ValueError) as fault:
            problems.append(f"{path.name}: 写法不对：{fault}")
    return problems


def _unknown_word(fault: str) -> str:
    """Python's sentence about an argument in the words of who writes the file."""
    if word := re.search(r"unexpected keyword argument '(\w+)'", fault):
        return f"不认识的词 {word.group(1)}"
    if words := re.search(r"missing .* arguments?: (.*)", fault):
        return f"缺少 {words.group(1).replace(chr(39), '')}"
    return f"写法不对：{fault}"
