"""What the food production licence adds to the engine: categories, who decides, checks on site, its numbers."""

from datetime import date

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook
from jinzhi.foundation import calendar, codes, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.forms.validation import keys
from jinzhi.foundation.people.pack import deciding_level
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import applying, checklists, evidence, kinds, licence

MOST_NOTE, MOST_PHOTOS, MOST_PEOPLE, MOST_NAME = 1000, 60, 50, 60
LATE = "变更发生于 {changed}，申请应于 {last} 前提出（{basis}），本件为逾期申请。"


def product_lines(act: Act) -> list[dict]:
    """The products as lines of the licence, named as the list of the case's date names them."""
    listed = codes.sets.get("food_category", on=act.case.rule_date).items
    lines = []
    for row in act.case.data.get("products") or []:
        category = listed[row["category"]]
        detail = listed.get(row.get("detail", ""))
        typed = row.get("detail_name", "")  # the list of 2016 holds no details: as typed, e.g. 0101 小麦粉
        lines.append(
            {
                "category_code": category.code,
                "category": category.name,
                "detail_code": detail.code if detail else typed[:4] if typed[:4].isdecimal() else "",
                "detail": detail.name if detail else typed,
                "varieties": row["varieties"],
            }
        )
    return lines


def number(act: Act, ends: date | None) -> str:
    first = product_lines(act)[0]
    on = act.case.decided_on or act.day
    scheme = rules.value("food_production.number_scheme", on=on).value
    detail = first["detail_code"] or f"{first['category_code']}01"
    county = f"{act.case.place // 1_000_000:06d}"
    return licence.next_number(scheme, county, first["category_code"], detail)


def keeps_number(certificate: Certificate, on: date) -> bool:
    """The number goes on through change and renewal, unless its form is one of the past (QS)."""
    return certificate.number.startswith(rules.value("food_production.number_scheme", on=on).value)


kinds.register(
    kinds.LicenceKind(
        licence.KIND,
        number,
        product_lines,
        papers=("licence_original", "licence_copy"),
        keeps_number=keeps_number,
    )
)


def _products(act: Act) -> tuple[list[str], tuple[str, ...]]:
    """Name the products as the list of the day does; answers main categories and detail codes."""
    listed = codes.sets.get("food_category", on=act.case.rule_date).items
    items = []
    rows = act.case.data.get("products") or []
    for row in rows:
        category, detail = listed[row["category"]], listed.get(row.get("detail", ""))
        if detail and detail.parent != category.code:
            raise Refused(
                f"明细 {detail.code} {detail.name} 不属于类别 {category.code} {category.name}", "products"
            )
        name = f"{detail.code} {detail.name}" if detail else row.get("detail_name", "")
        items.append({"text": f"{category.name}（{name}：{row['varieties']}）"})
    act.case.facts["items"] = items
    return [r["category"] for r in rows], tuple(r["detail"] for r in rows if r.get("detail"))


def _who_decides(act: Act, categories: list[str]) -> None:
    act.case.facts["deciding_level"] = deciding_level("food_production", act.case.rule_date, categories)
    try:
        special = rules.value("food_production.special_food", on=act.case.rule_date).value
    except rules.NoRule:
        special = []
    act.case.facts["special"] = bool(set(categories) & set(special))


@hook("food_production_licence.submit")
@hook("food_production_commitment.submit")
def new_application(act: Act) -> None:
    categories, details = _products(act)
    _who_decides(act, categories)
    if act.case.definition.key == "food_production_commitment" and act.case.facts["special"]:
        raise Refused("特殊食品不适用告知承诺，请按食品生产许可首次申请办理", "products")
    applying.check(act, details)
    _not_held_yet(act, details)


def _not_held_yet(act: Act, details: tuple[str, ...]) -> None:
    """One licence for one site (since 2015), one for each product before: more of the same is a change."""
    on = act.case.rule_date
    scheme = rules.value("food_production.number_scheme", on=on).value
    address = act.case.data["premises"].get("address", "")
    with scope.acting(scope.SYSTEM):
        for held in Certificate.objects.filter(holder_id=act.case.enterprise_id, kind=licence.KIND):
            if held.state(on) != "valid" or not held.number.startswith(scheme):
                continue
            same_product = set(details) & set(held.items.values_list("detail_code", flat=True))
            if held.premises == address if scheme == "SC" else same_product:
                raise Refused(
                    f"已持有有效的食品生产许可证 {held.number}，增加类别、变更事项请申请变更；"
                    "生产场所迁址的，重新申请时请填写新的生产地址"
                )


@hook("food_production_change.submit")
def change(act: Act) -> None:
    """What changes decides how it is examined; a moved site is a new application (第三十二条)."""
    act.case.data["products"] = act.case.data.get("products") or []
    categories, _ = _products(act)
    applying.check(act)
    _who_decides(act, categories or _held_categories(act))
    data, on = act.case.data["change"], act.case.rule_date
    table = rules.table("food_production.change_item", on=on)
    scopes = {table.decide(item=item)["scope"] for item in data["items"]}
    if "new" in scopes:
        raise Refused(
            f"生产场所迁址的，应当重新申请食品生产许可（《{table.law}》{table.article}）", "change.items"
        )
    act.case.facts["change"] = {"scope": "check" if "check" in scopes else "desk"}
    _late(act, date.fromisoformat(data["changed_on"]))


def _held_categories(act: Act) -> list[str]:
    with scope.acting(scope.SYSTEM):
        found = Certificate.objects.get(number=act.case.facts["licence"]["number"]).items
        return list(found.values_list("category_code", flat=True))


def _late(act: Act, changed: date) -> None:
    """Applied for after the limit: handled all the same, and the examiner is told."""
    on = act.case.rule_date
    try:
        rule = rules.value("food_production.change_workdays", on=on)
        last = calendar.day_of(calendar.ordinal(changed) + int(rule.value))
    except rules.NoRule:
        rule = rules.value("food_production.change_months", on=on)
        last = add_months(changed, int(rule.value))
    if act.day > last:
        words = LATE.format(changed=changed.isoformat(), last=last.isoformat(), basis=rule.basis)
        act.case.facts.setdefault("warnings", []).append(words)


@hook("food_production_renewal.submit")
def renewal(act: Act) -> None:
    categories, details = _products(act)
    applying.check(act, details)
    _who_decides(act, categories or _held_categories(act))
    changed = act.case.data.get("declaration", {}).get("changed", "yes")
    act.case.facts["renewal"] = {"changed": changed == "yes"}


# -- checks


def _inspectors(act: Act, raw: list) -> list[dict]:
    if not isinstance(raw, list) or len(raw) > MOST_PEOPLE or not all(isinstance(p, dict) for p in raw):
        raise Refused("核查人员应逐人填写", "inspectors")
    people = [
        {k: str(p[k]).strip()[:MOST_NAME] for k in ("name", "certificate", "valid_to") if p.get(k)}
        for p in raw
        if str(p.get("name") or "").strip()
    ]
    people = [{"certificate": ""} | p for p in people]
    on = act.case.rule_date
    least = rules.value("food_production.inspectors_min", on=on)
    if len({p["name"] for p in people}) < least.value:
        raise Refused(
            f"现场核查至少由 {least.value} 名核查人员进行（《{least.law}》{least.article}），请填写全部核查人员姓名",
            "inspectors",
        )
    try:
        most = rules.value("food_production.inspectors_max", on=on).value
    except rules.NoRule:
        most = None
    if most and len(people) > most:
        raise Refused(f"核查组不得多于 {most} 人", "inspectors")
    if any(not p["certificate"] for p in people):
        raise Refused("请填写每名核查人员的证件编号", "inspectors")
    applicant = act.case.data.get("applicant", {})
    for p in people:
        if p["name"] == applicant.get("legal_representative"):
            raise Refused(f"核查人员 {p['name']} 与申请人法定代表人同名，请核对回避情形", "inspectors")
    return people


def _valid_on(people: list[dict], day: str) -> None:
    for p in people:
        if p.get("valid_to") and p["valid_to"] < day:
            raise Refused(
                f"核查人员 {p['name']} 的证件已于 {p['valid_to']} 到期，核查无效，请重新派员", "inspectors"
            )


def _check_date(act: Act, text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError):
        raise Refused("请填写核查日期", "date") from None
    if day > act.day:
        raise Refused(f"核查日期不能晚于今天（{act.day:%Y-%m-%d}）", "date")
    if act.case.accepted_on and day < act.case.accepted_on:
        raise Refused(f"核查日期不能早于受理日期（{act.case.accepted_on:%Y-%m-%d}）", "date")
    return day.isoformat()


def _mapping(raw: object, field: str) -> dict:
    if not isinstance(raw or {}, dict):
        raise Refused("核查记录的格式不对", field)
    return raw or {}  # type: ignore[return-value]


def _notes(checklist: checklists.Checklist, raw: object) -> dict[str, str]:
    """What was written beside the items of this checklist; nothing else is kept."""
    given = _mapping(raw, "notes")
    if unknown := given.keys() - {i.key for i in checklist.items}:
        raise Refused(f"核查表没有“{min(map(str, unknown))[:40]}”这一项", "notes")
    notes = {k: str(v).strip() for k, v in given.items() if v is not None}
    if any(len(v) > MOST_NOTE for v in notes.values()):
        raise Refused(f"每项情况记录不超过 {MOST_NOTE} 字", "notes")
    return {k: v for k, v in notes.items() if v}


def _photos(act: Act, raw: object) -> list[str]:
    """The pictures of this check: files of this case."""
    given = raw or []
    if not isinstance(given, list) or len(given) != len(keys(given)):
        raise Refused("照片须先上传，再写明编号", "photos")
    wanted = list(dict.fromkeys(keys(given)))
    if len(wanted) > MOST_PHOTOS:
        raise Refused(f"照片不超过 {MOST_PHOTOS} 张", "photos")
    evidence.take(act, wanted, "photos")
    return wanted


@hook("food_production.site_check_complete")
def site_check_complete(act: Act) -> None:
    """Two inspectors or more, every item graded, a note where marks were lost, the applicant's word."""
    raw = _mapping(act.payload.get("result"), "result")
    checklist = checklists.for_rule_set(act.case.definition.rule_set)
    people = _inspectors(act, raw.get("inspectors") or [])
    day = _check_date(act, raw.get("date", ""))
    _valid_on(people, day)
    grades, notes = _mapping(raw.get("grades"), "grades"), _notes(checklist, raw.get("notes"))
    allowed = dict(checklist.options)
    open_items = [i.title for i in checklist.items if str(grades.get(i.key)) not in allowed]
    if open_items:
        raise Refused(f"还有 {len(open_items)} 项未评定，首先是“{open_items[0]}”", "grades")
    unexplained = [i.title for i in checklist.items if grades[i.key] != "full" and not notes.get(i.key)]
    if unexplained:
        raise Refused(f"未得满分的项目须记录情况：{unexplained[0]}", "notes")
    if not str(raw.get("signature", "")).strip():
        raise Refused("请填写申请人签字确认情况或者拒签说明", "signature")
    verdict, score, full = checklists.verdict(checklist, grades, act.case.rule_date)
    result = {
        "date": day,
        "address": act.case.data["premises"]["address"],
        "inspectors": people,
        "grades": {i.key: grades[i.key] for i in checklist.items},
        "notes": notes,
        "items": [
            {
                "title": i.title,
                "full": i.full,
                "score": checklists.points(i, grades[i.key]),
                "note": notes.get(i.key, "") or allowed[grades[i.key]],
            }
            for i in checklist.items
        ],
        "photos": _photos(act, raw.get("photos")),
        "signature": str(raw["signature"]).strip()[:200],
        "score": score,
        "full": full,
        "rate": score / full,
        "verdict": verdict,
        "verdict_text": checklists.VERDICTS[verdict],
        "checklist": checklist.key,
    }
    act.payload["result"] = result
    act.case.facts["site_check"] = result
    act.reason = act.reason or f"核查结论：{checklists.VERDICTS[verdict]}，得分 {score:g}/{full}"


@hook("food_production.test_ground")
def test_ground(act: Act) -> None:
    """The written word that the test does not count, and how long it takes (行政许可法第四十五条)."""
    for key in ("food_production.licence_test", "food_production.licence_test_2003"):
        try:
            days = rules.value(key, on=act.case.rule_date).value
        except rules.NoRule:
            continue
        act.case.facts["suspension"] = {"ground": "检验", "reason": "发证检验", "days": str(days)}


@hook("food_production.test_report_complete")
def test_report_complete(act: Act) -> None:
    raw = _mapping(act.payload.get("result"), "result")
    for key, label in (("laboratory", "检验机构"), ("report", "报告编号"), ("standard", "依据标准")):
        if not str(raw.get(key, "")).strip():
            raise Refused(f"请填写{label}", key)
    if raw.get("conclusion") not in ("pass", "fail"):
        raise Refused("请选择检验结论", "conclusion")
    act.case.facts["licence_test"] = {
        k: str(raw[k]).strip()[:MOST_NOTE] for k in ("laboratory", "report", "standard", "conclusion")
    }


@hook("food_production.may_grant")
def may_grant(act: Act) -> None:
    """No grant on a failed site check or a failed licence test, where the procedure asks for them."""
    steps = act.case.definition.steps
    passed = set(act.case.steps.filter(state="done").values_list("key", flat=True))
    checks = {k for k, s in steps.items() if s.page == "licensing/site_check.html"}
    check = act.case.facts.get("site_check")
    needs_check = bool(checks) and (bool(checks & passed) or act.case.definition.kind == "new")
    if needs_check and not check:
        raise Refused("尚无现场核查结论，不能准予许可")
    if check and check["verdict"] == "fail":
        raise Refused("现场核查结论为不符合，依法不能准予许可；请不予许可或者退回重新核查")
    test = act.case.facts.get("licence_test")
    if "licence_test" in steps and (needs_check or test) and (not test or test["conclusion"] != "pass"):
        raise Refused("发证检验未合格，不能准予许可")
