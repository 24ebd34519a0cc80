"""Files between nodes: what is told of them, who gets a piece, and bringing one here whatever happens on the way."""

import base64
import hashlib
import json
import os
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from uuid_utils.compat import uuid7

from jinzhi.casework.tests import sample
from jinzhi.foundation import files as stored
from jinzhi.foundation.exchange import declared, sending
from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.files import documents, storing
from jinzhi.foundation.files.models import Attachment, Blob, GeneratedDocument
from jinzhi.foundation.files.tests import samples
from jinzhi.network import asking, fetching, files
from jinzhi.network.fetching import NoAnswer
from jinzhi.network.files import FileAway, Wanted
from jinzhi.network.models import Node

pytestmark = pytest.mark.django_db
HUB = Sender("330000", "hub")
NINGBO = Sender("330200", "city", 330200_000000, 330299_999999)
PARTNER = Sender("samr", "partner")


@pytest.fixture(autouse=True)
def _store(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "store"
    monkeypatch.setenv("JINZHI_NETWORK", str(tmp_path / "network"))


@pytest.fixture
def hangzhou(db, settings):
    """This database is Hangzhou's node."""
    settings.NODE = "330100"
    nodes.enable("330100", False)


@pytest.fixture
def case(hangzhou):
    return sample.open_case()


def hand_in(subject, content=samples.PDF, name="平面图.pdf", place=sample.COUNTY):
    return stored.store(SimpleUploadedFile(name, content), kind="floor_plan", place=place, subject=subject)


def sent():
    """(dataset, op, body) of what waits to go up."""
    while sending.number():
        pass
    found = [
        json.loads(payload) for _, dataset, payload in sending.messages("up", 0, 10_000) if dataset[0] != "_"
    ]
    return [(m["dataset"], m["op"], m["body"]) for m in found if m.get("dataset") in FILED]


FILED = ("casework.attachment", "casework.document")


# -- what is told


def test_files_of_a_case_are_announced_with_hash_and_size_and_nothing_of_their_content(case):
    kept = hand_in(f"case:{case.pk}")
    ((dataset, op, body),) = sent()
    assert (dataset, op) == ("casework.attachment", "u")
    assert body == {
        "subject": f"case:{case.pk}", "kind": "floor_plan", "name": "平面图.pdf", "blob_id": kept.blob_id,
        "size": len(samples.PDF), "media_type": "application/pdf",
    }  # fmt: skip


@pytest.mark.parametrize("subject", ["draft:{}", "post:{}", "operations-report:{}", "case:y", "case:{}x"])
def test_files_of_drafts_and_of_whatever_else_stay(case, subject):
    hand_in(subject.format(case.pk))
    assert not sent()


def test_a_draft_s_file_is_announced_when_it_is_handed_in(case):
    kept = hand_in(f"draft:{uuid7()}", place=0)
    Attachment.objects.filter(pk=kept.pk).update(subject=f"case:{case.pk}", place=case.place)
    ((_, op, body),) = sent()
    assert op == "u" and body["size"] == len(samples.PDF)


def test_files_of_the_house_s_own_work_stay(case):
    case.facts = {"internal": True}
    case.save()
    hand_in(f"case:{case.pk}")
    assert not sent()


def test_a_document_is_announced_before_and_after_it_is_made(case):
    paper = document(case)
    blob = storing.store_bytes(samples.PDF, "application/pdf")
    paper.blob = blob
    paper.save(update_fields=["blob"])
    first, second = (body for _, _, body in sent())
    assert (first["blob_id"], first["size"]) == (None, 0)
    assert (second["blob_id"], second["size"]) == (blob.pk, len(samples.PDF))
    assert "data" not in second


def document(case, **more):
    return GeneratedDocument.objects.create(
        place=case.place, subject=f"case:{case.pk}", kind="receipt", title="受理通知书", template="notice.typ",
        data={"secret": "words"}, issued_at=sample.at(case.received_on), **more,
    )  # fmt: skip


def test_bulk_rows_have_their_size_too(case):
    blob = storing.store_bytes(samples.PDF, "application/pdf")
    rows = [Attachment(place=case.place, subject="draft:x", name=f"{n}.pdf", blob=blob) for n in range(3)]
    Attachment.objects.bulk_create(rows)
    assert set(Attachment.objects.values_list("size", "media_type")) == {
        (len(samples.PDF), "application/pdf")
    }


# -- pieces


def question(row, **more):
    dataset = "casework.attachment" if isinstance(row, Attachment) else "casework.document"
    return {"dataset": dataset, "record": str(row.pk), "hash": row.blob_id or "", "offset": 0} | more


def test_the_province_gets_pieces_of_what_was_announced(case, monkeypatch):
    monkeypatch.setattr(files, "PIECE", 30)
    kept = hand_in(f"case:{case.pk}")
    got = b""
    while len(got) < len(samples.PDF):
        said = files.piece(question(kept, offset=len(got)), HUB)
        assert (said["hash"], said["size"], said["offset"]) == (kept.blob_id, len(samples.PDF), len(got))
        got += base64.b64decode(said["data"])
    assert got == samples.PDF
    assert files.piece(question(kept, offset=10**9), HUB)["data"] == ""


@pytest.mark.parametrize("asker", [NINGBO, Sender("330100", "city", 330100_000000, 330199_999999), PARTNER])
def test_cities_and_partners_get_nothing_of_what_only_goes_up(case, asker):
    kept = hand_in(f"case:{case.pk}")
    with pytest.raises(FileAway, match="无权取用"):
        files.piece(question(kept), asker)


def test_what_comes_down_is_had_by_the_city_of_its_place_only(case, monkeypatch):
    """No declared dataset of files comes down today; the answerer is ready for one that does."""
    kept = hand_in(f"case:{case.pk}")
    both = {key: replace(declared.get(key), flow="both", down="place") for key in FILED}
    known = declared.all() | both
    monkeypatch.setattr(declared, "all", lambda: known)
    near = Sender("330100", "city", 330100_000000, 330199_999999)
    assert files.piece(question(kept), near)["size"] == len(samples.PDF)
    with pytest.raises(FileAway):
        files.piece(question(kept), NINGBO)


def test_drafts_deleted_files_and_other_nodes_records_are_refused(case):
    draft, kept, gone = hand_in("draft:1"), hand_in(f"case:{case.pk}"), hand_in(f"case:{case.pk}")
    gone.delete()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE exchange_self SET enabled = false")
        cursor.execute("UPDATE files_attachment SET owner_node = '330200' WHERE id = %s", [kept.pk])
    for row in (draft, kept, gone):
        with pytest.raises(FileAway):
            files.piece(
                {"dataset": "casework.attachment", "record": str(row.pk or uuid7()), "offset": 0}, HUB
            )


def test_a_draft_is_refused_even_when_a_case_has_the_same_content(case):
    hand_in(f"case:{case.pk}")
    draft = hand_in("draft:1")
    with pytest.raises(FileAway):
        files.piece(question(draft), HUB)


def test_a_lost_content_and_a_changed_one_are_said(case):
    kept = hand_in(f"case:{case.pk}")
    with pytest.raises(FileAway, match="已经变化"):
        files.piece(question(kept, hash="0" * 64), HUB)
    storing.path_of(kept.blob_id).unlink()
    with pytest.raises(FileAway, match="内容在所属节点缺失"):
        files.piece(question(kept), HUB)


BAD = [
    {}, {"dataset": "casework.attachment"}, {"dataset": "casework.case"}, {"dataset": "x' OR 1=1 --"}, {"record": "1"},
    {"record": None}, {"offset": -1}, {"offset": "0"}, {"offset": 2**70}, {"offset": True}, {"dataset": ["casework.attachment"]},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_malformed_questions_are_answered_with_an_error(case, bad):
    Node.objects.create(code="330000", name="省中心", kind="hub", place=330000_000000, state="active")
    kept = hand_in(f"case:{case.pk}")
    asked = question(kept) | bad if bad else bad
    if bad == {"dataset": "casework.attachment"}:
        asked = bad
    said = asking.answer("file", "330000", json.dumps(asked).encode())
    assert said["ok"] is False and said["error"]


def test_an_unmade_document_is_made_when_it_is_asked_for(case, monkeypatch):
    paper = document(case)

    def make(row):
        row.blob = storing.store_bytes(samples.PDF, "application/pdf")
        row.save(update_fields=["blob"])
        return row.blob

    monkeypatch.setattr(documents, "rendered", make)
    said = files.piece(question(paper), HUB)
    assert base64.b64decode(said["data"]) == samples.PDF
    assert said["hash"] == hashlib.sha256(samples.PDF).hexdigest()


# -- bringing


class Far:
    """The other node: a content, and what is wrong with the line."""

    def __init__(self, content, piece=1000):
        self.content, self.size_of_piece = content, piece
        self.asked = []
        self.cut_after = self.lie = None

    @property
    def digest(self):
        return hashlib.sha256(self.content).hexdigest()

    def __call__(self, asked):
        if self.cut_after is not None and len(self.asked) >= self.cut_after:
            return {"ok": False, "away": True, "error": "节点 330100 没有应答（TimeoutError）"}
        self.asked.append(asked["offset"])
        offset = asked["offset"]
        data = self.content[offset : offset + self.size_of_piece]
        said = {
            "ok": True, "hash": self.digest, "size": len(self.content), "offset": offset,
            "data": base64.b64encode(data).decode(),
        }  # fmt: skip
        return said | (self.lie or {})

    def wanted(self, **more):
        said = {"dataset": "casework.attachment", "record": str(uuid7()), "owner": "330100", "name": "a.pdf",
                "digest": self.digest, "size": len(self.content), "media_type": "application/pdf"}  # fmt: skip
        return Wanted(**said | more)


@pytest.fixture
def far():
    return Far(os.urandom(9_500))


def parts():
    return sorted(path.name for path in fetching.root().glob("*/*.part"))


def test_a_file_comes_in_pieces_is_checked_and_asked_for_once(far):
    brought = fetching.bring(far.wanted(), far, 60)
    assert brought.path.read_bytes() == far.content
    assert far.asked == list(range(0, 9_500, 1000)) and not parts()
    again = fetching.bring(far.wanted(), far, 60)
    assert again.path == brought.path and len(far.asked) == 10
    assert oct(brought.path.stat().st_mode)[-3:] == "400"


def test_a_cut_half_way_goes_on_where_it_was(far):
    far.cut_after = 5
    with pytest.raises(NoAnswer):
        fetching.bring(far.wanted(), far, 60)
    held = fetching.here(far.wanted())
    assert (held.path, held.have, held.percent) == (None, 5000, 52)
    far.cut_after = None
    assert fetching.bring(far.wanted(), far, 60).path.read_bytes() == far.content
    assert far.asked == list(range(0, 9_500, 1000))


def test_what_does_not_come_within_the_wait_is_gone_on_with(far):
    steps = []
    while (brought := fetching.bring(far.wanted(), far, 0)).path is None:
        steps.append(brought.have)
    assert steps == list(range(1000, 9_500, 1000)) and brought.path.read_bytes() == far.content


def test_a_part_killed_in_the_middle_of_a_write_does_no_harm(far):
    far.cut_after = 3
    with pytest.raises(NoAnswer):
        fetching.bring(far.wanted(), far, 60)
    (part,) = fetching.root().glob("*/*.part")
    with part.open("ab") as out:
        out.write(far.content[3000:3321])
    far.cut_after = None
    assert fetching.bring(far.wanted(), far, 60).path.read_bytes() == far.content


def test_a_wrong_content_is_thrown_away(far):
    far.content = far.content[:-1] + bytes([far.content[-1] ^ 1])
    wrong = far.wanted(digest="ab" * 32)
    far.lie = {"hash": "ab" * 32}
    with pytest.raises(FileAway, match="已丢弃"):
        fetching.bring(wrong, far, 60)
    assert not parts() and not fetching.here(wrong).path and fetching.here(wrong).have == 0


def test_a_damaged_part_is_thrown_away_and_the_next_attempt_succeeds(far):
    target = fetching.root() / "330100" / far.digest
    target.parent.mkdir(parents=True)
    target.with_name(f"{far.digest}.part").write_bytes(b"\0" * 4000)
    with pytest.raises(FileAway, match="已丢弃"):
        fetching.bring(far.wanted(), far, 60)
    assert fetching.bring(far.wanted(), far, 60).path.read_bytes() == far.content


LIES = [
    {"hash": "cd" * 32}, {"hash": None}, {"size": 10**15}, {"size": 0}, {"size": -1}, {"size": "9500"}, {"offset": 7},
    {"data": "%%%"}, {"data": ""}, {"data": base64.b64encode(b"x" * 600_000).decode()}, {"data": None}, {"size": 500},
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_cannot_be_true_is_refused(far, lie):
    far.lie = lie
    with pytest.raises(FileAway):
        fetching.bring(far.wanted(), far, 60)
    assert not fetching.here(far.wanted()).path
    assert sum(path.stat().st_size for path in fetching.root().glob("*/*")) == 0


@pytest.mark.parametrize(
    ("owner", "digest"), [("../../etc", "ab" * 32), ("330100", "../x"), ("330100", "AB" * 32)]
)
def test_names_lead_nowhere_else(far, owner, digest):
    with pytest.raises(FileAway):
        fetching.bring(far.wanted(owner=owner, digest=digest), far, 1)


def test_two_at_once_fetch_once(far):
    far.size_of_piece = 500
    gate = threading.Barrier(4)
    answer, found = far.__call__, []

    def slowly(asked):
        time.sleep(0.01)
        return answer(asked)

    def open_it():
        gate.wait()
        found.append(fetching.bring(far.wanted(), slowly, 120))

    people = [threading.Thread(target=open_it) for _ in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert [one.path.read_bytes() for one in found] == [far.content] * 4
    assert far.asked == list(range(0, 9_500, 500)) and not parts()


def test_who_waits_for_another_is_told_how_far_it_is(far):
    target = fetching.root() / "330100" / far.digest
    with fetching._writing(target, 0) as out:
        out.write(far.content[:4000])
        out.flush()
        held = fetching.bring(far.wanted(), far, 0)
    assert (held.path, held.have) == (None, 4000) and not far.asked


def test_the_document_s_hash_comes_with_its_first_piece(far):
    unmade = far.wanted(digest="", size=0)
    assert fetching.bring(unmade, far, 60).path.read_bytes() == far.content
    assert far.asked == list(range(0, 9_500, 1000))


def test_the_cache_keeps_to_its_limit_and_to_what_was_opened_last(monkeypatch):
    limit = fetching._rule
    monkeypatch.setattr(fetching, "_rule", lambda key: 25_000 if key == "file_cache" else limit(key))
    contents = [Far(os.urandom(9_500), 10_000) for _ in range(4)]
    for n, one in enumerate(contents[:2]):
        path = fetching.bring(one.wanted(), one, 60).path
        os.utime(path, (1000 + n, 1000 + n))
    assert fetching.here(contents[0].wanted()).path  # opened again just now
    fetching.bring(contents[2].wanted(), contents[2], 60)
    assert [bool(fetching.here(one.wanted()).path) for one in contents] == [True, False, True, False]


def test_a_part_somebody_is_writing_is_not_cleared_away(monkeypatch, far):
    monkeypatch.setattr(fetching, "_rule", lambda key: 0)
    target = fetching.root() / "330100" / far.digest
    with fetching._writing(target, 0) as out:
        out.write(b"x" * 100)
        out.flush()
        assert fetching.trim() == 0
    assert fetching.trim() == 1


def test_a_large_file_takes_no_more_memory_than_a_small_one():
    """A hundred megabytes through both ends: the answerer reads pieces, the asker writes them."""
    size, kept = 100_000_000, storing.path_of("ab" * 32)
    kept.parent.mkdir(parents=True)
    with kept.open("wb") as out:
        out.truncate(size)
    with kept.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    blob = Blob(sha256="ab" * 32, size=size)

    def ask(asked):
        with kept.open("rb") as content:
            content.seek(asked["offset"])
            data = base64.b64encode(content.read(files.PIECE)).decode()
        return {"ok": True, "hash": digest, "size": blob.size, "offset": asked["offset"], "data": data}

    wanted = Wanted("casework.attachment", str(uuid7()), "330100", "a.pdf", digest, size)
    tracemalloc.start()
    try:
        assert fetching.bring(wanted, ask, 600).path.stat().st_size == size
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()
