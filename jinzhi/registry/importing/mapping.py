"""Which column is what: written as YAML by an operator, or chosen on the page with guesses made here.

    kind: certificate                 # or enterprise
    source: 某市许可登记                # where the facts come from; a register keeps to its own facts
    scheme: us-chicago-licence        # whose numbers the field `identifier` holds
    newest_by: valid_from             # several rows of one holder: this date decides which describes it
    fields:
      name: 企业名称                    # a column
      address: {columns: [street, city], join: ", "}
      valid_from: {column: start, dates: ["%d/%m/%Y"]}
      status: {column: state, values: {A: valid, X: cancelled}}
      kind: {constant: food_production}
      place: {from: uscc}             # or {column: …} with codes or names, {constant: 330106 | elsewhere}

Column names are compared without case and spaces. A value missing from `values` is refused.
"""

import unicodedata
from dataclasses import dataclass, field

import yaml

ENTERPRISE, CERTIFICATE = "enterprise", "certificate"

# Field -> (Chinese title, column names it is guessed by). Those of both kinds first.
HOLDER_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "name": ("企业名称", ("名称", "企业名称", "单位名称", "持证人", "持证人名称", "生产者", "生产者名称", "name", "holder",
                      "business name", "doing business as", "legal name")),
    "uscc": ("统一社会信用代码", ("统一社会信用代码", "信用代码", "社会信用代码", "uscc")),
    "org_code": ("组织机构代码", ("组织机构代码", "机构代码", "org code")),
    "identifier": ("其他编号", ("注册号", "工商注册号", "编号", "license no", "licence no", "account")),
    "legal_representative": ("法定代表人", ("法定代表人", "法人代表", "负责人", "经营者", "法定代表人负责人")),
    "address": ("住所", ("住所", "地址", "注册地址", "企业地址", "address")),
    "premises": ("生产（经营）地址", ("生产地址", "经营地址", "经营场所", "生产经营地址", "场所")),
    "place": ("地区", ("区划代码", "行政区划", "行政区划代码", "区县", "地区", "所在区县", "county")),
    "industry": ("行业代码", ("行业代码", "国民经济行业", "行业")),
    "founded_on": ("成立日期", ("成立日期", "注册日期", "设立日期")),
    "enterprise_status": ("登记状态", ("登记状态", "经营状态", "企业状态")),
    "enterprise_kind": ("企业类型", ("企业类型", "类型", "主体类型")),
}  # fmt: skip
CERTIFICATE_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "number": ("证书编号", ("证书编号", "许可证编号", "证号", "编号", "license record id", "certificate no")),
    "kind": ("证书种类", ("证书种类", "证书类型", "许可证类型", "许可类别")),
    "status": ("证书状态", ("状态", "证书状态", "许可证状态", "license status")),
    "valid_from": ("有效期起", ("有效期起", "有效期自", "生效日期", "license start")),
    "valid_to": ("有效期至", ("有效期至", "有效期止", "截止日期", "到期日期", "license expiry", "expiration date")),
    "issued_on": ("发证日期", ("发证日期", "签发日期", "发证时间")),
    "agency_name": ("发证机关", ("发证机关", "许可机关", "签发机关")),
    "category_code": ("类别编号", ("类别编号",)),
    "category": ("许可类别", ("食品类别", "类别", "许可范围", "经营项目", "license description")),
    "detail": ("许可明细", ("类别名称", "明细", "许可明细")),
    "varieties": ("品种", ("品种明细", "品种", "business activity")),
}  # fmt: skip
REQUIRED = {ENTERPRISE: ("name", "place"), CERTIFICATE: ("number", "kind", "name", "place")}
_OPTIONS = {"column", "columns", "join", "constant", "values", "dates", "from"}
_TOP = {"kind", "source", "source_on", "scheme", "newest_by", "fields", "title", "note"}


class BadMapping(ValueError):
    """The mapping cannot be used with this table; says which part and why."""


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from."""

    columns: tuple[int, ...] = ()
    join: str = " "
    constant: str = ""
    values: dict[str, str] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    origin: str = ""  # place: "uscc"
    shown: str = ""  # the column name for messages


@dataclass(frozen=True)
class Mapping:
    kind: str
    source: str
    scheme: str
    newest_by: str
    fields: dict[str, Source]
    columns: tuple[str, ...]


def fields_of(kind: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The fields a kind of import knows, in the order they are asked for."""
    return CERTIFICATE_FIELDS | HOLDER_FIELDS if kind == CERTIFICATE else HOLDER_FIELDS


def title(name: str) -> str:
    return (CERTIFICATE_FIELDS | HOLDER_FIELDS)[name][0]


def read_yaml(text: str) -> dict:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        raise BadMapping(f"对应文件不是有效的 YAML{f'，第 {mark.line + 1} 行' if mark else ''}。") from None
    if not isinstance(raw, dict):
        raise BadMapping("对应文件应当写明 kind 和 fields。")
    return raw


def _plain(name: str) -> str:
    name = unicodedata.normalize("NFKC", str(name)).lower()
    return "".join(c for c in name if c.isalnum())


def build(raw: dict, columns: list[str], kind: str = "") -> Mapping:
    """The mapping for a table with these columns; raises BadMapping."""
    kind = kind or str(raw.get("kind", ""))
    if kind not in REQUIRED:
        raise BadMapping("kind 应为 enterprise（企业）或 certificate（证书）。")
    if unknown := set(raw) - _TOP:
        raise BadMapping(f"不认识的项：{'、'.join(sorted(map(str, unknown)))}。")
    known = fields_of(kind)
    given = raw.get("fields") or {}
    if not isinstance(given, dict):
        raise BadMapping("fields 应当写成“字段: 列名”。")
    if unknown := set(given) - set(known):
        raise BadMapping(
            f"没有这样的字段：{'、'.join(sorted(map(str, unknown)))}。可用：{'、'.join(known)}。"
        )
    positions = {_plain(name): index for index, name in enumerate(columns)}
    fields = {
        name: _source(name, said, positions) for name, said in given.items() if said not in (None, "", {})
    }
    if missing := [known[name][0] for name in REQUIRED[kind] if name not in fields]:
        raise BadMapping(f"没有指定：{'、'.join(missing)}。")
    newest_by = str(raw.get("newest_by", ""))
    if newest_by and newest_by not in fields:
        raise BadMapping(f"newest_by 所指的 {newest_by} 没有对应的列。")
    return Mapping(
        kind, str(raw.get("source", ""))[:60], str(raw.get("scheme", "") or "other")[:40],
        newest_by, fields, tuple(columns),
    )  # fmt: skip


def _source(name: str, said: object, positions: dict[str, int]) -> Source:
    if isinstance(said, str):
        said = {"column": said}
    if not isinstance(said, dict) or (unknown := set(said) - _OPTIONS):
        extra = f"，不认识 {'、'.join(map(str, unknown))}" if isinstance(said, dict) else ""
        raise BadMapping(f"{title(name)}（{name}）的写法有误{extra}。")
    if "constant" in said:
        return Source(constant=str(said["constant"]))
    if "from" in said:
        if name != "place" or said["from"] != "uscc":
            raise BadMapping("只有 place 可以写 {from: uscc}。")
        return Source(origin="uscc")
    names = [str(n) for n in said.get("columns") or [said.get("column", "")]]
    lost = [n for n in names if _plain(n) not in positions]
    if lost:
        raise BadMapping(f"{title(name)}（{name}）对应的列“{'、'.join(lost)}”不在文件中。")
    return Source(
        columns=tuple(positions[_plain(n)] for n in names),
        join=str(said.get("join", " ")),
        values={_plain(k): str(v) for k, v in (said.get("values") or {}).items()},
        dates=tuple(map(str, said.get("dates") or ())),
        shown="、".join(names),
    )


def guess(columns: list[str], kind: str) -> dict[str, str]:
    """Field -> column whose name says it is that field; each column is used once."""
    free = {_plain(name): name for name in columns}
    found = {}
    for name, (own, synonyms) in fields_of(kind).items():
        for synonym in (own, *synonyms):
            if column := free.pop(_plain(synonym), None):
                found[name] = column
                break
    return found
