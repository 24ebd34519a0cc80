"""Which rows are one enterprise: merging two and taking it back, splits and mergers in fact, changes of code.

A merge moves every row that points to the one merged, in whatever room it is (discovered from the models), and
writes down what it moved. The one merged keeps its row, its facts and its status 已并入; its codes lead to the
survivor. Nothing is removed.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from jinzhi.foundation import calendar, codes, history
from jinzhi.foundation.places import scope
from jinzhi.registry import facts
from jinzhi.registry.models import Enterprise, Fact, Identifier, Lineage, MergeLog, Suspicion
from jinzhi.registry.services import Refused, code_problems
from jinzhi.registry.stating import held, parse, text
from jinzhi.registry.suspicions import suggest
from jinzhi.registry.written import normal

__all__ = ["change_code", "combine", "gather", "links", "merge", "objections", "split", "suggest", "unmerge"]

# What tells of one row and stays with it: its own facts (they return by original subject) and its identity.
_STAYS = (Fact, Lineage, MergeLog, Suspicion, Enterprise)
_CODES = ("uscc", "org_code")
_STAYED = " 留在原处"  # of rows their table did not let go


def links() -> list[tuple[type[models.Model], str]]:
    """(model, column) of everything that points to an enterprise, in all installed rooms.

    Foreign keys, and the columns `enterprise_id` of rooms that may not import this one.
    """
    found = [
        (r.related_model, r.field.attname)
        for r in Enterprise._meta.related_objects
        if r.related_model not in _STAYS
    ]
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if (
                field.attname == "enterprise_id"
                and not field.is_relation
                and isinstance(field, models.UUIDField)
            ):
                found.append((model, field.attname))
    return found


def _pair(first: Any, second: Any) -> tuple[Enterprise, Enterprise]:
    """Both rows locked in the order of their keys, so that two people merging one pair wait for each other."""
    if str(first) == str(second):
        raise Refused({"merged": "不能把企业并入它自己"})
    rows = {
        str(row.pk): row
        for row in Enterprise.objects.select_for_update().filter(pk__in=[first, second]).order_by("pk")
    }
    if len(rows) < 2:
        raise Refused({"merged": "两家企业须都在管辖范围内；跨地区的请报共同的上级机关办理"})
    return rows[str(first)], rows[str(second)]


def _valid(scheme: str, code: str) -> bool:
    return bool(code) and not any(p.level == "error" for p in codes.check(scheme, code).problems)


def objections(survivor: Enterprise, merged: Enterprise) -> dict[str, str]:
    """Why the two may not become one."""
    for row in (survivor, merged):
        if row.merged_into_id:
            return {"merged": f"“{row.name}”已经并入另一家企业"}
    for column, scheme, title in (
        ("uscc", "uscc", "统一社会信用代码"),
        ("org_code", "organization_code", "组织机构代码"),
    ):
        one, other = getattr(survivor, column), getattr(merged, column)
        if one == other or not (_valid(scheme, one) and _valid(scheme, other)):
            continue
        if not _code_change(survivor, merged, scheme, one, other):
            return {
                "merged": f"两家企业各有一个有效的{title}（{one} 与 {other}），不能合并；确是换码的，请先登记代码变更"
            }
    return {}


def _code_change(survivor, merged, scheme: str, one: str, other: str) -> bool:
    """Whether one of the two codes is registered as the other's former one."""
    return Identifier.objects.filter(
        Q(enterprise=survivor, value=other) | Q(enterprise=merged, value=one),
        scheme=scheme,
        valid_to__isnull=False,
    ).exists()


@transaction.atomic
def merge(survivor: Any, merged: Any, *, reason: str, actor: object, post: object = None) -> MergeLog:
    """Make two rows one enterprise (the same one entered twice). Raises Refused.

    Seen and locked with the eyes in force; moved with the system's, because links lie in any place.
    """
    if not (reason := reason.strip()):
        raise Refused({"reason": "请写明合并的理由"})
    kept, gone = _pair(getattr(survivor, "pk", survivor), getattr(merged, "pk", merged))
    if problems := objections(kept, gone):
        raise Refused(problems)
    on = calendar.today()
    with scope.acting(scope.SYSTEM):
        chosen, beside = _choose(kept, gone, on, str(actor or ""))
        moved = _move(gone, kept)
        moved["registry.fact"] = beside
        chosen["status"] = {**chosen.get("status", {}), "merged": gone.status}
        gone.status, gone.merged_into = Enterprise.Status.MERGED, kept
        for code in _CODES:
            if chosen.get(code, {}).get("from") == "merged":
                setattr(gone, code, "")
        gone.save()  # gives its codes away first: no two rows hold one
        kept.save()
        Lineage.objects.create(
            from_enterprise=gone, to_enterprise=kept, place=gone.place, other_place=kept.place,
            kind=Lineage.Kind.DUPLICATE, on=on, reason=reason[:300], actor=str(actor or "")[:60],
        )  # fmt: skip
        log = MergeLog.objects.create(
            survivor=kept, merged=gone, place=kept.place, other_place=gone.place, decided_by=str(actor or "")[:60],
            post=str(post or "")[:120], reason=reason[:300], fields=chosen, moved=moved,
        )  # fmt: skip
        _of_pair(kept, gone).update(
            state=Suspicion.State.MERGED, log=log, decided_by=str(actor or "")[:60], decided_at=timezone.now(),
            reason=reason[:300],
        )  # fmt: skip
        _logged("enterprise_merged", log, actor, post, reason)
    return log


def _choose(kept: Enterprise, gone: Enterprise, on: date, actor: str) -> tuple[dict, list]:
    """Fill and compare field by field; the value not chosen stays beside the current one as a fact."""
    chosen: dict[str, dict] = {}
    beside = []
    for field in facts.FIELDS:
        mine, _ = held(kept, field)
        theirs, _ = held(gone, field)
        verdict = facts.decide(field, mine, theirs, on)
        if verdict.outcome == "same":
            continue
        takes = verdict.outcome == "chosen" and not (mine.value and field in facts.KEY_FIELDS)
        if field in _CODES and not takes:
            scheme = {"uscc": "uscc", "org_code": "organization_code"}[field]
            about = {"enterprise": kept, "place": kept.place, "valid_to": on, "source": theirs.source}
            Identifier.objects.get_or_create(scheme=scheme, value=theirs.value, defaults=about)
            continue
        written = {"actor": actor[:60], "reason": f"合并两份档案：{verdict.reason}"[:300]}
        if takes:
            chosen[field] = {"from": "merged", "old": mine.value, "new": theirs.value, "rule": verdict.reason}
            setattr(kept, field, int(theirs.value) if field == "place" else parse(field, theirs.value))
            # what the register showed until now; it says nothing of when it was so
            never = {"valid_from": on, "valid_to": on}
            beside.append(_fact(kept, field, mine, Fact.State.FORMER, **never, **written))
            beside.append(_fact(kept, field, theirs, Fact.State.CHOSEN, **written))
        loser = mine if takes else theirs
        if loser.value:
            beside.append(_fact(kept, field, loser, Fact.State.DIFFERS, **written))
    return chosen, beside


def _fact(row: Enterprise, field: str, stated: facts.Stated, kind: str, **more: Any) -> int:
    fact = Fact.objects.create(
        enterprise=row, place=row.place, field=field, value=stated.value, state=kind, source=stated.source,
        source_on=stated.source_on, rank=stated.rank, **more,
    )  # fmt: skip
    return fact.pk


def _move(gone: Enterprise, kept: Enterprise) -> dict[str, list]:
    """Point every row of `gone` to `kept`; {"app.model.column": keys}. What its table refuses stays and is told."""
    moved: dict[str, list] = {}
    for model, column in links():
        moved |= _point(model, column, gone.pk, kept.pk)
    moved |= _point(Enterprise, "merged_into_id", gone.pk, kept.pk)
    open_pairs = Suspicion.objects.filter(state__in=(Suspicion.State.OPEN, Suspicion.State.LATER))
    for column, other in (("left_id", "right_id"), ("right_id", "left_id")):
        keys = open_pairs.filter(**{column: gone.pk}).exclude(**{other: kept.pk}).values_list("pk", flat=True)
        moved |= _point(Suspicion, column, gone.pk, kept.pk, keys=list(keys))
    return moved


def _point(model: type[models.Model], column: str, old: UUID, new: UUID, *, keys: list | None = None) -> dict:
    rows = model._base_manager.filter(**{column: old})
    if keys is not None:
        rows = rows.filter(pk__in=keys)
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    if not found:
        return {}
    values: dict[str, Any] = {column: new}
    if any(f.name == "version" and isinstance(f, models.PositiveIntegerField) for f in model._meta.fields):
        values["version"] = F("version") + 1
    if any(f.name == "updated_at" for f in model._meta.fields):
        values["updated_at"] = timezone.now()
    label = f"{model._meta.label_lower}.{column}"
    try:
        with transaction.atomic():
            model._base_manager.filter(pk__in=found).update(**values)
        return {label: [str(key) for key in found]}
    except DatabaseError:
        went = [key for key in found if _pointed(model, key, values)]
    stayed = [str(key) for key in found if key not in went]
    return {label: [str(key) for key in went], label + _STAYED: stayed}


def _pointed(model: type[models.Model], key: Any, values: dict) -> bool:
    try:
        with transaction.atomic():
            return bool(model._base_manager.filter(pk=key).update(**values))
    except DatabaseError:
        return False


@transaction.atomic
def gather() -> int:
    """Bring to the survivors what was entered for a merged row while it was being merged; rows moved."""
    count = 0
    with scope.acting(scope.SYSTEM):
        for model, column in links():
            late = model._base_manager.filter(
                **{f"{column}__in": Enterprise.objects.filter(merged_into__isnull=False).values("pk")}
            )
            for gone in set(late.values_list(column, flat=True)):
                log = MergeLog.objects.filter(merged=gone, undone_at=None).select_for_update().first()
                if log is None:
                    continue
                survivor = log.merged.merged_into_id or log.survivor_id
                for label, keys in _point(model, column, gone, survivor).items():
                    log.moved[label] = sorted({*log.moved.get(label, []), *keys})
                    count += 0 if label.endswith(_STAYED) else len(keys)
                log.save()
    return count


@transaction.atomic
def unmerge(log: MergeLog | UUID, *, reason: str, actor: object, post: object = None) -> MergeLog:
    """Take a merge back: rows return to where they came from, values to what they were unless changed since."""
    if not (reason := reason.strip()):
        raise Refused({"reason": "请写明撤销的理由"})
    log = MergeLog.objects.get(pk=getattr(log, "pk", log))
    kept, gone = _pair(log.survivor_id, log.merged_id)
    log = MergeLog.objects.select_for_update().get(pk=log.pk)
    if log.undone_at:
        raise Refused({"log": "这次合并已经撤销"})
    if kept.merged_into_id:
        raise Refused({"log": f"“{kept.name}”后来又并入了另一家企业，请先撤销那一次合并"})
    if later := _later(log):
        raise Refused(
            {"log": f"“{kept.name}”后来又并入了“{later.merged.name}”，改了同样的内容，请先撤销那一次合并"}
        )
    now = timezone.now()
    with scope.acting(scope.SYSTEM):
        for label, keys in log.moved.items():
            if label == "registry.fact":
                Fact.objects.filter(pk__in=keys, removed_at=None).update(removed_at=now)
            elif not label.endswith(_STAYED):
                model, column = label.rsplit(".", 1)
                _back(apps.get_model(model), column, keys, kept.pk, gone.pk)
        _restore(log, kept, gone)
        Lineage.objects.filter(
            from_enterprise=gone, to_enterprise=kept, kind=Lineage.Kind.DUPLICATE, undone_at=None
        ).update(undone_at=now)
        log.undone_at, log.undone_by, log.undone_reason = now, str(actor or "")[:60], reason[:300]
        log.save()
        log.suspicions.update(state=Suspicion.State.OPEN, log=None, decided_by="", decided_at=None, reason="")
        _logged("enterprise_unmerged", log, actor, post, reason)
    return log


def _later(log: MergeLog) -> MergeLog | None:
    """A later merge that stands and replaced what this one brought: its former value is this one's."""
    brought = {field for field, told in log.fields.items() if told.get("from") == "merged"}
    with scope.acting(scope.SYSTEM):
        stand = MergeLog.objects.filter(survivor_id=log.survivor_id, undone_at=None, pk__gt=log.pk)
        for later in stand.select_related("merged").order_by("-pk"):
            if any(told.get("from") == "merged" and field in brought for field, told in later.fields.items()):
                return later
    return None


def _back(model, column: str, keys: list, kept: UUID, gone: UUID) -> None:
    rows = model._base_manager.filter(pk__in=keys, **{column: kept})
    for key in rows.values_list("pk", flat=True):
        _pointed(model, key, {column: gone})


def _restore(log: MergeLog, kept: Enterprise, gone: Enterprise) -> None:
    given = {}
    for field, told in log.fields.items():
        if told.get("from") == "merged" and text(kept, field) == told["new"]:
            old = told["old"]
            setattr(
                kept, field, int(old) if field == "place" else (parse(field, old) if old else _empty(field))
            )
            if field in _CODES:
                given[field] = told["new"]
    kept.save()
    for field, value in given.items():
        setattr(gone, field, value)
    gone.status, gone.merged_into = log.fields["status"]["merged"], None
    gone.save()


def _empty(field: str) -> Any:
    return None if Enterprise._meta.get_field(field).null else ""


def _of_pair(one: Enterprise, other: Enterprise) -> models.QuerySet[Suspicion]:
    return Suspicion.objects.filter(Q(left=one, right=other) | Q(left=other, right=one))


def _logged(kind: str, log: MergeLog, actor: object, post: object, reason: str) -> None:
    history.append(
        "registry",
        kind,
        actor=actor,
        post=post,
        subject=f"enterprise:{log.survivor_id}",
        data={
            "survivor": str(log.survivor_id),
            "merged": str(log.merged_id),
            "log": str(log.pk),
            "reason": reason,
            "rows": {label: len(keys) for label, keys in log.moved.items() if keys},
        },
    )


@transaction.atomic
def split(
    source: Any, into: Iterable[Any], *, on: date, reason: str, actor: object, ends: bool = False
) -> list:
    """分立: others came out of one; `ends`: it was dissolved by it. Archives stay where they are."""
    return _edges([(source, other) for other in into], Lineage.Kind.SPLIT, on, reason, actor, ends)


@transaction.atomic
def combine(sources: Iterable[Any], into: Any, *, on: date, reason: str, actor: object) -> list:
    """合并: several went into a new one and ended. Each keeps its own archive, the edge leads on."""
    return _edges([(source, into) for source in sources], Lineage.Kind.MERGE, on, reason, actor, True)


def _edges(pairs: list, kind: str, on: date, reason: str, actor: object, ends: bool) -> list:
    if not reason.strip() or not pairs:
        raise Refused({"reason": "请写明理由，并指明企业"})
    if on > calendar.today():
        raise Refused({"on": f"{on} 晚于今天"})
    edges = []
    for source, target in pairs:
        old, new = _pair(getattr(source, "pk", source), getattr(target, "pk", target))
        for row in (old, new):
            if row.merged_into_id:
                raise Refused({"enterprise": f"“{row.name}”已并入另一家企业"})
        edges.append(
            Lineage.objects.create(
                from_enterprise=old,
                to_enterprise=new,
                place=old.place,
                other_place=new.place,
                kind=kind,
                on=on,
                reason=reason[:300],
                actor=str(actor or "")[:60],
            )
        )
        if ends and old.status != Enterprise.Status.CANCELLED:
            Fact.objects.create(
                enterprise=old, place=old.place, field="status", value=old.status, state=Fact.State.FORMER,
                valid_from=old.source_on if old.source_on and old.source_on < on else None, valid_to=on,
                source=old.source, source_on=old.source_on, reason=reason[:300], actor=str(actor or "")[:60],
            )  # fmt: skip
            old.status = Enterprise.Status.CANCELLED
            old.save()
        history.append("registry", f"enterprise_{kind}", actor=actor, subject=f"enterprise:{old.pk}",
                       data={"into": str(new.pk), "on": on.isoformat(), "reason": reason})  # fmt: skip
    return edges


@transaction.atomic
def change_code(
    key: Any, uscc: str, *, on: date, reason: str, actor: object, post: object = None
) -> Enterprise:
    """Give an enterprise another credit code from a day on; the former stays findable. Raises Refused."""
    uscc = normal(uscc)
    if not uscc or (problems := code_problems(uscc)):
        raise Refused(problems if uscc else {"uscc": "请填写新的统一社会信用代码"})
    if not reason.strip():
        raise Refused({"reason": "请写明换码的依据"})
    if on > calendar.today():
        raise Refused({"on": f"{on} 晚于今天"})
    row = Enterprise.objects.select_for_update().filter(pk=getattr(key, "pk", key), merged_into=None).first()
    if row is None:
        raise Refused({"enterprise": "没有这家企业，或者不在管辖范围内"})
    if row.uscc == uscc:
        raise Refused({"uscc": "新代码与现在的代码相同"})
    with scope.acting(scope.SYSTEM):
        holder = Enterprise.objects.filter(Q(uscc=uscc) | Q(org_code=uscc[8:17])).exclude(pk=row.pk).first()
    if holder is not None:
        raise Refused({"uscc": f"该代码已登记为“{holder.name}”；两份档案是同一企业的，请合并"})
    new = {"uscc": uscc, "org_code": uscc[8:17]}
    for field, scheme in (("uscc", "uscc"), ("org_code", "organization_code")):
        old = getattr(row, field)
        if old == new[field]:
            continue
        if old:
            Identifier.objects.update_or_create(
                scheme=scheme, value=old, defaults={"enterprise": row, "place": row.place, "valid_to": on}
            )
        Fact.objects.create(
            enterprise=row, place=row.place, field=field, value=old, state=Fact.State.FORMER, valid_to=on,
            source=row.source, source_on=row.source_on, reason=reason[:300], actor=str(actor or "")[:60],
        )  # fmt: skip
        setattr(row, field, new[field])
    row.save()
    history.append("registry", "enterprise_recoded", actor=actor, post=post, subject=f"enterprise:{row.pk}",
                   data={"uscc": uscc, "on": on.isoformat(), "reason": reason})  # fmt: skip
    return row
