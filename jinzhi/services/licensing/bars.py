"""Bars on applying again: set when an act calls for one, asked whenever somebody applies."""

from datetime import date

from django.db.models import Q

from jinzhi.casework.actions import Act, Refused
from jinzhi.foundation import rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing.models import Bar

FALSE_MATERIAL = "隐瞒有关情况或者提供虚假材料"  # the phrase by which a refusal says so


def rule_of(licence: str, ground: str, on: date) -> rules.Value | None:
    """The dated parameter that sets the bar: the licence's own, else the Administrative Licensing Law's."""
    for key in (f"{licence}.bar_{ground}", f"licensing.bar_{ground}"):
        try:
            return rules.value(key, on=on)
        except rules.NoRule:
            continue
    return None


def impose(
    *, licence: str, ground: str, on: date, place: int, enterprise_id=None, holder_name: str, holder_code: str = "",
    person_name: str = "", person_id: str = "", details: tuple[str, ...] = (), case_number: str = "", number: str = "",
) -> Bar | None:  # fmt: skip
    """Enter the bar that the law of that day sets for this ground; None where it sets none."""
    rule = rule_of(licence, ground, on)
    if rule is None:
        return None
    with scope.acting(scope.SYSTEM):
        return Bar.objects.create(
            licence=licence, ground=ground, since=on, until=add_months(on, 12 * int(rule.value)), law=rule.basis,
            place=place, enterprise_id=enterprise_id, holder_name=holder_name, holder_code=holder_code,
            person_name=person_name, person_id=person_id, scope=list(details), case_number=case_number, number=number,
        )  # fmt: skip


def impose_on_holder(act: Act, certificate: Certificate, ground: str) -> Bar | None:
    """The bar that follows from ending this licence."""
    details = tuple(certificate.items.values_list("detail_code", flat=True))
    limited = certificate.number.startswith("QS")  # 国务院令第440号第五十五条: the same product only
    return impose(
        licence=certificate.kind, ground=ground, on=act.day, place=certificate.place,
        enterprise_id=certificate.holder_id, holder_name=certificate.holder_name, holder_code=certificate.holder_code,
        person_name=certificate.legal_representative, details=details if limited else (),
        case_number=act.case.number, number=certificate.number,
    )  # fmt: skip


def of_applicant(act: Act) -> Bar | None:
    """The bar that follows from false material in this application (only where public safety is concerned)."""
    case = act.case
    if not case.definition.safety:
        return None
    applicant = case.data.get("applicant", {})
    return impose(
        licence=case.definition.licence, ground=Bar.Ground.FALSE_MATERIAL, on=act.day, place=case.place,
        enterprise_id=case.enterprise_id, holder_name=case.subject_name, holder_code=case.subject_code,
        person_name=applicant.get("legal_representative", ""), case_number=case.number,
    )  # fmt: skip


def check(act: Act, details: tuple[str, ...] = ()) -> None:
    """Refuse an application while its applicant, or the person behind it by identity number, is barred."""
    case, day = act.case, act.day
    applicant = case.data.get("applicant", {})
    person, identity = applicant.get("legal_representative", ""), applicant.get("legal_representative_id", "")
    who = Q(enterprise_id=case.enterprise_id) if case.enterprise_id else Q(holder_code=case.subject_code)
    if identity:
        who |= Q(person_id=identity)
    with scope.acting(scope.SYSTEM):
        held = Bar.objects.filter(licence=case.definition.licence, since__lte=day, until__gte=day)
        for bar in held.filter(who):
            if bar.holds_on(day) and (not bar.scope or not details or set(bar.scope) & set(details)):
                raise Refused(
                    f"{bar.holder_name} 因“{bar.get_ground_display()}”自 {bar.since:%Y-%m-%d} 至 {bar.until:%Y-%m-%d} "
                    f"不得再次申请（{bar.law}）"
                )
        named = [b for b in held.filter(person_name=person) if b.holds_on(day)] if person else []
    for bar in named:  # a name alone proves nothing: the examiner is told
        case.facts.setdefault("warnings", []).append(
            f"法定代表人 {person} 与被限制申请的 {bar.holder_name}（至 {bar.until:%Y-%m-%d}）的责任人员同名，请核对身份。"
        )
