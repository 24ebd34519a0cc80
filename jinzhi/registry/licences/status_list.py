"""The signed list of licences that ended before their last day, and of faces that were replaced.

A phone keeps the newest one it has seen and judges by it without network; how old it is, it must show. A licence
whose term is over is not listed: its own face says so.
"""

import json
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.places import scope
from jinzhi.registry.licences import keys
from jinzhi.registry.licences.models import StatusList
from jinzhi.registry.licences.payload import coded
from jinzhi.registry.models import Certificate, CertificateChange

KEPT = 50  # lists kept for whoever asks what was published when

# The condition is that of the index certificate_listed.
_ENTRIES = """
    SELECT coalesce(json_object_agg(number, json_build_array(status,
               coalesce(to_char(status_since, 'YYYYMMDD')::int, 0)) ORDER BY number)
               FILTER (WHERE status = ANY(%(ended)s)), '{}')::text,
           coalesce(json_object_agg(number, face_version ORDER BY number)
               FILTER (WHERE face_version > 1 AND NOT status = ANY(%(ended)s)), '{}')::text
    FROM registry_certificate
    WHERE (face_version > 1 OR NOT status = 'valid') AND (valid_to IS NULL OR valid_to >= %(today)s)"""


def _minutes(key: str, minutes: int) -> timedelta:
    return timedelta(minutes=minutes * int(rules.value(key, on=timezone.localdate()).value))


def _last_change():
    """The newest decision about any certificate; keys grow with time."""
    return CertificateChange.objects.order_by("-id").values_list("pk", flat=True).first()


def newest() -> StatusList:
    """The list to publish: the last one while it is young and nothing was decided since, else a new one."""
    found = StatusList.objects.order_by("-issued_at").first()
    young = found and timezone.now() - found.issued_at < _minutes("licences.list_renewed", 1)
    with scope.acting(scope.SYSTEM):
        if found and young and found.last_change == _last_change():
            return found
        return issue()


def issue() -> StatusList:
    """Sign the list as it is now; older lists than the last fifty go."""
    now = timezone.now()
    with scope.acting(scope.SYSTEM), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('licences.list'))")
        made_meanwhile = StatusList.objects.filter(issued_at__gte=now).first()
        if made_meanwhile:
            return made_meanwhile
        key, private = keys.signing_key()
        now = timezone.now()
        last_change = _last_change()
        fresh_until = now + _minutes("licences.list_fresh", 60)
        body = _body(key.pk, now, fresh_until)
        made = StatusList.objects.create(
            issued_at=now, fresh_until=fresh_until, key=key, body=body, last_change=last_change,
            signature=coded(keys.sign_with(key, private, body.encode())),
        )  # fmt: skip
        held = StatusList.objects.order_by("-issued_at").values_list("pk", flat=True)[:KEPT]
        StatusList.objects.exclude(pk__in=list(held)).delete()
    return made


def _body(key: str, now, fresh_until) -> str:
    ended = [str(s) for s in (*Certificate.ENDED, Certificate.Status.SUSPENDED)]
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, {"ended": ended, "today": timezone.localdate()})
        listed, faces = cursor.fetchone()
    head = {
        "version": 1,
        "key": key,
        "issued_at": now.isoformat(timespec="seconds"),
        "fresh_until": fresh_until.isoformat(timespec="seconds"),
        "ended": json.loads(listed),
        "faces": json.loads(faces),
    }
    return json.dumps(head, ensure_ascii=False, separators=(",", ":"))


def published() -> dict:
    """What /.well-known/jinzhi-licence-status.json says; `body` is the text that was signed."""
    found = newest()
    return {"key": found.key_id, "body": found.body, "signature": found.signature}
