"""A procedure nobody has seen, put beside a room as a folder, is supervised without a change here."""

import ast
from datetime import date
from pathlib import Path

import pytest
import yaml

from jinzhi.casework import esupervision, procedures, publishing
from jinzhi.casework.esupervision import structure
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import begun, found, supervise
from jinzhi.casework.models import ProcedureVersion

pytestmark = pytest.mark.django_db
D = date.fromisoformat

UNSEEN = """
key: stall_registration
version: 1
name: 摊位登记
matter: 摊位登记
rule_set: ST-2017
valid_from: 2017-05-01
law: 示例
case_prefix: TW
form: {key: food_production_application, version: 2}
start: intake
submit: {starts: [look]}
clocks:
  look: {title: 收件期限, rule: licensing.acceptance}
  verdict: {title: 登记期限, rule: licensing.decision, promised: licensing.delivery}
steps:
  intake:
    name: 收件
    role: window_clerk
    law: 示例
    outcomes:
      accept: {label: 收下, next: verdict, stops: [look], starts: [verdict], mark: accepted, main: true}
  verdict:
    name: 登记
    role: approver
    law: 示例
    outcomes:
      approve: {label: 准予, next: "end:granted", stops: [verdict], mark: decided, main: true}
"""


@pytest.fixture
def unseen(tmp_path, monkeypatch):
    """The file as a room would have it, found and published as any other."""
    path = tmp_path / "stall_registration.yaml"
    path.write_text(UNSEEN, encoding="utf-8")
    known = procedures.files()
    monkeypatch.setattr(procedures, "files", lambda: [*known, path])
    monkeypatch.setattr(publishing, "files", lambda: [*known, path], raising=False)
    publishing.publish_all()
    assert ProcedureVersion.objects.filter(key="stall_registration").exists()
    return yaml.safe_load(UNSEEN) | {"valid_from": "2017-05-01"}


def test_it_gets_every_card_its_limits_and_acts_ask_for(unseen):
    w = world.World()
    silent = begun(D("2026-03-02"), unseen)
    taken = begun(D("2026-03-02"), unseen)
    step = taken.steps.get(key="intake")
    from jinzhi.casework import actions

    with world.recorded(D("2026-03-03")):
        actions.perform(taken.pk, "accept", step.pk, w.clerk, at=world.at(D("2026-03-03")))
    supervise(D("2026-03-10"))
    assert found(silent)["T7"] == "red"
    supervise(D("2026-03-16"))
    assert found(taken)["T2"] == "blue"
    supervise(D("2026-03-18"))
    assert found(taken)["T5"] == "red" and "T6" not in found(taken)
    supervise(D("2026-04-01"))
    assert found(taken)["T6"] == "red"


def test_what_its_limits_are_for_is_read_from_its_outcomes():
    procedure = procedures.parse(yaml.safe_load(UNSEEN))
    assert {k: structure.clock_class(procedure, k) for k in procedure.clocks} == {
        "look": "acceptance",
        "verdict": "decision",
    }
    assert structure.required(procedure, "granted")[0] == ["intake", "verdict"]


def test_required_steps_of_parallel_blocks_and_around_loops():
    procedure = procedures.parse(world.DEFINITION)
    steps, order = structure.required(procedure, "granted")
    assert steps == ["accept", "review", "decide", "certificate"]  # not the correction, which is a loop
    assert ("accept", "review") in order and ("decide", "certificate") in order
    assert structure.required(procedure, "not_accepted")[0] == ["accept"]
    published = [procedures.parse(procedures.read(path)) for path in procedures.files()]
    licence = next(p for p in published if p.key == "food_production_licence" and p.version == 2)
    assert {"document_review", "site_inspection"} <= set(structure.required(licence, "granted")[0])


def test_this_room_knows_no_domain():
    """Neither an import nor a table nor a key of any domain stands in it."""
    folder = Path(esupervision.__path__[0])
    for path in folder.rglob("*.py"):
        if "tests" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not name.startswith(
                    ("jinzhi.services", "jinzhi.supervision", "jinzhi.registry", "jinzhi.demo")
                ), path
        for word in ("food_", "registry_", "licensing_", "special_equipment", "measuring"):
            assert word not in text, (path, word)
