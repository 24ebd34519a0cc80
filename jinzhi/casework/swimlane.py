"""The swim-lane picture of a procedure, and of a case's way through it, as an SVG without script or style.

Lanes are roles, columns the order in which a case meets the steps; colours come from the page's classes.
"""

from xml.sax.saxutils import escape

from jinzhi.casework.procedures import END, JOIN, OUTCOMES, Procedure, StepDef
from jinzhi.foundation.people.roles import ROLES

BOX, HEIGHT, GAP, LANE, HEAD = 112, 40, 34, 76, 92


def columns(p: Procedure) -> dict[str, int]:
    """Column of each step: one past the furthest step that leads to it (loops back do not count)."""
    found: dict[str, int] = {}

    def place(key: str, column: int, path: tuple[str, ...]) -> None:
        if key in path or key not in p.steps or found.get(key, -1) >= column:
            return
        found[key] = column
        step = p.steps[key]
        if step.kind == "parallel":
            deepest = column
            for branch in step.branches:
                place(branch, column, (*path, key))
                deepest = max([deepest, *(found[k] for k in p.chain(branch))])
            place(step.next, deepest + 1, (*path, key))
            return
        for target in p.targets(key):
            place(target, column + 1, (*path, key))

    place(p.start, 0, ())
    return found


def svg(p: Procedure, states: dict[str, str] | None = None) -> str:
    """The picture; `states` maps step keys to current, done, returned or waiting for one case."""
    states = states or {}
    at = columns(p)
    steps = [s for s in p.steps.values() if s.kind != "parallel" and s.key in at]
    lanes = list(dict.fromkeys(s.role for s in sorted(steps, key=lambda s: at[s.key])))
    slots = _slots(steps, at, lanes)
    width = HEAD + (max(at[s.key] for s in steps) + 1) * (BOX + GAP) + 86
    height = len(lanes) * LANE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="lanes" role="img" '
        f'aria-label="{escape(p.name)}流程图">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" class="swimlane-tip"/></marker></defs>',
    ]
    for number, role in enumerate(lanes):
        y = number * LANE
        out.append(f'<rect x="0" y="{y}" width="{width}" height="{LANE}" class="swimlane-lane"/>')
        out.append(
            f'<text x="12" y="{y + LANE / 2 + 5}" class="swimlane-role">{escape(ROLES.get(role, role))}</text>'
        )
    out += [_arrow(p, a, b, slots) for a, b in _edges(p) if a in slots and b in slots]
    out += [_box(s, slots[s.key], states.get(s.key, "waiting")) for s in steps]
    out += _ends(p, slots, width, height)
    return "".join(out) + "</svg>"


def _slots(steps: list[StepDef], at: dict[str, int], lanes: list[str]) -> dict[str, tuple[float, float]]:
    """Upper left corners; two steps of one lane and column share its height."""
    slots: dict[str, tuple[float, float]] = {}
    taken: dict[tuple[int, int], int] = {}
    for s in steps:
        cell = (at[s.key], lanes.index(s.role))
        offset = taken.get(cell, 0)
        taken[cell] = offset + 1
        slots[s.key] = (HEAD + cell[0] * (BOX + GAP), cell[1] * LANE + (LANE - HEIGHT) / 2 + offset * 6)
    return slots


def _edges(p: Procedure) -> list[tuple[str, str]]:
    """Arrows between boxes, with parallel blocks and joins dissolved."""

    def entries(key: str) -> list[str]:
        step = p.steps.get(key)
        if step is None:
            return []
        return [e for b in step.branches for e in entries(b)] if step.kind == "parallel" else [key]

    def resolve(key: str, target: str) -> list[str]:
        if target == JOIN:
            block = p.enclosing(key)
            return resolve(block, p.steps[block].next)
        return entries(target)

    found: dict[tuple[str, str], None] = {}  # keeps the order, without doubles
    for step in p.steps.values():
        if step.kind == "parallel":
            continue
        for target in p.targets(step.key):
            for entry in resolve(step.key, target):
                found[step.key, entry] = None
    return list(found)


def _arrow(p: Procedure, a: str, b: str, slots: dict) -> str:
    (xa, ya), (xb, yb) = slots[a], slots[b]
    middle = HEIGHT / 2
    if xb > xa:
        x1, x2 = xa + BOX, xb
        bend = x2 - GAP / 2
        path = f"M{x1} {ya + middle}H{bend}V{yb + middle}H{x2}"
    else:  # back to an earlier column
        x1, x2 = xa + BOX / 2, xb + BOX / 2 + 10
        path = (
            f"M{x1} {ya}V{yb + HEIGHT}" if xa == xb and yb < ya
            else f"M{x1} {ya + HEIGHT}V{yb}" if xa == xb
            else f"M{x1} {ya}V{yb + middle}H{xb + BOX}"
        )  # fmt: skip
    return f'<path d="{path}" class="swimlane-arrow" marker-end="url(#arrow)"/>'


def _box(step: StepDef, slot: tuple[float, float], state: str) -> str:
    x, y = slot
    words = {"current": "，当前环节", "done": "，已办", "returned": "，已退回"}
    return (
        f'<g class="swimlane-step is-{state}"><title>{escape(step.name)}{words.get(state, "")}：{escape(step.law)}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="4"/>'
        f'<text x="{x + BOX / 2}" y="{y + HEIGHT / 2 + 5}" text-anchor="middle">{escape(step.name)}</text></g>'
    )


def _ends(p: Procedure, slots: dict, width: float, height: float) -> list[str]:
    """A small flag after each step that can end the case."""
    out = []
    for step in p.steps.values():
        names = [OUTCOMES[o.next.removeprefix(END)] for o in step.outcomes if o.next.startswith(END)]
        if names and step.key in slots:
            x, y = slots[step.key]
            label = "、".join(dict.fromkeys(names))
            out.append(
                f'<text x="{x + BOX / 2}" y="{y + HEIGHT + 13}" class="swimlane-end" text-anchor="middle">'
                f"■ {escape(label)}</text>"
            )
    return out
