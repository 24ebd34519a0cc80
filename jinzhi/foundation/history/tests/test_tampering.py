"""Changes made behind the application's back, with the owner's rights, are found by `audit verify`."""

import json
import os
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from jinzhi.foundation import history
from jinzhi.runtime import testing


def _as_owner(*statements):
    place = connection.settings_dict
    with psycopg.connect(
        host=place["HOST"], port=place["PORT"], dbname=place["NAME"], user=testing.OWNER_ROLE
    ) as owner:
        for statement in statements:
            owner.execute(statement)


@pytest.fixture
def trail(transactional_db):
    for number in range(5):
        with transaction.atomic():
            history.append("desk", "act", data={"n": number})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history_auditentry SET actor = 'x'",
        "DELETE FROM history_auditentry",
        "TRUNCATE history_auditentry",
        "UPDATE history_head SET seq = 1",
        "DELETE FROM history_head",
    ],
)
def test_even_the_owner_is_refused(trail, statement):
    with pytest.raises(psycopg.errors.RaiseException):
        _as_owner(statement)


@pytest.mark.parametrize(
    ("tampering", "kind"),
    [
        ("""UPDATE history_auditentry SET data = '{"n": 7}' WHERE seq = 3""", "altered"),
        ("DELETE FROM history_auditentry WHERE seq = 3", "missing"),
        ("DELETE FROM history_auditentry WHERE seq > 3", "truncated"),
        ("DELETE FROM history_auditentry", "truncated"),
    ],
)
def test_what_the_owner_forces_is_found(trail, tampering, kind):
    _as_owner("ALTER TABLE history_auditentry DISABLE TRIGGER USER", tampering)
    assert [fault.kind for fault in history.verify()] == [kind]


def test_the_command_answers_with_its_exit_code(trail, tmp_path):
    place = connection.settings_dict
    environment = testing.environment(place["NAME"])

    def audit(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "jinzhi.cli", "audit", *arguments],
            env=environment | {"HOME": os.environ.get("HOME", "/")},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
        )

    whole = audit("verify", "--json")
    assert (whole.returncode, json.loads(whole.stdout)["entries"]) == (0, 5), whole.stderr
    noted = tmp_path / "heads.json"
    noted.write_text(audit("heads", "--json").stdout)
    _as_owner(
        "ALTER TABLE history_auditentry DISABLE TRIGGER USER", "DELETE FROM history_auditentry WHERE seq = 5"
    )
    broken = audit("verify", "--chain", "desk", "--against", str(noted), "--json")
    assert broken.returncode == 1
    assert {fault["kind"] for fault in json.loads(broken.stdout)["faults"]} == {"truncated"}
