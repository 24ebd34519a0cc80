"""What a file is, by its content; the name only has to agree.

A picture's size is read from its header and a document's directory from its archive: nothing is unpacked
or decoded, so a hostile file costs no more than its bytes.
"""

import re
import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

import puremagic

from jinzhi.foundation.files.refusal import Refused

HEAD = 64 * 1024


@dataclass(frozen=True)
class Kind:
    """An accepted kind of file."""

    media_type: str
    title: str
    extensions: tuple[str, ...]  # the first is given to files without one


PDF = Kind("application/pdf", "PDF", ("pdf",))
JPEG = Kind("image/jpeg", "JPEG 图片", ("jpg", "jpeg", "jpe", "jfif"))
PNG = Kind("image/png", "PNG 图片", ("png",))
WEBP = Kind("image/webp", "WebP 图片", ("webp",))
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = Kind(f"{_OFFICE}wordprocessingml.document", "Word 文档（docx）", ("docx",))
XLSX = Kind(f"{_OFFICE}spreadsheetml.sheet", "Excel 表格（xlsx）", ("xlsx",))
ACCEPTED = (PDF, JPEG, PNG, WEBP, DOCX, XLSX)
WORDS = "PDF、JPEG、PNG、WebP、Word（docx）或 Excel（xlsx）"

# What people choose by mistake or on purpose, with what to do about it.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "Windows 程序"),
    (b"\x7fELF", "程序"),
    (b"\xca\xfe\xba\xbe", "程序"),
    (b"#!", "脚本"),
    (b"GIF8", "GIF 图片，请另存为 JPEG 或 PNG"),
    (b"BM", "BMP 图片，请另存为 JPEG 或 PNG"),
    (b"II*\x00", "TIFF 图片，请另存为 JPEG、PNG 或 PDF"),
    (b"MM\x00*", "TIFF 图片，请另存为 JPEG、PNG 或 PDF"),
    (b"Rar!", "压缩包，请解压后逐个上传"),
    (b"7z\xbc\xaf", "压缩包，请解压后逐个上传"),
    (b"\x1f\x8b", "压缩包，请解压后逐个上传"),
    (b"\xd0\xcf\x11\xe0", "旧版或加密的 Office 文件，请取消密码并另存为 docx、xlsx 或 PDF"),
    (b"{\\rtf", "RTF 文档，请另存为 docx 或 PDF"),
)
_MARKUP = re.compile(rb"^\s*(<\?xml|<!doctype|<html|<svg|<script|<head|<body|<\?php|<%)", re.I)
_HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")


@dataclass(frozen=True)
class Content:
    """What was found: the kind, and for pictures their size in pixels."""

    kind: Kind
    width: int | None = None
    height: int | None = None


def examine(file: BinaryIO, *, max_pixels: int, max_unpacked: int, max_packing: int) -> Content:
    """What the file is; raises Refused when it is nothing acceptable or not whole."""
    file.seek(0)
    head = file.read(HEAD)
    if head.startswith(b"%PDF-"):
        _whole_pdf(file)
        return Content(PDF)
    if head.startswith(b"\xff\xd8\xff"):
        return _picture(JPEG, _jpeg_size(file), max_pixels)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _picture(PNG, _png_size(head), max_pixels)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _picture(WEBP, _webp_size(head), max_pixels)
    if head.startswith(b"PK"):
        return Content(_office(file, max_unpacked, max_packing))
    raise Refused(f"这是{_other(head)}。可以上传 {WORDS}。")


def _other(head: bytes) -> str:
    for magic, title in _OTHERS:
        if head.startswith(magic):
            return title
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "网页、SVG 或脚本文件"
    if any(mark in head[:32] for mark in _HEIC):
        return "HEIC 图片，请在手机相机设置中改为“兼容性最佳”，或另存为 JPEG"
    try:
        name = puremagic.magic_string(head)[0].name
    except (puremagic.PureError, ValueError, IndexError):
        name = ""
    return f"不能接受的文件（{name}）" if name else "不能识别的文件"


def _whole_pdf(file: BinaryIO) -> None:
    file.seek(0)
    content = file.read()
    if b"%%EOF" not in content[-2048:]:
        raise Refused("PDF 不完整，可能没有传完或者保存时中断，请重新导出后上传。")
    if re.search(rb"/Encrypt\s*(\d+\s+\d+\s+R|<<)", content):
        raise Refused("PDF 设置了密码或使用限制，办理人员无法打开，请取消密码后重新上传。")


def _picture(kind: Kind, size: tuple[int, int] | None, max_pixels: int) -> Content:
    if not size or not all(size):
        raise Refused(f"{kind.title}已损坏，读不出画面大小，请重新拍照或导出后上传。")
    width, height = size
    if width * height > max_pixels:
        raise Refused(
            f"图片有 {width}×{height} 像素，超过 {max_pixels // 10_000} 万像素的限制，请缩小后上传。"
        )
    return Content(kind, width, height)


def _png_size(head: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", head[16:24]) if head[12:16] == b"IHDR" and len(head) >= 24 else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    form, data = head[12:16], head[20:]
    if form == b"VP8X" and len(data) >= 10:
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if form == b"VP8L" and len(data) >= 5 and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 " and len(data) >= 10 and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    """Walks the segments to the frame header."""
    file.seek(2)
    for _ in range(1000):
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return None
        while marker[1] == 0xFF:  # fill bytes
            marker = b"\xff" + file.read(1)
            if len(marker) < 2:
                return None
        code = marker[1]
        if code in (0x01, *range(0xD0, 0xD8)):
            continue
        length = file.read(2)
        if len(length) < 2 or code in (0xD9, 0xDA):
            return None
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            frame = file.read(5)
            if len(frame) < 5:
                return None
            height, width = struct.unpack(">HH", frame[1:5])
            return width, height
        file.seek(max(int.from_bytes(length, "big") - 2, 0), 1)
    return None


def _office(file: BinaryIO, max_unpacked: int, max_packing: int) -> Kind:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise Refused("文件已损坏，打不开，请重新保存后上传。") from None
    names = {e.filename for e in entries}
    kind = DOCX if "word/document.xml" in names else XLSX if "xl/workbook.xml" in names else None
    if kind is None or "[Content_Types].xml" not in names:
        raise Refused(f"这是压缩包，请解压后逐个上传。可以上传 {WORDS}。")
    if any(e.flag_bits & 1 for e in entries):
        raise Refused(f"{kind.title}设置了密码，请取消密码后重新上传。")
    if any(name.lower().endswith(("vbaproject.bin", ".exe", ".dll", ".js", ".vbs")) for name in names):
        raise Refused(f"{kind.title}中含有宏或程序，请另存为不含宏的文件或 PDF 后上传。")
    unpacked = sum(e.file_size for e in entries)
    packed = max(sum(e.compress_size for e in entries), 1)
    if unpacked > max_unpacked or (unpacked > 10_000_000 and unpacked / packed > max_packing):
        raise Refused(f"{kind.title}解开后过大（{unpacked // 1_000_000} MB），疑为压缩炸弹，没有接收。")
    return kind
