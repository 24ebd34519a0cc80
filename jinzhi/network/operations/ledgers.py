"""The ledgers (台账) as the pages know them: which fields are asked, which columns are shown, what is checked.

One set of pages serves all five; a ledger adds no view.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from jinzhi.casework.actions import Actor
from jinzhi.casework.refusals import Refused
from jinzhi.foundation import history
from jinzhi.foundation.people.models import Agency
from jinzhi.network.operations import addressing
from jinzhi.network.operations.models import (
    AddressBlock,
    Asset,
    Deadline,
    Equipment,
    Line,
    SpareMovement,
    SparePart,
)

BASE = ("number", "owned_by", "layer", "maintainer")
PREFIXES = {"equipment": "SB", "lines": "XL", "addresses": "IP", "deadlines": "DQ", "spares": "BJ"}


@dataclass(frozen=True)
class Ledger:
    key: str
    title: str
    unit: str
    model: type[Asset]
    icon: str
    fields: tuple[str, ...]  # asked after those of BASE
    columns: tuple[str, ...]  # shown in the list
    words: tuple[str, ...]  # searched by the search box
    filters: tuple[str, ...]
    check: Callable[[Any], None] | None = None
    hint: str = ""


LEDGERS = {
    one.key: one
    for one in (
        Ledger(
            "equipment", "设备与系统", "台", Equipment, "server",
            ("name", "kind", "model", "serial", "node", "site", "address", "vlan", "supplier", "contract", "bought_on",
             "warranty_until", "configuration", "backup", "importance", "crypto_id", "state", "note"),
            ("number", "name", "kind", "owned_by", "maintainer", "address", "importance", "warranty_until", "state"),
            ("number", "name", "model", "serial", "site"), ("kind", "maintainer", "layer", "importance", "state"),
            addressing.check_address, "填写 IP 地址前，先在“地址规划”中登记所在网段。",
        ),
        Ledger(
            "lines", "线路", "条", Line, "route",
            ("name", "provider", "circuit", "from_site", "to_site", "bandwidth", "sla", "monthly_cents", "contract_until",
             "hotline", "state", "note"),
            ("number", "name", "provider", "owned_by", "maintainer", "bandwidth", "contract_until", "state"),
            ("number", "name", "provider", "circuit"), ("maintainer", "layer", "state"),
        ),
        Ledger(
            "addresses", "地址规划", "段", AddressBlock, "network",
            ("cidr", "purpose", "vlan", "gateway", "note"),
            ("number", "cidr", "purpose", "owned_by", "layer", "vlan", "gateway"),
            ("number", "cidr", "purpose"), ("layer", "maintainer"), addressing.check_block,
            "下级网段应当在上级网段之内，不同机构的网段不能重叠。",
        ),
        Ledger(
            "deadlines", "证书和域名", "项", Deadline, "calendar-due",
            ("name", "kind", "issuer", "valid_until", "contact", "note"),
            ("number", "name", "kind", "owned_by", "valid_until", "contact"),
            ("number", "name", "issuer"), ("kind", "maintainer"),
        ),
        Ledger(
            "spares", "备品备件", "种", SparePart, "box",
            ("name", "model", "site", "least", "note"),
            ("number", "name", "model", "owned_by", "site", "quantity", "least"),
            ("number", "name", "model"), ("maintainer", "layer"), None, "库存数量由出入库登记改变。",
        ),
    )
}  # fmt: skip


def keep(ledger: Ledger, row: Any, agency: Agency, actor: Actor) -> Any:
    """Enter or change a line of a ledger. Raises Refused."""
    new = row._state.adding
    row.owned_by, row.place = agency.key, agency.place
    if ledger.check:
        ledger.check(row)
    try:
        with transaction.atomic():
            row.save()
            history.append(
                "operations", "operations.ledger", actor=actor.account, post=actor.post, subject=row.number,
                data={"ledger": ledger.title, "act": "登记" if new else "修改", "version": row.version}, place=row.place,
            )  # fmt: skip
    except IntegrityError as fault:
        if "cidr" in str(fault) or "block_once" in str(fault):
            raise Refused("网段已经登记", "cidr") from None
        raise Refused(f"编号 {row.number} 已经登记", "number") from None
    return row


def move(part: SparePart, change: int, reason: str, actor: Actor, ticket: str = "") -> SparePart:
    """In (positive) or out of stock. Raises Refused where there is not enough."""
    if not change or abs(change) > 100_000:
        raise Refused("请填写数量，出库填负数", "change")
    if not reason.strip():
        raise Refused("请填写用途", "reason")
    with transaction.atomic():
        held = SparePart.objects.select_for_update().get(pk=part.pk)
        if held.quantity + change < 0:
            raise Refused(f"库存只有 {held.quantity}，不够出库 {-change}", "change")
        held.quantity += change
        held.save(update_fields=["quantity"])
        SpareMovement.objects.create(
            part=held, place=held.place, change=change, reason=reason.strip()[:120], ticket=ticket.strip()[:40],
            account=actor.account,
        )  # fmt: skip
    return held
