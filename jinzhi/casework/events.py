"""The story of a case: sentences in order, each chained to the one before with SM3."""

from datetime import UTC, datetime

from django.db.models import Count, Sum
from django.utils import timezone

from jinzhi.casework import rows
from jinzhi.casework.models import Case, Event
from jinzhi.foundation import history
from jinzhi.foundation.people.models import Account, Post
from jinzhi.foundation.places import scope


def signature(actor: Account | None, post: Post | None, on_behalf: Post | None) -> str:
    """Who acted, as the story names them: 「西湖区局 受理岗 张三（代 李四）」."""
    if actor is None:
        return "系统"
    if post is None:
        return f"申请人 {actor.name}"
    name = f"{post.agency.short_name}{post.title} {actor.name}"
    return f"{name}（代 {on_behalf.account.name}）" if on_behalf else name


def _payload(event: Event) -> dict:
    return {
        "case": str(event.case_id),
        "seq": event.seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "recorded_at": event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": event.kind,
        "sentence": event.sentence,
        "account": event.account_id,
        "post": event.post_id,
        "on_behalf": event.on_behalf_id,
        "data": event.data,
    }


def digest(event: Event) -> str:
    return history.fingerprint({"previous": event.previous, **_payload(event)})


def record(
    case: Case, kind: str, sentence: str, at: datetime, *, actor=None, post=None, on_behalf=None,
    public: bool = True, data: dict | None = None,
) -> Event:  # fmt: skip
    """Append one sentence; the caller holds the case's lock, so `seq` has no rival, and saves the case."""
    event = Event(
        case=case, place=case.place, seq=case.story_length + 1, at=at, recorded_at=timezone.now(), kind=kind,
        sentence=sentence, public=public, account=actor, post=post, on_behalf=on_behalf, data=history.plain(data or {}),
        previous=case.story_hash,
    )  # fmt: skip
    event.hash = digest(event)
    rows.insert(event)
    case.story_length, case.story_hash, case.story_at = event.seq, event.hash, at
    return event


def faults(case: Case) -> list[history.Fault]:
    """What does not fit in the story of one case; empty when it is as it was written."""
    found, previous, number = [], "", 0
    for number, event in enumerate(case.events.order_by("seq"), start=1):
        if event.seq != number:
            found.append(_fault(case, number, "missing", f"第 {number} 条记录缺失"))
            break
        if event.previous != previous or event.hash != digest(event):
            found.append(_fault(case, number, "altered", f"第 {number} 条记录被改动"))
        previous = event.hash
    if not found and (number, previous) != (case.story_length, case.story_hash):
        found.append(
            _fault(case, number + 1, "truncated", f"应有 {case.story_length} 条记录，只有 {number} 条")
        )
    return found


def _fault(case: Case, seq: int, kind: str, message: str) -> history.Fault:
    return history.Fault(case.chain, seq, kind, f"{case.number} {message}")


def verify(chain: str | None = None) -> list[history.Fault]:
    """Faults of every case's story, or of the one named `case:<id>`; part of `jinzhi audit verify`."""
    if chain is not None and not chain.startswith("case:"):
        return []
    cases = Case.objects.filter(pk=chain.removeprefix("case:")) if chain else Case.objects.all()
    with scope.acting(scope.SYSTEM):
        return [f for case in cases.iterator(chunk_size=500) for f in faults(case)]


def size(chain: str | None = None) -> tuple[int, int]:
    """(stories, sentences) that `verify` reads."""
    if chain is not None and not chain.startswith("case:"):
        return 0, 0
    cases = Case.objects.filter(pk=chain.removeprefix("case:")) if chain else Case.objects.all()
    with scope.acting(scope.SYSTEM):
        found = cases.aggregate(stories=Count("pk"), sentences=Sum("story_length"))
    return found["stories"], found["sentences"] or 0
