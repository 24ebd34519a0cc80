"""BPMN and DMN of every published procedure: valid by the standard's schemas, complete in words and picture, and run
by another engine: SpiffWorkflow takes the same steps forward as ours."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.util.task import BpmnTaskFilter
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.camunda.parser import CamundaParser
from SpiffWorkflow.dmn.parser.BpmnDmnParser import SCHEMAS
from SpiffWorkflow.util.task import TaskState

from jinzhi.casework import actions, bpmn, dmn, swimlane
from jinzhi.casework.models import PERSONAL, Case, ProcedureVersion
from jinzhi.casework.procedures import Procedure, files, parse, read
from jinzhi.casework.tests import every_kind, sample
from jinzhi.casework.tests.test_walks import Walk, bare
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.people.roles import BUSINESS
from jinzhi.foundation.rules.library import library

WALKS, ACTS = 4, 30
NS = {"b": bpmn.BPMN, "di": bpmn.DI, "dc": bpmn.DC, "dd": bpmn.DD}
SEQUENTIAL = every_kind.changed(every_kind.PARENT, opinions={"sequential": True, "quorum": "all"}) | {
    "key": "sample_in_turn"
}
RAW = [read(path) for path in files()]
DEFINITIONS = [raw for raw in RAW if not raw.get("closed")] + [
    every_kind.PARENT,
    SEQUENTIAL,
    sample.DEFINITION,
]


def name_of(raw: dict) -> str:
    return f"{raw['key']}-{raw['version']}"


@pytest.fixture(autouse=True)
def _sample_table():
    library().tables["sample.route"] = (every_kind.TABLE,)


def procedure_of(raw: dict) -> Procedure:
    return parse(dict(raw))


def ids(root, path: str, attribute: str = "id") -> list[str]:
    return [e.get(attribute) for e in root.iterfind(path, NS)]


# -- the files


@pytest.mark.parametrize("raw", [*DEFINITIONS, every_kind.CHILD], ids=name_of)
def test_the_file_is_valid_and_every_element_has_its_flows_and_its_place(raw):
    p = procedure_of(raw)
    root = etree.fromstring(bpmn.xml(p).encode())
    BpmnValidator().validate(root)
    process = root.find("b:process", NS)
    aside = {f"{{{bpmn.BPMN}}}{tag}" for tag in ("sequenceFlow", "laneSet", "documentation")}
    nodes = {e.get("id"): e for e in process if e.tag not in aside}
    flows = {
        e.get("id"): (e.get("sourceRef"), e.get("targetRef")) for e in process.iterfind("b:sequenceFlow", NS)
    }
    for flow, (source, target) in flows.items():
        assert flow in [e.text for e in nodes[source].iterfind("b:outgoing", NS)]
        assert flow in [e.text for e in nodes[target].iterfind("b:incoming", NS)]
    for key, node in nodes.items():
        tag = etree.QName(node).localname
        assert (tag in ("startEvent", "boundaryEvent")) == (node.find("b:incoming", NS) is None), key
        assert (tag == "endEvent") == (node.find("b:outgoing", NS) is None), key
    lanes = [e.text for e in process.iterfind("b:laneSet/b:lane/b:flowNodeRef", NS)]
    assert sorted(lanes) == sorted(nodes)
    assert {
        variable for key in p.reachable() if (variable := bpmn.variable(key)) and not p.steps[key].branches
    } <= set(nodes)
    drawn = ids(root, ".//di:BPMNShape", "bpmnElement")
    assert set(nodes) <= set(drawn) and len(drawn) == len(set(drawn))
    assert set(ids(root, ".//di:BPMNEdge", "bpmnElement")) == set(flows)


@pytest.mark.parametrize("raw", DEFINITIONS, ids=name_of)
def test_nothing_in_the_picture_lies_on_something_else(raw):
    model = bpmn.Model(procedure_of(raw), procedure_of(raw).valid_from)
    boxes = [
        (n, *n.at, n.at[0] + n.size[0], n.at[1] + n.size[1]) for n in model.nodes.values() if not n.attached
    ]
    for number, (a, x1, y1, x2, y2) in enumerate(boxes):
        for b, p1, q1, p2, q2 in boxes[number + 1 :]:
            assert x2 <= p1 or p2 <= x1 or y2 <= q1 or q2 <= y1, f"{a.id} lies on {b.id}"


@pytest.mark.parametrize("raw", DEFINITIONS, ids=name_of)
def test_the_swim_lane_shows_every_step_once_and_no_two_in_one_place(raw):
    p = procedure_of(raw)
    drawn = swimlane.layout(p)
    shown = {k for k in p.reachable() if not p.steps[k].branches}
    assert shown <= set(drawn.cells) and len(set(drawn.cells.values())) == len(drawn.cells)
    root = etree.fromstring(swimlane.svg(p).encode())
    titles = [e.text for e in root.iterfind(".//{*}g/{*}title")]
    assert all(any(t.startswith(p.steps[k].name) for t in titles) for k in shown)
    assert all(a in drawn.cells and b in drawn.cells for a, b in swimlane.edges(p))


def test_the_swim_lane_of_a_case_marks_where_it_stands():
    p = procedure_of(every_kind.PARENT)
    text = swimlane.svg(p, {"accept": "done", "opinions.law": "current", "last": "returned"})
    assert (
        "kind-decision" in text
        and "kind-timer" in text
        and "kind-subprocess" in text
        and "kind-notice" in text
    )
    assert text.count("is-current") == text.count("is-done") == text.count("is-returned") == 1
    assert "当前环节" in text and "系统" in text


def test_members_asked_one_after_another_stand_in_a_row():
    p = procedure_of(SEQUENTIAL)
    at = swimlane.columns(p)
    members = p.steps["opinions"].branches
    assert [at[b] - at[a] for a, b in pairwise(members)] == [1, 1]
    assert all((a, b) in swimlane.edges(p) for a, b in pairwise(members))


@pytest.mark.parametrize("text", ['a & b < c "d"', "]]>", "'; DROP"])
def test_names_are_escaped(text):
    raw = every_kind.changed(every_kind.CHILD, hear={"name": text, "law": text}) | {"name": text}
    p = procedure_of(raw)
    assert etree.fromstring(bpmn.xml(p).encode()).find("b:process/b:userTask", NS).get("name") == text
    etree.fromstring(swimlane.svg(p).encode())


@pytest.mark.parametrize(
    ("quorum", "signed", "carried"),
    [("all", "yyy", True), ("all", "yyn", False), ("any", "nny", True), ("any", "nnn", False), ("2/3", "yny", True),
     ("2/3", "ynn", False)],
)  # fmt: skip
def test_the_condition_of_a_countersigning_counts_like_the_quorum(quorum, signed, carried):
    step = procedure_of(every_kind.changed(every_kind.PARENT, opinions={"quorum": quorum})).steps["opinions"]
    given = {
        bpmn.variable(b): "agree" if s == "y" else "disagree"
        for b, s in zip(step.branches, signed, strict=True)
    }
    assert eval(bpmn.carried(step), {}, given) is carried  # noqa: S307


def every_table() -> list[rules.DecisionTable]:
    return (
        [t for many in rules.all_tables().values() for t in many]
        if isinstance(rules.all_tables(), dict)
        else list(rules.all_tables())
    )


def test_every_decision_table_is_valid_dmn():
    found = [t for t in every_table() if t.inputs]
    for table in [*found, every_kind.TABLE]:
        root = etree.fromstring(dmn.xml(table).encode())
        BpmnValidator(SCHEMAS[dmn.DMN]).validate(root)
        assert len(root.findall(f".//{{{dmn.DMN}}}rule")) == len(table.rows)


@pytest.mark.parametrize(
    ("condition", "feel"),
    [("a", '"a"'), (3, "3"), (True, "true"), ("-", "-"), (["a", 3], '"a",3'), (">= 3", ">= 3"), ("< 0.5", "< 0.5"),
     ("!= x", 'not("x")'), (">= 2026-01-31", '>= date("2026-01-31")'), (None, "null")],
)  # fmt: skip
def test_conditions_are_written_as_feel(condition, feel):
    assert dmn.test(condition) == feel


# -- the oracle


class Engine(PythonScriptEngine):
    """Durations of the standard are no Python."""

    def evaluate(self, task, expression, external_context=None):
        if re.fullmatch(r"PT?\d+[DMYH]", expression):
            return expression
        return super().evaluate(task, expression, external_context)


def as_python(feel: str) -> str:
    """FEEL unary tests as that engine's DMN reads them."""
    if feel in ("true", "false"):
        return feel.title()
    if negated := re.fullmatch(r"not\((.*)\)", feel):
        return f"? != {negated[1]}"
    return f"? in ({feel},)" if "," in feel else feel


class Oracle:
    """The generated BPMN of a procedure, and of those it calls, in SpiffWorkflow."""

    def __init__(self, p: Procedure, day, facts: dict):
        parser = CamundaParser(validator=BpmnValidator())
        for q in self.called(p):
            for table in bpmn.tables(q, day).values():
                root = etree.fromstring(dmn.xml(table).encode())
                for text in root.iterfind(f".//{{{dmn.DMN}}}inputEntry/{{{dmn.DMN}}}text"):
                    text.text = as_python(text.text)
                parser.add_dmn_xml(root)
            parser.add_bpmn_xml(etree.fromstring(bpmn.xml(q, day).encode()))
        self.workflow = BpmnWorkflow(
            parser.get_spec(p.key), parser.get_subprocess_specs(p.key), script_engine=Engine()
        )
        self.workflow.task_tree.data.update(facts)
        self.workflow.do_engine_steps()

    def called(self, p: Procedure) -> list[Procedure]:
        found = {p.key: p}
        for step in p.steps.values():
            if step.kind == "subprocess" and step.procedure not in found:
                newest = ProcedureVersion.objects.filter(key=step.procedure).order_by("-version").first()
                found |= {q.key: q for q in self.called(newest.procedure)}
        return list(found.values())

    def open(self, inside=None) -> dict:
        """What waits for somebody, for time or for another case, by the id of its element."""
        here = inside or self.workflow
        states = TaskState.READY | TaskState.WAITING | TaskState.STARTED
        tasks = here.get_tasks(task_filter=BpmnTaskFilter(state=states))
        return {
            t.task_spec.bpmn_id: t
            for t in tasks
            if t.workflow is here
            and t.task_spec.bpmn_id
            and (
                t.task_spec.manual or type(t.task_spec).__name__ in ("IntermediateCatchEvent", "CallActivity")
            )
        }

    def do(self, task, **data) -> None:
        task.data.update(data)
        if type(task.task_spec).__name__ == "IntermediateCatchEvent":
            task._set_internal_data(event_value="2001-01-01T00:00:00+00:00")  # the time has come
            self.workflow.refresh_waiting_tasks()
        else:
            task.run()
        self.workflow.do_engine_steps()

    def ended(self) -> str:
        ends = self.workflow.get_tasks(task_filter=BpmnTaskFilter(state=TaskState.COMPLETED))
        return next(
            t.task_spec.bpmn_id
            for t in ends
            if str(t.task_spec.bpmn_id).startswith("end_") and t.workflow is self.workflow
        )


class Pair:
    """One case in both engines, walked forward."""

    def __init__(self, version: ProcedureVersion, seed: int, cast: list):
        self.walk, self.cast = Walk(version, seed), cast
        self.random = self.walk.random
        asked = {name: path for s in version.procedure.steps.values() for name, path in s.inputs}
        case = self.walk.case
        self.oracle = Oracle(
            version.procedure, self.walk.day, {n: case.found(path) for n, path in asked.items()}
        )
        self.acts = 0

    def facts(self, case: Case) -> dict:
        """What the decision tables of the case's procedure ask for."""
        asked = [pair for s in case.definition.steps.values() for pair in s.inputs]
        return {name: case.found(path) for name, path in asked}

    def levels(self):
        """(case, the workflow that mirrors it), the case itself and those it has called."""
        found = [(Case.objects.get(pk=self.walk.case.pk), self.oracle.workflow)]
        for case, workflow in found:
            for step in case.steps.filter(state="open", kind="subprocess"):
                task = self.oracle.open(workflow)[bpmn.variable(step.key)]
                child = Case.objects.get(parent_step=step)
                found.append((child, self.oracle.workflow.get_subprocess(task)))
        return found

    def agree(self) -> None:
        """Both engines stand at the same steps; members who need not be asked any more are let go there, too."""
        top = Case.objects.get(pk=self.walk.case.pk)
        if top.state == "closed":
            self.drop(top, self.oracle.workflow)
            assert self.oracle.workflow.is_completed(), (self.walk.done, list(self.oracle.open()))
            assert self.oracle.ended() == f"end_{top.outcome}"
            return
        for case, workflow in self.levels():
            self.drop(case, workflow)
            kinds = (*PERSONAL, "timer", "subprocess")
            here = {bpmn.variable(s.key) for s in case.steps.filter(state="open", kind__in=kinds)}
            assert set(self.oracle.open(workflow)) == here, self.walk.done

    def drop(self, case: Case, workflow) -> None:
        members = {bpmn.variable(b) for s in case.definition.steps.values() if s.signers for b in s.branches}
        while True:
            live = {bpmn.variable(s.key) for s in case.steps.filter(state="open")}
            idle = [t for k, t in self.oracle.open(workflow).items() if k in members - live]
            if not idle:
                return
            self.oracle.do(idle[0], **{idle[0].task_spec.bpmn_id: "not asked"})

    def forward(self) -> bool:
        """One act forward in both; False when nothing more can be done."""
        choices = [
            (case, workflow, step, o)
            for case, workflow in self.levels()
            for step in case.steps.filter(state="open", kind__in=(*PERSONAL, "timer")).order_by("id")
            for o in case.definition.step(step.key).outcomes
            if not (t := case.definition.step(step.key).timer) or t.outcome != o.action
        ]
        self.random.shuffle(choices)
        for case, workflow, step, o in choices:
            if self.act(case, step, o.action):
                case = Case.objects.get(pk=case.pk)
                task = self.oracle.open(workflow)[bpmn.variable(step.key)]
                said = {"outcome": o.action, "case_outcome": case.outcome, bpmn.variable(step.key): o.action}
                self.oracle.do(task, **self.facts(case), **said)
                self.walk.done.append(f"{step.key}.{o.action}")
                return True
        return False

    def act(self, case: Case, step, action: str) -> bool:
        self.walk.day += timedelta(days=self.random.randrange(3))
        payload = {
            "items": ["补充材料"],
            "recipient": "收件人",
            "served_on": self.walk.day.isoformat(),
            "data": case.data,
        }
        for who in [actions.SYSTEM] if step.kind == "timer" else self.walk.actors(self.cast):
            try:
                actions.perform(
                    case.pk, action, step.pk, who, reason="理由", payload=payload, at=sample.at(self.walk.day)
                )
            except actions.Refused:
                continue
            return True
        return False


@pytest.fixture
def cast():
    places = (("county", sample.COUNTY), ("city", sample.CITY), ("province", 330000000000))
    return [
        sample.person(f"{level}{n}", *sorted(BUSINESS), place=place, level=level)
        for level, place in places
        for n in (1, 2)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("raw", DEFINITIONS, ids=name_of)
def test_another_engine_takes_the_same_way_forward(raw, cast, monkeypatch):
    monkeypatch.setattr("jinzhi.casework.actions.outcomes.forms.examine", lambda form, data, on: (data, []))
    monkeypatch.setattr("jinzhi.casework.hooks.run", lambda name, act: None)
    every_kind.publish(every_kind.CHILD)
    version = every_kind.publish(bare(raw) | {"key": f"way_{raw['key']}"[:60]})
    ended = 0
    with calendar.pinned():
        for seed in range(WALKS):
            pair = Pair(version, seed, cast)
            pair.agree()
            for _ in range(ACTS):
                if not pair.forward():
                    break
                pair.agree()
            assert pair.walk.done, "nothing could be done"
            ended += Case.objects.get(pk=pair.walk.case.pk).state == "closed"
    assert ended, "no walk reached an end"
