"""What the food production licence adds to the engine: guards before acts, effects after them."""

from datetime import date

from jinzhi.casework import clocks
from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.actions.time import LAW
from jinzhi.casework.hooks import hook, previews
from jinzhi.foundation import codes, rules
from jinzhi.foundation.people.pack import deciding_level
from jinzhi.services.licensing import checklists, licence, steps  # noqa: F401  (registers its pages)


@hook("food_production_licence.submit")
def on_submit(act: Act) -> None:
    """Name the products as the list of the day names them, and find who decides."""
    listed = codes.sets.get("food_category", on=act.case.rule_date).items
    items = []
    for row in act.case.data["products"]:
        category, detail = listed[row["category"]], listed[row["detail"]]
        if detail.parent != category.code:
            raise Refused(
                f"明细 {detail.code} {detail.name} 不属于类别 {category.code} {category.name}", "products"
            )
        items.append({"text": f"{category.name}（{detail.code} {detail.name}：{row['varieties']}）"})
    act.case.facts["items"] = items
    categories = [row["category"] for row in act.case.data["products"]]
    act.case.facts["deciding_level"] = deciding_level("food_production", act.case.rule_date, categories)


def _inspectors(act: Act, raw: list) -> list[dict]:
    people = [
        {"name": str(p.get("name", "")).strip(), "certificate": str(p.get("certificate", "")).strip()}
        for p in raw
        if str(p.get("name", "")).strip()
    ]
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


@hook("food_production.site_check_complete")
def site_check_complete(act: Act) -> None:
    """Two inspectors or more, every item graded, a note where marks were lost, the applicant's word."""
    raw = act.payload.get("result") or {}
    checklist = checklists.for_rule_set(act.case.definition.rule_set)
    people = _inspectors(act, raw.get("inspectors") or [])
    day = _check_date(act, raw.get("date", ""))
    grades, notes = raw.get("grades") or {}, raw.get("notes") or {}
    allowed = dict(checklist.options)
    open_items = [i.title for i in checklist.items if grades.get(i.key) not in allowed]
    if open_items:
        raise Refused(f"还有 {len(open_items)} 项未评定，首先是“{open_items[0]}”", "grades")
    unexplained = [
        i.title for i in checklist.items if grades[i.key] != "full" and not notes.get(i.key, "").strip()
    ]
    if unexplained:
        raise Refused(f"未得满分的项目须记录情况：{unexplained[0]}", "notes")
    if not str(raw.get("signature", "")).strip():
        raise Refused("请填写申请人签字确认情况或者拒签说明", "signature")
    verdict, score, full = checklists.verdict(checklist, grades, act.case.rule_date)
    options = allowed
    result = {
        "date": day,
        "address": act.case.data["premises"]["address"],
        "inspectors": people,
        "grades": {i.key: grades[i.key] for i in checklist.items},
        "notes": {k: str(v)[:1000] for k, v in notes.items()},
        "items": [
            {
                "title": i.title,
                "full": i.full,
                "score": checklists.points(i, grades[i.key]),
                "note": notes.get(i.key, "") or options[grades[i.key]],
            }
            for i in checklist.items
        ],
        "photos": [str(p) for p in raw.get("photos") or []],
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


@hook("food_production.may_grant")
def may_grant(act: Act) -> None:
    """No grant on a failed site check or a failed licence test."""
    check = act.case.facts.get("site_check")
    if not check:
        raise Refused("尚无现场核查结论，不能准予许可")
    if check["verdict"] == "fail":
        raise Refused("现场核查结论为不符合，依法不能准予许可；请不予许可或者退回重新核查")
    test = act.case.facts.get("licence_test")
    if act.case.definition.rule_set == "FP-2005" and (not test or test["conclusion"] != "pass"):
        raise Refused("发证检验未合格，不能准予许可")


@hook("food_production.issue_certificate")
def issue_certificate(act: Act) -> None:
    certificate = licence.register(act)
    begins, ends = certificate.valid_from, certificate.valid_to
    assert begins is not None and ends is not None, "a licence has its period"
    licence.faces(act, certificate)
    act.case.facts["certificate"] = {
        "number": certificate.number,
        "valid_from": begins.isoformat(),
        "valid_to": ends.isoformat(),
    }
    act.reason = act.reason or f"证书编号 {certificate.number}，有效期至 {ends:%Y-%m-%d}"


@previews("food_production.issue_certificate")
def certificate_face(case) -> list[tuple[str, str]]:
    """What will stand on the certificate; its number is taken when it is issued."""
    data = case.data
    return [
        ("生产者", case.subject_name),
        ("代码", case.subject_code),
        ("法定代表人", data["applicant"]["legal_representative"]),
        ("生产地址", data["premises"]["address"]),
        ("许可范围", "；".join(i["text"] for i in case.facts.get("items", []))),
        (
            "有效期",
            f"{case.decided_on:%Y-%m-%d} 至 {licence.last_day(case.decided_on, case.decided_on):%Y-%m-%d}",
        ),
        ("证书编号", "发证时取号"),
    ]


@hook("food_production.pause_for_test")
def pause_for_test(act: Act) -> None:
    """检验所需时间不计入审查期限 (国务院令第440号第二十四条)."""
    for clock in act.case.clocks.filter(key="decision", state="running"):
        clocks.pause(clock, act.day, "检验", "《工业产品生产许可证管理条例》第二十四条；" + LAW)


@hook("food_production.test_report_complete")
def test_report_complete(act: Act) -> None:
    raw = act.payload.get("result") or {}
    for key, label in (("laboratory", "检验机构"), ("report", "报告编号"), ("standard", "依据标准")):
        if not str(raw.get(key, "")).strip():
            raise Refused(f"请填写{label}", key)
    if raw.get("conclusion") not in ("pass", "fail"):
        raise Refused("请选择检验结论", "conclusion")
    act.case.facts["licence_test"] = {
        k: str(raw[k]) for k in ("laboratory", "report", "standard", "conclusion")
    }


@hook("food_production.resume_after_test")
def resume_after_test(act: Act) -> None:
    for clock in act.case.clocks.filter(key="decision", state="paused"):
        clocks.resume(clock, act.day)
