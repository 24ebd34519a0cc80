"""PDF from a Typst template and data; QR codes as SVG.

A template imports `@jinzhi/house:1.0.0` (in `documents/packages`), which holds its data as `d` and the common look, and
may import files of its own folder, no others. Compilers are kept warm for each folder: the first document takes
seconds, the next a tenth.
"""

import io
import json
import threading
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from uuid import UUID

import segno
import typst

FONT_FOLDERS = (Path("/usr/share/fonts/opentype/noto"), Path("/usr/share/fonts/truetype/noto"))
PACKAGES = Path(__file__).parent / "documents" / "packages"  # the library of all templates
NEEDED_FONTS = ("Noto Serif CJK SC", "Noto Sans CJK SC")
_lock = threading.Lock()  # a compiler holds the world of one document at a time


class FontsMissing(RuntimeError):
    """The fonts of official documents are not installed on this machine."""


class TemplateFault(RuntimeError):
    """A template does not compile with these data."""


@cache
def _fonts() -> typst.Fonts:
    folders = [f for f in FONT_FOLDERS if f.is_dir()]
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True, font_paths=folders)


def missing_fonts() -> list[str]:
    """Fonts official documents need and this machine lacks (for `jinzhi doctor`)."""
    here = set(_fonts().families())
    return [name for name in NEEDED_FONTS if name not in here]


def _new_compiler(folder: Path) -> typst.Compiler:
    if missing := missing_fonts():
        raise FontsMissing(
            f"缺少中文字体 {'、'.join(missing)}，不能生成文书。请安装：apt install fonts-noto-cjk"
        )
    return typst.Compiler(
        root=folder,
        font_paths=_fonts(),
        ignore_system_fonts=False,
        package_path=PACKAGES,
        package_cache_path=PACKAGES,  # nothing is ever downloaded into a home folder
    )


_compiler = cache(_new_compiler)


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Path):
        return str(value)
    raise TypeError(f"cannot go into a document: {type(value).__name__}")


def render(template: Path, data: dict, *, issued_at: datetime | None = None, passing: bool = False) -> bytes:
    """The PDF of `template` filled with `data`; the same data and time give the same bytes.

    `passing`: the template's folder was made for this one document, so no compiler is kept for it.
    """
    text = json.dumps(data, ensure_ascii=False, default=_plain)
    timestamp = issued_at.replace(microsecond=0) if issued_at else None
    compiler = _new_compiler(template.parent) if passing else _compiler(template.parent)
    with _lock:
        try:
            made = compiler.compile(
                input=str(template), format="pdf", sys_inputs={"data": text}, timestamp=timestamp
            )
        except typst.TypstError as fault:
            raise TemplateFault(f"{template.name}：{fault.message}\n{fault.diagnostic}") from fault
    assert isinstance(made, bytes)  # a list is for the pages of images, None for output to a file
    return made


def qr_svg(text: str, *, error: str = "m") -> str:
    """`text` as a QR code, black on white, with its quiet zone."""
    image = io.BytesIO()
    code = segno.make(text, error=error, micro=False)
    code.save(image, kind="svg", border=4, xmldecl=False, svgns=True, omitsize=True)  # as large as its box
    return image.getvalue().decode()
