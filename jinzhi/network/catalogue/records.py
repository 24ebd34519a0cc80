"""One record of a dataset as the present eyes see it: found by key, read, corrected. Row security decides."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction

from jinzhi.foundation.exchange import capture, declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.people.acting import Refused
from jinzhi.foundation.places import scope

TITLES = ("name", "title", "number", "product", "key")  # the item that names a record, where it has one


@dataclass(frozen=True)
class Found:
    """A record: its row, its body by item, who owns it and where it came from."""

    dataset: Dataset
    row: Any
    body: dict[str, Any]

    @property
    def title(self) -> str:
        said = next((str(self.body[key]) for key in TITLES if self.body.get(key)), "")
        return (said or getattr(self.row, "key", "") or str(self.row.pk))[:120]

    @property
    def source(self) -> str:
        return getattr(self.row, "source", "") or self.row.owner_node


def _model(one: Dataset) -> type[models.Model]:
    return capture.model_of(one) if one.table else Document


def eyes(one: Dataset) -> AbstractContextManager:
    """Mirror records that are shared without condition lie in other provinces: every official may read them."""
    mirrored = not one.table and one.flow in ("in", "both") and one.share == "unconditional"
    return scope.acting(scope.SYSTEM) if mirrored and scope.current().face == "staff" else nullcontext()


def read(dataset: str, record: Any) -> Found | None:
    """The record with this key, or None where it is not here or not for these eyes."""
    with eyes(declared.get(dataset)):
        return _read(dataset, record)


def _read(dataset: str, record: Any) -> Found | None:
    one = declared.get(dataset)
    try:
        key = UUID(str(record))
    except ValueError:
        return None
    row = _model(one)._default_manager.filter(pk=key).first() if one.table else None
    if row is None and not one.in_table:  # other nodes' rows of such a table are kept as documents
        row = Document.objects.filter(pk=key, dataset=dataset).first()
    return None if row is None else _found(one, row)


def _found(one: Dataset, row: Any) -> Found:
    if isinstance(row, Document):
        return Found(one, row, row.body)
    return Found(one, row, {f.key: getattr(row, f.key) for f in one.fields})


def find(dataset: str, words: str, limit: int = 20) -> list[Found]:
    """Records by their uuid, by a number the dataset is known by, or by the beginning of a document's key."""
    words = words.strip()
    with eyes(declared.get(dataset)):
        return _find(dataset, words, limit) if words else []


def _find(dataset: str, words: str, limit: int) -> list[Found]:
    one = declared.get(dataset)
    if held := read(dataset, words):
        return [held]
    rows = _model(one)._default_manager.all()
    if not one.table:
        rows = rows.filter(dataset=dataset, key__startswith=words)
    else:
        asked = [key for key in (*one.key_fields, "uscc", "org_code", "number", "name") if key in one.by_key]
        asked = [key for key in asked if one.by_key[key].type == "text"]
        if not asked:
            return []
        either = models.Q()
        for key in asked:
            either |= models.Q(**{key: words})
        rows = rows.filter(either)
    return [_found(one, row) for row in rows.order_by("pk")[:limit]]


def written(value: Any) -> str:
    """A value as people read and compare it."""
    return "" if value is None else str(value)


def correct(
    dataset: str, record: Any, field: str, wanted: str, *, reason: str, actor: Any, post: Any
) -> None:
    """Put `wanted` in the place of the record's value; the new version travels to whoever has the record.

    Raises Refused: another node's record, a value that is none of the item's.
    """
    one = declared.get(dataset)
    if dataset == "registry.enterprise":
        _correct_enterprise(record, field, wanted, reason=reason, actor=actor, post=post)
        return
    with transaction.atomic():
        row: Any = _model(one)._default_manager.select_for_update().filter(pk=record).first()
        if row is None:
            raise Refused("没有这条记录，或者不在管辖范围内。")
        try:
            with transaction.atomic():
                _put(one, row, field, wanted)
        except (ValidationError, ValueError, TypeError):
            raise Refused(f"“{wanted[:40]}”不能作为{one.by_key[field].title}。", "wanted") from None
        except DatabaseError as fault:
            if getattr(fault.__cause__, "sqlstate", "") == capture.FOREIGN:
                raise Refused(f"记录归 {row.owner_node}，请转该处更正。") from None
            raise Refused(f"不能更正：{str(fault).splitlines()[0][:80]}。", "wanted") from None


def _put(one: Dataset, row: Any, field: str, wanted: str) -> None:
    if isinstance(row, Document):
        row.body = {**row.body, field: _typed(one.by_key[field].type, wanted)}
    else:
        column = row._meta.get_field(field)
        setattr(row, column.attname, column.clean(wanted or None if column.null else wanted, row))
    row.save()


def _typed(kind: str, text: str) -> Any:
    if text == "":
        return None
    if kind == "integer":
        return int(text)
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()]
    return text


def _correct_enterprise(record: Any, field: str, wanted: str, *, reason: str, actor: Any, post: Any) -> None:
    from jinzhi.registry import stating
    from jinzhi.registry.facts import FIELDS
    from jinzhi.registry.services import Refused as Said

    if field not in FIELDS:
        raise Refused("这一项由登记业务形成，请在企业档案中办理。", "field")
    try:
        stating.correct(record, field, wanted, reason=reason, actor=actor, post=post)
    except Said as fault:
        raise Refused("；".join(fault.problems.values())) from None
