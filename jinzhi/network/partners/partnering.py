"""Setting partners up: who they are, their keys and limits, switching on and off. Who does it is checked here."""

import ipaddress
import re
from datetime import date
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from jinzhi.foundation import calendar, history, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.exchange import node
from jinzhi.foundation.people.acting import Actor, Refused, changes
from jinzhi.foundation.places import scope
from jinzhi.network import nats
from jinzhi.network.catalogue import consumers
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import granting, signatures
from jinzhi.network.partners.models import CODE, GATEWAYS, Key, Partner

SETTERS = ("administrator",)
KEYERS = ("security_administrator",)
READERS = (*SETTERS, *KEYERS, "supervisor", "auditor")
LARGEST, FASTEST, MOST_CONNECTIONS = 5_000_000, 6_000, 64
NEEDED = {"jetstream": {"nkey"}}  # kinds of key by way; the others need one that signs
LIMITS = ("max_payload", "rate", "connections", "max_unacknowledged")


def _may(by: Actor | None, roles: tuple[str, ...]) -> None:
    """Operators at the command line (no actor) may; persons need the role, in the province's own bureau."""
    if by is None:
        return
    if by.post.agency.key != settings.NODE:
        raise Refused("交换伙伴由中心节点的机构管理。")
    for role in roles:
        if role in by.roles:
            return
    by.needs(roles[0])


def _log(by: Actor | None, kind: str, partner: Partner, data: dict[str, Any]) -> None:
    history.append(
        "catalogue", kind, actor=by.account if by else "jinzhi", post=by.post if by else None,
        subject=f"partner:{partner.code}", data={"伙伴": partner.name, **data}, address=by.address if by else None,
        place=partner.place,
    )  # fmt: skip


def _check(fields: dict[str, Any]) -> dict[str, Any]:
    if not 10_000 <= fields["max_payload"] <= LARGEST:
        raise Refused(f"单个请求上限应在 10000 与 {LARGEST} 字节之间。", "max_payload")
    if not 1 <= fields["rate"] <= FASTEST:
        raise Refused(f"每分钟请求数应在 1 与 {FASTEST} 之间。", "rate")
    if not 1 <= fields["connections"] <= MOST_CONNECTIONS:
        raise Refused(f"同时连接数应在 1 与 {MOST_CONNECTIONS} 之间。", "connections")
    if fields["max_unacknowledged"] < 1000:
        raise Refused("未确认消息上限不能小于 1000。", "max_unacknowledged")
    if fields["delivery"] not in GATEWAYS or set(fields["accepts"]) - GATEWAYS.keys():
        raise Refused("没有这种交换方式。", "delivery")
    for one in fields["addresses"]:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise Refused(f"“{one[:40]}”不是地址或者网段，如 10.1.2.0/24。", "addresses") from None
    return fields


@transaction.atomic
def create(by: Actor | None, *, code: str, name: str, kind: str, area: int, **fields: Any) -> Partner:
    """Enter a partner, switched off. Raises Refused."""
    _may(by, SETTERS)
    if not re.fullmatch(CODE, code):
        raise Refused("代号用 2 至 12 个小写字母和数字，字母开头，例如 customs。", "code")
    lo, hi = scope.jurisdiction(area)
    usual = {
        "delivery": "http", "accepts": ["http"], "max_payload": 1_000_000, "rate": 120, "connections": 4,
        "max_unacknowledged": 100_000, "addresses": [],
    }  # fmt: skip
    checked = _check(usual | fields)
    try:
        with transaction.atomic():
            partner = Partner.objects.create(
                place=int(settings.NODE) * 10**6,
                code=code,
                name=name.strip()[:60],
                kind=kind,
                lo=lo,
                hi=hi,
                **checked,
            )
    except IntegrityError:
        raise Refused(f"代号 {code} 已经使用。", "code") from None
    _log(by, "partner.created", partner, {"代号": code})
    return partner


@transaction.atomic
def change(by: Actor | None, partner: Partner, fields: dict[str, Any]) -> Partner:
    """Change what was agreed: ways, limits, addresses, contact. Raises Refused."""
    _may(by, SETTERS)
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    names = ("delivery", "accepts", *LIMITS, "addresses")
    _check({name: fields.get(name, getattr(row, name)) for name in names})
    moved = "delivery" in fields and fields["delivery"] != row.delivery
    if found := changes(row, fields):
        row.save()
        _log(by, "partner.changed", row, found)
    if row.is_open:
        if moved:
            _open_channel(row)
        configure()
    return row


# -- keys


@transaction.atomic
def add_key(
    by: Actor | None,
    partner: Partner,
    *,
    algorithm: str,
    text: str,
    valid_to: date | None = None,
    note: str = "",
) -> Key:
    """Enter a public key the partner handed over. Raises Refused."""
    _may(by, KEYERS)
    if algorithm not in Key.Algorithm.values:
        raise Refused("没有这种算法。", "algorithm")
    try:
        public = signatures.read_public(algorithm, text)
    except signatures.BadKey as fault:
        raise Refused(f"{fault}。", "text") from None
    today = calendar.today()
    longest = rules.value("partners.key_validity", on=today)
    last = add_months(today, int(longest.value))
    if not today <= (valid_to or last) <= last:
        raise Refused(f"有效期至应在今天以后、{longest.shown}以内。", "valid_to")
    try:
        with transaction.atomic():
            key = Key.objects.create(
                place=partner.place, partner=partner, key_id=signatures.key_id(public), algorithm=algorithm, public=public,
                valid_from=today, valid_to=valid_to or last, note=note.strip()[:100],
                added_by=str(by.account if by else "运行维护人员")[:80],
            )  # fmt: skip
    except IntegrityError:
        raise Refused("这个公钥已经登记过。停用过的公钥不能再用，请换新的一对。", "text") from None
    _log(by, "partner.key_added", partner, {"密钥": key.key_id, "算法": key.get_algorithm_display()})
    if algorithm == Key.Algorithm.NKEY and partner.is_open:
        configure()
    return key


@transaction.atomic
def revoke_key(by: Actor | None, key: Key) -> None:
    """The key ends with the next request. Raises Refused."""
    _may(by, KEYERS)
    if not Key.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        raise Refused("这个密钥已经停用。")
    _log(by, "partner.key_revoked", key.partner, {"密钥": key.key_id})
    if key.algorithm == Key.Algorithm.NKEY:
        configure()


def keys_in_force(partner: Partner) -> list[Key]:
    today = calendar.today()
    return list(partner.keys.filter(revoked_at=None, valid_from__lte=today, valid_to__gte=today))


# -- switching


def what_lacks(partner: Partner) -> list[str]:
    """What must be there before the partner can be switched on, in words."""
    lacking = []
    algorithms = {key.algorithm for key in keys_in_force(partner)}
    usable = {
        way for way in GATEWAYS if way == "database" or algorithms & NEEDED.get(way, {"ed25519", "sm2"})
    }
    if partner.delivery not in usable or (partner.accepts and not usable & set(partner.accepts)):
        nkey = partner.delivery == "jetstream" or partner.accepts == ["jetstream"]
        lacking.append("没有登记消息通道的 NKey 公钥" if nkey else "没有登记签名公钥")
    if not Grant.objects.filter(kind=granting.KIND, consumer=partner.code, state=Grant.State.ACTIVE).exists():
        lacking.append("没有任何有效的数据授权")
    return lacking


@transaction.atomic
def switch_on(by: Actor | None, partner: Partner) -> Partner:
    """Let the partner exchange: its channel opens, its grants go out, the present records first. Raises Refused."""
    _may(by, SETTERS)
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    if row.is_open:
        raise Refused(f"{row.name}已经启用。")
    if lacking := what_lacks(row):
        raise Refused(f"还不能启用：{'；'.join(lacking)}。")
    row.state, row.state_reason, row.activated_at = Partner.State.ACTIVE, "", timezone.now()
    row.save()
    _open_channel(row)
    for grant in _outward(row):
        consumers.connect(row.channel, grant, True)
    _log(by, "partner.switched_on", row, {})
    configure()
    return row


@transaction.atomic
def switch_off(by: Actor | None, partner: Partner, reason: str) -> Partner:
    """Stop all exchange with the partner; grants and keys stay. Raises Refused."""
    _may(by, (*SETTERS, *KEYERS))
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    if not row.is_open:
        raise Refused(f"{row.name}没有启用。")
    if not reason.strip():
        raise Refused("请写明停用的原因。", "reason")
    row.state, row.state_reason = Partner.State.SUSPENDED, reason.strip()[:200]
    row.save()
    stop_sending(row, reason)
    _log(by, "partner.switched_off", row, {"原因": reason.strip()})
    configure()
    return row


def _outward(partner: Partner) -> list[Grant]:
    return list(
        Grant.objects.filter(
            kind=granting.KIND, consumer=partner.code, inward=False, state=Grant.State.ACTIVE
        )
    )


def _open_channel(partner: Partner) -> None:
    node.open_channel(partner.channel, partner.code, "partner" if partner.delivery == "jetstream" else "pull")


def stop_sending(partner: Partner, reason: str) -> None:
    """Nothing more is numbered for the partner; what it has not fetched stays where it is."""
    for grant in _outward(partner):
        consumers.disconnect(partner.channel, grant.dataset)
    node.close_channel(partner.channel, reason)


def resume_sending(partner: Partner) -> None:
    """After a pause: subscriptions again, and the present records, since changes in between were not numbered."""
    _open_channel(partner)
    for grant in _outward(partner):
        consumers.connect(partner.channel, grant, True)


def configure() -> None:
    """Tell the message server about partners' accounts, once this transaction holds; elsewhere nothing happens."""
    transaction.on_commit(nats.configure, robust=True)
