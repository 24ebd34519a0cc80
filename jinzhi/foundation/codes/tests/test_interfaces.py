"""The HTTP and command interfaces of the code checks."""

import json
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from jinzhi.foundation.codes.commands import app

pytestmark = pytest.mark.django_db
COMMAND = CliRunner()


def ask(client, scheme, value, **query):
    return client.get(f"/api/v1/codes/{scheme}/{quote(value, safe='')}", query)


def test_the_answer_has_exactly_the_agreed_fields(client):
    answer = ask(client, "uscc", "91350100M000100Y43")
    assert answer.status_code == 200
    assert answer.json() == {
        "scheme": "uscc",
        "value": "91350100M000100Y43",
        "normalized": "91350100M000100Y43",
        "valid": True,
        "problems": [],
    }


def test_a_wrong_code_is_an_answer_with_the_reason(client):
    answer = ask(client, "food_licence", "SC10633010600018").json()
    assert answer["valid"] is False
    assert answer["problems"][0]["code"] == "check_digit"
    assert answer["problems"][0]["message"] == "第 16 位校验码应为 9，现为 8"


@pytest.mark.parametrize(
    "value",
    [
        "91350100/M000100Y43", "9135 0100", "９１３５", "%00", "\x00", "' OR 1=1 --", "..", "a/b/c//", "?#&",
        "𠮷" * 20, "\ud7ff", "9" * 10_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "scheme", ["organization_code", "uscc", "citizen_id", "gtin", "food_licence", "division"]
)
def test_strange_values_are_answered(client, scheme, value):
    answer = ask(client, scheme, value)
    assert answer.status_code == 200 and answer.json()["valid"] is False


def test_undecodable_bytes_are_answered(client):
    assert client.get("/api/v1/codes/uscc/%ff%fe").status_code == 200


def test_an_unknown_scheme_is_not_found(client):
    answer = ask(client, "passport", "E1234")
    assert answer.status_code == 404 and "passport" in json.dumps(answer.json(), ensure_ascii=False)


def test_the_day_may_be_given(client):
    assert ask(client, "citizen_id", "330106751231123", on="2006-05-01").json()["valid"] is True
    assert ask(client, "citizen_id", "330106751231123").json()["valid"] is False
    assert ask(client, "citizen_id", "330106751231123", on="yesterday").status_code == 422


def test_the_command_prints_json_and_exits_by_validity():
    right = COMMAND.invoke(app, ["check", "gtin", "6901234567892", "--json"])
    assert right.exit_code == 0 and json.loads(right.stdout)["valid"] is True
    both = COMMAND.invoke(app, ["check", "gtin", "6901234567892", "6901234567893", "--json"])
    assert both.exit_code == 1 and [one["valid"] for one in json.loads(both.stdout)] == [True, False]
    assert "应为 2" in COMMAND.invoke(app, ["check", "gtin", "6901234567893"]).stdout
    assert COMMAND.invoke(app, ["check", "passport", "1"]).exit_code == 1
