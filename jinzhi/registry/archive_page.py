"""An archive as its pages show it: fields with their source and conflicts, the story of changes, sections."""

from dataclasses import dataclass, field
from datetime import date

from jinzhi.foundation import calendar
from jinzhi.foundation.places.services import name_path
from jinzhi.registry import sections
from jinzhi.registry.facts import FIELDS, kind_of
from jinzhi.registry.models import Enterprise
from jinzhi.web.templatetags import jinzhi as dress

_CHOICES = {
    "kind": dict(Enterprise.Kind.choices),
    "status": dict(Enterprise.Status.choices),
    "scale": dict(Enterprise.Scale.choices),
}
KINDS = {
    "registration": "登记部门", "licence": "许可", "certificate": "认证", "inspection": "检查", "sampling": "抽样",
    "self": "企业自报",
}  # fmt: skip


def words(key: str, value: object) -> str:
    """A value of a field as people read it."""
    text = "" if value is None else str(value)
    if not text:
        return ""
    if key in _CHOICES:
        return str(_CHOICES[key].get(text, text))
    if key == "place":
        return name_path(int(text))
    if key == "registered_capital_cents":
        return f"{int(text) / 1_000_000:,.2f} 万元".replace(".00 ", " ")
    return text


@dataclass
class Line:
    """A field of the archive: what holds, who says so, what others say, what it was."""

    key: str
    title: str
    value: str
    source: str = ""
    source_on: str | None = None
    locked_until: str | None = None
    reason: str = ""
    differs: list[dict] = field(default_factory=list)
    former: list[dict] = field(default_factory=list)

    @property
    def wide(self) -> bool:
        return self.key in ("address", "premises_address")

    @property
    def shown(self) -> str:
        """The value dressed for a page: codes in groups, the day as a sentence writes it, the state in a pill."""
        match self.key:
            case "uscc":
                return dress.code(self.value)
            case "org_code":
                return dress.code(self.value, 8)
            case "founded_on":
                return dress.law_date(self.value)
            case "status":
                tone = "green" if self.value == Enterprise.Status.ACTIVE.label else "red"
                return dress.state(self.value, tone)
            case _:
                return self.value


@dataclass(frozen=True)
class Told:
    """One sentence of the story."""

    on: str
    text: str
    by: str
    reason: str = ""
    bad: bool = False


def lines(archive: dict) -> list[Line]:
    """Every registered field that has a value, or about which something is stated."""
    found = {
        key: Line(
            key,
            f.title,
            words(key, archive[key]) if key != "place" else "",
            archive["source"],
            archive["source_on"],
        )
        for key, f in FIELDS.items()
    }
    found["place"].value = archive["place_name"] or ""
    for fact in archive["facts"]:
        line = found.get(fact["field"])
        if line is None:
            continue
        told = fact | {
            "shown": words(fact["field"], fact["value"]),
            "source_kind": _kind_word(fact["source"]),
        }
        if fact["state"] == "differs":
            line.differs.append(told)
        elif fact["state"] == "former":
            if fact["value"] and fact["valid_from"] != fact["valid_to"]:
                line.former.append(told)
        elif fact["state"] in ("chosen", "locked") and fact["value"] == str(archive[fact["field"]] or ""):
            line.source, line.source_on = fact["source"], fact["source_on"]
            line.reason, line.locked_until = fact.get("reason", ""), fact.get("locked_until")
    return [line for line in found.values() if line.value or line.differs or line.former]


def _kind_word(source: str) -> str:
    """The kind of a source where its name does not say it already."""
    word = KINDS.get(kind_of(source), "")
    return "" if word in source else word


def story(archive: dict) -> list[Told]:
    """What became known of the enterprise, the newest first, as sentences."""
    told = []
    for fact in archive["facts"]:
        value, title = words(fact["field"], fact["value"]) or "（空）", fact["title"]
        match fact["state"]:
            case "former" if fact["valid_from"] == fact["valid_to"]:
                text = f"{title}原记“{value}”，已更正" if fact["value"] else f"补充了{title}"
            case "former":
                text = (
                    f"{title}“{value}”"
                    + (f"自 {fact['valid_from']} 起，" if fact["valid_from"] else "")
                    + (f"到 {fact['valid_to']} 不再使用")
                )
            case "locked":
                text = f"{title}人工更正为“{value}”，锁定至 {fact.get('locked_until') or '—'}"
            case "chosen":
                text = f"{title}采用“{value}”"
            case "refused":
                text = f"{title}“{value}”经核定未采用"
            case _:
                text = f"{fact['source'] or '另一来源'}称{title}为“{value}”，与现有内容不一致"
        by = "，".join(filter(None, (fact["source"], fact.get("actor", ""))))
        told.append(Told(fact["received_on"], text, by, fact.get("reason", ""), fact["state"] == "differs"))
    for edge in archive["lineage"]:
        way = "并入、转入" if edge["direction"] == "to" else "来自"
        told.append(Told(edge["on"], f"{edge['kind_name']}：{way}“{edge['name'] or '其他地区的企业'}”", ""))
    return sorted(told, key=lambda t: t.on, reverse=True)


def day_asked(text: str | None) -> tuple[date | None, str]:
    """(the day, why it cannot be): the day an archive is asked for."""
    if not text:
        return None, ""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None, f"“{text[:20]}”不是日期，请写成 2015-10-01 的样子。下面是今天的档案。"
    if day > calendar.today():
        return None, f"{day} 晚于今天，档案只能查到今天。下面是今天的档案。"
    return day, ""


def context(archive: dict, face: str, on: date | None = None) -> dict:
    """What the archive templates need besides the archive itself."""
    shown = sections.shown(archive, face, on)
    have = {s.section.key for s in shown}
    return {
        "e": archive,
        "lines": lines(archive),
        "story": story(archive) if face != sections.PUBLIC else [],
        "sections": shown,
        "nothing_of": [s.title for s in sections.declared() if face in s.faces and s.key not in have],
        "conflicts": sum(1 for f in archive["facts"] if f["state"] == "differs"),
        "on": on,
        "today": calendar.today(),
        "face": face,
    }
