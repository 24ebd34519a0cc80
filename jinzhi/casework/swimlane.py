"""The swim-lane picture of a procedure, and of a case's way through it, as an SVG without script or style.

Lanes are roles, columns the order in which a case meets the steps; colours come from the page's classes. What
happens by itself (decision tables, waiting, calls of other procedures) has a shape of its own in the lane of
the system.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from jinzhi.casework.procedures import END, JOIN, OUTCOMES, Procedure, StepDef
from jinzhi.foundation.people.roles import ROLES

BOX, HEIGHT, GAP, ROW, HEAD = 120, 42, 40, 76, 92
LINE = 8  # characters of a name on one line
SYSTEM = "系统"
STATES = {"current": "，当前环节", "done": "，已办", "returned": "，已退回"}
KIND_WORDS = {
    "decision": "（自动判定）", "timer": "（等候期满）", "subprocess": "（另立办件）", "notice": "（送达文书）",
}  # fmt: skip


def blocks(step: StepDef) -> bool:
    """Parallel blocks and countersignings are not drawn: their members are."""
    return bool(step.branches)


def columns(p: Procedure) -> dict[str, int]:
    """Column of each step: one past the furthest step that leads to it (loops back do not count)."""
    found: dict[str, int] = {}

    def place(key: str, column: int, path: tuple[str, ...]) -> None:
        if key in path or key not in p.steps or found.get(key, -1) >= column:
            return
        found[key] = column
        step, here = p.steps[key], (*path, key)
        if blocks(step):
            deepest = column
            for number, branch in enumerate(step.branches):
                place(branch, column + (number if step.sequential else 0), here)
                deepest = max([deepest, *(found[k] for k in p.within(branch))])
            column = deepest
        for target in p.targets(key):
            place(target, column + 1, here)

    place(p.start, 0, ())
    for deadline in p.deadlines:
        place(deadline.next, 1 + max(found.values()) if deadline.next not in found else 0, ())
    return found


@dataclass(frozen=True)
class Lane:
    role: str
    y: float
    height: float

    @property
    def name(self) -> str:
        return ROLES.get(self.role, self.role) if self.role else SYSTEM


@dataclass(frozen=True)
class Layout:
    """Where everything stands: cells are (column, row of all lanes together)."""

    lanes: tuple[Lane, ...]
    cells: dict[str, tuple[int, int]]
    columns: int
    rows: int


def layout(p: Procedure) -> Layout:
    """Lanes in the order a case meets them; steps of one lane and column stand below each other."""
    at = columns(p)
    steps = sorted((s for s in p.steps.values() if not blocks(s) and s.key in at), key=lambda s: at[s.key])
    roles = dict.fromkeys(s.role for s in steps)
    lanes, cells, top = [], {}, 0
    for role in roles:
        used: dict[int, int] = {}
        for s in (s for s in steps if s.role == role):
            row = used.get(at[s.key], 0)
            used[at[s.key]] = row + 1
            cells[s.key] = (at[s.key], top + row)
        height = max(used.values())
        lanes.append(Lane(role, top, height))
        top += height
    return Layout(tuple(lanes), cells, 1 + max(c for c, _ in cells.values()), top)


def svg(p: Procedure, states: dict[str, str] | None = None) -> str:
    """The picture; `states` maps step keys to current, done, returned or waiting for one case."""
    states = states or {}
    drawn = layout(p)
    slots: dict[str, tuple[float, float]] = {
        k: (HEAD + c * (BOX + GAP), r * ROW + (ROW - HEIGHT) / 2) for k, (c, r) in drawn.cells.items()
    }
    width = HEAD + drawn.columns * (BOX + GAP) + 46
    height = drawn.rows * ROW
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="lanes" role="img" '
        f"aria-label={quoteattr(f'{p.name}流程图')}>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" class="swimlane-tip"/></marker></defs>',
    ]
    for lane in drawn.lanes:
        y, tall = lane.y * ROW, lane.height * ROW
        out.append(f'<rect x="0" y="{y}" width="{width}" height="{tall}" class="swimlane-lane"/>')
        out.append(f'<text x="12" y="{y + tall / 2 + 5}" class="swimlane-role">{escape(lane.name)}</text>')
    taken = set(slots.values())
    out += [_arrow(slots[a], slots[b], taken) for a, b in edges(p) if a in slots and b in slots]
    out += [_box(p.steps[key], slot, states.get(key, "waiting")) for key, slot in slots.items()]
    out += _ends(p, slots)
    return "".join(out) + "</svg>"


def edges(p: Procedure) -> list[tuple[str, str]]:
    """Arrows between drawn steps, with blocks and joins dissolved."""
    found: dict[tuple[str, str], None] = {}  # keeps the order, without doubles
    for step in p.steps.values():
        if blocks(step):
            if step.sequential:
                pairs = zip(step.branches, step.branches[1:], strict=False)
                found |= dict.fromkeys((a, b) for a, b in pairs)
            continue
        for target in p.targets(step.key):
            found |= dict.fromkeys((step.key, entry) for entry in _resolve(p, step.key, target))
    return list(found)


def _entries(p: Procedure, key: str) -> list[str]:
    """The drawn steps at which a token that arrives at `key` stands."""
    step = p.steps.get(key)
    if step is None:
        return []
    first = step.branches[:1] if step.sequential else step.branches
    return [e for b in first for e in _entries(p, b)] if blocks(step) else [key]


def _resolve(p: Procedure, key: str, target: str) -> list[str]:
    if target != JOIN:
        return _entries(p, target)
    block = p.steps[p.enclosing(key)]
    if block.sequential and key != block.branches[-1]:
        return []  # the next member is asked
    return [e for t in p.targets(block.key) for e in _resolve(p, block.key, t)]


def _arrow(start: tuple[float, float], end: tuple[float, float], taken: set[tuple[float, float]]) -> str:
    (xa, ya), (xb, yb) = start, end
    middle, step = HEIGHT / 2, BOX + GAP
    if xb > xa:
        between = [(xa + n * step, yb) for n in range(1, round((xb - xa) / step))]
        x1, x2 = xa + BOX, xb
        if any(slot in taken for slot in between):  # around what stands in the way
            under = max(ya, yb) + HEIGHT + 17 if ya != yb else yb + HEIGHT + 17
            path = f"M{x1} {ya + middle}H{x1 + 10}V{under}H{x2 - 10}V{yb + middle}H{x2}"
        else:
            bend = x1 + GAP / 2
            path = f"M{x1} {ya + middle}H{bend}V{yb + middle}H{x2}"
    elif xa == xb:
        path = f"M{xa + BOX / 2} {ya}V{yb + HEIGHT}" if yb < ya else f"M{xa + BOX / 2} {ya + HEIGHT}V{yb}"
    else:  # back to an earlier column
        x1, x2 = xa + BOX / 2 - 8, xb + BOX / 2 + 8
        over = min(ya, yb) - 9
        path = (
            f"M{x1} {ya}V{over}H{x2}V{yb}"
            if ya >= yb
            else f"M{x1} {ya}V{yb + HEIGHT + 17}H{x2}V{yb + HEIGHT}"
        )
    return f'<path d="{path}" class="swimlane-arrow" marker-end="url(#arrow)"/>'


def _box(step: StepDef, slot: tuple[float, float], state: str) -> str:
    x, y = slot
    words = f"{step.name}{KIND_WORDS.get(step.kind, '')}{STATES.get(state, '')}"
    title = f"{words}：{step.law}" if step.law else words
    return (
        f'<g class="swimlane-step is-{state} kind-{step.kind}"><title>{escape(title)}</title>'
        f"{_shape(step.kind, x, y)}{''.join(_words(step.name, x + BOX / 2, y + HEIGHT / 2))}</g>"
    )


def _shape(kind: str, x: float, y: float) -> str:
    """The outline that says what kind of step it is."""
    right, bottom, middle = x + BOX, y + HEIGHT, y + HEIGHT / 2
    plain = f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="4" class="swimlane-box"/>'
    match kind:
        case "decision":
            points = f"{x} {middle} {x + 14} {y} {right - 14} {y} {right} {middle} {right - 14} {bottom} {x + 14} {bottom}"
            return f'<polygon points="{points}" class="swimlane-box"/>'
        case "timer":
            return f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="{HEIGHT / 2}" class="swimlane-box"/>'
        case "subprocess":
            return f'{plain}<path d="M{x + 6} {y}V{bottom}M{right - 6} {y}V{bottom}" class="swimlane-mark"/>'
        case "notice":
            return f'{plain}<path d="M{x} {y + 2}L{x + BOX / 2} {y + 12}L{right} {y + 2}" class="swimlane-mark"/>'
    return plain


def _words(name: str, x: float, middle: float) -> Iterator[str]:
    lines = [name] if len(name) <= LINE else [name[: (len(name) + 1) // 2], name[(len(name) + 1) // 2 :]]
    size = ' class="swimlane-small"' if len(lines) > 1 else ""
    for number, line in enumerate(lines):
        y = middle + 5 + (number - (len(lines) - 1) / 2) * 15
        yield f'<text x="{x}" y="{y}" text-anchor="middle"{size}>{escape(line)}</text>'


def _ends(p: Procedure, slots: dict[str, tuple[float, float]]) -> list[str]:
    """A small flag after each step that can end the case."""
    out = []
    for key, (x, y) in slots.items():
        last = [key] + [b for b in p.blocks(key) if p.steps[b].signers]
        names = [
            OUTCOMES[o.next.removeprefix(END)]
            for k in last
            for o in p.steps[k].outcomes
            if o.next.startswith(END)
        ]
        if names:
            label = "、".join(dict.fromkeys(names))
            out.append(
                f'<text x="{x + BOX / 2}" y="{y + HEIGHT + 13}" class="swimlane-end" text-anchor="middle">'
                f"■ {escape(label)}</text>"
            )
    return out
