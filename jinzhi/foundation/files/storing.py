"""Keeping a file: examined as it arrives, written once under its SHA-256, attached to what it belongs to."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from jinzhi.foundation import rules
from jinzhi.foundation.files import naming, sniffing
from jinzhi.foundation.files.models import Attachment, Blob
from jinzhi.foundation.files.refusal import Refused

CHUNK = 256 * 1024
# The harmless file virus scanners are tried out with; in two parts, so that they leave our source alone.
_TEST_VIRUS = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
ORPHAN_AGE = timedelta(days=2)


def _limit(key: str) -> int:
    return int(rules.value(f"files.{key}", on=timezone.localdate()).value)


def path_of(sha256: str) -> Path:
    """Where a content lies: var/files/ab/cd/abcd…"""
    return Path(settings.MEDIA_ROOT) / sha256[:2] / sha256[2:4] / sha256


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, size // 1024)} KB"


def store(
    upload: UploadedFile,
    *,
    kind: str = "",
    place: int,
    enterprise_id=None,
    subject: str,
    account=None,
) -> Attachment:
    """Examine an upload and attach it to `subject` ("draft:<uuid>", "case:<uuid>" …); raises Refused."""
    name = naming.safe(upload.name or "")
    naming.refuse_secret(name)
    limit = _limit("max_bytes")
    if upload.size is not None and upload.size > limit:
        raise Refused(
            f"文件有 {megabytes(upload.size)}，超过 {megabytes(limit)} 的限制，请压缩或拆分后上传。"
        )
    with _Incoming(upload.chunks(CHUNK), limit) as arrived:
        content = sniffing.examine(
            arrived.file,
            max_pixels=_limit("max_pixels"),
            max_unpacked=_limit("max_unpacked_bytes"),
            max_packing=_limit("max_packing"),
        )
        name = naming.agree(name, content.kind)
        blob = arrived.keep(content.kind.media_type)
    return Attachment.objects.create(
        place=place,
        enterprise_id=enterprise_id,
        subject=subject,
        kind=kind,
        name=name,
        blob=blob,
        width=content.width,
        height=content.height,
        uploaded_by=getattr(account, "pk", None),
        uploaded_by_name=str(account or "")[:60],
    )


def store_bytes(content: bytes, media_type: str) -> Blob:
    """Keep what the system itself made."""
    with _Incoming(ContentFile(content).chunks(CHUNK), len(content)) as arrived:
        return arrived.keep(media_type)


class _Incoming:
    """A temporary file beside the store, hashed while it is written, moved into place by one rename."""

    def __init__(self, chunks: Iterable[bytes], limit: int):
        self.chunks, self.limit = chunks, limit

    def __enter__(self):
        folder = Path(settings.MEDIA_ROOT) / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        self.file = tempfile.NamedTemporaryFile(dir=folder, delete=False)
        try:
            self._receive()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _receive(self) -> None:
        digest, self.size, tail = hashlib.sha256(), 0, b""
        for chunk in self.chunks:
            self.size += len(chunk)
            if self.size > self.limit:
                raise Refused(f"文件超过 {megabytes(self.limit)} 的限制，请压缩或拆分后上传。")
            if _TEST_VIRUS in tail + chunk:
                raise Refused("文件带有病毒特征，没有接收。请用杀毒软件检查您的电脑。")
            tail = chunk[-len(_TEST_VIRUS) :]
            digest.update(chunk)
            self.file.write(chunk)
        if not self.size:
            raise Refused("文件是空的，请核对后重新选择。")
        self.file.flush()
        self.sha256 = digest.hexdigest()

    def keep(self, media_type: str) -> Blob:
        target = path_of(self.sha256)
        if not target.exists():
            os.fsync(self.file.fileno())
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(self.file.name).chmod(0o440)
            Path(self.file.name).rename(target)
        else:
            target.touch()  # in use again: not for the next clean-up
        blob, _ = Blob.objects.get_or_create(
            sha256=self.sha256, defaults={"size": self.size, "media_type": media_type}
        )
        return blob

    def __exit__(self, *_):
        self.file.close()
        Path(self.file.name).unlink(missing_ok=True)


def clean_up(now=None) -> int:
    """Remove contents nothing refers to and files without a row, when older than two days; answers how many.

    A content is written before the row that refers to it, and its transaction may still fail: hence the age.
    """
    before = (now or timezone.now()) - ORPHAN_AGE
    removed = 0
    unused = Blob.objects.filter(created_at__lt=before, attachments=None, documents=None)
    for sha256 in list(unused.values_list("sha256", flat=True)):
        removed += 1
        Blob.objects.filter(sha256=sha256, attachments=None, documents=None).delete()
    for folder, _, names in os.walk(settings.MEDIA_ROOT):
        _sweep(Path(folder), names, before.timestamp())
    return removed


def _sweep(folder: Path, names: list[str], before: float) -> None:
    held = set(Blob.objects.filter(sha256__in=names).values_list("sha256", flat=True))
    for path in (folder / name for name in names if name not in held):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
