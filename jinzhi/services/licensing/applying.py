"""What is checked when an application is handed in, for every licence: the licence it is about, bars, repetitions."""

from datetime import date, timedelta

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing import bars

NATIONAL = "市场监管总局"  # source of mirror records: licences of the national system

MUST_BE = {  # state a licence must be in for what is applied for
    "change": ("valid",),
    "renewal": ("valid", "suspended"),
    "reissue": ("valid", "suspended"),
    "cancellation": ("valid", "suspended", "expired", "withdrawn", "revoked", "punished"),
    "revocation": ("valid", "suspended", "expired"),
}


def check(act: Act, details: tuple[str, ...] = ()) -> None:
    """The common checks, in the order in which a clerk would make them."""
    definition = act.case.definition
    if definition.kind in ("new", "renewal") and definition.licence:
        bars.check(act, details)
    repeated(act)
    named = act.case.data.get("licence") or {}
    if named.get("number"):
        about(act, str(named["number"]).strip())


def repeated(act: Act) -> None:
    """The same application a second time, while the first is still open."""
    case = act.case
    if case.enterprise_id is None:
        return
    same = Case.objects.filter(
        enterprise_id=case.enterprise_id, procedure=case.procedure, state="open", data=case.data
    )
    if first := same.exclude(pk=case.pk).first():
        raise Refused(f"同一申请已经提交，正在办理（{first.number}），不必重复提交")


def about(act: Act, number: str) -> Certificate:
    """Find the licence, see that it may be asked for, and keep what it says among the facts of the case."""
    case, definition = act.case, act.case.definition
    with scope.acting(scope.SYSTEM):
        certificate = Certificate.objects.filter(number=number).first()
        if certificate is None or (definition.licence and certificate.kind != definition.licence):
            raise Refused(f"登记簿中没有编号为 {number[:40]} 的这种许可证", "licence.number")
        items = [
            str(i.detail or i.category) + (f"（{i.varieties}）" if i.varieties else "")
            for i in certificate.items.all()
        ]
    if case.enterprise_id != certificate.holder_id:
        if not definition.ex_officio:
            raise Refused(
                f"许可证 {number} 不是本企业持有的；许可证不得转让，因合并、分立承继的应当申请变更或者重新申请",
                "licence.number",
            )
        case.enterprise_id = certificate.holder_id
    if certificate.source.startswith(NATIONAL):
        raise Refused(
            f"许可证 {number} 由{certificate.source}颁发，本系统只保存镜像记录，请向发证机关办理",
            "licence.number",
        )
    state = certificate.state(act.day)
    allowed = MUST_BE.get(definition.kind, ())
    if allowed and state not in allowed:
        word = dict(Certificate.Status.choices).get(state, "尚未生效")
        raise Refused(
            f"许可证 {number} 在 {act.day:%Y-%m-%d} 是“{word}”，不能申请{definition.matter}", "licence.number"
        )
    _one_at_a_time(act, number)
    if definition.kind == "renewal" and act.action == "submit":
        _in_time(act, certificate)
    case.facts["licence"] = {
        "number": number, "kind": certificate.kind, "holder_name": certificate.holder_name,
        "holder_code": certificate.holder_code, "agency_name": certificate.agency_name, "rule_set": certificate.rule_set,
        "valid_from": certificate.valid_from and certificate.valid_from.isoformat(),
        "valid_to": certificate.valid_to and certificate.valid_to.isoformat(), "items": items,
    }  # fmt: skip
    return certificate


def _one_at_a_time(act: Act, number: str) -> None:
    """One open case of this procedure for each licence; a change may run beside a renewal."""
    same = Case.objects.filter(
        enterprise_id=act.case.enterprise_id, procedure__key=act.case.definition.key, state="open",
        facts__licence__number=number,
    )  # fmt: skip
    if first := same.exclude(pk=act.case.pk).first():
        raise Refused(
            f"许可证 {number} 的{act.case.definition.matter}正在办理（{first.number}）", "licence.number"
        )


def latest_application(kind: str, valid_to: date, on: date) -> tuple[date, rules.Value]:
    """Last day on which the renewal of a licence that ends on `valid_to` is applied for in time, and why.

    "30 working days before" counts back from the last day; it is not moved off a rest day.
    """
    for key, back in (
        (f"{kind}.renewal_workdays", lambda n: calendar.day_of(calendar.ordinal(valid_to) - n)),
        (f"{kind}.renewal_months", lambda n: add_months(valid_to, -n)),
        (f"{kind}.renewal_days", lambda n: valid_to - timedelta(days=n)),
        ("licensing.renewal_days", lambda n: valid_to - timedelta(days=n)),
    ):
        try:
            rule = rules.value(key, on=on)
        except rules.NoRule:
            continue
        return back(int(rule.value)), rule
    raise rules.NoRule(f"没有 {kind} 的延续申请期限")


def _in_time(act: Act, certificate: Certificate) -> None:
    if certificate.valid_to is None:
        raise Refused(f"许可证 {certificate.number} 长期有效，不需要延续", "licence.number")
    last, rule = latest_application(certificate.kind, certificate.valid_to, act.day)
    if act.day > last:
        raise Refused(
            f"许可证 {certificate.number} 有效期至 {certificate.valid_to:%Y-%m-%d}，延续申请最迟应于 {last:%Y-%m-%d} 提出"
            f"（{rule.basis}，届满前 {rule.shown}）；已逾期的，请按首次申请办理",
            "licence.number",
        )
