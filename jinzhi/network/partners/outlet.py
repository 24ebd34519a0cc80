"""What a partner fetches: numbered messages behind its position, and its acknowledgement of whole batches."""

from typing import Any

from django.db import connection, transaction

from jinzhi.foundation.exchange import node, replaying, sending
from jinzhi.foundation.places import scope
from jinzhi.network import folder
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import signatures
from jinzhi.network.partners.models import Partner

LARGEST_ANSWER = 8_000_000  # bytes of messages in one answer


class Refused(Exception):
    """What was asked cannot be done; `status` as in HTTP."""

    def __init__(self, message: str, status: int = 422):
        self.message, self.status = message, status
        super().__init__(message)


def standing(partner: Partner) -> dict[str, Any]:
    """Where the partner's channel is: base, numbered, stored (handed out), acknowledged. Raises Refused."""
    try:
        return sending.standing(partner.channel)
    except LookupError:
        raise Refused(f"{partner.name}没有接收通道：还没有生效的授权", 404) from None


def page(
    partner: Partner, after: int | None, limit: int
) -> tuple[int, list[tuple[int, str, str]], dict[str, Any]]:
    """(after, [(sequence, dataset, payload)], standing): what comes next behind `after`, by default what is not acknowledged.

    The same bytes for the same sequence, however often. Raises Refused (410: no longer kept).
    """
    here = standing(partner)
    after = max(here["acknowledged"], here["base"]) if after is None else after
    if not 0 <= after <= here["numbered"]:
        raise Refused(f"序号 {after} 不在范围内：已编号到 {here['numbered']}")
    found: list[tuple[int, str, str]] = []
    size = 0
    prefix = len(sending.subject_prefix(partner.channel)) + 1
    for seq, subject, payload in sending.messages(partner.channel, after, limit, signatures.sign):
        size += len(payload)
        if found and size > LARGEST_ANSWER:
            break
        found.append((seq, subject[prefix:], payload.decode()))
    if found and found[0][0] != after + 1 and after >= here["base"]:
        raise Refused(
            f"序号 {after + 1} 至 {found[0][0] - 1} 的消息已过保存期，请用 /partner/replays 申请重发", 410
        )
    if found:
        sending.stored(partner.channel, found[-1][0])
    return after, found, here


_OPEN = """
SELECT number, first, last, rows, digest FROM exchange_batch
WHERE channel = %s AND acknowledged_at IS NULL AND last <= %s ORDER BY number FOR UPDATE
"""
_WHAT = """
SELECT q.seq, o.dataset, o.record::text, o.version FROM exchange_queue AS q
JOIN exchange_outbox AS o ON o.id = q.outbox_id AND o.made_at = q.made_at
WHERE q.channel = %s AND q.seq = ANY(%s)
"""


@transaction.atomic
def acknowledge(
    partner: Partner, upto: int, refused: list[tuple[int, str, str]], digests: dict[int, str] | None = None
) -> list[int]:
    """Take the partner's word for every whole batch up to `upto`; answers the numbers of the batches it closed.

    `refused`: (sequence, code, reason) of what it could not use. `digests`: its own digests by batch; one that
    differs is refused, nothing is acknowledged. Raises Refused.
    """
    here = standing(partner)
    if upto > here["stored"]:
        raise Refused(f"序号 {upto} 还没有取走（取到 {here['stored']}），不能确认")
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [partner.channel, upto])
        batches = cursor.fetchall()
        cursor.execute(_WHAT, [partner.channel, [seq for seq, _, _ in refused]])
        what = {seq: rest for seq, *rest in cursor.fetchall()}
    if unknown := [seq for seq, _, _ in refused if seq not in what or seq > upto]:
        raise Refused(f"没有这些序号的记录：{'、'.join(map(str, unknown[:10]))}")
    for number, _, _, _, digest in batches:
        if digests and number in digests and digests[number] != digest:
            raise Refused(f"批次 {number} 的摘要不符：本机为 {digest}，请重新取该批", 409)
    for number, first, last, rows, digest in batches:
        mine = [
            [seq, *what[seq], code, reason[:200]] for seq, code, reason in refused if first <= seq <= last
        ]
        body = {
            "batch": number, "last": last, "rows": rows, "digest": digest, "ok": True, "problem": "",
            "applied": rows - len(mine), "refused": mine,
        }  # fmt: skip
        sending.receipt(partner.code, body)
    return [number for number, *_ in batches]


def again(partner: Partner, dataset: str) -> int:
    """Put the present state of a granted dataset into the channel once more; answers how many records."""
    standing(partner)
    grant = Grant.objects.filter(
        kind="partner", consumer=partner.code, dataset=dataset, inward=False, state=Grant.State.ACTIVE
    ).first()
    if grant is None:
        raise Refused(f"没有向{partner.name}提供 {dataset[:60]} 的有效授权", 403)
    return replaying.replay(dataset, place=scope.jurisdiction(grant.area), channel=partner.channel)


def waiting(partner: Partner) -> int:
    """Records that asked for a resend and are not numbered yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM exchange_pending WHERE target = %s", [partner.channel])
        return cursor.fetchone()[0]


def number_if_alone() -> None:
    """Where no relay runs (an installation in no network of nodes), numbering is done when somebody asks."""
    if folder.node() or not node.this().enabled:
        return
    try:
        with sending.relay_lock():
            while sending.number():
                pass
    except sending.AlreadyRelaying:
        return
