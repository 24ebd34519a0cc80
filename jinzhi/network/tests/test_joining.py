"""A node comes in with a token that works once, for it alone, at the hub it is for."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jinzhi.foundation.exchange import node as nodes
from jinzhi.network import folder, joining, keys, nats, software
from jinzhi.network.models import Invitation, Node
from jinzhi.network.tests.conftest import HANGZHOU, HUB, NINGBO

pytestmark = pytest.mark.django_db


def test_the_hub_is_made_once_and_only_of_a_province(network, settings):
    authority = folder.path("ca.pem").read_bytes()
    joining.init("10.0.0.1:4222", "0.0.0.0:4222")  # another address, the same authority
    assert folder.path("ca.pem").read_bytes() == authority
    assert oct(folder.path("ca.key").stat().st_mode & 0o777) == "0o600"
    settings.NODE = HANGZHOU
    with pytest.raises(joining.Refused, match="不是省级节点"):
        joining.init("10.0.0.1:4222")
    with pytest.raises(joining.Refused, match="主机:端口"):
        settings.NODE = HUB
        joining.init("nowhere")


def test_a_city_joins(network):
    answer = network.join(HANGZHOU)
    node = Node.objects.get(code=HANGZHOU)
    assert (node.state, node.name, node.software) == ("active", "杭州市", software.version())
    assert node.certificate_until > timezone.now() + timedelta(days=300)
    assert node.signing_key == keys.make_signing_key()  # in the city's folder
    assert answer["hub"] == HUB
    assert any(one["name"] == "out.330100" for one in nodes.channels())
    network.at(HUB)
    assert node.nkey in folder.path("nats.conf").read_text()


@pytest.mark.parametrize("code", ["330000", "330106", "320100", "33010", "abcdef", "339900", "330199"])
def test_only_cities_of_the_province_are_invited(network, code):
    with pytest.raises(joining.Refused, match="不是本省的市级节点"):
        joining.invite(code)


def refused(network, token, words, **changes):
    body = network.request(HANGZHOU) | {"token": token} | changes
    network.at(HUB)
    with pytest.raises(joining.Refused, match=words):
        joining.accept(body)
    assert not Node.objects.filter(code=HANGZHOU, state="active").exists()


def test_a_token_works_once(network):
    token = joining.invite(HANGZHOU)
    body = network.request(HANGZHOU) | {"token": token}
    network.at(HUB)
    joining.accept(body)
    with pytest.raises(joining.Refused, match="已经用过"):
        joining.accept(body)


def test_tokens_that_are_late_forged_altered_or_no_tokens(network):
    token = joining.invite(HANGZHOU)
    content, _, signature = token.partition(".")
    refused(network, "nonsense", "不完整")
    refused(network, f"{content[:-4]}AAAA.{signature}", "不完整|不是本省中心签发")
    other = joining.invite(NINGBO)
    refused(network, f"{other.partition('.')[0]}.{signature}", "不是本省中心签发")
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(network, token, "失效")


def test_a_second_hub_signs_tokens_of_its_own(network, tmp_path, monkeypatch):
    token = joining.invite(HANGZHOU)
    network.at("another")
    joining.init("127.0.0.1:1")
    body = network.request(HANGZHOU) | {"token": token}
    network.at("another")
    with pytest.raises(joining.Refused, match="不是本省中心签发"):
        joining.accept(body)


def test_a_node_name_is_taken_once_unless_it_is_replaced(network):
    network.join(HANGZHOU)
    network.at(HUB)
    with pytest.raises(joining.Refused, match="已在网"):
        joining.invite(HANGZHOU)
    old = Node.objects.get(code=HANGZHOU).nkey
    token = joining.invite(HANGZHOU, replace=True)
    network.at("newmachine")
    body = network.request("newmachine") | {"token": token}
    network.at(HUB)
    joining.accept(body)
    configured = folder.path("nats.conf").read_text()
    assert old not in configured and Node.objects.get(code=HANGZHOU).nkey in configured


def test_two_nodes_do_not_share_a_key(network):
    network.join(NINGBO)
    network.at(HUB)
    taken = Node.objects.get(code=NINGBO).nkey
    refused(network, joining.invite(HANGZHOU), "另一个节点使用", nkey=taken)


def test_bad_keys_requests_and_releases_are_refused(network):
    token = joining.invite(HANGZHOU)
    refused(network, token, "连接公钥", nkey="U'; drop")
    refused(network, token, "证书请求", request="-----BEGIN")
    refused(network, token, "签名公钥", signing_key="")
    refused(network, token, "签名公钥", signing_key="z" * 128)
    refused(network, token, "相差超过一个版本", software="7.0.0")
    refused(network, token, "没有说明软件版本", software="")


def test_one_release_apart_works(monkeypatch):
    monkeypatch.setattr(software, "version", lambda: "1.4.2")
    assert software.too_far("1.3.9") == software.too_far("1.5.0") == ""
    assert "相差" in software.too_far("1.2.0") and "相差" in software.too_far("2.4.0")


def test_a_city_believes_only_the_hub_of_its_token(network, settings, monkeypatch):
    token = joining.invite(HANGZHOU)
    network.at("elsewhere")
    settings.NODE = HUB
    joining.init("127.0.0.1:2")
    stranger = folder.path("ca.pem").read_text()
    network.at(HANGZHOU)
    settings.NODE = HANGZHOU
    monkeypatch.setattr(
        joining, "_post", lambda url, body: {"authority": stranger, "certificate": "", "hub_key": ""}
    )
    with pytest.raises(joining.Refused, match="根证书不符"):
        joining.join(token)
    assert folder.node() == {}
    settings.NODE = NINGBO
    with pytest.raises(joining.Refused, match="凭据是给节点 330100"):
        joining.join(token)


def test_a_city_has_one_hub(network, settings, monkeypatch):
    token = joining.invite(HANGZHOU)
    network.at(HANGZHOU)
    settings.NODE = HANGZHOU
    folder.write_node(
        {"role": "city", "node": HANGZHOU, "hub": "330000", "ca": "of another network", "nats": ""}
    )
    with pytest.raises(joining.Refused, match="只能有一个省中心"):
        joining.join(token)
    with pytest.raises(joining.Refused, match="不能再建省中心"):
        joining.init("127.0.0.1:3")


def test_a_suspended_node_is_out_of_the_configuration_at_once(network):
    network.join(HANGZHOU)
    network.at(HUB)
    joining.leave(HANGZHOU)
    assert Node.objects.get(code=HANGZHOU).nkey not in folder.path("nats.conf").read_text()
    assert [c["state"] for c in nodes.channels() if c["name"] == "out.330100"] == ["paused"]
    joining.readmit(HANGZHOU)
    assert Node.objects.get(code=HANGZHOU).nkey in folder.path("nats.conf").read_text()


@pytest.mark.parametrize("state", [Node.State.SUSPENDED, Node.State.RETIRED])
def test_a_token_from_before_does_not_bring_a_node_back(network, state):
    spare = joining.invite(HANGZHOU)
    network.join(HANGZHOU)
    network.at(HUB)
    joining.leave(HANGZHOU, state)
    refused(network, spare, "失效")
    body = network.request("newmachine") | {"token": network.at(HUB) and joining.invite(HANGZHOU)}
    network.at(HUB)
    assert joining.accept(body)["hub"] == HUB  # one made afterwards does


def test_joining_over_http(network):
    token = joining.invite(HANGZHOU)
    body = network.request(HANGZHOU) | {"token": token}
    network.at(HUB)
    client = Client()

    def post(said):
        return client.post("/api/v1/network/join", json.dumps(said), content_type="application/json")

    assert post({"token": token}).status_code == 422
    assert post(body | {"token": "x.y"}).status_code == 403
    answer = post(body)
    assert answer.status_code == 200 and answer.json()["hub"] == HUB
    again = post(body)
    assert again.status_code == 403 and "已经用过" in again.json()["message"]


def test_the_configuration_names_nobody_else(network):
    text = nats.configuration(folder.node(), "UHUB", [nats.Peer("330100", "UC"), nats.Peer("sh", "UP", True)])
    said = json.loads(text)
    (_, city) = said["accounts"]["JINZHI"]["users"]
    assert all("330100" in subject for subject in city["permissions"]["publish"]["allow"])
    assert said["accounts"]["P_sh"]["limits"]["max_payload"] == nats.PAYLOAD
    assert "jetstream" not in said["accounts"]["P_sh"]
