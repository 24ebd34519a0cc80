"""A request with an Idempotency-Key acts once: its repetition gets the first answer and does nothing.

The key is kept in the same transaction as the act. A second request with it waits until the first has ended;
what was refused has done nothing and keeps no key, so it may be asked again. A key belongs to the account in one
post; whoever may no longer see the case does not get its first answer either.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
from django.db import OperationalError, transaction

from jinzhi.casework.actions import Refused
from jinzhi.casework.actions.base import RETRIES
from jinzhi.casework.models import Answered
from jinzhi.foundation import history, rules
from jinzhi.foundation.people.models import Account, Post
from jinzhi.foundation.places import scope


def once(
    account: Account,
    post: Post | None,
    key: str,
    request: dict[str, Any],
    act: Callable[[], tuple[int, dict]],
    may_see: Callable[[dict], object],
) -> tuple[int, dict]:
    """(status, answer) of `act`, done now or earlier under the same key. Raises what `act` raises.

    `request` says what is asked; the same key with another request or in another post is refused. Before an
    earlier answer is told again, `may_see` is asked about it; it raises what the caller shall get instead.
    """
    if not key:
        return act()
    fingerprint = history.fingerprint(request | {"post": post.pk if post else None})
    for _ in range(RETRIES - 1):  # two acts that lock each other's cases: the database ends one of the two
        try:
            return _once(account, key, fingerprint, act, may_see)
        except OperationalError as fault:
            if not isinstance(fault.__cause__, psycopg.errors.DeadlockDetected):
                raise
    return _once(account, key, fingerprint, act, may_see)


def _once(
    account: Account,
    key: str,
    fingerprint: str,
    act: Callable[[], tuple[int, dict]],
    may_see: Callable[[dict], object],
) -> tuple[int, dict]:
    with transaction.atomic():
        with scope.acting(scope.SYSTEM):
            mine = Answered(account=account, key=key, fingerprint=fingerprint)
            Answered.objects.bulk_create([mine], ignore_conflicts=True)  # waits for a rival's transaction
            kept = Answered.objects.get(account=account, key=key)
        if kept.fingerprint != fingerprint:
            raise Refused("这个 Idempotency-Key 已用于另一个请求，请换一个", "Idempotency-Key")
        if kept.status:
            may_see(kept.answer)
            return kept.status, kept.answer
        status, answer = act()
        with scope.acting(scope.SYSTEM):
            Answered.objects.filter(pk=kept.pk).update(status=status, answer=answer)
    return status, answer


def clean_up(today: date) -> int:
    """Forget answers older than the rule says; a key may be used again then. How many went."""
    kept = int(rules.value("casework.answers_kept", on=today).value)
    return Answered.objects.filter(at__date__lt=today - timedelta(days=kept)).delete()[0]
