"""The life of a licence as acts of a case: issued, changed, renewed, reissued, and the four ways it ends.

撤回 (law or circumstances changed), 撤销 (granted unlawfully or by fraud), 吊销 (a penalty) and 注销 (the formality at the
end) are four different acts; each is an effect that a procedure names.
"""

from datetime import date, timedelta

from jinzhi.casework import documents
from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook, previews
from jinzhi.casework.models import Case
from jinzhi.foundation.people.pack import name_on
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates
from jinzhi.registry.kinds import kind_name
from jinzhi.registry.licences import payload
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.registry.services import Refused as NotRegistered
from jinzhi.services.licensing import bars, kinds
from jinzhi.services.licensing.models import Bar

FACE = {
    "legal_representative": "legal_representative",
    "address": "address",
    "name": "holder_name",
    "code": "holder_code",
}


def held(case: Case) -> Certificate:
    """The licence the case is about. Raises Refused where there is none."""
    number = (case.facts.get("licence") or {}).get("number")
    with scope.acting(scope.SYSTEM):
        certificate = Certificate.objects.filter(number=number).first() if number else None
    if certificate is None:
        raise Refused("本件没有指明许可证")
    return certificate


def agency_of(act: Act):
    return act.agency


def decided(act: Act) -> date:
    return act.case.decided_on or act.day


def face_of(act: Act) -> dict:
    """What the application says that stands on the face of the licence."""
    applicant, premises = act.case.data.get("applicant", {}), act.case.data.get("premises", {})
    face = {FACE[k]: str(v) for k, v in applicant.items() if k in FACE and v}
    if premises.get("address"):
        face["premises"] = premises["address"]
    return face


def _registered(act: Act, what, *args, **facts) -> Certificate:
    """A decision of the register in the system's scope (the holder may be at home elsewhere); its refusal is ours."""
    try:
        with scope.acting(scope.SYSTEM):
            return what(*args, **facts)
    except NotRegistered as refusal:
        raise Refused("；".join(refusal.problems.values())) from None


def enter(act: Act, number: str, begins: date, ends: date | None) -> Certificate:
    """A new licence in the register, for the case's applicant."""
    case, kind = act.case, act.case.definition.licence
    agency, day = agency_of(act), decided(act)
    name = name_on(agency, day)
    with scope.acting(scope.SYSTEM):
        holder = Enterprise.objects.get(pk=str(case.enterprise_id))
    return _registered(
        act, certificates.issue, number=number, kind=kind, holder=holder, items=kinds.get(kind).lines(act),
        place=case.place, valid_from=begins, valid_to=ends, issued_on=day, agency_key=agency.key, agency_name=name,
        case_number=case.number, rule_set=case.definition.rule_set, source=name, is_demo=case.is_demo,
        **{"holder_name": case.subject_name, "holder_code": case.subject_code} | face_of(act),
    )  # fmt: skip


def decide(act: Act, certificate: Certificate, what: str, on: date | None = None, **facts) -> Certificate:
    document = next((d.number for d in act.documents if d.number), "")
    return _registered(
        act, certificates.decide, certificate, what, effective_on=on or decided(act), case_number=act.case.number,
        actor=act.actor.account, post=act.actor.post,
        **{"agency_name": name_on(agency_of(act), act.day), "reason": act.reason, "document_number": document} | facts,
    )  # fmt: skip


def keep(act: Act, certificate: Certificate) -> None:
    """What the case remembers of the licence it made, and prints."""
    begins, ends = certificate.valid_from, certificate.valid_to
    act.case.facts["certificate"] = {
        "number": certificate.number,
        "valid_from": begins.isoformat() if begins else "",
        "valid_to": ends.isoformat() if ends else "",
    }
    period = f"有效期至 {ends:%Y-%m-%d}" if ends else "长期有效"
    act.reason = act.reason or f"证书编号 {certificate.number}，{period}"


def print_faces(act: Act, certificate: Certificate) -> list:
    """The original and the duplicate as documents of the case."""
    with scope.acting(scope.SYSTEM):
        items = [
            {
                "category": i.category,
                "detail": f"{i.detail_code} {i.detail}".strip(),
                "varieties": i.varieties,
                "note": "",
            }
            for i in certificate.items.all()
        ]
    title = kind_name(certificate.kind)
    face = {
        "face_title": title,
        "licence_number": certificate.number,
        "holder": certificate.holder_name,
        "code": certificate.holder_code,
        "code_label": "组织机构代码" if len(certificate.holder_code) < 18 else "统一社会信用代码",
        "legal_representative": certificate.legal_representative,
        "address": certificate.address,
        "premises": certificate.premises,
        "categories": "、".join(dict.fromkeys(i["category"] for i in items)),
        "items": items,
        "supervisor": act.case.agency.name,
        "extra_addresses": act.case.data.get("premises", {}).get("more_addresses", ""),
        "agency": certificate.agency_name,
        "issued_on": decided(act).isoformat(),
        "valid_to": certificate.valid_to.isoformat() if certificate.valid_to else "",
        "qr_text": payload.qr_text(certificate),
    }
    papers = [documents.issue(kind, act, **face) for kind in kinds.get(certificate.kind).papers]
    act.documents = [*act.documents, *papers]
    return papers


# -- what is granted


@hook("licensing.issue")
def issue(act: Act) -> None:
    """A first licence: number, register, faces."""
    kind, day = kinds.get(act.case.definition.licence), decided(act)
    ends = kinds.last_day(kind.key, day, day)
    certificate = enter(act, kind.number(act, ends), day, ends)
    keep(act, certificate)
    print_faces(act, certificate)


@hook("licensing.alter")
def alter(act: Act) -> None:
    """A change: the same number and period, a new face (行政许可法第四十九条)."""
    certificate, kind = held(act.case), kinds.get(held(act.case).kind)
    if not kind.keeps_number(certificate, decided(act)):
        certificate = _replace(act, certificate, decided(act), certificate.valid_to)
    else:
        lines = kind.lines(act) or None
        certificate = decide(act, certificate, "alter", items=lines, **face_of(act))
    keep(act, certificate)
    print_faces(act, certificate)


@hook("licensing.renew")
def renew(act: Act) -> None:
    """A renewal, also one that counts as granted because nobody decided in time (行政许可法第五十条)."""
    certificate = held(act.case)
    kind, day = kinds.get(certificate.kind), decided(act)
    assert certificate.valid_to is not None, "what has no end is not renewed"
    deemed = bool(act.case.facts.get("deemed_renewal"))
    follows = certificate.valid_to + timedelta(days=1)
    begins = day if kinds.from_decision(kind.key, day) and not deemed else follows
    ends = kinds.last_day(kind.key, begins, day)
    if kind.renumbered or not kind.keeps_number(certificate, day):
        certificate = _replace(act, certificate, begins, ends)
    else:
        lines = kind.lines(act) or None
        face = face_of(act) | {"valid_to": ends, "issued_on": day}
        certificate = decide(act, certificate, "renew", on=day, items=lines, **face)
    keep(act, certificate)
    act.case.facts["certificate"]["valid_from"] = begins.isoformat()
    print_faces(act, certificate)


def _replace(act: Act, former: Certificate, begins: date, ends: date | None) -> Certificate:
    """A licence under a new number in place of one whose number cannot go on (QS after 2015; TS names its year)."""
    kind = kinds.get(former.kind)
    number = kind.renumbered(former, ends) if kind.renumbered else kind.number(act, ends)
    certificate = enter(act, number, begins, ends)
    if begins <= decided(act) and former.state(decided(act)) not in Certificate.ENDED:
        decide(act, former, "cancel", ground="换发新证", reason=f"换发 {number}")
    return certificate


@hook("licensing.deem_renewed")
def deem_renewed(act: Act) -> None:
    """No decision before the licence ended: the renewal counts as granted from the day after."""
    act.case.decided_on = date.fromisoformat(act.case.facts["licence"]["valid_to"])
    act.case.facts["deemed_renewal"] = True


@hook("licensing.reissue")
def reissue(act: Act) -> None:
    """遗失、毁损补发: the same face once more; former prints no longer verify."""
    certificate = decide(act, held(act.case), "reissue")
    keep(act, certificate)
    print_faces(act, certificate)


@previews("licensing.issue")
@previews("licensing.alter")
@previews("licensing.renew")
def face(case: Case) -> list[tuple[str, str]]:
    """What will stand on the certificate; a new number is taken when it is issued."""
    data, licence = case.data, case.facts.get("licence") or {}
    applicant = data.get("applicant", {})
    return [
        ("证书", kind_name(case.definition.licence or licence.get("kind", ""))),
        ("证书编号", licence.get("number") or "发证时取号"),
        ("持证人", case.subject_name),
        ("代码", case.subject_code),
        ("法定代表人", applicant.get("legal_representative", "")),
        ("地址", data.get("premises", {}).get("address", "")),
        (
            "许可范围",
            "；".join(i["text"] for i in case.facts.get("items", [])) or "；".join(licence.get("items", [])),
        ),
    ]


# -- what ends


def _end(act: Act, what: str, on: date | None = None, **facts) -> Certificate:
    certificate = decide(act, held(act.case), what, on=on or act.day, **facts)
    act.case.facts["ended"] = {
        "number": certificate.number, "status": str(certificate.status), "on": (on or act.day).isoformat(),
    }  # fmt: skip
    return certificate


@hook("licensing.withdraw")
def withdraw(act: Act) -> None:
    """撤回 (行政许可法第八条)."""
    _end(act, "withdraw")


@hook("licensing.revoke")
def revoke(act: Act) -> None:
    """撤销 (行政许可法第六十九条); got by fraud it bars the holder where public safety is concerned (第七十九条)."""
    certificate = _end(act, "revoke")
    fraud = act.case.data.get("decision", {}).get("ground") == "fraud"
    bar = bars.impose_on_holder(act, certificate, Bar.Ground.FRAUD if fraud else Bar.Ground.REVOKED)
    _told(act, bar)


@hook("licensing.revoke_own")
def revoke_own(act: Act) -> None:
    """撤销 of the licence this very case granted, on a promise that was not true."""
    act.case.facts["licence"] = act.case.facts["certificate"]
    certificate = _end(act, "revoke", ground="行政许可法第六十九条第二款")
    _told(act, bars.impose_on_holder(act, certificate, Bar.Ground.FRAUD))


@hook("licensing.punish")
def punish(act: Act) -> None:
    """吊销 as decided in a penalty case: recorded here with the number of that decision."""
    decision = act.case.data["decision"]
    certificate = _end(
        act, "punish", on=date.fromisoformat(decision["decided_on"]), document_number=decision["document"]
    )
    _told(act, bars.impose_on_holder(act, certificate, Bar.Ground.PUNISHED))


@hook("licensing.cancel")
def cancel(act: Act) -> None:
    """注销: the formality (行政许可法第七十条)."""
    decision = act.case.data.get("decision") or act.case.data.get("cancellation") or {}
    _end(act, "cancel", ground=decision.get("ground_text", "") or "行政许可法第七十条")


@hook("licensing.refused")
def refused(act: Act) -> None:
    """A refusal for false material bars a new application where public safety is concerned (第七十八条)."""
    if bars.FALSE_MATERIAL in act.reason:
        _told(act, bars.of_applicant(act))


def _told(act: Act, bar: Bar | None) -> None:
    if bar is not None:
        act.case.facts["bar"] = {"until": bar.until.isoformat(), "law": bar.law}
        act.log("bar", f"依照{bar.law}，{bar.holder_name} 至 {bar.until:%Y-%m-%d} 不得再次申请该行政许可。")
