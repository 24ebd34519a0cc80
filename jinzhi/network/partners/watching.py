"""Regular work on partners: whoever does not acknowledge is limited, receipts that are late are said, old lines go."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.exchange import node
from jinzhi.foundation.places import scope
from jinzhi.network import alarms
from jinzhi.network.partners import partnering
from jinzhi.network.partners.models import Call, Nonce, Partner

RESUMED_BELOW = 0.5  # of the limit: then the partner has caught up
NONCES_KEPT = timedelta(hours=1)  # far longer than a request may be late


def watch() -> dict[str, int]:
    """Limit partners whose unacknowledged messages pass what was agreed, resume those that caught up."""
    done = {"limited": 0, "resumed": 0}
    with scope.acting(scope.SYSTEM):
        standing = {one["name"]: one for one in node.channels()}
        for partner in Partner.objects.filter(state__in=("active", "limited")):
            here = standing.get(partner.channel)
            if here is None:
                continue
            behind = here["numbered"] - here["acknowledged"]
            if partner.state == Partner.State.ACTIVE and behind > partner.max_unacknowledged:
                done["limited"] += _limit(partner, behind)
            elif (
                partner.state == Partner.State.LIMITED
                and behind <= partner.max_unacknowledged * RESUMED_BELOW
            ):
                done["resumed"] += _resume(partner)
            _say_late(partner, here)
    return done


@transaction.atomic
def _limit(partner: Partner, behind: int) -> int:
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    if row.state != Partner.State.ACTIVE:
        return 0
    row.state = Partner.State.LIMITED
    row.state_reason = f"有 {behind} 条没有确认，超过约定的 {row.max_unacknowledged} 条，暂停提供"
    row.save()
    partnering.stop_sending(row, row.state_reason)
    alarms.raise_alarm("partner_limited", row.code, f"{row.name}：{row.state_reason}")
    return 1


@transaction.atomic
def _resume(partner: Partner) -> int:
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    if row.state != Partner.State.LIMITED:
        return 0
    row.state, row.state_reason = Partner.State.ACTIVE, ""
    row.save()
    partnering.resume_sending(row)
    alarms.clear_alarm("partner_limited", row.code)
    return 1


def overdue_since(now: datetime | None = None) -> datetime:
    """Batches handed out before this moment should have been acknowledged by now (receipt R3)."""
    now = now or timezone.now()
    limit = int(rules.value("partners.receipt_r3", on=calendar.today()).value)
    table = calendar.current()
    day = timezone.localtime(now).date()
    last = table.day_of(table.ordinal(day) - limit)
    if not table.is_workday(day):  # a rest day counts as the working day before it
        last = table.day_of(table.ordinal(day) - limit + 1)
    return timezone.make_aware(datetime.combine(last, timezone.localtime(now).time()))


def overdue(channel: str) -> int:
    """Batches of a channel that were handed out and not acknowledged in time."""
    with scope.acting(scope.SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM exchange_batch WHERE channel = %s AND acknowledged_at IS NULL AND stored_at < %s",
            [channel, overdue_since()],
        )
        return cursor.fetchone()[0]


def _say_late(partner: Partner, here: dict) -> None:
    late = overdue(here["name"])
    if late:
        alarms.raise_alarm("partner_silent", partner.code, f"{partner.name}有 {late} 个批次超过时限没有回执")
    else:
        alarms.clear_alarm("partner_silent", partner.code)


def clean_up() -> int:
    """Used numbers and old lines of the log."""
    now = timezone.now()
    days = int(rules.value("partners.keep_calls", on=calendar.today()).value)
    with scope.acting(scope.SYSTEM):
        gone = Nonce.objects.filter(at__lt=now - NONCES_KEPT).delete()[0]
        gone += Call.objects.filter(at__lt=now - timedelta(days=days)).delete()[0]
    return gone
