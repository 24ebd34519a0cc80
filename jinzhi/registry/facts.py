"""The registered fields of an enterprise, and whose statement of one counts.

The list of fields stands here alone: pages, imports, comparisons and row security read it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One registered fact: column of registry_enterprise, Chinese title, type, who sees it.

    `key_field`: a conflict about it is a dispute that a person decides; nothing overwrites it.
    """

    key: str
    title: str
    type: str = "text"  # text, code, place, date, money (cents), choice
    public: bool = True
    key_field: bool = False


FIELDS: dict[str, Field] = {
    field.key: field
    for field in (
        Field("name", "名称", key_field=True),
        Field("uscc", "统一社会信用代码", "code", key_field=True),
        Field("org_code", "组织机构代码", "code", key_field=True),
        Field("place", "所在地区", "place", key_field=True),
        Field("kind", "类型", "choice"),
        Field("status", "登记状态", "choice"),
        Field("legal_representative", "法定代表人（负责人、经营者）"),
        Field("address", "住所"),
        Field("premises_address", "经营（生产）场所"),
        Field("industry", "行业代码", "code"),  # GB/T 4754
        Field("economic_type", "经济类型", "code"),  # GB/T 12402
        Field("scale", "规模", "choice"),
        Field("registered_capital_cents", "注册资本", "money"),
        Field("founded_on", "成立日期", "date"),
    )
}
PUBLIC_FIELDS = tuple(key for key, field in FIELDS.items() if field.public)
KEY_FIELDS = tuple(key for key, field in FIELDS.items() if field.key_field)
