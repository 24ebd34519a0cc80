"""The procedures linter: refuses what the engine could not carry to an end, or the law could not name."""

from jinzhi.casework import actions, hooks
from jinzhi.casework.documents import kinds
from jinzhi.casework.procedures import END, JOIN, NODE_KINDS, OUTCOMES, Procedure, files, parse, read
from jinzhi.foundation import forms, rules
from jinzhi.foundation.people.roles import ROLES

LEVELS = {"county", "city", "province", "deciding"}
MARKS = {"", "received", "accepted", "decided"}


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
    for block in (s for s in p.steps.values() if s.kind == "parallel"):
        if len(block.branches) < 2:
            problems.append(f"{block.key}: a parallel block needs two branches")
        if not block.next:
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


def _names(p: Procedure) -> list[str]:
    problems = []
    used = {c for s in p.steps.values() for o in s.outcomes for c in (*o.starts, *o.stops)}
    used |= {s.timer.clock for s in p.steps.values() if s.timer} | set(p.submit_starts)
    problems += [f"clock {c} is not declared" for c in used - set(p.clocks)]
    problems += [f"clock {c} is never started" for c in set(p.clocks) - used]
    rule_keys = [c.rule for c in p.clocks.values()] + [c.extension for c in p.clocks.values() if c.extension]
    rule_keys += [s.limit for s in p.steps.values() if s.limit]
    for key in rule_keys:
        try:
            rules.value(key, on=p.valid_from)
        except rules.NoRule:
            problems.append(f"rule {key} has no value on {p.valid_from}")
    documents = {d for s in p.steps.values() for o in s.outcomes for d in o.documents} | set(
        p.submit_documents
    )
    problems += [f"document {d} is unknown" for d in documents - set(kinds())]
    for step in p.steps.values():
        if step.kind not in NODE_KINDS:
            problems.append(f"{step.key}: unknown kind {step.kind}")
        if step.kind == "user" and step.role not in ROLES:
            problems.append(f"{step.key}: unknown role {step.role}")
        if step.kind == "user" and step.level not in LEVELS:
            problems.append(f"{step.key}: unknown level {step.level}")
        if step.page and not hooks.has_page(step.page):
            problems.append(f"{step.key}: unknown page {step.page}")
        if step.page and not any(o.main for o in step.outcomes):
            problems.append(f"{step.key}: a page without a main outcome")
        if step.kind == "user" and not step.law:
            problems.append(f"{step.key}: names no article")
        if step.timer and not step.outcome(step.timer.outcome):
            problems.append(f"{step.key}: its timer takes {step.timer.outcome}, which it does not have")
        for o in step.outcomes:
            if o.action not in actions.registry:
                problems.append(f"{step.key}: unknown action {o.action}")
            if o.mark not in MARKS:
                problems.append(f"{step.key}.{o.action}: unknown mark {o.mark}")
            for name in filter(None, (o.effect, o.guard)):
                if not hooks.known(name):
                    problems.append(f"{step.key}.{o.action}: unknown hook {name}")
        problems += [f"{step.key}: not_same_as {k}" for k in step.not_same_as if k not in p.steps]
        if step.extend and step.extend not in p.clocks:
            problems.append(f"{step.key}: extends unknown clock {step.extend}")
    try:
        forms.get(p.form, p.form_version)
    except forms.NoForm as fault:
        problems.append(str(fault))
    return problems


def lint(p: Procedure) -> list[str]:
    """What is wrong with a procedure, in sentences; empty when it may be published."""
    if p.start not in p.steps:
        return [f"{p.source}: start step {p.start} does not exist"]
    problems = _targets(p)
    if not problems:
        problems = _exits(p) + _blocks(p)
    return [f"{p.source}: {x}" for x in problems + _names(p)]


def lint_files() -> list[str]:
    problems = []
    for path in files():
        try:
            problems += lint(parse(read(path), path.name))
        except (TypeError, KeyError, ValueError) as fault:
            problems.append(f"{path.name}: {fault!r}")
    return problems
