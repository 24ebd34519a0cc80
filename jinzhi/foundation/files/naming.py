"""File names as people gave them: made safe, agreeing with the content, without marks of secrecy."""

import re
import unicodedata

from jinzhi.foundation.files.refusal import Refused
from jinzhi.foundation.files.sniffing import Kind

LONGEST = 120
# Marks of state secrets (保守国家秘密法); 商业秘密 and 机密性 are ordinary words.
_SECRET = re.compile(r"绝密|机密(?!性)|(?<!商业)(?<!技术)(?<!国家)(?<!保守)秘密(?!保护)|(秘|机|绝)密?[★☆]")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]+')
_DIRECTION = {"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"}  # invisible marks that turn names round


def safe(name: str) -> str:
    """The name without path, control and direction marks, at most LONGEST characters with its extension."""
    name = unicodedata.normalize("NFC", str(name).replace("\\", "/").rsplit("/", 1)[-1])
    name = "".join(c for c in name if unicodedata.category(c) not in _DIRECTION)
    name = re.sub(r"\s+", " ", _FORBIDDEN.sub("_", name)).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[: LONGEST - len(extension) - 1]}.{extension}"
    return name[:LONGEST]


def refuse_secret(name: str) -> None:
    found = _SECRET.search(name)
    if found:
        raise Refused(
            f"文件名中有密级标志“{found.group()}”。本系统不是涉密系统，不得上传、处理国家秘密；"
            "确非涉密的，请改名后上传。"
        )


def agree(name: str, kind: Kind) -> str:
    """The name with an extension that fits `kind`; raises Refused when it says something else."""
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or not extension.isascii() or not extension.isalnum() or len(extension) > 10:
        return f"{name or '未命名'}.{kind.extensions[0]}"
    if extension.lower() not in kind.extensions:
        raise Refused(
            f"文件名以 .{extension} 结尾，内容却是{kind.title}。请核对是否选错文件；没有选错的，"
            f"请把文件名改为以 .{kind.extensions[0]} 结尾后重新上传。"
        )
    return name
