"""The queue of rows that may be one enterprise: what speaks for it, in points of the dated rule.

Whole registers are compared elsewhere; this looks at two rows, and keeps what others suggest.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from rapidfuzz import fuzz
from rapidfuzz.distance import Jaro

from jinzhi.foundation import calendar, history, rules
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Enterprise, Suspicion
from jinzhi.registry.names import normal_form
from jinzhi.registry.services import Refused, code_problems

DIFFERENT, SAME, QUEUE, NEW = "separate", "same", "queue", "new"


def compare(one: dict, other: dict, on: date | None = None) -> dict:
    """{"score", "verdict", "same_name", "evidence"} of two enterprises given as dicts of their fields.

    Fields: uscc org_code registration_number name place address phone legal_representative. Two different valid
    credit codes are never one enterprise, whatever else agrees; the same name is then told (同名).
    """
    on = on or calendar.today()
    names = [normal_form(str(e.get("name") or "")) for e in (one, other)]
    same_name = bool(names[0].plain) and names[0].plain == names[1].plain
    orgs = [e.get("org_code") or (e.get("uscc") or "")[8:17] for e in (one, other)]
    evidence: list[dict] = []

    def point(key: str, title: str, left: object, right: object, note: str = "") -> None:
        points = rules.table("registry.match_points", on).decide(evidence=key)["points"]
        evidence.append(
            {"field": title, "left": str(left), "right": str(right), "points": float(points), "note": note}
        )

    if _same(one, other, "uscc"):
        point("uscc", "统一社会信用代码", one["uscc"], other["uscc"])
    elif orgs[0] and orgs[0] == orgs[1]:
        point("org_code", "组织机构代码", orgs[0], orgs[1], "信用代码第 9 至 17 位")
    if _same(one, other, "registration_number"):
        point("registration_number", "注册号", one["registration_number"], other["registration_number"])
    if same_name:
        point("name", "名称", one["name"], other["name"], "规范后相同")
    elif all(n.plain for n in names):
        similarity = Jaro.similarity(names[0].plain, names[1].plain)
        if similarity >= _share("registry.match.name_similarity", on):
            point("name_similar", "名称", one["name"], other["name"], f"相似度 {similarity:.2f}")
    if _same(one, other, "place"):
        point("place", "地区", one["place"], other["place"])
    likeness = fuzz.ratio(str(one.get("address") or ""), str(other.get("address") or "")) / 100
    if one.get("address") and likeness >= _share("registry.match.address_similarity", on):
        point("address", "住所", one["address"], other["address"], f"相似度 {likeness:.2f}")
    for key, title in (("phone", "电话"), ("legal_representative", "法定代表人")):
        if _same(one, other, key):
            point(key, title, one[key], other[key])
    score = sum(e["points"] for e in evidence)
    valid = [code for e in (one, other) if (code := e.get("uscc")) and not code_problems(code)]
    if len(set(valid)) == 2:
        verdict = DIFFERENT
    elif score >= _share("registry.match.auto", on):
        verdict = SAME
    else:
        verdict = QUEUE if score >= _share("registry.match.queue", on) else NEW
    return {"score": score, "verdict": verdict, "same_name": same_name, "evidence": evidence}


def _same(one: dict, other: dict, key: str) -> bool:
    return bool(one.get(key)) and one.get(key) == other.get(key)


def _share(key: str, on: date) -> float:
    return float(rules.value(key, on).value)


def described(row: Enterprise) -> dict:
    """An enterprise as `compare` takes it."""
    number = row.identifiers.filter(scheme="registration_number").values_list("value", flat=True).first()
    return {
        "uscc": row.uscc, "org_code": row.org_code, "name": row.name, "place": row.place, "address": row.address,
        "legal_representative": row.legal_representative, "registration_number": number or "",
    }  # fmt: skip


@transaction.atomic
def suggest(pairs: Iterable[dict]) -> dict[str, int]:
    """Put pairs ({left_id, right_id, score, stage, evidence}) in the queue; {"new", "known", "skipped"}.

    A pair already there keeps its decision; an open one gets the newer evidence. Pairs with itself, of unknown
    rows or of rows merged by now are skipped.
    """
    wanted = {}
    told = {"new": 0, "known": 0, "skipped": 0}
    for pair in pairs:
        left, right = sorted((UUID(str(pair["left_id"])), UUID(str(pair["right_id"]))))
        if left == right:
            told["skipped"] += 1
        else:
            wanted[left, right] = pair
    with scope.acting(scope.SYSTEM):
        ids = {key for both in wanted for key in both}
        places = dict(Enterprise.objects.filter(pk__in=ids, merged_into=None).values_list("pk", "place"))
        known = {
            tuple(sorted((s.left_id, s.right_id))): s
            for s in Suspicion.objects.select_for_update().filter(left__in=ids, right__in=ids)
        }
        fresh = []
        for (left, right), pair in wanted.items():
            about = {
                "score": float(pair.get("score") or 0),
                "stage": str(pair.get("stage") or "")[:40],
                "evidence": pair.get("evidence") or [],
            }
            if left not in places or right not in places:
                told["skipped"] += 1
            elif (old := known.get((left, right))) is not None:
                told["known"] += 1
                if old.state in (Suspicion.State.OPEN, Suspicion.State.LATER):
                    Suspicion.objects.filter(pk=old.pk).update(**about)
            else:
                fresh.append(
                    Suspicion(
                        left_id=left, right_id=right, place=places[left], other_place=places[right], **about
                    )
                )
        Suspicion.objects.bulk_create(fresh, batch_size=1000, ignore_conflicts=True)
        told["new"] = len(fresh)
    return told


@transaction.atomic
def decide(key: UUID, state: str, *, reason: str, actor: object, post: object = None) -> Suspicion:
    """Not the same, or later; merging is `identity.merge`."""
    found = Suspicion.objects.select_for_update().filter(pk=key).first()
    if found is None:
        raise Refused({"suspicion": "没有这一对，或者不在管辖范围内"})
    if state not in (Suspicion.State.SEPARATE, Suspicion.State.LATER, Suspicion.State.OPEN):
        raise Refused({"state": "没有这种处理"})
    if found.state == Suspicion.State.MERGED:
        raise Refused({"suspicion": "这一对已经合并；需要分开的请撤销合并"})
    if state == Suspicion.State.SEPARATE and not reason.strip():
        raise Refused({"reason": "请写明为什么不是同一家"})
    found.state, found.reason = state, reason.strip()[:300]
    found.decided_by, found.decided_at = str(actor or "")[:60], timezone.now()
    found.save()
    history.append("registry", "suspicion_decided", actor=actor, post=post, subject=f"suspicion:{found.pk}",
                   data={"left": str(found.left_id), "right": str(found.right_id), "state": state, "reason": reason})  # fmt: skip
    return found
