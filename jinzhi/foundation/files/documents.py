"""Rendering documents from their frozen data: once, under the row's lock, when first asked for."""

from functools import cache
from pathlib import Path

from django.apps import apps
from django.db import transaction

from jinzhi.foundation.files import storing, typst
from jinzhi.foundation.files.models import Blob, GeneratedDocument

FOLDER = "documents"  # of a room: its Typst templates


@cache
def template_path(name: str) -> Path:
    """The template of this file name in some room's documents folder, or one of the common ones."""
    folders = [Path(r.path) / FOLDER for r in apps.get_app_configs() if r.name.startswith("jinzhi.")]
    found = [path for folder in (typst.PAPER, *folders) if (path := folder / name).is_file()]
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
            data = locked.data
            if text := data.get("qr_text"):  # the text is frozen; its picture follows from it
                data = data | {"qr": typst.qr_svg(text)}
            content = typst.render(template_path(locked.template), data, issued_at=locked.issued_at)
            locked.blob = storing.store_bytes(content, "application/pdf")
            locked.save(update_fields=["blob"])
        document.blob = locked.blob
    return locked.blob
