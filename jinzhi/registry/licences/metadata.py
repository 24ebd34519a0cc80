"""A licence's description in the elements of GB/T 36903 (electronic certificates, metadata).

The standard's text was not at hand: the elements are those of published interfaces that follow it, so the names are
to be compared with the original. The identifier after GB/T 36904 needs the type code of the national catalogue and
the issuing organ's credit code; it is left out where they are not known.
"""

from jinzhi.registry import kinds
from jinzhi.registry.models import Certificate

BASIS = "GB/T 36903-2018 电子证照 元数据规范（要素名称未对照原文）"


def _holder_type(code: str) -> str:
    return {18: "统一社会信用代码", 9: "组织机构代码"}.get(len(code), "其他" if code else "")


def _day(day) -> str:
    return day.isoformat() if day else ""


def describe(certificate: Certificate) -> dict[str, str]:
    """Element -> value, everything as text."""
    state = certificate.state()
    return {
        "certificateTypeName": kinds.kind_name(certificate.kind),
        "certificateTypeCode": certificate.kind,
        "certificateName": kinds.kind_name(certificate.kind),
        "certificateNumber": certificate.number,
        "certificateVersion": str(certificate.face_version),
        "certificateIssuingAuthorityName": certificate.agency_name,
        "certificateIssuingAuthorityCode": certificate.agency_key,
        "certificateIssuedDate": _day(certificate.issued_on),
        "certificateEffectiveDate": _day(certificate.valid_from),
        "certificateExpiringDate": _day(certificate.valid_to),
        "certificateAreaCode": f"{certificate.place:012d}",
        "certificateHolderName": certificate.holder_name,
        "certificateHolderCode": certificate.holder_code,
        "certificateHolderTypeName": _holder_type(certificate.holder_code),
        "certificateStatus": dict(Certificate.Status.choices).get(state, "尚未生效"),
    }
