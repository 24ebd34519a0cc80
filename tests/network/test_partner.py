"""A partner on the message channel, as docs/partners.md describes it: what it may do, and what it may not."""

import asyncio
import json
import ssl
import subprocess
from uuid import NAMESPACE_URL, uuid5

import nats
import nats.errors
import pytest

from jinzhi.network import keys
from jinzhi.network.tests.loops import in_a_loop
from tests.network.lab import until

pytestmark = pytest.mark.xdist_group("network")


@pytest.fixture(scope="module")
def folder(_lab, tmp_path_factory):
    """A folder with the partner's key, certificate and seed; the partner is switched on at the hub."""
    lab, tmp_path = _lab, tmp_path_factory.mktemp("samr")
    lab.keeping.set()
    seed, public = keys.new_nkey()
    (tmp_path / "samr.nk").write_bytes(seed)
    (tmp_path / "public").write_text(public)
    make = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=samr",
            "-keyout", "samr.key", "-out", "samr.csr"]  # fmt: skip
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    hub = lab.hub
    hub.command("partners", "key", "samr", str(tmp_path / "public"), "--algorithm", "nkey")
    hub.command("partners", "allow", "samr", "samr.recall", "--purpose", "按协议提供召回信息")
    hub.command(
        "partners",
        "give",
        "samr",
        "registry.enterprise",
        "--purpose",
        "按协议提供档案",
        "--fields",
        "name,status",
    )
    hub.command("partners", "on", "samr")
    hub.command("partners", "certificate", "samr", str(tmp_path / "samr.csr"), "--to", str(tmp_path))
    yield tmp_path
    hub.command("partners", "off", "samr", "--reason", "测试结束")


def record(number, **more):
    said = {
        "id": str(uuid5(NAMESPACE_URL, f"jinzhi:samr.recall:samr/{number}")), "dataset": "samr.recall", "schema": 1, "op": "u",
        "version": 1, "owner": "samr", "place": 330000000000, "at": "2026-11-23T00:00:00+00:00",
        "body": {"number": number, "product": "电热毯", "defect": "过热", "published_on": "2026-11-20"},
    }  # fmt: skip
    return json.dumps(said | more, ensure_ascii=False).encode()


FORBIDDEN = (
    "in.330100.registry.enterprise", "out.330100.x", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.DELETE.IN_330100",
    "$JS.API.CONSUMER.MSG.NEXT.OUT_330100.330100", "ask.330000.status",
)  # fmt: skip


async def refused(nc, subject):
    """Whether nobody answers, or the answer is an error."""
    try:
        return "error" in json.loads((await nc.request(subject, b"{}", timeout=1)).data)
    except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
        return True


async def connect(folder, port):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "samr.pem", folder / "samr.key")
    return await nats.connect(
        f"tls://127.0.0.1:{port}", tls=context, tls_hostname="127.0.0.1", nkeys_seed=str(folder / "samr.nk")
    )


async def send(nc, number, **more):
    """Publish until the stream is there and says that it has the message."""
    for _ in range(40):
        try:
            answer = json.loads(
                (await nc.request("in.samr.samr.recall", record(number, **more), timeout=1)).data
            )
            if "seq" in answer:
                return answer["seq"]
        except Exception:
            await asyncio.sleep(0.5)
    raise AssertionError("no answer from the stream")


async def fetch(nc, wanted):
    """Pull and acknowledge until `wanted` messages came and no more wait (the trailer of the last batch is one more);
    a request's own reply subject, not nc.request."""
    box, found = nc.new_inbox(), []
    feed = await nc.subscribe(box)
    for _ in range(40 + wanted // 50):
        before = len(found)
        ask = json.dumps({"batch": 100, "expires": 1_000_000_000}).encode()
        await nc.publish("$JS.API.CONSUMER.MSG.NEXT.OUT_samr.samr", ask, reply=box)
        try:
            while True:
                message = await feed.next_msg(timeout=1.5)
                if (message.headers or {}).get("Status"):
                    break
                found.append(json.loads(message.data))
                await nc.publish(message.reply, b"+ACK")
        except TimeoutError:
            await asyncio.sleep(0.2)
        if len(found) >= wanted and len(found) == before:
            return found
    raise AssertionError(f"{len(found)} messages of {wanted}")


def test_a_partner_gives_and_takes_through_its_own_account(lab, folder):
    hub = lab.hub
    total = hub.one("SELECT count(*) FROM registry_enterprise")

    async def work():
        nc = await connect(folder, lab.port)
        await send(nc, "R-1")
        await send(nc, "R-2", owner="330100")
        said = await fetch(nc, total)
        for subject in FORBIDDEN:
            assert await refused(nc, subject), subject
        await nc.close()
        return said

    said = in_a_loop(work())
    query = "SELECT count(*) FROM exchange_document WHERE source = 'samr' AND key = 'R-1'"
    until(lambda: hub.one(query), 20, lab.logs)
    until(
        lambda: hub.one("SELECT count(*) FROM exchange_quarantine WHERE peer = 'samr' AND code = 'E09'"),
        20,
        lab.logs,
    )
    assert not hub.one(
        "SELECT count(*) FROM exchange_document WHERE owner_node = '330100' AND source = 'samr'"
    )
    records = [one for one in said if one.get("dataset") == "registry.enterprise"]
    assert len(records) >= total and all(set(one["body"]) == {"name", "status"} for one in records)
    until(lambda: hub.one("SELECT acknowledged FROM exchange_channel WHERE name = 'out.samr'"), 30, lab.logs)
    hub.sql("DELETE FROM exchange_quarantine WHERE peer = 'samr'")  # refused on purpose
    lab.settle()
    lab.prove()


def test_without_its_seed_or_certificate_nobody_gets_in(lab, folder):
    async def strange_seed():
        (folder / "samr.nk").write_bytes(keys.new_nkey()[0])
        nc = None
        try:
            nc = await asyncio.wait_for(connect(folder, lab.port), 6)
        except (TimeoutError, nats.errors.Error, OSError):
            return
        assert not nc.is_connected

    in_a_loop(strange_seed())
    lab.settle()
