"""GET /healthz."""

import json

import pytest

from jinzhi.runtime import health


@pytest.mark.django_db
def test_a_fit_installation_answers_200_with_every_part(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert {"status", "database", "worker", "disk", "version"} <= set(answer.json())
    assert "no-store" in answer["Cache-Control"]


def test_an_absent_database_answers_503_at_once(client, monkeypatch, tmp_path):
    monkeypatch.setitem(health.connection.settings_dict, "HOST", str(tmp_path))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert json.loads(answer.content)["database"] == "down"


@pytest.mark.django_db
def test_a_full_disk_is_unfit(client, monkeypatch):
    monkeypatch.setattr(health, "free_megabytes", lambda: 3)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["disk"] == "full"
