"""Deciding about certificates: entering one, and what may happen to it afterwards."""

from datetime import date

from django.db import IntegrityError, transaction

from jinzhi.foundation import history
from jinzhi.registry import kinds
from jinzhi.registry.models import Certificate, CertificateChange, CertificateItem, Enterprise
from jinzhi.registry.services import Refused, number_looks_wrong

FACE = frozenset(
    {"valid_from", "valid_to", "issued_on", "holder_name", "holder_code", "legal_representative", "address",
     "premises", "agency_key", "agency_name", "case_number", "rule_set"}
)  # fmt: skip


def issue(
    *, number: str, kind: str, holder: Enterprise, items: list[dict] | None = None, **facts
) -> Certificate:
    """Enter a certificate in the register; `items` are the lines of what it covers.

    What the face says of the holder is taken from the enterprise unless given. Raises Refused. Entering the
    same number for the same holder a second time answers the certificate already entered.
    """
    number = number.strip()
    problems = _face_problems(facts)
    if kind not in kinds.kinds():
        problems["kind"] = f"没有“{kind}”这种证书"
    if not number:
        problems["number"] = "缺少证书编号"
    elif wrong := number_looks_wrong(number):
        problems["number"] = wrong
    if problems:
        raise Refused(problems)
    face = {
        "place": holder.place,
        "holder_name": holder.name,
        "holder_code": holder.code,
        "legal_representative": holder.legal_representative,
        "address": holder.address,
        "premises": holder.premises_address,
        "is_demo": holder.is_demo,
    } | facts
    try:
        with transaction.atomic():
            certificate = Certificate.objects.create(number=number, kind=kind, holder=holder, **face)
            _cover(certificate, items or [])
    except IntegrityError:
        same = Certificate.objects.filter(number=number, holder=holder, kind=kind).first()
        if same is None:
            raise Refused({"number": f"编号 {number} 已登记在另一证书上"}) from None
        return same
    return certificate


def _face_problems(facts: dict) -> dict[str, str]:
    begins, ends = facts.get("valid_from"), facts.get("valid_to")
    if begins and ends and ends < begins:
        return {"valid_to": f"有效期至 {ends} 早于有效期起 {begins}"}
    return {}


def _cover(certificate: Certificate, items: list[dict]) -> None:
    CertificateItem.objects.bulk_create(
        CertificateItem(certificate=certificate, place=certificate.place, order=order, **item)
        for order, item in enumerate(items, start=1)
    )


def decide(
    certificate: Certificate,
    act: str,
    *,
    effective_on: date,
    reason: str = "",
    ground: str = "",
    document_number: str = "",
    agency_name: str = "",
    case_number: str = "",
    actor=None,
    post=None,
    items: list[dict] | None = None,
    **face,
) -> Certificate:
    """Apply an act of certificate_acts.yaml (suspend, withdraw, revoke, punish, cancel, renew, alter …).

    `items` and `face` replace what the face says, which makes a new face version. Raises Refused when the
    state the certificate is in on that day does not allow the act.
    """
    definition = kinds.acts()[act]
    if unknown := set(face) - FACE:
        raise TypeError(f"not on a certificate's face: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        certificate = Certificate.objects.select_for_update().get(pk=certificate.pk)
        former = certificate.state(effective_on)
        _may(certificate, definition, former, effective_on, document_number, face)
        certificate.status = former if definition.to == "same" else definition.to
        certificate.status_since = effective_on
        for field, value in face.items():
            setattr(certificate, field, value)
        if items is not None:
            certificate.items.all().delete()
            _cover(certificate, items)
        if items is not None or face or act == "reissue":
            certificate.face_version += 1
        certificate.save()
        CertificateChange.objects.create(
            certificate=certificate, place=certificate.place, act=act, old_status=former,
            new_status=certificate.status, effective_on=effective_on, ground=ground or definition.ground,
            document_number=document_number, agency_name=agency_name, case_number=case_number, reason=reason,
        )  # fmt: skip
        history.append(
            "registry",
            f"certificate_{act}",
            actor=actor,
            post=post,
            subject=f"certificate:{certificate.pk}",
            data={
                "number": certificate.number,
                "from": former,
                "to": str(certificate.status),
                "effective_on": effective_on.isoformat(),
                "reason": reason,
                "document_number": document_number,
            },
        )
    return certificate


def _may(certificate, act: kinds.Act, former: str, on: date, document_number: str, face: dict) -> None:
    state = dict(Certificate.Status.choices).get(former, "尚未生效")
    if former not in act.sources:
        raise Refused({"act": f"证书 {certificate.number} 在 {on} 是“{state}”，不能{act.name}"})
    if certificate.status_since and on < certificate.status_since:
        raise Refused(
            {"effective_on": f"{act.name}的日期 {on} 早于上一次决定的日期 {certificate.status_since}"}
        )
    if act.needs == "document_number" and not document_number:
        raise Refused({"document_number": f"{act.name}须写明决定书文号"})
    if act.key == "renew" and not face.get("valid_to"):
        raise Refused({"valid_to": "延续须写明新的有效期"})
    if problems := _face_problems({"valid_from": certificate.valid_from} | face):
        raise Refused(problems)
