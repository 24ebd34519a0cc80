"""Which columns of each side hold what: `left:` and `right:` of a map file, guesses from the names of columns."""

from dataclasses import dataclass

import yaml

ROLES = {
    "id": "标识",
    "code": "代码",
    "name": "名称",
    "other_name": "其他名称",
    "address": "地址",
    "phone": "电话",
}
NEEDED = ("id", "name")
SIDES = {"left": "左方", "right": "右方"}
_GUESSES = {
    "id": ("id", "record_id", "rec_id", "编号", "序号", "标识", "主键", "key", "no"),
    "code": ("统一社会信用代码", "信用代码", "社会信用代码", "组织机构代码", "代码", "识别号", "uscc", "code", "注册号", "税号"),
    "name": ("企业名称", "名称", "单位名称", "机构名称", "纳税人名称", "经营者名称", "name", "legal_name", "企业"),
    "other_name": ("曾用名", "其他名称", "别名", "alt_name", "other_name", "dba_name", "aka_name", "dba"),
    "address": ("住所", "地址", "注册地址", "经营场所", "生产地址", "address", "addr"),
    "phone": ("电话", "联系电话", "手机", "联系方式", "phone", "tel", "telephone"),
}  # fmt: skip


class BadMapping(ValueError):
    """The map cannot be used; says which side and which column."""


@dataclass(frozen=True)
class Mapping:
    """Role → columns of the file, whose contents are joined by a blank; roles that are absent are not in it."""

    left: dict[str, list[str]]
    right: dict[str, list[str]]

    def of(self, side: str) -> dict[str, list[str]]:
        return self.left if side == "left" else self.right

    def as_dict(self) -> dict:
        return {side: {r: c[0] if len(c) == 1 else c for r, c in self.of(side).items()} for side in SIDES}


def read(text: str) -> Mapping:
    """A map file. A role names a column or a list of columns."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise BadMapping(f"对应文件不是正确的 YAML：{str(fault)[:200]}") from None
    return build(raw)


def build(raw: object) -> Mapping:
    if not isinstance(raw, dict) or not set(SIDES) <= set(raw):
        raise BadMapping("对应文件应有 left 和 right 两部分，各写明 id、name 等是哪一列。")
    return Mapping(_side(raw["left"], "left"), _side(raw["right"], "right"))


def _side(raw: object, side: str) -> dict[str, list[str]]:
    if not isinstance(raw, dict):
        raise BadMapping(f"对应文件的 {side}（{SIDES[side]}）应是“用途: 列名”的列表。")
    unknown = sorted(str(key) for key in raw if key not in ROLES)
    if unknown:
        raise BadMapping(
            f"{side}（{SIDES[side]}）中不认识 {'、'.join(unknown)}，可以有：{'、'.join(ROLES)}。"
        )
    found = {}
    for role, said in raw.items():
        columns = (
            [str(c) for c in said if c is not None]
            if isinstance(said, list)
            else [str(said)]
            if said is not None
            else []
        )
        if columns:
            found[role] = columns
    lacking = [role for role in NEEDED if role not in found]
    if lacking:
        raise BadMapping(f"{side}（{SIDES[side]}）没有写明 {'、'.join(lacking)} 是哪一列。")
    return found


def guess(columns: list[str]) -> dict[str, str]:
    """Role → column, by the usual names of columns; what cannot be told is left out."""
    found: dict[str, str] = {}
    plain = {column.strip().lower(): column for column in columns}
    for role, words in _GUESSES.items():
        hits = [plain[word] for word in words if word in plain]
        hits += [column for name, column in plain.items() if any(w in name for w in words if len(w) > 2)]
        free = [column for column in hits if column not in found.values()]
        if free:
            found[role] = free[0]
    if "id" not in found and "code" in found:
        found["id"] = found["code"]
    return found
