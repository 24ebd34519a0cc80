"""Certificates that are renewed, streams that are elsewhere than thought, statements, and records too large to send."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from django.db import connection

from jinzhi.foundation.exchange import border, comparing, sending
from jinzhi.foundation.exchange import node as nodes
from jinzhi.network import alarms, asking, folder, joining, keys, link, nats, reconciling, relay
from jinzhi.network.models import Alarm
from jinzhi.network.tests.conftest import HANGZHOU, HUB, NINGBO
from jinzhi.network.tests.loops import in_a_loop
from jinzhi.network.tests.test_wire import connect, streams

pytestmark = pytest.mark.django_db
DATASET = "registry.enterprise"


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def write(dataset=DATASET, body=None, place=330106_000000):
    """A row in the outbox, waiting for whatever channel wants it."""
    record = str(uuid.uuid4())
    run(
        """WITH made AS (
          INSERT INTO exchange_outbox (dataset, schema, record, locality, owner_node, version, op, body)
          VALUES (%s, 1, %s, %s, '330000', 1, 'u', %s) RETURNING id, made_at)
        INSERT INTO exchange_pending (outbox_id, made_at, dataset, locality) SELECT id, made_at, %s, %s FROM made""",
        [dataset, record, place, json.dumps(body or {}), dataset, place],
    )
    return record


@pytest.fixture
def two(network):
    """Hangzhou and Ningbo in the network, both of whom want the datasets; nothing is on its way."""
    network.join(HANGZHOU)
    network.join(NINGBO)
    network.at(HUB)
    for table in ("exchange_pending", "exchange_queue", "exchange_batch"):
        run(f"DELETE FROM {table}")
    run("UPDATE exchange_channel SET numbered = 0, stored = 0, batch = 0, base = 0")
    for channel in ("out.330100", "out.330200"):
        nodes.subscribe(channel, DATASET)
    return network


def sent(channel, after=0):
    return [
        json.loads(payload)
        for _, subject, payload in sending.messages(channel, after, 100)
        if "_batch" not in subject
    ]


def test_a_row_for_two_cities_reaches_both_after_both_channels_are_renumbered(two):
    records = [write(), write()]
    sending.number()
    sending.rebase("out.330100", 50)
    sending.rebase("out.330200", 70)
    sending.number()
    for channel, base in (("out.330100", 50), ("out.330200", 70)):
        assert [one["id"] for one in sent(channel, base)] == records


def test_a_record_too_large_is_refused_here_and_what_follows_goes_on(two):
    first, large, last = write(), write(body={"name": "大" * 400_000}), write()
    sending.number()
    signed = sending.messages("out.330100", 0, 100, keys.sign)
    assert [seq for seq, _, _ in signed] == [1, 2, 3, 4] and max(
        len(p) for _, _, p in signed
    ) < sending.LARGEST
    assert [json.loads(p)["id"] for _, _, p in signed[:3]] == [first, large, last]
    trailer = json.loads(signed[-1][2])
    assert (
        trailer["rows"] == 3
        and trailer["digest"] == f"{sum(sending.part(p) for _, _, p in signed[:3]) % sending.MODULUS:032x}"
    )
    assert run("SELECT seq, record::text, code FROM exchange_refusal") == [(2, large, "E10")]
    assert sending.messages("out.330100", 0, 100) == signed  # the same bytes each time, told once
    run("UPDATE exchange_batch SET trailer = ''")
    rest = sending.messages(
        "out.330100", 2, 100, keys.sign
    )  # a trailer made without having sent the beginning
    assert json.loads(rest[-1][2])["digest"] == trailer["digest"]
    assert border.read(2, signed[1][2], asking.sender_of(HUB)).code == "E01"  # the receiver sets it aside too
    assert sending.left_out(signed[1][2]) and not sending.left_out(signed[0][2])


def test_too_large_records_raise_an_alarm_until_they_are_settled(two):
    write(body={"name": "大" * 400_000})
    sending.number()
    sending.messages("out.330100", 0, 100, keys.sign)
    assert relay._too_large("out.330100") and not relay._too_large("out.330200")
    assert (
        Alarm.objects.get(kind="oversized", cleared_at=None).node == HANGZHOU and "oversized" in alarms.KINDS
    )
    run("UPDATE exchange_refusal SET state = 'settled'")
    assert not relay._too_large("out.330100")
    assert not Alarm.objects.filter(kind="oversized", cleared_at=None).exists()


def test_where_a_stream_ends_is_known_even_when_it_is_empty(running):
    async def story():
        hub = await streams(running)
        await nats.request(hub, "STREAM.DELETE.IN_330100")
        await nats.ensure_stream(hub, "IN_330100", "in.330100.>", 51)  # nothing left of 50 messages
        city = await connect(HANGZHOU, running)
        assert await nats.end_of(city, "IN_330100", "in.330100") == (50, b"")
        headers = {"Nats-Expected-Last-Sequence": "50"}
        await city.request("in.330100.x", b"next", timeout=2, headers=headers)
        assert await nats.end_of(city, "IN_330100", "in.330100") == (51, b"next")
        await hub.close()
        await city.close()

    in_a_loop(story())


def standing(**changes):
    return {"numbered": 100, "stored": 100, "base": 0} | changes


def test_a_stream_ahead_of_this_node_stops_the_channel(network):
    assert "恢复的旧状态" in relay._disagreement("up", standing(numbered=10), 50, b"")
    relay._diverge("up", "x")
    assert sending.standing("up")["state"] == "diverged" and not relay._may_go_on("up")
    assert Alarm.objects.filter(kind="diverged", cleared_at=None).count() == 1


def test_a_stream_behind_is_refilled_as_long_as_the_rows_are_kept(two):
    write()
    write()
    sending.number()
    assert relay._disagreement("out.330100", standing(numbered=3, stored=3), 1, b"") == ""
    run("DELETE FROM exchange_queue WHERE seq = 2")
    assert "不再保留" in relay._disagreement("out.330100", standing(numbered=3, stored=3), 1, b"")


def test_another_message_under_the_same_number_is_noticed(two):
    write()
    sending.number()
    (_, _, payload), *_ = sending.messages("out.330100", 0, 1)
    assert relay._disagreement("out.330100", standing(numbered=2, stored=1), 1, payload) == ""
    assert "不同的历史" in relay._disagreement(
        "out.330100", standing(numbered=2, stored=1), 1, payload + b" "
    )


class Line:
    """In place of a connection: the stream's end as told."""

    def __init__(self, last):
        self.last = last

    __enter__ = lambda self: self  # noqa: E731
    __exit__ = lambda *_: None  # noqa: E731

    def end_of(self, stream, prefix):
        assert stream == "OUT_330100" and prefix == "out.330100"
        return self.last


@pytest.mark.parametrize("last", [0, 50])
def test_healing_numbers_on_behind_the_stream(two, monkeypatch, last):
    monkeypatch.setattr(reconciling, "pairs", list)
    monkeypatch.setattr(reconciling, "Wire", lambda: Line(last))
    run("UPDATE exchange_channel SET state = 'diverged', numbered = 10 WHERE name = 'out.330100'")
    assert reconciling.heal()["rebased"] == {"out.330100": last}
    assert (sending.standing("out.330100")["state"], sending.standing("out.330100")["numbered"]) == (
        "active",
        last,
    )


def test_healing_never_gives_numbers_that_the_receiver_has_passed(two, monkeypatch):
    monkeypatch.setattr(reconciling, "pairs", list)
    monkeypatch.setattr(reconciling, "Wire", lambda: Line(5))
    run(
        "UPDATE exchange_channel SET state = 'diverged', numbered = 90, stored = 90, acknowledged = 80 WHERE name = 'out.330100'"
    )
    with pytest.raises(RuntimeError, match="比数据库旧"):
        reconciling.heal()
    assert sending.standing("out.330100")["state"] == "diverged"


def test_a_node_signs_only_a_statement_that_is_true_of_its_rows(two):
    ((rows, digest),) = comparing.digests(DATASET, HANGZHOU, "dataset")
    true = {"id": str(uuid.uuid4()), "dataset": DATASET, "owner": HANGZHOU, "rows": rows, "digest": digest}

    def signed(said, asker=HANGZHOU):
        text = said if isinstance(said, str) else json.dumps(said)
        return asking.answer("sign", asker, json.dumps({"statement": text}).encode()), text

    answer, text = signed(true)
    public = keys.make_signing_key()
    assert keys.verify(public, asking.statement(text), answer["signature"])
    assert not keys.verify(public, text.encode(), answer["signature"])  # it cannot serve as anything else
    for wrong in (
        true | {"rows": rows + 1},
        true | {"digest": "7"},
        true | {"more": 1},
        [],
        "x",
        '{"node":"330200"}',
    ):
        assert not signed(wrong)[0]["ok"]
    others = true | {"dataset": "casework.case"}
    assert not signed(others, NINGBO)[0]["ok"]


def test_a_signature_needs_a_key(network):
    network.join(HANGZHOU)
    network.at(HUB)
    run("UPDATE network_node SET signing_key = '' WHERE code = %s", [HANGZHOU])
    assert asking.sender_of(HANGZHOU).verify(b"x", keys.sign(b"x")) is False


def test_the_server_shows_a_renewed_certificate_at_once(running):
    async def shown():
        nc = await connect(HUB, running)
        der = nc._transport._io_writer.get_extra_info("ssl_object").getpeercert(True)
        await nc.close()
        return x509.load_der_x509_certificate(der).serial_number

    async def soon(serial):
        for _ in range(30):
            if await shown() == serial:
                return True
            await asyncio.sleep(0.1)
        return False

    running.at(HUB)
    for again in (joining.renew_hub, lambda: joining.init(running.address)):
        before = folder.path("server.pem").read_bytes()
        again()
        now = folder.path("server.pem").read_bytes()
        assert now != before and in_a_loop(soon(x509.load_pem_x509_certificate(now).serial_number))
    assert keys.certificate_until("server") > datetime.now(UTC) + timedelta(days=300)


def test_a_living_connection_comes_back_with_the_renewed_certificate(running):
    """The certificate it began with has ended meanwhile."""

    def certificate(days):
        running.at(HANGZHOU)
        request = keys.make_request(HANGZHOU)
        running.at(HUB)
        made = keys.certify(request, HANGZHOU, days)
        running.at(HANGZHOU)
        keys.take_certificate(keys.pem_of(made))

    certificate(4 / 86_400)

    async def story():
        back = asyncio.Event()

        async def again():
            back.set()

        nc = await asyncio.wait_for(link.connect("probe", reconnected_cb=again), 3)
        certificate(100)
        await asyncio.sleep(4.5)
        running.server.kill()
        running.server.wait()
        running.start()
        running.at(HANGZHOU)
        await asyncio.wait_for(back.wait(), 10)
        await nc.close()

    in_a_loop(story())
