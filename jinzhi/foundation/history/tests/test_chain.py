"""The audit trail is written only behind the head of its chain and shows every change."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinzhi.foundation import history
from jinzhi.foundation.history.chain import FIRST, canonical, plain
from jinzhi.foundation.history.models import AuditEntry, Head
from jinzhi.foundation.history.verify import End, examine
from jinzhi.foundation.places import scope

WEST_LAKE = 330106000000


def test_sm3_matches_the_standard_vector():
    assert history.sm3(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@pytest.mark.django_db
def test_entries_of_a_chain_follow_each_other():
    first = history.append("desk", "signed_in", actor="王敏", data={"ok": True})
    second = history.append("desk", "opened", subject="330106-2026-1")
    assert (first.seq, first.prev, second.seq, second.prev) == (1, FIRST, 2, first.hash)
    assert history.verify() == []


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.decimals(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_whatever_is_recorded_still_verifies_when_read_back(data):
    with transaction.atomic():
        history.append("any", "tried", actor="甲\x00", data=data)
        assert history.verify("any") == []
        transaction.set_rollback(True)


def test_plain_keeps_exact_values_as_text():
    stamp = datetime(2026, 2, 10, 9, 0, tzinfo=UTC)
    key = UUID(int=7)
    given_values = {1: Decimal("1.50"), "d": date(2026, 2, 10), "t": stamp, "k": key, "s": {2, 1}, "f": 0.1}
    assert plain(given_values) == {
        "1": "1.50", "d": "2026-02-10", "t": stamp.isoformat(), "k": str(key), "s": [1, 2], "f": "0.1",
    }  # fmt: skip


@pytest.mark.django_db
def test_no_face_may_write_change_or_remove_entries_directly():
    history.append("desk", "signed_in", place=WEST_LAKE)
    statements = (
        "INSERT INTO history_auditentry (chain, seq, at, kind, actor, post, on_behalf, subject, data,"
        " address, place, prev, hash) VALUES ('desk', 9, now(), 'x', '', '', '', '', '{}', '', 0, '', '')",
        "UPDATE history_auditentry SET actor = 'nobody'",
        "DELETE FROM history_auditentry",
        "UPDATE history_head SET seq = seq + 1",
        "DELETE FROM history_head",
    )
    for face in (scope.SYSTEM, scope.staff(330000000000), scope.PUBLIC, scope.enterprise(UUID(int=1))):
        for statement in statements:
            with (
                pytest.raises(DatabaseError),
                transaction.atomic(),
                scope.acting(face),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
    assert history.verify() == []


@pytest.mark.django_db
def test_an_entry_can_only_be_written_behind_the_head():
    entry = history.append("desk", "signed_in")
    with connection.cursor() as cursor:
        for seq, prev in ((1, FIRST), (3, entry.hash), (2, "f" * 64)):
            with pytest.raises(DatabaseError, match="does not follow"), transaction.atomic():
                cursor.execute(
                    "SELECT history_write('desk', %s, now(), 'x', 1, '', '', '', '', '{}', '', 0, %s, '')",
                    [seq, prev],
                )


@pytest.mark.django_db
@pytest.mark.parametrize("face", [scope.NOBODY, scope.PUBLIC, scope.enterprise(UUID(int=1))])
def test_enterprises_and_the_public_may_be_recorded_but_read_nothing(face):
    with scope.acting(face):
        assert history.append("portal", "complained", place=WEST_LAKE, address="127.0.0.1").pk
    try:
        with transaction.atomic(), scope.acting(face):
            seen = AuditEntry.objects.count()
    except DatabaseError:  # the public may not even ask
        seen = 0
    assert seen == 0


@pytest.mark.django_db
def test_staff_read_the_entries_of_their_places():
    history.append("desk", "here", place=WEST_LAKE)
    history.append("desk", "elsewhere", place=330203000000)
    history.append("desk", "system")
    with scope.acting(scope.staff(330100000000)):
        assert [entry.kind for entry in AuditEntry.objects.all()] == ["here"]
    with scope.acting(scope.staff(330000000000)):
        assert AuditEntry.objects.count() == 3


@pytest.mark.django_db
def test_nothing_is_left_when_the_transaction_fails():
    history.append("desk", "first")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        history.append("desk", "second")
        raise ZeroDivisionError
    assert history.append("desk", "third").seq == 2
    assert history.verify() == []


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_chain_take_turns():
    def write():
        scope.enter(scope.SYSTEM)
        for number in range(10):
            with transaction.atomic():
                history.append("race", "step", data={"n": number})
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    [writer.start() for writer in writers]
    [writer.join() for writer in writers]
    assert Head.objects.get(chain="race").seq == 40
    assert list(AuditEntry.objects.order_by("id").values_list("seq", flat=True)) == list(range(1, 41))
    assert history.verify() == []


def _trail(length=6):
    """Entries as they would be read, with the end of their chain."""
    entries, prev = [], FIRST
    for seq in range(1, length + 1):
        entry = {"id": seq, "chain": "c", "seq": seq, "at": datetime(2026, 1, seq, tzinfo=UTC), "kind": "k"}
        entry |= {
            "actor_id": 1,
            "actor": "王",
            "post": "",
            "on_behalf": "",
            "subject": "",
            "data": {"n": seq},
        }
        entry |= {"address": "", "place": WEST_LAKE, "prev": prev}
        entry["hash"] = prev = history.sm3(canonical(entry))
        entries.append(entry)
    return entries, End(length, prev)


def _kinds(entries, end, noted=None):
    return [(fault.seq, fault.kind) for fault in examine("c", entries, end, noted)]


def test_a_whole_trail_has_no_faults():
    assert _kinds(*_trail()) == []
    assert _kinds([], None) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "李"),
        ("data", {"n": 99}),
        ("place", 1),
        ("at", datetime(2026, 1, 3, 1, tzinfo=UTC)),
        ("prev", "0"),
    ],
)
def test_an_altered_entry_is_named(field, value):
    entries, end = _trail()
    entries[2][field] = value
    assert (3, "altered") in _kinds(entries, end)


def test_a_removed_entry_is_missing():
    entries, end = _trail()
    del entries[2]
    assert _kinds(entries, end) == [(3, "missing")]


def test_cut_off_entries_are_missed():
    entries, end = _trail()
    assert _kinds(entries[:4], end) == [(5, "truncated")]
    assert _kinds([], end) == [(1, "truncated")]


def test_exchanged_entries_are_reordered():
    """Two entries whose numbers were exchanged and hashes recomputed no longer link."""
    entries, end = _trail()
    entries[2]["data"], entries[3]["data"] = entries[3]["data"], entries[2]["data"]
    for entry in entries[2:4]:
        entry["hash"] = history.sm3(canonical(entry))
    assert (4, "reordered") in _kinds(entries, end)


def test_entries_behind_the_head_are_forged():
    entries, end = _trail()
    assert _kinds(entries, End(4, entries[3]["hash"])) == [(5, "forged")]
    assert _kinds(entries, None) == [(6, "forged")]
    assert end.seq == 6


def test_a_trail_rewritten_from_the_start_differs_from_the_end_noted_elsewhere():
    entries, end = _trail()
    other, prev = [], FIRST
    for entry in entries:
        entry = {**entry, "actor": "伪", "prev": prev}
        entry["hash"] = prev = history.sm3(canonical(entry))
        other.append(entry)
    rewritten = End(6, prev)
    assert _kinds(other, rewritten) == []
    assert _kinds(other, rewritten, noted=End(4, entries[3]["hash"])) == [(4, "altered")]
    assert _kinds(other[:3], End(3, other[2]["hash"]), noted=end) == [(4, "truncated")]
