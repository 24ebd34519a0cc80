"""A dataset's metadata after GB/T 21063.3 and the national guide of 2017, made from its declaration.

GB/T 21063.3-2007 asks for six items and offers six more; the guide (发改高技〔2017〕1272号) adds items of fields,
sharing and openness. Nothing here is stored: the declaration is the register.
"""

import re
from typing import Any

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import SHARING, TYPES, Dataset, Field

# Six characters for the organ, a slash, a suffix the organ gives (GB/T 21063.5). The third is 0 for an organ of the
# province or a letter without I and O for a city or county; 001 to 999 number the organs.
IDENTIFIER = re.compile(r"\d{2}[0A-HJ-NP-Z](?!000)\d{3}/[0-9A-Za-z._-]+")
# 类 1 digit, 项 2, 目 3, 细目 and 顺序号 of any length (guide of 2017).
CODE_2017 = re.compile(r"([1-3])(\d{2})(\d{3})([0-9A-Za-z]*)(?:/([0-9A-Za-z._-]+))?")
CLASSES = {"1": "基础信息资源", "2": "主题信息资源", "3": "部门信息资源"}
CYCLES = ("实时", "每日", "每周", "每月", "每季度", "每年", "不定期")
FORMAT = "数据库记录（JSON 消息、CSV、XML）"
OPEN_MODE = "公共查询页面与公开接口"


class BadIdentifier(ValueError):
    """Not an identifier after GB/T 21063.5; the message says what is wrong."""


def parse(identifier: str) -> tuple[str, str]:
    """(prefix, suffix) of an identifier. Raises BadIdentifier.

    >>> parse("330001/A0101")
    ('330001', 'A0101')
    """
    if not IDENTIFIER.fullmatch(identifier):
        raise BadIdentifier(
            f"“{identifier[:40]}”不是信息资源标识符，应为 6 位前段码、斜线和后段码，如 330001/A0101"
        )
    prefix, _, suffix = identifier.partition("/")
    return prefix, suffix


def metadata_identifier(dataset: Dataset) -> str:
    """Of the metadata record itself; the suffix marks it as such.

    A later edition of the declaration keeps it, as the resource stays the same.
    """
    prefix, suffix = parse(dataset.identifier)
    return f"{prefix}/M.{suffix}"


def class_word(dataset: Dataset) -> str:
    found = CODE_2017.fullmatch(dataset.classification)
    return CLASSES[found[1]] if found else ""


def share_word(share: str) -> str:
    return SHARING.get(share, share)


def withheld(dataset: Dataset) -> list[Field]:
    """Fields that are not shared with anybody."""
    return [one for one in dataset.fields if one.share == "no" or dataset.share == "no"]


def offered(dataset: Dataset) -> list[Field]:
    """Fields that may be asked for."""
    return [] if dataset.share == "no" else [one for one in dataset.fields if one.share != "no"]


def effective_share(dataset: Dataset, field: Field) -> str:
    """The stricter of the dataset's and the field's sharing."""
    order = ("unconditional", "conditional", "no")
    return max(dataset.share, field.share, key=order.index)


def field(dataset: Dataset, one: Field) -> dict[str, Any]:
    share = effective_share(dataset, one)
    return {
        "key": one.key, "title": one.title, "type": one.type, "type_name": TYPES[one.type],
        "required": one.required, "length": one.length or None, "share": share, "share_name": SHARING[share],
        "open": one.open and share != "no",
    }  # fmt: skip


def core(dataset: Dataset, *, provider: str, updated: str = "", link: str = "") -> dict[str, Any]:
    """The twelve items of GB/T 21063.3, the mandatory ones first; `provider` is the agency's name."""
    return {
        "信息资源名称": dataset.title,
        "信息资源摘要": dataset.summary,
        "信息资源提供方": provider,
        "信息资源分类": f"{class_word(dataset)} {dataset.classification}".strip(),
        "信息资源标识符": dataset.identifier,
        "元数据标识符": metadata_identifier(dataset),
        "信息资源发布日期": dataset.published_on or None,
        "关键字说明": dataset.keywords or None,
        "在线资源链接地址": link or None,
        "服务信息": "、".join(services(dataset)) or None,
        "元数据维护方": provider,
        "元数据更新日期": updated or dataset.published_on or None,
    }


def services(dataset: Dataset) -> list[str]:
    """How the dataset is delivered."""
    ways = []
    if {"cities", "province"} & dataset.audience:
        ways.append("质量专网消息交换")
    if "partners" in dataset.audience:
        ways += ["签名接口", "前置机文件", "前置机数据库"]
    if "public" in dataset.audience:
        ways.append(OPEN_MODE)
    return ways


def guide_2017(dataset: Dataset, *, provider: str) -> dict[str, Any]:
    """The items of the national guide that GB/T 21063.3 does not have."""
    found = CODE_2017.fullmatch(dataset.classification)
    parts = found.groups(default="") if found else ("", "", "", "", "")
    opened = [one.title for one in dataset.fields if field(dataset, one)["open"]]
    return {
        "分类": {"类": parts[0], "项": parts[1], "目": parts[2], "细目": parts[3]},
        "代码": dataset.classification,
        "提供方": provider,
        "提供方代码": dataset.owner,
        "格式": FORMAT,
        "信息项": [{"名称": one.title, "数据类型": TYPES[one.type]} for one in dataset.fields],
        "共享类型": SHARING[dataset.share],
        "共享条件": dataset.legal_basis if dataset.share != "unconditional" else "",
        "共享方式": services(dataset),
        "开放类型": "公开" if opened and "public" in dataset.audience else "不开放",
        "开放信息项": opened if "public" in dataset.audience else [],
        "更新周期": dataset.frequency,
        "发布日期": dataset.published_on or None,
        "关联资源代码": [declared.get(key).identifier for key in sorted(set(dataset.references.values()))],
    }


def find(text: str) -> Dataset:
    """A dataset by its key or its identifier. Raises declared.Undeclared."""
    for one in declared.all().values():
        if text in (one.key, one.identifier):
            return one
    raise declared.Undeclared(f"没有登记的数据集：{text[:80]}")


def faults(datasets: list[Dataset]) -> list[str]:
    """What the register's keeper would send back, in words."""
    found: list[str] = []
    held: dict[str, str] = {}
    for one in datasets:
        say = f"数据集 {one.key}："
        try:
            parse(one.identifier)
        except BadIdentifier as fault:
            found.append(say + str(fault))
        if one.identifier in held:
            found.append(f"{say}标识符 {one.identifier} 已用于 {held[one.identifier]}")
        held[one.identifier] = one.key
        if not CODE_2017.fullmatch(one.classification):
            found.append(f"{say}分类代码 {one.classification} 应为 类1位、项2位、目3位、细目和“/顺序号”")
        if not one.title or not one.summary or not one.owner:
            found.append(say + "名称、摘要、提供方是必填的元数据")
        if one.share not in SHARING or any(f.share not in SHARING for f in one.fields):
            found.append(say + "共享类型应为 unconditional、conditional、no")
        if withheld(one) and not one.legal_basis:
            found.append(say + "不予共享应当写明法律依据")
        if one.frequency not in CYCLES:
            found.append(f"{say}更新周期应为 {'、'.join(CYCLES)}")
        if unknown := {f.type for f in one.fields} - TYPES.keys():
            found.append(f"{say}不认识的数据类型 {'、'.join(sorted(unknown))}")
        if len(one.by_key) != len(one.fields):
            found.append(say + "信息项重复")
    return found
