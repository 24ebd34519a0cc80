"""The HTTP and command interfaces of the calendar."""

import json

import pytest
from typer.testing import CliRunner

from jinzhi.foundation.calendar.commands import app

pytestmark = pytest.mark.django_db
COMMAND = CliRunner()
URL = "/api/v1/calendar/due"


def test_the_answer_has_exactly_the_agreed_fields(client):
    answer = client.get(URL, {"start": "2026-02-10", "limit": "10", "unit": "workday"}).json()
    assert set(answer) == {"due", "provisional", "why"}
    assert (answer["due"], answer["provisional"]) == ("2026-03-02", False)
    assert "2026-02-14（周六）因春节调休上班，计为工作日" in answer["why"]


def test_the_unit_is_working_days_unless_said(client):
    assert client.get(URL, {"start": "2026-02-10", "limit": 10}).json()["due"] == "2026-03-02"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"start": "2026-02-10"},
        {"limit": "5"},
        {"start": "2026-02-30", "limit": "5"},
        {"start": "2026-2-3", "limit": "5"},
        {"start": "20260210", "limit": "5"},
        {"start": "2026-W07-2", "limit": "5"},
        {"start": "0000-00-00", "limit": "5"},
        {"start": "2026-02-10", "limit": "0"},
        {"start": "2026-02-10", "limit": "-1"},
        {"start": "2026-02-10", "limit": "1.5"},
        {"start": "2026-02-10", "limit": "十"},
        {"start": "2026-02-10", "limit": "9" * 5000},
        {"start": "2026-02-10", "limit": "5", "unit": "hour"},
        {"start": "2026-02-10\x00", "limit": "5"},
        {"start": "9999-12-31", "limit": "5", "unit": "year"},
        {"start": "0001-01-01", "limit": "5"},
    ],
)
def test_a_bad_question_is_refused_in_chinese(client, query):
    answer = client.get(URL, query)
    assert answer.status_code == 422
    assert any("\u4e00" <= c <= "\u9fff" for c in str(answer.json()))


def test_the_command_takes_words_or_options():
    words = COMMAND.invoke(app, ["due", "2026-02-10", "10", "workday", "--json"])
    options = COMMAND.invoke(app, ["due", "--start", "2026-02-10", "--limit", "10", "--json"])
    assert words.exit_code == options.exit_code == 0
    assert json.loads(words.stdout) == json.loads(options.stdout)
    assert json.loads(words.stdout)["due"] == "2026-03-02"
    assert "（暂定）" in COMMAND.invoke(app, ["due", "2026-12-28", "20"]).stdout
    refused = COMMAND.invoke(app, ["due", "2026-02-30", "10", "--json"])
    assert refused.exit_code == 1 and "不是存在的日期" in json.loads(refused.stdout)["error"]


def test_the_command_lists_the_notices_in_force():
    listed = json.loads(COMMAND.invoke(app, ["notices", "--json"]).stdout)
    years = [row["year"] for row in listed if row["kind"] == "annual"]
    assert years == list(range(2004, 2027))
    assert "文号待补" in COMMAND.invoke(app, ["notices"]).stdout
