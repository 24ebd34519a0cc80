"""What keeps a procedure from being published, each by its sentence; and that a published one is for ever."""

import copy
import json

import pytest
import yaml
from django.db import ProgrammingError, transaction

from jinzhi.casework import publishing
from jinzhi.casework.lint import lint, lint_files
from jinzhi.casework.models import ProcedureVersion
from jinzhi.casework.procedures import parse
from jinzhi.casework.tests.sample import DEFINITION


def problems(change) -> list[str]:
    raw = copy.deepcopy(DEFINITION)
    change(raw)
    return [p.removeprefix("x.yaml: ") for p in lint(parse(raw, "x.yaml"))]


def put(path: str, value):
    """A change of the sample: `steps.left.role` = value; None takes the key away."""

    def change(raw):
        *way, last = path.split(".")
        for key in way:
            raw = raw[key]
        raw.pop(last) if value is None else raw.__setitem__(last, value)

    return change


OUTCOME = {"label": "送审", "next": "last"}
STEP = {"name": "新", "role": "examiner", "law": "x"}


def test_the_sample_and_every_procedure_in_force_pass():
    assert problems(lambda raw: None) == []
    assert lint_files() == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("start", "nowhere", "start step nowhere does not exist"),
        ("steps.island", STEP | {"outcomes": {"pass": OUTCOME}}, "island: unreachable"),
        ("steps.left.outcomes.pass.next", "gone", "left: leads to gone"),
        ("steps.both.next", "", "both: leads to nowhere"),
        ("steps.last.outcomes.approve.next", "end:famous", "last: unknown outcome end:famous"),
        ("steps.last.outcomes.approve.next", "join", "last: join outside a parallel block"),
        ("steps.right.outcomes.pass.next", "end:granted", "right: a branch may not end the case; use join"),
        ("steps.first.outcomes.accept.next", "left", "first: jumps into or out of a parallel block to left"),
        ("steps.last.back", ["ghost"], "last: back to ghost"),
        ("steps.last.outcomes", {}, "last: no way to an end"),
        ("steps.last.outcomes.approve.next", "last", "last: no way to an end"),
        ("steps.right.outcomes.pass.next", "right", "right: no way to an end"),
        ("steps.right.outcomes.pass.next", "right", "both: a branch does not meet the join"),
        ("steps.right.outcomes.pass.next", "left2", "both: branches share a step"),
        ("steps.left.role", "astrologer", "left: unknown role astrologer"),
        ("steps.left.level", "moon", "left: unknown level moon"),
        ("steps.left.kind", "magic", "left: unknown kind magic"),
        ("steps.left.law", "", "left: names no article"),
        ("steps.left.page", "no/such.html", "left: unknown page no/such.html"),
        ("steps.left.page", "licensing/site_check.html", "left: a page without a main outcome"),
        ("steps.left.outcomes.dance", {"label": "x", "next": "left2"}, "left: unknown action dance"),
        ("steps.left.outcomes.pass.mark", "whenever", "left.pass: unknown mark whenever"),
        ("steps.left.outcomes.pass.effect", "no.such", "left.pass: unknown hook no.such"),
        ("steps.left.outcomes.pass.guard", "no.such", "left.pass: unknown hook no.such"),
        ("steps.left.outcomes.pass.documents", ["love_letter"], "document love_letter is unknown"),
        ("submit.documents", ["love_letter"], "document love_letter is unknown"),
        ("steps.left.limit", "no.such", "rule no.such has no value on 2004-07-01"),
        ("clocks.decision.rule", "no.such", "rule no.such has no value on 2004-07-01"),
        ("clocks.decision.extension", "no.such", "rule no.such has no value on 2004-07-01"),
        ("clocks.spare", {"title": "x", "rule": "licensing.acceptance"}, "clock spare is never started"),
        ("steps.left.outcomes.pass.starts", ["ghost"], "clock ghost is not declared"),
        ("steps.last.extend", "ghost", "last: extends unknown clock ghost"),
        ("steps.last.not_same_as", ["ghost"], "last: not_same_as ghost"),
        (
            "steps.first.timer", {"clock": "acceptance", "outcome": "deem_accepted"},
            "first: its timer takes deem_accepted, which it does not have",
        ),
        ("form", {"key": "no_such", "version": 1}, "没有表单 no_such 第 1 版"),
        ("form", {"key": "food_production_application", "version": 99}, "没有表单 food_production_application 第 99 版"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_step(path, value, sentence):
    assert sentence in problems(put(path, value))


def test_a_fork_has_two_branches():
    def alone(raw):
        del raw["steps"]["right"]
        raw["steps"]["both"]["branches"] = ["left"]

    assert problems(alone) == ["both: a parallel block needs two branches"]


def test_a_fork_within_a_fork_is_followed_inside_and_out():
    def nest(raw):
        raw["steps"]["left"]["outcomes"]["pass"]["next"] = "inner"
        raw["steps"]["inner"] = {"name": "内", "kind": "parallel", "branches": ["a", "b"], "next": "left2"}
        for key in "ab":
            raw["steps"][key] = STEP | {"outcomes": {"pass": {"label": "x", "next": "join"}}}

    assert problems(nest) == []

    def leak(raw):
        nest(raw)
        raw["steps"]["a"]["outcomes"]["pass"]["next"] = "left2"

    assert "a: jumps into or out of a parallel block to left2" in problems(leak)


@pytest.mark.parametrize("path", ["steps", "form", "steps.left.name", "clocks.decision.rule"])
def test_a_missing_word_is_reported_not_raised(tmp_path, monkeypatch, path):
    raw = copy.deepcopy(DEFINITION)
    put(path, None)(raw)
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(raw, allow_unicode=True))
    monkeypatch.setattr("jinzhi.casework.lint.files", lambda: [file])
    (problem,) = lint_files()
    assert problem.startswith("x.yaml: ") and path.split(".")[-1] in problem


# -- publishing


@pytest.fixture
def files(tmp_path, monkeypatch):
    def write(**changes):
        file = tmp_path / "sample.yaml"
        file.write_text(
            yaml.safe_dump(copy.deepcopy(DEFINITION) | changes, allow_unicode=True, sort_keys=False)
        )

    monkeypatch.setattr(publishing, "files", lambda: sorted(tmp_path.glob("*.yaml")))
    return write


@pytest.mark.django_db
def test_a_file_is_published_once_and_read_back_as_it_was(files):
    files()
    (version,) = publishing.publish_all()
    assert publishing.publish_all() == []
    kept = ProcedureVersion.objects.get(pk=version.pk)
    assert list(kept.procedure.steps) == list(DEFINITION["steps"])
    assert kept.procedure == parse(copy.deepcopy(DEFINITION), "sample v1")


@pytest.mark.django_db
def test_an_edited_file_needs_a_new_version(files):
    files()
    publishing.publish_all()
    files(name="改过的")
    with pytest.raises(publishing.NotPublishable, match=r"第 1 版已发布，不能改动；请另立新版本"):
        publishing.publish_all()
    files(name="改过的", version=2)
    (version,) = publishing.publish_all()
    assert (version.version, version.name) == (2, "改过的")


@pytest.mark.django_db
def test_a_faulty_file_is_not_published(files):
    files(start="nowhere")
    with pytest.raises(publishing.NotPublishable, match="start step nowhere"):
        publishing.publish_all()
    assert not ProcedureVersion.objects.filter(key="sample").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update(name="x"),
        lambda rows: rows.update(definition=json.dumps(DEFINITION)),
        lambda rows: rows.update(valid_to="2030-01-01"),
        lambda rows: rows.delete(),
    ],
)
def test_the_database_refuses_to_change_a_published_version(change):
    rows = ProcedureVersion.objects.filter(key="food_production_licence", version=1)
    assert rows.exists()
    with pytest.raises(ProgrammingError, match="immutable"), transaction.atomic():
        change(rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "不是一个流程定义"),
        ("key: [", "不是有效的 YAML"),
        ("key: a\nkey: b\n", "键重复"),
        ("key: x\nvalid_from: 2020-02-30\n", "不是有效的 YAML"),
    ],
)
def test_a_file_that_is_no_definition_is_named_and_no_other(tmp_path, monkeypatch, text, said):
    file = tmp_path / "x.yaml"
    file.write_text(text)
    monkeypatch.setattr("jinzhi.casework.lint.files", lambda: [file])
    (problem,) = lint_files()
    assert problem.startswith("x.yaml") and said in problem


def test_a_word_nobody_knows_is_said_in_words(tmp_path, monkeypatch):
    file = tmp_path / "x.yaml"
    file.write_text(yaml.safe_dump(DEFINITION | {"sumary": "x"}, allow_unicode=True))
    monkeypatch.setattr("jinzhi.casework.lint.files", lambda: [file])
    assert lint_files() == ["x.yaml: 不认识的词 sumary"]


def test_paths_into_the_application_are_those_of_its_form():
    raw = copy.deepcopy(DEFINITION)
    raw["clocks"]["decision"]["until"] = "data.market.seize"
    assert "clock decision: the form food_production_application has no data.market.seize" in problems(
        lambda r: r.update(raw)
    )
