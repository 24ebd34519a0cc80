"""The clients printed in docs/partners.md, run as they stand there against a real server."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

from jinzhi.foundation.exchange import node, sending
from jinzhi.foundation.exchange.models import Document
from jinzhi.network.partners import partnering
from jinzhi.network.partners.models import Partner
from jinzhi.network.partners.tests.conftest import inward, outward
from jinzhi.registry.models import Enterprise

TEXT = (settings.BASE_DIR / "docs/partners.md").read_text(encoding="utf-8")


@pytest.fixture
def place(live, tmp_path):
    """A folder with a key pair; the partner of the document is switched on, one record waits for it."""
    make = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    show = subprocess.run(
        ["openssl", "pkey", "-in", "key.pem", "-pubout"], cwd=tmp_path, check=True, capture_output=True
    )
    node.enable("330000", True)
    partner = Partner.objects.get(code="cnca")
    partnering.add_key(None, partner, algorithm="ed25519", text=show.stdout.decode())
    inward(partner, "cnca.certificate")
    outward(partner, "registry.enterprise", ["name", "status"])
    partnering.switch_on(None, partner)
    Enterprise.objects.create(name="等着被取走的企业", place=330106_000000, kind="company")
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_the_python_client_of_the_document_works(live, place):
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.S) if "def call" in block]
    (place / "client.py").write_text(code.replace("http://127.0.0.1:8000", live), encoding="utf-8")
    ran = subprocess.run([sys.executable, "client.py"], cwd=place, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert Document.objects.filter(dataset="cnca.certificate", key="CCC-1", source="cnca").exists()
    assert "等着被取走的企业" in ran.stdout
    here = sending.standing("out.cnca")
    assert here["acknowledged"] == here["numbered"] > 0


@pytest.mark.django_db(transaction=True)
def test_the_shell_client_of_the_document_works(live, place):
    (code,) = re.findall(r"```\n(body=.*?)```", TEXT, re.S)
    ran = subprocess.run(
        ["bash", "-c", code],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=60,
        env={"HOST": live, "PATH": "/usr/bin:/bin"},
    )
    assert '"batch": "2026-0002"' in ran.stdout or '"batch":"2026-0002"' in ran.stdout, (
        ran.stdout + ran.stderr
    )
