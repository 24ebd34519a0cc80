"""What is kept and what is refused: decided by content, said in words, nothing left behind."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from jinzhi.foundation import files
from jinzhi.foundation.files import naming, sniffing, storing
from jinzhi.foundation.files.models import Attachment, Blob
from jinzhi.foundation.places import scope

from . import samples

pytestmark = pytest.mark.django_db


def keep(name: str, content: bytes, **more) -> Attachment:
    return files.store(SimpleUploadedFile(name, content), place=330106_000000, subject="draft:x", **more)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


def left_behind() -> list[Path]:
    return [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    ("name", "content", "media_type", "size"),
    [
        ("营业执照.pdf", samples.PDF, "application/pdf", None),
        ("照片.JPG", samples.jpeg(4, 3), "image/jpeg", (4, 3)),
        ("照片.jpeg", samples.jpeg(4000, 3000), "image/jpeg", (4000, 3000)),
        ("图.png", samples.png(3, 2), "image/png", (3, 2)),
        ("图.webp", samples.webp(5, 6), "image/webp", (5, 6)),
        ("制度.docx", samples.docx(), sniffing.DOCX.media_type, None),
        ("设备.xlsx", samples.xlsx(), sniffing.XLSX.media_type, None),
    ],
)  # fmt: skip
def test_each_accepted_kind_is_kept_under_its_digest(name, content, media_type, size):
    kept = keep(name, content)
    assert (kept.name, kept.blob.media_type, kept.blob.size) == (name, media_type, len(content))
    assert ((kept.width, kept.height) if kept.width else None) == size
    path = storing.path_of(kept.blob.sha256)
    assert path.read_bytes() == content and left_behind() == [path]
    assert path.parent.parent.name == kept.blob.sha256[:2]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("空.pdf", b"", "空的"),
        ("程序.pdf", b"MZ\x90\x00" + b"\0" * 100, "Windows 程序"),
        ("程序.jpg", b"\x7fELF" + b"\0" * 100, "程序"),
        ("脚本.pdf", b"#!/bin/sh\nrm -rf /\n", "脚本"),
        ("网页.pdf", b"  <!DOCTYPE html><script>alert(1)</script>", "网页"),
        ("网页.png", b"\xef\xbb\xbf<html></html>", "网页"),
        ("图.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "SVG"),
        ("图.svg", b"<?xml version='1.0'?><svg/>", "SVG"),
        ("文字.txt", "你好".encode(), "不能识别"),
        ("动图.gif", b"GIF89a" + b"\0" * 50, "GIF"),
        ("照片.heic", b"\0\0\0\x18ftypheic" + b"\0" * 50, "HEIC"),
        ("旧.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧版或加密"),
        ("包.zip", samples.archive({"a.txt": b"x"}), "压缩包"),
        ("包.rar", b"Rar!\x1a\x07\x00" + b"\0" * 20, "压缩包"),
        ("坏.docx", b"PK\x03\x04" + b"\0" * 50, "损坏"),
        ("宏.docx", samples.docx(**{"word/vbaProject.bin": b"x"}), "宏"),
        ("断.pdf", samples.PDF.replace(b"%%EOF", b""), "不完整"),
        ("密.pdf", samples.ENCRYPTED_PDF, "密码"),
        ("断.jpg", samples.jpeg()[:20], "已损坏"),
        ("零.png", samples.png(0, 0), "已损坏"),
        ("炸弹.png", samples.png(60000, 60000), "像素"),
        ("炸弹.jpg", samples.jpeg(65000, 65000), "像素"),
        ("执照.pdf", samples.jpeg(), "内容却是JPEG"),
        ("照片.jpg", samples.PDF, "内容却是PDF"),
        ("执照.pdf.exe", samples.PDF, "内容却是PDF"),
        ("表.docx", samples.xlsx(), "内容却是Excel"),
        ("病毒.pdf", samples.PDF[:9] + samples.EICAR + samples.PDF[9:], "病毒"),
        ("机密 方案.pdf", samples.PDF, "密级"),
        ("绝密★启用前.pdf", samples.PDF, "密级"),
        ("（秘密）通知.pdf", samples.PDF, "密级"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_so_and_leaves_nothing(name, content, words):
    with pytest.raises(files.Refused) as refused:
        keep(name, content)
    assert words in str(refused.value)
    assert left_behind() == [] and not Blob.objects.exists() and not Attachment.objects.exists()


def test_a_document_that_unpacks_to_very_much_is_refused():
    bomb = samples.docx(**{"word/media/image1.bin": b"\0" * 30_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(files.Refused, match="压缩炸弹"):
        keep("炸弹.docx", bomb)


def test_a_file_over_the_limit_is_refused_with_both_sizes():
    with pytest.raises(files.Refused, match=r"21\.0 MB.*20\.0 MB"):
        keep("大.pdf", samples.PDF + b"\0" * 21 * 1024 * 1024)


def test_a_file_that_says_it_is_small_and_is_not_is_refused():
    upload = SimpleUploadedFile("大.pdf", samples.PDF + b"\0" * 21 * 1024 * 1024)
    upload.size = 10
    with pytest.raises(files.Refused, match="20"):
        files.store(upload, place=330106_000000, subject="draft:x")
    assert left_behind() == []


def test_a_virus_mark_across_two_pieces_is_found():
    content = (
        samples.PDF[:-6] + b"\0" * (storing.CHUNK - len(samples.PDF) - 20) + samples.EICAR + b"\n%%EOF\n"
    )
    with pytest.raises(files.Refused, match="病毒"):
        keep("病毒.pdf", content)


def test_the_same_content_is_kept_once():
    one, two = keep("一.pdf", samples.PDF), keep("二.pdf", samples.PDF)
    assert one.blob_id == two.blob_id and Blob.objects.count() == 1 and len(left_behind()) == 1


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\用户\\文件.pdf", "文件.pdf"),
        ("报\u202etxt.pdf", "报txt.pdf"),
        ('a"b<c>d:e|f?g*h.pdf', "a_b_c_d_e_f_g_h.pdf"),
        ("换\r\n行.pdf", "换行.pdf"),
        ("  .隐藏. ", "隐藏"),
        ("字" * 300 + ".pdf", "字" * (naming.LONGEST - 4) + ".pdf"),
        ("a\x00b.pdf", "ab.pdf"),
    ],
)
def test_names_are_made_safe(given, safe):
    assert naming.safe(given) == safe


@pytest.mark.parametrize(
    "name", ["商业秘密保护制度.pdf", "数据机密性说明.pdf", "技术秘密协议.pdf", "秘书处来函.pdf"]
)
def test_ordinary_words_are_no_marks_of_secrecy(name):
    naming.refuse_secret(name)


def test_a_name_without_extension_gets_the_one_of_its_content():
    assert naming.agree("营业执照", sniffing.PDF) == "营业执照.pdf"
    assert naming.agree("2.5 米", sniffing.PDF) == "2.5 米.pdf"
    assert naming.agree("", sniffing.PDF) == "未命名.pdf"


def test_cleaning_removes_only_what_nothing_has_referred_to_for_two_days():
    used, unused = keep("用.pdf", samples.PDF), keep("弃.png", samples.png())
    gone = unused.blob_id
    unused.delete()
    stray = Path(settings.MEDIA_ROOT) / "incoming" / "tmpstray"
    stray.write_bytes(b"x")
    assert storing.clean_up() == 0 and stray.exists()
    later = timezone.now() + timedelta(days=3)
    assert storing.clean_up(later) == 1
    assert (
        storing.path_of(used.blob_id).exists() and not storing.path_of(gone).exists() and not stray.exists()
    )


def test_a_stored_file_is_not_writable():
    path = storing.path_of(keep("一.pdf", samples.PDF).blob_id)
    assert not path.stat().st_mode & 0o222 or os.geteuid() == 0


@pytest.mark.django_db(transaction=True)
def test_two_uploads_of_one_content_at_once_are_both_kept():
    errors = []

    def upload(n):
        from django.db import connection

        try:
            with scope.acting(scope.SYSTEM):
                keep(f"{n}.pdf", samples.PDF)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=upload, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and Attachment.objects.count() == 6 and Blob.objects.count() == 1
