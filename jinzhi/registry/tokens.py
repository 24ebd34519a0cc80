"""The address a face's QR carries, for callers that know a certificate by its number and face version."""

from jinzhi.registry.licences import payload
from jinzhi.registry.models import Certificate


def verification_path(number: str, face_version: int) -> str:
    """Path of the verification page with the signed text; the caller puts the portal's address before it."""
    return payload.verification_path(Certificate.objects.get(number=number, face_version=face_version))
