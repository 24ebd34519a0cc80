"""What the message server lets a node do and what not, with real connections."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta

import nats as nats_client
import pytest
from cryptography import x509
from nats.errors import Error as NatsError

from jinzhi.network import folder, joining, keys, link, nats
from jinzhi.network.tests.conftest import HANGZHOU, HUB
from jinzhi.network.tests.loops import in_a_loop

pytestmark = pytest.mark.django_db


async def connect(code, network, **changes):
    """A single attempt as node `code`; raises when it is refused."""
    network.at(code)
    problems = []

    async def note(error):
        problems.append(error)

    options = {
        "servers": [f"tls://{network.address}"], "nkeys_seed": str(folder.path("node.nk")), "tls": link.tls(),
        "tls_hostname": "127.0.0.1", "inbox_prefix": f"_INBOX.{code}", "allow_reconnect": False, "connect_timeout": 3,
        "error_cb": note,
    } | changes  # fmt: skip
    nc = await nats_client.connect(**options)
    nc.problems = problems
    return nc


async def streams(network):
    nc = await connect(HUB, network)
    for code in ("330100", "330200"):
        await nats.ensure_stream(nc, nats.stream_in(code), f"in.{code}.>")
        await nats.ensure_stream(nc, nats.stream_out(code), f"out.{code}.>")
        await nats.consumer_at(nc, nats.stream_out(code), code, 0)
    return nc


async def publish(nc, subject, after, payload=b"x"):
    """An acknowledged publication that expects the stream at `after`."""
    answer = await nc.request(
        subject, payload, timeout=2, headers={"Nats-Expected-Last-Sequence": str(after)}
    )
    return json.loads(answer.data)


def test_a_city_writes_its_own_stream_in_order_and_nothing_else(running):
    async def story():
        hub = await streams(running)
        city = await connect(HANGZHOU, running)
        assert (await publish(city, "in.330100.registry.enterprise", 0))["seq"] == 1
        double = await publish(city, "in.330100.registry.enterprise", 0)
        assert "wrong last sequence: 1" in double["error"]["description"]
        forbidden = [
            "in.330200.registry.enterprise", "out.330100.x", "out.330200.x", "pulse.330200", "ask.330000.330200.exchange",
            "ask.330200.330100.exchange", "$JS.API.STREAM.DELETE.IN_330100", "$JS.API.STREAM.PURGE.IN_330100",
            "$JS.API.STREAM.MSG.GET.IN_330200", "$JS.API.STREAM.MSG.GET.OUT_330200",
            "$JS.API.CONSUMER.MSG.NEXT.OUT_330200.330200", "$JS.API.CONSUMER.DURABLE.CREATE.OUT_330200.mine",
            "$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.LIST", "$JS.API.INFO", "$SYS.REQ.SERVER.PING",
        ]  # fmt: skip
        for subject in forbidden:
            city.problems.clear()
            await city.publish(subject, b"{}")
            await city.flush()
            await asyncio.sleep(0.02)
            assert any("ermissions violation" in str(p) for p in city.problems), subject
        for subject in ("in.>", "out.330100.>", "_INBOX.>", "ask.330200.>", ">"):
            city.problems.clear()
            await city.subscribe(subject)
            await city.flush()
            await asyncio.sleep(0.02)
            assert any("ermissions violation" in str(p) for p in city.problems), subject
        state = await nats.request(hub, "STREAM.INFO.IN_330200")
        assert state["state"]["messages"] == 0
        await hub.close()
        await city.close()

    in_a_loop(story())


def test_a_city_reads_what_is_sent_to_it_only(running):
    async def story():
        hub = await streams(running)
        await publish(hub, "out.330100.registry.certificate", 0, b"for Hangzhou")
        await publish(hub, "out.330200.registry.certificate", 0, b"for Ningbo")
        city = await connect(HANGZHOU, running)
        wanted = await city.subscribe("_INBOX.330100.mine")
        asked = json.dumps({"batch": 5, "expires": 1_000_000_000}).encode()
        await city.publish("$JS.API.CONSUMER.MSG.NEXT.OUT_330100.330100", asked, "_INBOX.330100.mine")
        assert (await wanted.next_msg(2)).data == b"for Hangzhou"
        await hub.close()
        await city.close()

    in_a_loop(story())


def test_strangers_are_not_let_in(running, tmp_path):
    running.at("elsewhere")
    joining.init("127.0.0.1:1")

    async def story():
        seed, _ = keys.new_nkey()
        stranger = tmp_path / "stranger.nk"
        stranger.write_bytes(seed)
        with pytest.raises((NatsError, OSError, asyncio.TimeoutError)):  # a good certificate, an unknown key
            await connect(HANGZHOU, running, nkeys_seed=str(stranger))
        bare = ssl.create_default_context(cafile=str(folder.path("ca.pem")))
        with pytest.raises((NatsError, OSError, asyncio.TimeoutError)):  # no certificate
            await connect(HANGZHOU, running, tls=bare)
        running.at("elsewhere")  # another authority
        other = ssl.create_default_context(cafile=str(running.root / HANGZHOU / "ca.pem"))
        other.load_cert_chain(str(folder.path("node.pem")), str(folder.path("node.key")))
        with pytest.raises((NatsError, OSError, asyncio.TimeoutError)):
            await connect(HANGZHOU, running, tls=other)
        running.at(HUB)

    in_a_loop(story())


def test_an_expired_certificate_opens_nothing(running, monkeypatch):
    """Two days ago it was good for one day."""
    running.at(HANGZHOU)
    request = keys.make_request(HANGZHOU)
    running.at(HUB)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(keys, "datetime", Earlier)
    old = keys.certify(request, HANGZHOU, 1)
    monkeypatch.undo()
    running.at(HANGZHOU)
    keys.take_certificate(keys.pem_of(old))
    assert keys.certificate_until() < datetime.now(UTC)

    async def story():
        with pytest.raises((NatsError, OSError, asyncio.TimeoutError)):
            await connect(HANGZHOU, running)

    monkeypatch.setenv("JINZHI_NETWORK", str(running.root / HANGZHOU))
    in_a_loop(story())


def test_a_message_too_large_is_refused_by_the_server(running):
    async def story():
        hub = await streams(running)
        city = await connect(HANGZHOU, running)
        with pytest.raises(NatsError, match="payload"):
            await city.publish("in.330100.registry.enterprise", b"x" * (nats.PAYLOAD + 70_000))
        await hub.close()
        await city.close()

    in_a_loop(story())


def test_a_suspended_city_is_cut_off_while_connected(running):
    loop = asyncio.new_event_loop()
    gone = asyncio.Event()

    async def away():
        gone.set()

    loop.run_until_complete(connect(HANGZHOU, running, closed_cb=away))
    running.at(HUB)
    joining.leave(HANGZHOU)
    loop.run_until_complete(asyncio.wait_for(gone.wait(), 5))

    async def again():
        with pytest.raises((NatsError, OSError, asyncio.TimeoutError)):
            await connect(HANGZHOU, running)

    loop.run_until_complete(again())
    loop.close()


def test_the_certificate_says_the_name_the_hub_gave(running):
    """Whatever a request asked to be called."""
    running.at(HANGZHOU)
    request = keys.make_request("330000")
    running.at(HUB)
    made = keys.certify(request, HANGZHOU, 10)
    assert "330100" in made.subject.rfc4514_string()
    assert made.not_valid_after_utc - datetime.now(UTC) < timedelta(days=11)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
