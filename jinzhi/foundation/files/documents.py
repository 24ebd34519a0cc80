"""Rendering documents from their frozen data: once, under the row's lock, when first asked for."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db import transaction
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.files import seals, signing, storing, typst
from jinzhi.foundation.files.models import Blob, GeneratedDocument

FOLDER = "documents"  # of a room: its Typst templates
# Kinds that are put together when they are made, and not from frozen words alone: kind -> the unsigned PDF.
makers: dict[str, Callable[[GeneratedDocument], bytes]] = {}


@cache
def template_path(name: str) -> Path:
    """The template of this file name in some room's documents folder; this room's own are for every room."""
    folders = [Path(r.path) / FOLDER for r in apps.get_app_configs() if r.name.startswith("jinzhi.")]
    found = [path for folder in folders if (path := folder / name).is_file()]
    if len(found) != 1 or "/" in name:
        raise LookupError(f"文书模板 {name}：{'找不到' if not found else '有多个同名'}")
    return found[0]


def rendered(document: GeneratedDocument) -> Blob:
    """The document's PDF, made now if it has not been made before; two at once make one."""
    if document.blob is not None:
        return document.blob
    with transaction.atomic():
        locked = GeneratedDocument.objects.select_for_update().get(pk=document.pk)
        if locked.blob is None:
            content = _made(locked)
            locked.blob = storing.store_bytes(content, "application/pdf")
            locked.save(update_fields=["blob"])
        document.blob = locked.blob
    return locked.blob


def _made(document: GeneratedDocument) -> bytes:
    """The signed PDF. Frozen are the words; the picture of a QR and the seal follow from them."""
    frozen = document.data
    agency, agency_key = str(frozen.get("agency", "")), str(frozen.get("agency_key", ""))
    if maker := makers.get(document.kind):
        return signing.sign(maker(document), agency_key=agency_key, agency=agency, title=document.title)
    data = frozen | {"seal": seals.image(agency_key, agency)} if agency else dict(frozen)
    if text := frozen.get("qr_text"):
        data["qr"] = typst.qr_svg(text)
    if document.issued_at:
        data.setdefault(
            "layout", rules.value("files.layout", on=timezone.localdate(document.issued_at)).value
        )
    content = typst.render(template_path(document.template), data, issued_at=document.issued_at)
    return signing.sign(content, agency_key=agency_key, agency=agency, title=document.title)
