"""What `jinzhi doctor` says of backups; the rest is in test_installation.py."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from jinzhi.network import backups
from jinzhi.runtime import doctor


@pytest.mark.django_db
def test_the_doctor_advises_a_backup_when_there_is_none_or_an_old_one(settings, tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings.VAR_DIR = tmp_path

    def said():
        (found,) = doctor._backup()
        return found

    assert said().level == "warning" and "jinzhi backup" in said().remedy
    for hours, level in ((backups.too_old() - 1, "ok"), (backups.too_old() + 1, "warning")):
        last = timezone.now() - timedelta(hours=hours)
        (tmp_path / "backup.json").write_text(json.dumps({"last": last.isoformat()}))
        assert said().level == level
