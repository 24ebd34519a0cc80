"""The sections the register itself keeps, out of entries that domains and imports contributed."""

from jinzhi.registry.sections import FACES, Row, Section

_BAD = ("不合格", "不符合", "罚", "逾期", "超期", "废止", "注销", "撤销", "吊销", "fail", "out of business")
_GOOD = ("合格", "符合", "通过", "有效", "现行", "pass")


def tone(state: str) -> str:
    """The colour of a result by its word; the word always stands beside it."""
    low = state.lower()
    if any(word in low for word in _BAD):
        return "red"
    return "green" if any(word in low for word in _GOOD) else "grey"


def _value(value: object) -> str:
    if isinstance(value, list):
        return "、".join(map(_value, value))
    return "" if value is None else str(value)


def _row(entry: dict) -> Row:
    facts = [
        (str(label), _value(value)) for label, value in entry["facts"].items() if value not in (None, "")
    ]
    if entry["valid_to"]:
        facts.append(("有效期至", entry["valid_to"]))
    return Row(
        title=entry["title"],
        date=entry["occurred_on"] or entry["valid_from"],
        source=entry["source"],
        agency=entry["agency"],
        facts=facts,
        state=entry["state"],
        tone=tone(entry["state"]),
    )


def _entries(key: str):
    def of(archive: dict, face: str) -> tuple[list[Row], int]:
        found = [e for e in archive["entries"] if e["section"] == key]
        return [_row(e) for e in found], found[0]["of"] if found else 0

    return of


def _section(key: str, title: str, order: int, icon: str, faces: frozenset[str] = FACES) -> Section:
    return Section(key, title, order, icon, faces, of=_entries(key))


SECTIONS = [
    _section("products", "产品", 10, "package"),
    _section("credit", "质量信用", 20, "shield-check"),
    _section("standards", "执行标准", 30, "book"),
    _section("inspections", "监督检查", 40, "clipboard-check"),
    _section("samples", "抽样检验", 50, "test-pipe"),
    _section("instruments", "计量器具", 60, "ruler-measure"),
    _section("equipment", "特种设备", 70, "elevator"),
    _section("complaints", "投诉举报", 80, "message-report"),
    _section("penalties", "行政处罚", 90, "gavel"),
    _section("awards", "奖项", 100, "award"),
    _section("branches", "分支机构", 110, "git-branch"),
]
