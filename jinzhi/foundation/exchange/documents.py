"""Records of datasets without a table: published here, kept with a version, sent like rows of a table."""

from typing import Any

from django.db import connection, transaction

from jinzhi.foundation.exchange import declared, node, sending
from jinzhi.foundation.exchange.models import Document


def document_key(dataset: str, body: dict[str, Any]) -> str:
    """The source number of a document: its key fields."""
    one = declared.get(dataset)
    if not one.key_fields:
        raise ValueError(f"{one.title}没有声明主键信息项")
    if missing := [name for name in one.key_fields if body.get(name) in (None, "")]:
        raise ValueError(f"{one.title}缺少{'、'.join(one.by_key[name].title for name in missing)}")
    return "/".join(str(body[name]) for name in one.key_fields)[:200]


@transaction.atomic
def publish(dataset: str, body: dict[str, Any], *, place: int) -> bool:
    """Put a document into the dataset or its new state over the old; false when nothing changed.

    In the caller's transaction and face. The document belongs to this node.
    """
    one = declared.get(dataset)
    key = document_key(dataset, body)
    record = sending.key_of(dataset, key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(record)])
    held = Document.objects.filter(pk=record).first()
    if held is None:
        Document.objects.create(
            id=record,
            place=place,
            owner_node=node.this().node,
            dataset=dataset,
            key=key,
            schema=one.schema,
            body=body,
        )
        return True
    if held.body == body and held.place == place:
        return False
    held.body, held.place, held.schema = body, place, one.schema
    held.save()
    return True


def withdraw(dataset: str, key: str) -> bool:
    """Take a document out of the dataset; receivers delete it too."""
    count, _ = Document.objects.filter(pk=sending.key_of(dataset, key)).delete()
    return bool(count)


def offer(dataset: str = "") -> dict[str, int]:
    """At the hub: publish what rooms offer of a dataset (of all) and is not published so yet; counts of changes."""
    me = node.this()
    if not (me.enabled and me.hub):
        return {}
    changed = {}
    for key, one in declared.all().items():
        if one.offered and dataset in ("", key):
            changed[key] = sum(publish(key, body, place=int(me.node) * 10**6) for body in one.offered())
    return changed
