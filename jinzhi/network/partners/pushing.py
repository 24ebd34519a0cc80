"""A batch that came over the signed interface: one transaction from its header to its receipts."""

import json
from typing import Any

from django.db import transaction

from jinzhi.foundation.history import chain
from jinzhi.network.partners import intake
from jinzhi.network.partners.models import Batch, Partner


def push(partner: Partner, sent: dict[str, Any]) -> tuple[Batch, bool]:
    """(the batch with its receipts, whether it had come before). Raises intake.Refused; nothing is then kept of it
    but that it was refused."""
    rows = [
        intake.Row(one["body"], one["op"], one["key"], one["version"], one["place"], one["at"])
        for one in sent["rows"]
    ]
    content = {name: sent[name] for name in ("dataset", "schema", "mode", "rows")}
    digest = chain.sm3(json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace"))
    header = intake.Header(sent["batch"], sent["dataset"], sent["schema"], digest, len(rows), sent["mode"])
    try:
        return _push(partner, header, rows, sent["count"])
    except intake.Refused as fault:
        if fault.code != "E06":
            intake.refuse_batch(partner, "http", header, fault)
        raise


@transaction.atomic
def _push(
    partner: Partner, header: intake.Header, rows: list[intake.Row], count: int | None
) -> tuple[Batch, bool]:
    if "http" not in partner.accepts:
        raise intake.Refused("E09", f"{partner.name}没有约定用签名接口提交")
    one, grant = intake.check(partner, header)
    if count is not None and count != len(rows):
        raise intake.Refused("E01", f"批次声明 {count} 条，收到 {len(rows)} 条")
    for row in rows:
        intake.columns(one, grant, row.body)
    batch, finished = intake.open_batch(partner, "http", header)
    if not finished:
        intake.run(partner, batch, one, rows, mode=header.mode)
    return batch, finished
