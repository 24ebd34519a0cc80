"""Both ends count and hash; what differs is found, explained and repaired."""

import json

import pytest

from jinzhi.foundation.exchange import applying, border, comparing, declared, node, sending
from jinzhi.foundation.exchange.border import Sender
from jinzhi.network import reconciling
from jinzhi.registry.models import Enterprise
from tests.exchange.conftest import HANGZHOU, HUB, NINGBO, WEST_LAKE, become, city, drain, message, run, take

pytestmark = pytest.mark.django_db
DATASET = "registry.enterprise"


class Peer:
    """The hub's answers as it held Hangzhou's rows at some moment, changed as a test wants."""

    def __init__(self):
        self.rows = {r["id"]: r for r in comparing.rows(DATASET, HANGZHOU, self.all())}
        self.asked = 0

    @staticmethod
    def all():
        return [str(key) for (key,) in run("SELECT id FROM registry_enterprise")]

    def ask(self, question):
        self.asked += 1
        if question["what"] == "rows":
            return {"ok": True, "rows": [self.rows[key] for key in question["records"]]}
        return {"ok": True, "rows": _digests(self.rows.values(), question)}


def _digests(rows, question):
    """The same sums in SQL over the peer's rows."""
    values = json.dumps(
        [{"id": r["id"], "place": r["place"], "version": r["version"], "body": r["body"]} for r in rows]
    )
    listed = ", ".join(declared.get(DATASET).columns)
    source = (
        "(SELECT (x->>'id')::uuid AS id, (x->>'place')::bigint AS place, (x->>'version')::int AS version, p.*"
        " FROM jsonb_array_elements(%(v)s::jsonb) AS x,"
        f" LATERAL (SELECT {listed} FROM jsonb_populate_record(NULL::registry_enterprise, x->'body')) AS p) AS n"
    )
    hashed = f"exchange_sum((version, {listed})::text)"
    where = "(%(place)s::bigint IS NULL OR place = %(place)s) AND (%(day)s::int IS NULL OR exchange_day(id) = %(day)s)"
    part = comparing.PART.replace("n.id", "id")
    where += f" AND (%(part)s::int IS NULL OR {part} = %(part)s)"
    given = {name: question.get(name) for name in ("place", "day", "part")} | {"v": values}
    if question["level"] == "keys":
        where += " AND (%(after)s = '' OR id > nullif(%(after)s, '')::uuid)"
        given |= {"after": question.get("after", ""), "most": comparing.MOST_KEYS}
        found = run(
            f"SELECT id::text, version, {hashed} FROM {source} WHERE {where} ORDER BY id LIMIT %(most)s",
            given,
        )
    else:
        group = {"place": "place", "day": "exchange_day(id)", "part": part}[question["level"]]
        found = run(
            f"SELECT {group}, count(*), sum({hashed})::text FROM {source} WHERE {where} GROUP BY 1",
            given,
        )
    return [list(row) for row in found]


@pytest.fixture
def register(db, settings):
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    Enterprise.objects.bulk_create(
        Enterprise(name=f"茶厂{i}", place=WEST_LAKE + i % 3 * 1_000_000, founded_on="2001-02-03")
        for i in range(60)
    )
    drain("up")
    sending.stored("up", 1000)
    run("UPDATE exchange_channel SET acknowledged = 1000")
    return Peer()


def compared(peer):
    return comparing.compare(DATASET, HANGZHOU, peer.ask, "hub")


def test_two_ends_that_hold_the_same_agree_after_one_question(register):
    report = compared(register)
    assert (report.agreed, report.ours, report.theirs, register.asked) == (True, 60, 60, 1)
    assert comparing.reports()[0]["state"] == "agreed"


def test_one_changed_row_among_many_is_found(register):
    key = next(iter(register.rows))
    register.rows[key]["body"]["name"] = "改过的"
    report = compared(register)
    assert [(d["record"], d["kind"]) for d in report.differences] == [(key, "changed")]
    assert comparing.heal(report, register.ask)["sent"] == 1
    assert Enterprise.objects.get(pk=key).version == 2  # the owner's word, as a newer version
    assert key in b"".join(p for _, p in drain("up")).decode()


def test_missing_and_older_rows_are_sent_again(register):
    one, two, *_ = register.rows
    del register.rows[one]
    run("UPDATE registry_enterprise SET name = '新名' WHERE id = %s", [two])
    drain("up")
    run("UPDATE exchange_channel SET acknowledged = 100000")
    report = compared(register)
    assert {d["record"]: d["kind"] for d in report.differences} == {one: "missing", two: "older"}
    assert comparing.heal(report, register.ask) == {"sent": 2, "fetched": 0, "left": 0}


def test_what_is_on_its_way_is_called_late_and_left_alone(register):
    one, *_ = register.rows
    run("UPDATE registry_enterprise SET name = '新名' WHERE id = %s", [one])
    report = compared(register)
    assert [d["kind"] for d in report.differences] == ["late"]
    assert comparing.heal(report, register.ask)["left"] == 1


def test_a_restored_node_fetches_back_what_it_lost(register):
    """Its database is of last week: the hub holds rows it never heard of and newer versions of others."""
    lost, changed, *_ = register.rows
    run("UPDATE exchange_self SET enabled = false")
    run("DELETE FROM registry_enterprise WHERE id = %s", [lost])
    run("UPDATE exchange_self SET enabled = true")
    register.rows[changed] |= {"version": 4, "body": register.rows[changed]["body"] | {"name": "后来的名称"}}
    report = compared(register)
    assert {d["record"]: d["kind"] for d in report.differences} == {lost: "extra", changed: "newer"}
    assert comparing.heal(report, register.ask)["fetched"] == 2
    assert Enterprise.objects.get(pk=changed).name == "后来的名称"
    assert compared(register).agreed


def test_a_peer_that_cannot_be_asked_leaves_a_failed_report(register):
    with pytest.raises(comparing.NoAnswer, match="断开"):
        comparing.compare(DATASET, HANGZHOU, lambda question: {"ok": False, "error": "链路断开"}, "hub")
    assert comparing.reports()[0]["state"] == "failed"


@pytest.mark.parametrize("question", [{}, {"what": "x", "dataset": DATASET, "owner": HANGZHOU},
    {"what": "digests", "dataset": "no.such", "owner": HANGZHOU, "level": "place"},
    {"what": "digests", "dataset": DATASET, "owner": HANGZHOU, "level": "everything"},
    {"what": "digests", "dataset": DATASET, "owner": HANGZHOU, "level": "day", "day": "1'; DROP TABLE x"},
    {"what": "digests", "dataset": DATASET, "owner": HANGZHOU, "level": "keys", "day": -5, "place": 1}])  # fmt: skip
def test_a_bad_question_is_answered_with_a_refusal(db, question):
    become(HUB, hub=True)
    assert comparing.answer(question, city(HANGZHOU))["ok"] is False


def test_a_city_does_not_see_another_city_by_asking(db):
    become(HUB, hub=True)
    asked = {"what": "rows", "dataset": "casework.case", "owner": "330200", "records": []}
    assert comparing.answer(asked, city(HANGZHOU)) == {"ok": False, "error": "没有查询这些记录的权限"}
    assert comparing.answer(asked | {"dataset": DATASET}, city(HANGZHOU))["ok"]
    assert not comparing.answer(asked | {"dataset": DATASET}, Sender("sh", "partner"))["ok"]


def test_a_rebased_channel_goes_on_behind_the_stream_and_loses_nothing(db, settings):
    settings.NODE = HANGZHOU
    become(HANGZHOU)
    one = Enterprise.objects.create(name="旧", place=WEST_LAKE)
    drain("up")
    sending.stored("up", 2)
    two = Enterprise.objects.create(name="新", place=WEST_LAKE)
    drain("up")  # numbered 3, 4; but the stream is at 500, of a later life
    sending.rebase("up", 500)
    again = sending.messages("up", 500, 100) or (sending.number() and sending.messages("up", 500, 100))
    assert [seq for seq, _, _ in again] == [501, 502]
    assert str(two.pk) in again[0][2].decode() and str(one.pk) not in again[0][2].decode()


def test_recovering_never_takes_what_is_not_this_nodes(register):
    message = border.read(
        0,
        json.dumps(register.rows[next(iter(register.rows))] | {"owner": "330200"}).encode(),
        Sender(HUB, "hub"),
    )
    applying.apply([message], Sender(HUB, "hub"), recover=True)
    assert run("SELECT DISTINCT owner_node FROM registry_enterprise") == [(HANGZHOU,)]


def test_the_hub_opens_a_way_to_each_city(db):
    become(HUB, hub=True)
    node.open_city(HANGZHOU)
    wanted = dict(
        run(
            "SELECT dataset, (lo, hi) = (0, 999999999999) FROM exchange_subscription WHERE channel = 'out.330100'"
        )
    )
    assert wanted["registry.enterprise"] is True and wanted["registry.entry"] is False
    assert "casework.case" not in wanted


@pytest.mark.parametrize("part", [comparing.PART, "get_byte(uuid_send(n.id), 15) % 2"])
def test_more_rows_of_one_day_than_one_answer_holds(register, monkeypatch, part):
    """The differences lie in the last row and in the middle; pages of three rows, in small and in large parts."""
    monkeypatch.setattr(comparing, "MOST_KEYS", 3)
    monkeypatch.setattr(comparing, "PART", part.replace("%", "%%"))
    last = max(register.rows)
    register.rows[last]["body"]["name"] = "改过的"
    lost = sorted(register.rows)[30]
    del register.rows[lost]
    report = compared(register)
    assert {d["record"]: d["kind"] for d in report.differences} == {last: "changed", lost: "missing"}
    assert not report.agreed


def test_who_owns_rows_is_told_of_what_goes_to_every_city_only(hub):
    take(city(HANGZHOU), message())
    question = {"what": "owners", "dataset": DATASET, "owner": NINGBO}
    assert comparing.answer(question, city(NINGBO)) == {"ok": True, "rows": [HANGZHOU]}
    assert not comparing.answer(question | {"dataset": "casework.case"}, city(NINGBO))["ok"]
    assert not comparing.answer(question, Sender("sac", "partner"))["ok"]


def test_third_nodes_without_rows_at_either_end_are_not_compared(hub, monkeypatch):
    take(city(HANGZHOU), message())
    monkeypatch.setattr(reconciling.folder, "node", lambda: {"node": HANGZHOU})
    asked = []

    def ask(question):
        asked.append(question)
        return {"ok": True, "rows": [NINGBO]}

    held: dict[str, set[str]] = {}
    said = {
        owner: reconciling._empty(DATASET, owner, HUB, ask, held)
        for owner in (HANGZHOU, HUB, NINGBO, "330300")
    }
    assert said == {HANGZHOU: False, HUB: False, NINGBO: False, "330300": True}
    assert len(asked) == 1  # once for a dataset
    refused = reconciling._empty("registry.identifier", "330300", HUB, lambda question: {"ok": False}, held)
    assert not refused  # an end that cannot say is compared
