"""What was deleted while nothing was sent to a partner: told when sending goes on, whatever stopped it."""

import json

import pytest
from django.db import connection

from jinzhi.foundation import calendar
from jinzhi.foundation.exchange import documents, replaying, sending
from jinzhi.network.catalogue import holding
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import bridge, files, partnering, watching
from jinzhi.network.partners.models import Partner
from jinzhi.network.partners.tests.conftest import outward, ready
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
WEST_LAKE, SHANGHAI = 330106_000000, 310000_000000


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def came(program, after=0):
    """(op, record, version, body) of everything that came behind a sequence, and the new sequence."""
    while sending.number():
        pass
    found = []
    while True:
        page = program.get("/messages", f"after={after}&limit=500").json()
        if not page["messages"]:
            return found, after
        for one in page["messages"]:
            if not one["dataset"].startswith("_"):
                said = json.loads(one["payload"])
                found.append((said["op"], said["id"], said["version"], said["body"]))
        after = page["next"]


def firm(name="杭州龙井茶业有限公司", place=WEST_LAKE):
    return Enterprise.objects.create(name=name, place=place)


@pytest.fixture
def program(hub):
    firms = [firm(f"杭州第{n}茶业有限公司") for n in range(3)]
    made = ready("shanghai", takes={"registry.enterprise": ["name", "uscc", "status"]}, accepts=["http"])
    said, made.last = came(made)
    assert {row for _, row, _, _ in said} == {str(one.pk) for one in firms}
    made.firms = firms
    made.partner = Partner.objects.get(code="shanghai")
    return made


def off(program):
    partnering.switch_off(None, program.partner, "对方系统升级")


def on(program):
    partnering.switch_on(None, program.partner)


def test_what_was_deleted_while_it_was_switched_off_is_told(program):
    gone, kept, changed = program.firms
    off(program)
    changed.name = "杭州新茶业有限公司"
    changed.save()
    key, version = str(gone.pk), gone.version
    gone.delete()
    fresh = firm("杭州后设茶业有限公司")
    on(program)
    said, _ = came(program, program.last)
    assert [(op, row, number, body) for op, row, number, body in said if op == "d"] == [
        ("d", key, version + 1, {"uscc": ""})
    ]
    names = {row: body["name"] for op, row, _, body in said if op == "u"}
    assert names == {str(one.pk): one.name for one in (kept, changed, fresh)}


def test_what_was_made_and_deleted_meanwhile_is_not_spoken_of(program):
    off(program)
    brief = firm("杭州短命茶业有限公司")
    key = str(brief.pk)
    brief.delete()
    on(program)
    assert key not in {row for _, row, _, _ in came(program, program.last)[0]}


def test_a_deletion_that_was_not_numbered_when_it_was_switched_off_is_told(program):
    key = str(program.firms[0].pk)
    program.firms[0].delete()  # waits in the outbox
    off(program)
    on(program)
    assert [op for op, row, _, _ in came(program, program.last)[0] if row == key][-1] == "d"


def test_several_pauses_forget_nothing(program):
    off(program)
    first = str(program.firms[0].pk)
    program.firms[0].delete()
    on(program)
    off(program)  # before anything of it was numbered or fetched
    second = str(program.firms[1].pk)
    program.firms[1].delete()
    on(program)
    told = {row for op, row, _, _ in came(program, program.last)[0] if op == "d"}
    assert {first, second} <= told


def test_a_limited_partner_is_told_too(program):
    Partner.objects.filter(pk=program.partner.pk).update(max_unacknowledged=1)
    assert watching.watch()["limited"] == 1
    key = str(program.firms[0].pk)
    program.firms[0].delete()
    Partner.objects.filter(pk=program.partner.pk).update(max_unacknowledged=100_000)
    assert watching.watch()["resumed"] == 1
    assert [op for op, row, _, _ in came(program, program.last)[0] if row == key] == ["d"]


def test_a_grant_that_ended_and_was_given_again_too(program):
    from jinzhi.network.catalogue import consumers

    grant = Grant.objects.get(consumer="shanghai", inward=False)
    consumers.KINDS["partner"].stop(grant)
    Grant.objects.filter(pk=grant.pk).update(state=Grant.State.ENDED, ended_on=calendar.today())
    key = str(program.firms[0].pk)
    program.firms[0].delete()
    again = outward(program.partner, "registry.enterprise", ["name"])
    consumers.KINDS["partner"].deliver(again, True)
    said, _ = came(program, program.last)
    assert [(op, body) for op, row, _, body in said if row == key] == [
        ("d", {})
    ]  # its key items are not granted now
    assert all(set(body) <= {"name"} for _, _, _, body in said)


def test_documents_without_a_table_are_told_by_their_number(hub, sample):
    documents.publish("test.recall", {"number": "A/1", "product": "电热毯"}, place=330000_000000)
    documents.publish("test.recall", {"number": "A/2", "product": "水壶"}, place=330000_000000)
    partner = Partner.objects.get(code="shanghai")
    program = ready("shanghai", takes={"test.recall": ["number", "product"]}, accepts=["http"])
    last = came(program)[1]
    partner.refresh_from_db()
    partnering.switch_off(None, partner, "对方系统升级")
    documents.withdraw("test.recall", "A/1")
    partnering.switch_on(None, partner)
    gone = [body for op, _, _, body in came(program, last)[0] if op == "d"]
    assert gone == [{"number": "A/1"}]


@pytest.fixture
def sample(monkeypatch):
    from jinzhi.foundation.exchange import declared

    one = declared.Dataset(
        key="test.recall", title="召回信息", summary="测试", identifier="330001/T-1", classification="307/9",
        key_fields=("number",), audience=frozenset({"partners"}),
        fields=(declared.Field("number", "编号", required=True), declared.Field("product", "产品", length=20)),
    )  # fmt: skip
    known = declared.all() | {one.key: one}
    monkeypatch.setattr(declared, "all", lambda: known)


# -- the second look


def test_a_writer_at_work_while_sending_began_is_found_by_the_second_look(program):
    """What neither side saw: a row deleted and one written by transactions that ended after the first look."""
    off(program)
    on(program)
    last = came(program, program.last)[1]
    hidden, key = firm("杭州同时茶业有限公司"), str(program.firms[0].pk)
    program.firms[0].delete()
    run("DELETE FROM exchange_pending")  # their triggers saw no subscription
    assert holding.finish() == 0  # too early
    run("UPDATE catalogue_pause SET resumed_at = now() - interval '6 minutes'")
    assert holding.finish() == 1
    said, last = came(program, last)
    assert ("d", key) in {(op, row) for op, row, _, _ in said}
    assert ("u", str(hidden.pk)) in {(op, row) for op, row, _, _ in said}
    assert not run("SELECT 1 FROM catalogue_held") and not run("SELECT 1 FROM catalogue_pause")
    assert holding.finish() == 0


def test_the_second_look_waits_for_a_partner_that_is_off_again(program):
    off(program)
    on(program)
    off(program)
    run("UPDATE catalogue_pause SET paused_at = now() - interval '6 minutes'")
    assert holding.finish() == 0
    assert run("SELECT count(*) FROM catalogue_held")[0][0] == 3


def test_lists_of_those_who_never_come_back_are_forgotten(program):
    off(program)
    assert holding.forget() == 0
    run("UPDATE catalogue_pause SET paused_at = now() - interval '2000 days'")
    assert holding.forget() == 3
    assert not run("SELECT 1 FROM catalogue_pause")


def test_a_partner_s_places_bound_what_is_written_down(hub):
    firm("上海某企业", SHANGHAI)
    near = firm()
    ready("shanghai", takes={"registry.enterprise": ["name"]}, accepts=["http"])
    partnering.switch_off(None, Partner.objects.get(code="shanghai"), "对方系统升级")
    assert run("SELECT record::text FROM catalogue_held") == [(str(near.pk),)]


def test_nobody_but_the_system_reads_the_lists(program):
    off(program)
    for face in ("jinzhi_staff", "jinzhi_enterprise", "jinzhi_public"):
        for table in ("catalogue_held", "catalogue_pause"):
            assert run(
                "SELECT has_table_privilege(%s, %s, 'SELECT, INSERT, UPDATE, DELETE')", [face, table]
            ) == [(False,)]


def test_a_replay_alone_writes_nothing_down(program):
    replaying.replay("registry.enterprise", channel="out.shanghai")
    assert not run("SELECT 1 FROM catalogue_held")


# -- the other ways


def test_bridge_tables_get_the_deletions_too(hub):
    one = firm()
    ready(
        "police", takes={"registry.enterprise": ["name", "uscc"]}, delivery="database", accepts=["database"]
    )
    partner = Partner.objects.get(code="police")
    bridge.prepare(partner)
    bridge.work_off()
    partnering.switch_off(None, partner, "对方系统升级")
    key = str(one.pk)
    one.delete()
    partnering.switch_on(None, partner)
    bridge.work_off()
    told = run("SELECT op, id::text, version FROM front_police.out_registry_enterprise ORDER BY seq")
    assert [op for op, row, _ in told if row == key] == ["u", "d"]
    assert sorted(version for _, row, version in told if row == key)[-1] > told[0][2]


def test_folders_get_the_deletions_too(hub, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    one = firm()
    ready(
        "credit",
        takes={"registry.enterprise": ["name", "uscc"]},
        delivery="file",
        accepts=["file"],
        file_format="csv",
    )
    partner = Partner.objects.get(code="credit")
    files.prepare(partner)
    files.work_off()
    partnering.switch_off(None, partner, "对方系统升级")
    key = str(one.pk)
    one.delete()
    partnering.switch_on(None, partner)
    files.work_off()
    written = "".join(path.read_text("utf-8-sig") for path in tmp_path.rglob("*.csv"))
    assert [line.split(",")[1] for line in written.splitlines() if key in line] == ["u", "d"]
