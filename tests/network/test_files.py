"""A city's attachment opened at the province, over the real message server: cut half-way, gone on with, checked."""

import json

import pytest

from tests.network.lab import until

pytestmark = pytest.mark.xdist_group("network")
SIZE = 3_000_000  # six pieces

HAND_IN = f"""
import os, json
from django.core.files.uploadedfile import SimpleUploadedFile
from jinzhi.casework.tests import sample
from jinzhi.foundation import files
case = sample.open_case()
content = b"%PDF-1.4\\n" + os.urandom({SIZE}).replace(b"/Encrypt", b"") + b"\\n%%EOF\\n"
keep = lambda subject: files.store(SimpleUploadedFile("平面图.pdf", content), place=case.place, subject=subject)
kept, draft = keep(f"case:{{case.pk}}"), keep("draft:1")
print(json.dumps([str(kept.pk), str(draft.pk), kept.blob_id, kept.blob.size]))
"""
OPEN = """
import json, hashlib
from jinzhi.network import cases
try:
    found = cases.fetch(cases.wanted(cases.file("{key}")), {seconds})
    whole = found.path and hashlib.sha256(found.path.read_bytes()).hexdigest()
    print(json.dumps([whole, found.have, found.size]))
except cases.FileAway as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
ASK = """
import json
from jinzhi.network import reconciling
with reconciling.Wire() as wire:
    said = wire.ask("{peer}", "file", {{"dataset": "casework.attachment", "record": "{key}", "offset": 0}}, 5)
print(json.dumps([said["ok"], said.get("error", "")]))
"""


def test_a_city_s_attachment_is_opened_at_the_province(lab):
    hub, city, other = lab.hub, *lab.cities
    kept, draft, digest, size = json.loads(city.python(HAND_IN))
    announced = "SELECT count(*) FROM exchange_document WHERE dataset = 'casework.attachment' AND id = %s"
    until(lambda: hub.one(announced, [kept]), 60, "the announcement at the province")
    assert not hub.one(announced, [draft])

    for dataset in ("casework.attachment", "casework.document"):  # both ends see the same rows of it
        (said,) = json.loads(city.command("exchange", "reconcile", "--dataset", dataset, "--json"))
        assert said["agreed"] and said["ours"] == said["theirs"] == (dataset == "casework.attachment")

    def open_it(seconds=120):
        return json.loads(hub.python(OPEN.format(key=kept, seconds=seconds)))

    whole, have, said = open_it(0)
    assert whole is None and 0 < have < size == said
    lab.cut(city)
    try:
        kind, words = open_it()
        assert kind == "NoAnswer" and "没有应答" in words
    finally:
        lab.mend(city)
    until(lambda: open_it()[0] == digest, 60, "the whole file", pace=1)
    city.stop("inbox")  # a node that is away altogether: what was fetched stays
    try:
        assert open_it(0)[0] == digest
    finally:
        city.start("inbox")

    # Nobody else gets it, and what was never handed in nobody gets.
    until(lambda: ask(hub, city, kept)[0], 60, "the city answers again", pace=1)
    assert ask(hub, city, draft) == [False, "没有这个文件，或者无权取用"]
    assert not ask(other, hub, kept)[0]
    assert not ask(other, city, kept)[0]
    city.sql("DELETE FROM files_attachment WHERE id = %s", [kept])
    until(lambda: not hub.one(announced, [kept]), 60, "the deletion at the province")
    assert ask(hub, city, kept) == [False, "没有这个文件，或者无权取用"]


def ask(asker, asked, key):
    return json.loads(asker.python(ASK.format(peer=asked.code, key=key)))
