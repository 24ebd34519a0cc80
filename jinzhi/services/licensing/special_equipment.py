"""What the special-equipment production licence adds: TS numbers, levels, the appraisal by a technical body, mirrors."""

from datetime import date

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook, run
from jinzhi.casework.models import Case
from jinzhi.foundation import codes, numbering, rules
from jinzhi.foundation.codes.licence_numbers import ACTIVITIES, EQUIPMENT
from jinzhi.foundation.people.pack import deciding_level
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.registry.services import Refused as NotRegistered
from jinzhi.services.licensing import applying, kinds

KIND = "special_equipment"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
PLAIN = 999  # sequence numbers without a letter


def sequence(n: int) -> str:
    """Three characters: 001–999, then A01–A99, B01 …

    >>> sequence(7), sequence(999), sequence(1000), sequence(1099)
    ('007', '999', 'A01', 'B01')
    """
    if n <= PLAIN:
        return f"{n:03d}"
    letter, rest = divmod(n - PLAIN - 1, 99)
    return f"{LETTERS[letter]}{rest + 1:02d}"


def ts_number(activity: str, equipment: str, organ: str, n: int, year: int) -> str:
    return f"TS{activity}{equipment}{organ}{sequence(n)}-{year}"


def number(act: Act, ends: date | None) -> str:
    assert ends is not None, "a TS number names the year in which the licence ends"
    wanted = act.case.data["scope"]
    organ = rules.value("special_equipment.organ", on=ends).value
    head = f"{wanted['activity']}{wanted['equipment']}{organ}"
    most = PLAIN + 99 * len(LETTERS)
    return ts_number(
        wanted["activity"], wanted["equipment"], organ, numbering.take("TS", head, maximum=most), ends.year
    )


def renumbered(certificate: Certificate, ends: date | None) -> str:
    """The renewed licence keeps everything but the year."""
    assert ends is not None, "a TS number names the year in which the licence ends"
    return f"{certificate.number.rpartition('-')[0]}-{ends.year}"


def lines(act: Act) -> list[dict]:
    """One line for each level applied for; a renewal without new ones keeps those of the licence."""
    wanted = act.case.data.get("scope")
    if not wanted:
        with scope.acting(scope.SYSTEM):
            held = Certificate.objects.get(number=act.case.facts["licence"]["number"])
            names = ("category_code", "category", "detail_code", "detail", "varieties")
            return [{n: getattr(i, n) for n in names} for i in held.items.all()]
    code = f"{wanted['activity']}{wanted['equipment']}"
    category = f"{EQUIPMENT[wanted['equipment']]}{ACTIVITIES[wanted['activity']]}"
    return [
        {
            "category_code": code,
            "category": category,
            "detail_code": row["level"],
            "detail": f"{row['level']} 级",
            "varieties": " ".join(filter(None, (row["product"], row.get("parameters", "")))),
        }
        for row in act.case.data["items"]
    ]


kinds.register(kinds.LicenceKind(KIND, number, lines, renumbered=renumbered))


def levels(equipment: str, on: date) -> list[str]:
    """The levels of an equipment on a day, higher ones first; empty where the reference holds none."""
    try:
        return list(rules.value(f"special_equipment.levels_{equipment}", on=on).value)
    except rules.NoRule:
        return []


def covers(equipment: str, held: str, wanted: str, on: date) -> bool:
    """Whether a licence of one level is good for another: a higher letter covers the lower ones.

    Numbers within a letter (A1, A2) are different scopes of pressure vessels and do not cover each other.
    """
    known = levels(equipment, on)
    if held == wanted or held not in known or wanted not in known:
        return held == wanted
    return held[0] < wanted[0] if equipment != "2" else False


@hook("special_equipment_licence.submit")
def new_application(act: Act) -> None:
    wanted, on = act.case.data["scope"], act.case.rule_date
    table = rules.table("special_equipment.organ_of", on=on)
    if table.decide(activity=wanted["activity"], equipment=wanted["equipment"])["organ"] == "national":
        raise Refused(
            f"{EQUIPMENT[wanted['equipment']]}{ACTIVITIES[wanted['activity']]}由国家机关许可（《{table.law}》{table.article}），"
            f"请向{applying.NATIONAL}申请；取得后在本系统登记镜像记录",
            "scope",
        )
    known = levels(wanted["equipment"], on)
    rows = act.case.data["items"]
    if wrong := [r["level"] for r in rows if known and r["level"] not in known]:
        raise Refused(
            f"{EQUIPMENT[wanted['equipment']]}没有 {wrong[0]} 级，{on} 的级别为 {'、'.join(known)}", "items"
        )
    act.case.facts["items"] = [
        {"text": f"{line['category']} {line['detail']}（{line['varieties']}）"} for line in lines(act)
    ]
    act.case.facts["levels"] = min(r["level"] for r in rows)
    act.case.facts["deciding_level"] = deciding_level(KIND, on)
    applying.check(act)
    _not_licensed_yet(act, f"{wanted['activity']}{wanted['equipment']}", rows)


def _not_licensed_yet(act: Act, code: str, rows: list[dict]) -> None:
    """What another organ has licensed is not licensed again (特种设备安全法第六十四条)."""
    on = act.case.rule_date
    with scope.acting(scope.SYSTEM):
        for held in Certificate.objects.filter(holder_id=act.case.enterprise_id, kind=KIND).prefetch_related(
            "items"
        ):
            have = {i.detail_code for i in held.items.all() if i.category_code == code}
            if held.state(on) == "valid" and all(
                any(covers(code[1], h, r["level"], on) for h in have) for r in rows
            ):
                raise Refused(
                    f"已持有有效的许可证 {held.number}，覆盖所申请的级别；"
                    "其他地方许可的，不得重复许可（特种设备安全法第六十四条）"
                )


@hook("special_equipment_renewal.submit")
def renewal(act: Act) -> None:
    applying.check(act)
    act.case.facts["deciding_level"] = deciding_level(KIND, act.case.rule_date)
    licence = act.case.facts["licence"]
    act.case.facts["items"] = [{"text": t} for t in licence["items"]]
    held = codes.check("special_equipment_licence", licence["number"])
    act.case.facts["ts"] = {"activity": licence["number"][2], "equipment": licence["number"][3]}
    if not held.valid:
        raise Refused(f"{licence['number']} 不是特种设备生产许可证编号", "licence.number")
    mode = act.case.data.get("declaration", {}).get("mode", "appraisal")
    if mode == "declaration":
        _may_declare(act, licence["number"])
    act.case.facts["renewal"] = {"mode": mode}


def _may_declare(act: Act, number_: str) -> None:
    """One self-declared renewal, then an appraisal again; and only when nothing speaks against it."""
    base = number_.rpartition("-")[0]
    with scope.acting(scope.SYSTEM):
        earlier = Case.objects.filter(
            procedure__key="special_equipment_renewal", outcome="granted", enterprise_id=act.case.enterprise_id,
            facts__renewal__mode="declaration", facts__licence__number__startswith=base,
        ).order_by("-id").first()  # fmt: skip
        since = Case.objects.filter(
            procedure__key="special_equipment_renewal", outcome="granted", enterprise_id=act.case.enterprise_id,
            facts__renewal__mode="appraisal", facts__licence__number__startswith=base,
        ).order_by("-id").first()  # fmt: skip
    if earlier and (since is None or since.received_on < earlier.received_on):
        raise Refused(
            f"上一次换证已用自我声明承诺（{earlier.number}），本次应当经鉴定评审", "declaration.mode"
        )
    declared = act.case.data["declaration"]
    if any(declared.get(k) != "no" for k in ("accident", "penalty", "changed")):
        raise Refused(
            "发生过质量安全事故、受过处罚或者许可条件有变化的，不能自我声明承诺换证", "declaration.mode"
        )


@hook("special_equipment_change.submit")
def change(act: Act) -> None:
    applying.check(act)
    act.case.facts["deciding_level"] = deciding_level(KIND, act.case.rule_date)
    act.case.facts["items"] = [{"text": t} for t in act.case.facts["licence"]["items"]]


@hook("special_equipment.appraisal_ground")
def ground(act: Act) -> None:
    """The written word that the appraisal does not count against the limit, and how long it may take."""
    act.case.facts["suspension"] = {"ground": "鉴定", "reason": "鉴定评审", "days": ""}


@hook("special_equipment.appraised")
def appraised(act: Act) -> None:
    """Two reviewers at least, none of the applicant's people; a long stay is marked."""
    run("licensing.record", act)
    made, on = act.payload["result"], act.case.rule_date
    team = made["team"]
    least = rules.value("special_equipment.team_min", on=on)
    if len({p["name"] for p in team}) < least.value:
        raise Refused(f"鉴定评审组不得少于 {least.shown}（{least.basis}）", "team")
    representative = act.case.data.get("applicant", {}).get("legal_representative")
    if any(p["name"] == representative for p in team):
        raise Refused("评审人员与申请人法定代表人同名，请核对回避情形", "team")
    begun, ended = (date.fromisoformat(made["conclusion"][k]) for k in ("begun_on", "ended_on"))
    if ended < begun:
        raise Refused("评审结束日期早于开始日期", "conclusion.ended_on")
    if act.case.accepted_on and begun < act.case.accepted_on:
        raise Refused(f"鉴定评审不能早于受理日期（{act.case.accepted_on:%Y-%m-%d}）", "conclusion.begun_on")
    most = rules.value("special_equipment.onsite_days", on=on)
    if (ended - begun).days + 1 > most.value:
        act.case.facts.setdefault("warnings", []).append(f"现场评审超过 {most.shown}（{most.basis}）。")
    if made["conclusion"]["result"] == "rectify" and not made["conclusion"].get("problems"):
        raise Refused("需要整改的，写明工作备忘录中的问题", "conclusion.problems")
    act.case.facts["conclusion"] = made["conclusion"]["result"]


@hook("special_equipment.rechecked")
def rechecked(act: Act) -> None:
    run("licensing.record", act)
    act.case.facts["conclusion"] = act.payload["result"]["conclusion"]["result"]


@hook("special_equipment.appraisal_overdue")
def overdue(act: Act) -> None:
    act.case.facts["conclusion"] = "overdue"


@hook("special_equipment.may_grant")
def may_grant(act: Act) -> None:
    """No licence without a favourable appraisal, except on a self-declared renewal."""
    if act.case.facts.get("renewal", {}).get("mode") == "declaration":
        return
    conclusion = act.case.facts.get("conclusion")
    if conclusion != "pass":
        word = {"fail": "不符合条件", "rectify": "需要整改", "overdue": "逾期未完成"}.get(
            conclusion or "", "尚未作出"
        )
        raise Refused(f"鉴定评审结论{word}，不能准予许可")


def mirror(
    *, number: str, holder: Enterprise, valid_from: date, valid_to: date, agency_name: str, items: list[dict],
    source: str = f"{applying.NATIONAL}特种设备行政许可系统",
) -> Certificate:  # fmt: skip
    """Keep a licence that the national system granted: its number must agree with its last day. Raises Refused."""
    answer = codes.check("special_equipment_licence", number)
    if not answer.valid:
        raise Refused(answer.errors[0].message, "number")
    if answer.parts["expiry_year"] != valid_to.year:
        raise Refused(
            f"编号 {answer.normalized} 写明 {answer.parts['expiry_year']} 年到期，与有效期至 {valid_to} 不符",
            "number",
        )
    try:
        return certificates.issue(
            number=answer.normalized, kind=KIND, holder=holder, items=items, valid_from=valid_from, valid_to=valid_to,
            issued_on=valid_from, agency_name=agency_name, source=source, rule_set="SE-2019",
        )  # fmt: skip
    except NotRegistered as refusal:
        raise Refused("；".join(refusal.problems.values())) from None
