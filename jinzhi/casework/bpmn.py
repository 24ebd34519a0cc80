"""A procedure as BPMN 2.0 XML with its picture: pool, lanes, tasks, gateways, timers, calls, and where they stand.

What the standard has no word for (a way back to an earlier step, a limit that ends the case wherever it
stands) is in the documentation of the element. Conditions ask the variable `outcome` that the task before
leaves behind; after a call it is `case_outcome`, how that case ended; members of a countersigning leave a
variable named after themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import combinations
from xml.etree import ElementTree as ET

from jinzhi.casework import reading, swimlane
from jinzhi.casework.procedures import END, JOIN, OUTCOMES, Outcome, Procedure, StepDef
from jinzhi.foundation import rules

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"  # its attribute is how engines find the decision of a task
OURS = "urn:jinzhi:procedures"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
for prefix, space in (("bpmn", BPMN), ("bpmndi", DI), ("dc", DC), ("di", DD), ("camunda", CAMUNDA)):
    ET.register_namespace(prefix, space)

DURATIONS = {
    "workday": "P{}D",
    "day": "P{}D",
    "month": "P{}M",
    "year": "P{}Y",
    "hour": "PT{}H",
    "minute": "PT{}M",
}
# places within a column: join, gateway before a fork, fork, task, gateway behind it, gateway before a join
COLUMN, ROW = 380, 110
JOIN_X, MERGE_X, FORK_X, TASK_X, GATE_X, LAST_X = 8, 56, 104, 152, 282, 332
TASK, GATE, EVENT, POOL = (120, 60), (40, 40), (32, 32), 60


def variable(key: str) -> str:
    """The name under which a member of a countersigning leaves an opinion."""
    return key.replace(".", "_")


@dataclass
class Node:
    """One element that flows lead to and from."""

    id: str
    tag: str
    name: str = ""
    role: str = ""
    at: tuple[float, float] = (0, 0)
    size: tuple[float, float] = TASK
    attributes: dict[str, str] = field(default_factory=dict)
    documentation: str = ""
    timer: str = ""  # duration of a timer event
    attached: str = ""  # task whose boundary it sits on
    owner: str = ""  # step it belongs to


@dataclass(frozen=True)
class Flow:
    id: str
    source: str
    target: str
    name: str = ""
    condition: str = ""
    default: bool = False


class Model:
    """The elements of one procedure, collected step by step."""

    def __init__(self, p: Procedure, on: date):
        self.p, self.on = p, on
        self.drawn = swimlane.layout(p)
        self.columns = swimlane.columns(p)
        self.nodes: dict[str, Node] = {}
        self.flows: list[Flow] = []
        self.here = ""  # the step being written
        self._start()
        for key in p.reachable():
            self._step(p.steps[key])
        for key in p.reachable():
            if p.steps[key].kind in ("parallel", "countersign") and not p.steps[key].sequential:
                self._gather(p.steps[key])

    # -- where things stand

    def _cell(self, key: str) -> tuple[int, int]:
        """Column and row of a step; a block stands before its first member."""
        if key in self.drawn.cells:
            return self.drawn.cells[key]
        step = self.p.steps[key]
        return self.columns[key], min(self._cell(b)[1] for b in step.branches)

    def _spot(
        self, key: str, x: float, size: tuple[float, float], column: int | None = None
    ) -> tuple[float, float]:
        own, row = self._cell(key)
        left = POOL + 60 + (own if column is None else column) * COLUMN
        return left + x, row * ROW + (ROW - size[1]) / 2

    def _add(self, node: Node) -> Node:
        node.owner = self.here
        return self.nodes.setdefault(node.id, node)

    def _flow(
        self, source: str, target: str, name: str = "", condition: str = "", default: bool = False
    ) -> None:
        self.flows.append(Flow(f"flow_{len(self.flows) + 1}", source, target, name, condition, default))

    # -- elements

    def _start(self) -> None:
        first = self.p.steps[self.p.start]
        _, row = self._cell(first.key)
        name = "依职权启动" if self.p.ex_officio else "提交申请"
        spot = (POOL + 14, row * ROW + (ROW - EVENT[1]) / 2)
        self._add(Node("start", "startEvent", name, self._role(first.key), spot, EVENT))
        self._flow("start", self._entry(first.key))

    def _role(self, key: str) -> str:
        step = self.p.steps[key]
        return self._role(step.branches[0]) if step.branches else step.role

    def _entry(self, key: str) -> str:
        """The element a flow to `key` arrives at."""
        step = self.p.steps[key]
        if not step.branches:
            return variable(key)
        return self._entry(step.branches[0]) if step.sequential else f"{key}_fork"

    def _step(self, step: StepDef) -> None:
        self.here = step.key
        if step.branches:
            self._block(step)
            return
        tag, attributes, timer = self._kind(step)
        spot = self._spot(step.key, TASK_X, TASK)
        size = TASK
        if tag == "intermediateCatchEvent":
            size = EVENT
            spot = (spot[0] + (TASK[0] - EVENT[0]) / 2, spot[1] + (TASK[1] - EVENT[1]) / 2)
        node = self._add(
            Node(
                variable(step.key),
                tag,
                step.name,
                step.role,
                spot,
                size,
                attributes,
                self._words(step),
                timer,
            )
        )
        name = "case_outcome" if step.kind == "subprocess" else "outcome"
        self._leave(step, node.id, [o for o in step.outcomes if not self._by_clock(step, o)], name)
        if step.timer and (taken := step.outcome(step.timer.outcome)):
            self._boundary(step, taken)

    def _by_clock(self, step: StepDef, o: Outcome) -> bool:
        return bool(step.timer and step.timer.outcome == o.action)

    def _kind(self, step: StepDef) -> tuple[str, dict[str, str], str]:
        """Tag, attributes and duration of the element for a step."""
        match step.kind:
            case "decision":
                found = {
                    "decisionRef": step.table,
                    "resultVariable": "outcome",
                    "mapDecisionResult": "singleEntry",
                }
                return "businessRuleTask", {f"{{{CAMUNDA}}}{k}": v for k, v in found.items()}, ""
            case "timer":
                return "intermediateCatchEvent", {}, self._duration(step.limit)
            case "subprocess":
                return "callActivity", {"calledElement": step.procedure}, ""
            case "notice" if not step.role:
                return "serviceTask", {}, ""
        return "userTask", {}, ""

    def _duration(self, rule: str) -> str:
        value = reading.value_on(rule, self.on)
        return DURATIONS[value.unit].format(int(value.value)) if value else "P0D"

    def _words(self, step: StepDef) -> str:
        return "\n".join(f"{label}：{text}" for label, text in reading.facts(self.p, step, self.on))

    def _boundary(self, step: StepDef, taken: Outcome) -> None:
        """The limit whose end the engine itself answers."""
        assert step.timer is not None
        clock = self.p.clocks[step.timer.clock]
        x, y = self._spot(step.key, TASK_X, TASK)
        node = self._add(
            Node(
                f"{variable(step.key)}_limit", "boundaryEvent", taken.label, step.role,
                (x + TASK[0] - EVENT[0] - 8, y + TASK[1] - EVENT[1] / 2), EVENT, {"cancelActivity": "true"},
                f"{clock.title}届满（{step.timer.law or taken.law}）", self._duration(clock.rule), variable(step.key),
            )
        )  # fmt: skip
        self._flow(node.id, self._target(step, taken.next), taken.label)

    def _block(self, step: StepDef) -> None:
        """A parallel block or a countersigning: its members between two gateways, or one after another."""
        column = 1 + max(self.columns[k] for b in step.branches for k in self.p.within(b))
        join = f"{step.key}_join"
        role = self._role(step.key)
        if step.sequential:
            for a, b in zip(step.branches, step.branches[1:], strict=False):
                self._flow(variable(a), variable(b))
            join = variable(step.branches[-1])
        else:
            words = self._words(step)
            spot = self._spot(step.key, FORK_X, GATE)
            self._add(Node(f"{step.key}_fork", "parallelGateway", step.name, role, spot, GATE, {}, words))
            spot = self._spot(step.key, JOIN_X, GATE, column)
            self._add(Node(join, "parallelGateway", f"{step.name}汇合", role, spot, GATE))
            for branch in step.branches:
                self._flow(f"{step.key}_fork", self._entry(branch))
        if step.signers:
            self._tally(step, join)
        else:
            self._flow(join, self._target(step, step.next))

    def _gather(self, step: StepDef) -> None:
        """One flow into a fork, and one from each branch into its join: a parallel gateway waits for all of them."""
        fork, join = f"{step.key}_fork", f"{step.key}_join"
        coming = [f for f in self.flows if f.target == fork]
        self._through(coming, fork, f"{step.key}_merge", self._spot(step.key, MERGE_X, GATE))
        for branch in step.branches:
            inside = self.p.within(branch)
            last = max(inside & set(self.drawn.cells), key=lambda k: self.columns[k])
            coming = [f for f in self.flows if f.target == join and self.nodes[f.source].owner in inside]
            self._through(coming, join, f"{variable(branch)}_merge", self._spot(last, LAST_X, GATE))

    def _through(self, coming: list[Flow], target: str, merge: str, spot: tuple[float, float]) -> None:
        """Lead several flows to `target` through one exclusive gateway."""
        if len(coming) < 2:
            return
        self._add(Node(merge, "exclusiveGateway", "", self.nodes[target].role, spot, GATE))
        self.flows = [replace(f, target=merge) if f in coming else f for f in self.flows]
        self._flow(merge, target)

    def _tally(self, step: StepDef, source: str) -> None:
        """Whether the countersigning carries: a condition over the members' opinions."""
        gate = f"{step.key}_out"
        column = 1 + max(self.columns[b] for b in step.branches)
        x, y = self._spot(step.key, FORK_X, GATE, column)
        self._add(Node(gate, "exclusiveGateway", f"{step.name}结果", self._role(step.key), (x, y), GATE))
        self._flow(source, gate)
        agreed, disagreed = step.outcome("agreed"), step.outcome("disagreed")
        assert agreed is not None and disagreed is not None, "the linter asks for both"
        self._flow(gate, self._target(step, agreed.next), agreed.label, carried(step))
        self._flow(gate, self._target(step, disagreed.next), disagreed.label, default=True)

    def _leave(self, step: StepDef, source: str, outcomes: list[Outcome], name: str) -> None:
        """The ways on from a task: straight, or through a gateway that asks for the outcome."""
        enclosing = self.p.enclosing(step.key)
        if enclosing and self.p.steps[enclosing].signers:
            if not self.p.steps[enclosing].sequential:
                self._flow(source, f"{enclosing}_join")
            return  # the block says how its members go on
        if len(outcomes) == 1:
            self._flow(source, self._target(step, outcomes[0].next), outcomes[0].label)
            return
        gate = f"{variable(step.key)}_out"
        spot = self._spot(step.key, GATE_X, GATE)
        self._add(Node(gate, "exclusiveGateway", f"{step.name}结果", step.role, spot, GATE))
        self._flow(source, gate)
        for o in outcomes:
            if o.action == "*":
                self._flow(gate, self._target(step, o.next), o.label, default=True)
            else:
                self._flow(gate, self._target(step, o.next), o.label, f'{name} == "{o.action}"')

    def _target(self, step: StepDef, to: str) -> str:
        if to == JOIN:
            return f"{self.p.enclosing(step.key)}_join"
        return self._end(step, to.removeprefix(END)) if to.startswith(END) else self._entry(to)

    def _end(self, step: StepDef, outcome: str) -> str:
        """One end event for each way a case can end."""
        found = f"end_{outcome}"
        if found not in self.nodes:
            number = sum(n.tag == "endEvent" for n in self.nodes.values())
            x = POOL + 60 + self.drawn.columns * COLUMN + 40
            spot = (x + number // self.drawn.rows * 70, number % self.drawn.rows * ROW + (ROW - EVENT[1]) / 2)
            role = next(
                lane.role
                for lane in self.drawn.lanes
                if lane.y <= number % self.drawn.rows < lane.y + lane.height
            )
            self._add(Node(found, "endEvent", OUTCOMES[outcome], role, spot, EVENT))
        return found


def carried(step: StepDef) -> str:
    """The condition under which a countersigning carries, in words every engine understands."""
    total = len(step.signers)
    needed = {"all": total, "any": 1}.get(step.quorum)
    if needed is None:
        needed = -(-total * Fraction(step.quorum) // 1)
    each = [f'{variable(b)} == "agree"' for b in step.branches]
    ways = [" and ".join(some) for some in combinations(each, int(needed))]
    return " or ".join(f"({way})" for way in ways) if len(ways) > 1 else ways[0]


# -- XML


def xml(p: Procedure, on: date | None = None) -> str:
    """The BPMN 2.0 file of a procedure; durations are those of `on` (its first day if not given)."""
    model = Model(p, on or p.valid_from)
    root = ET.Element(f"{{{BPMN}}}definitions", {"id": f"{p.key}_v{p.version}", "targetNamespace": OURS})
    pool = ET.SubElement(root, f"{{{BPMN}}}collaboration", {"id": "collaboration"})
    ET.SubElement(pool, f"{{{BPMN}}}participant", {"id": "pool", "name": p.name, "processRef": p.key})
    process = ET.SubElement(
        root,
        f"{{{BPMN}}}process",
        {"id": p.key, "name": f"{p.name} 第 {p.version} 版", "isExecutable": "true"},
    )
    _documentation(process, _about(p))
    _lanes(process, model)
    for node in model.nodes.values():
        _element(process, node, model.flows)
    for flow in model.flows:
        _sequence(process, flow)
    _picture(root, model)
    ET.indent(root)
    return HEAD + ET.tostring(root, encoding="unicode") + "\n"


def _about(p: Procedure) -> str:
    lines = [f"{p.matter}；{p.law}；规则集 {p.rule_set}；{p.valid_from} 起施行", p.summary, p.closed]
    lines += [f"{p.clocks[d.clock].title}届满：{d.label}（{d.law}）" for d in p.deadlines]
    return "\n".join(line for line in lines if line)


def _documentation(element: ET.Element, text: str) -> None:
    if text:
        ET.SubElement(element, f"{{{BPMN}}}documentation").text = text


def _lanes(process: ET.Element, model: Model) -> None:
    lanes = ET.SubElement(process, f"{{{BPMN}}}laneSet", {"id": "lanes"})
    for number, lane in enumerate(model.drawn.lanes):
        found = ET.SubElement(lanes, f"{{{BPMN}}}lane", {"id": f"lane_{number}", "name": lane.name})
        for node in model.nodes.values():
            if node.role == lane.role:
                ET.SubElement(found, f"{{{BPMN}}}flowNodeRef").text = node.id


def _element(process: ET.Element, node: Node, flows: Iterable[Flow]) -> None:
    attributes = {"id": node.id, "name": node.name, **node.attributes}
    if node.attached:
        attributes["attachedToRef"] = node.attached
    out = [f for f in flows if f.source == node.id]
    if default := next((f for f in out if f.default), None):
        attributes["default"] = default.id
    found = ET.SubElement(process, f"{{{BPMN}}}{node.tag}", attributes)
    _documentation(found, node.documentation)
    for flow in (f for f in flows if f.target == node.id):
        ET.SubElement(found, f"{{{BPMN}}}incoming").text = flow.id
    for flow in out:
        ET.SubElement(found, f"{{{BPMN}}}outgoing").text = flow.id
    if node.timer:
        definition = ET.SubElement(found, f"{{{BPMN}}}timerEventDefinition", {"id": f"{node.id}_timer"})
        ET.SubElement(definition, f"{{{BPMN}}}timeDuration").text = node.timer


def _sequence(process: ET.Element, flow: Flow) -> None:
    attributes = {"id": flow.id, "sourceRef": flow.source, "targetRef": flow.target}
    found = ET.SubElement(
        process, f"{{{BPMN}}}sequenceFlow", attributes | ({"name": flow.name} if flow.name else {})
    )
    if flow.condition:
        ET.SubElement(found, f"{{{BPMN}}}conditionExpression").text = flow.condition


def _picture(root: ET.Element, model: Model) -> None:
    """The diagram: pool, lanes, shapes and the corners of the flows."""
    diagram = ET.SubElement(root, f"{{{DI}}}BPMNDiagram", {"id": "diagram"})
    plane = ET.SubElement(diagram, f"{{{DI}}}BPMNPlane", {"id": "plane", "bpmnElement": "collaboration"})
    width = max(n.at[0] + n.size[0] for n in model.nodes.values()) + 40
    _shape(plane, "pool", (0, 0), (width, model.drawn.rows * ROW), True)
    for number, lane in enumerate(model.drawn.lanes):
        _shape(plane, f"lane_{number}", (30, lane.y * ROW), (width - 30, lane.height * ROW), True)
    for node in model.nodes.values():
        _shape(plane, node.id, node.at, node.size)
    for flow in model.flows:
        edge = ET.SubElement(plane, f"{{{DI}}}BPMNEdge", {"id": f"{flow.id}_edge", "bpmnElement": flow.id})
        for x, y in corners(model.nodes[flow.source], model.nodes[flow.target]):
            ET.SubElement(edge, f"{{{DD}}}waypoint", {"x": f"{x:g}", "y": f"{y:g}"})


def _shape(
    plane: ET.Element, key: str, at: tuple[float, float], size: tuple[float, float], flat: bool = False
) -> None:
    more = {"isHorizontal": "true"} if flat else {}
    shape = ET.SubElement(plane, f"{{{DI}}}BPMNShape", {"id": f"{key}_shape", "bpmnElement": key, **more})
    bounds = {"x": at[0], "y": at[1], "width": size[0], "height": size[1]}
    ET.SubElement(shape, f"{{{DC}}}Bounds", {k: f"{v:g}" for k, v in bounds.items()})


def corners(a: Node, b: Node) -> list[tuple[float, float]]:
    """Where a flow leaves, bends and arrives."""
    (xa, ya), (xb, yb) = a.at, b.at
    middle_a, middle_b = ya + a.size[1] / 2, yb + b.size[1] / 2
    if a.attached:  # downwards from the boundary of its task
        below = ya + a.size[1] + 8
        start = xa + a.size[0] / 2
        down = [(start, ya + a.size[1]), (start, below), (xb - 12, below)]
        return [*down, (xb - 12, middle_b), (xb, middle_b)]
    if xb >= xa + a.size[0]:
        if middle_a == middle_b:
            return [(xa + a.size[0], middle_a), (xb, middle_b)]
        bend = xb - 10
        return [(xa + a.size[0], middle_a), (bend, middle_a), (bend, middle_b), (xb, middle_b)]
    over = min(ya, yb) - 10
    return [
        (xa + a.size[0] / 2, ya),
        (xa + a.size[0] / 2, over),
        (xb + b.size[0] / 2, over),
        (xb + b.size[0] / 2, yb),
    ]


def tables(p: Procedure, on: date | None = None) -> dict[str, rules.DecisionTable]:
    """The decision tables the procedure uses, as they are on that day."""
    day = on or p.valid_from
    return {s.table: rules.table(s.table, on=day) for s in p.steps.values() if s.table}
