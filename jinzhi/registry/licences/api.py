"""`/api/v1/licences/{number}/payload`: what a licence's QR says, for whoever builds a verifier of his own."""

from django.http import Http404
from ninja import Router, Schema

from jinzhi.foundation.places import scope
from jinzhi.registry import services
from jinzhi.registry.licences import metadata, payload
from jinzhi.registry.models import Certificate

PREFIX = "/licences"
router = Router(tags=["licences"])


class Face(Schema):
    """The members of the signed text by name; dates as YYYYMMDD, 0 for none."""

    version: int
    key: str
    number: str
    face_version: int
    kind: str
    holder: str
    holder_code: str
    scope: str
    address: str
    valid_from: int
    valid_to: int
    issued_on: int
    agency: str
    signed_on: int
    demo: int


class Payload(Schema):
    number: str
    payload: str
    url: str
    face: Face
    key: str
    algorithm: str
    keys: str
    status_list: str
    status: str
    status_name: str
    metadata: dict[str, str]
    metadata_basis: str


def find(number: str) -> Certificate | None:
    """The certificate of this number, whoever asks; the caller shows only what stands on its face."""
    with scope.acting(scope.PUBLIC):
        found = services.certificate(number)
    if found is None:
        return None
    with scope.acting(scope.SYSTEM):
        return Certificate.objects.prefetch_related("items").get(number=found["certificate"]["number"])


@router.get("/{number}/payload", response=Payload, summary="电子证照二维码内容（SM2 签名）")
def signed_payload(request, number: str):
    """The signed text of the present face with its members by name, and the licence's metadata."""
    certificate = find(number)
    if certificate is None:
        raise Http404(f"没有登记编号为“{number[:60]}”的证书。")
    with scope.acting(scope.SYSTEM):
        token = payload.token(certificate)
        described = metadata.describe(certificate)
        url = payload.qr_text(certificate)
    _, _, stated = payload.split(token)
    return {
        "number": certificate.number,
        "payload": token,
        "url": url,
        "face": vars(stated),
        "key": stated.key,
        "algorithm": "SM2-SM3",
        "keys": "/.well-known/jinzhi-licence-keys.json",
        "status_list": "/.well-known/jinzhi-licence-status.json",
        "status": certificate.state(),
        "status_name": described["certificateStatus"],
        "metadata": described,
        "metadata_basis": metadata.BASIS,
    }
