"""`jinzhi procedures show` and `export`."""

import pytest
from lxml import etree
from typer.testing import CliRunner

from jinzhi.casework import bpmn, dmn
from jinzhi.casework.commands import app
from jinzhi.casework.tests import every_kind

pytestmark = pytest.mark.django_db
FOOD = "food_production_licence"


def run(*words: str):
    return CliRunner().invoke(app, [str(w) for w in words])


def test_show_tells_steps_and_limits_of_the_version_in_force_on_a_day():
    now, then = run("show", FOOD), run("show", FOOD, "--on", "2007-03-01")
    assert now.exit_code == then.exit_code == 0
    assert "受理" in now.output and "个工作日" in now.output
    assert now.output != then.output
    assert f'"key": "{FOOD}"' in run("show", FOOD, "--json").output


def test_export_writes_bpmn_to_the_screen_or_a_file(tmp_path):
    text = run("export", FOOD, "--bpmn").output
    assert etree.fromstring(text.encode()).find(f"{{{bpmn.BPMN}}}process").get("id") == FOOD
    path = tmp_path / "new" / "food.bpmn"
    assert run("export", FOOD, "--bpmn", "--on", "2007-03-01", "--output", path).exit_code == 0
    assert etree.parse(path).getroot().get("id") != etree.fromstring(text.encode()).get("id")


def test_export_writes_the_decision_tables(tmp_path):
    every_kind.publish(every_kind.PARENT)
    text = run("export", "sample_kinds", "--dmn").output
    assert etree.fromstring(text.encode()).find(f"{{{dmn.DMN}}}decision").get("id") == "sample.route"
    assert run("export", "sample_kinds", "--dmn", "--output", tmp_path).exit_code == 0
    assert (tmp_path / "sample.route.dmn").is_file()


@pytest.mark.parametrize(
    "words",
    [("show", "nothing"), ("export", "nothing", "--bpmn"), ("show", FOOD, "--on", "1990-01-01"),
     ("show", FOOD, "--version", "99"), ("export", "licence_lapse", "--dmn"), ("export", FOOD, "--bpmn", "--dmn")],
)  # fmt: skip
def test_what_is_not_there_is_said_in_words(words):
    answer = run(*words)
    assert answer.exit_code == 1 and "Traceback" not in answer.output
