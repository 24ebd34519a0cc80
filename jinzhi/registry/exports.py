"""`/api/v1/exports/…`: the register in bulk, for systems with a key and officials with a token.

The rows are read while they are sent; field names are those of the archive's JSON, values are keys and ISO days.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from django.db.models import QuerySet
from ninja import Query, Router
from ninja.errors import HttpError

from jinzhi.foundation import history
from jinzhi.foundation.people import keys
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.foundation.places.services import is_current, name_path
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.web import export

router = Router(tags=["registry"])
CHUNK = 5000
COLUMNS: dict[str, tuple[str, ...]] = {
    "enterprises": (
        "uscc", "org_code", "name", "kind", "status", "legal_representative", "address", "premises_address",
        "place", "industry", "founded_on", "source", "source_on", "updated_at",
    ),
    "certificates": (
        "number", "kind", "holder_code", "holder_name", "status", "status_since", "valid_from", "valid_to",
        "issued_on", "agency_name", "address", "premises", "place", "source", "updated_at",
    ),
}  # fmt: skip
MODELS: dict[str, type[Enterprise] | type[Certificate]] = {
    "enterprises": Enterprise,
    "certificates": Certificate,
}
TITLES = {"enterprises": "企业", "certificates": "证书"}


def rows(what: str, found: QuerySet) -> Iterator[tuple]:
    """The cells of an export in the order of the register's keys."""
    yield from found.order_by("id").values_list(*COLUMNS[what]).iterator(chunk_size=CHUNK)


@router.get(
    "/{what}",
    summary="批量导出（需要有批量导出权限的密钥，或者工作人员令牌）",
    description="CSV、Excel 或 Parquet，边读边发。范围不超过密钥所属机构或任职机构的辖区。",
    openapi_extra={
        "responses": {
            200: {
                "description": "文件",
                "content": {
                    kind: {"schema": {"type": "string", "format": "binary"}} for kind in export.TYPES.values()
                },
            },
            401: {"description": "需要密钥或者登录"},
            403: {"description": "没有批量导出权限"},
        }
    },
)
def bulk(
    request,
    what: Literal["enterprises", "certificates"],
    format: Annotated[Literal["csv", "xlsx", "parquet"], Query(description="文件格式")] = "csv",
    place: Annotated[
        int | None, Query(ge=10, le=999_999_999_999, description="6 位或 12 位区划代码，只导出这一地")
    ] = None,
):
    """Everything of one kind within the caller's place, or one place inside it."""
    request.scope = _may(request)
    found: QuerySet = MODELS[what].objects.all()
    if place is not None:
        found = found.filter(place__range=jurisdiction(_inside(request.scope, place)))
    key = request.api_key
    history.append(
        "registry",
        "registry.exported",
        actor=None if key else request.user,
        post=request.post,
        subject=TITLES[what],
        data={"格式": format, "地区": place or request.scope.lo}
        | ({"密钥": f"{key.name}（{key.shown}…）"} if key else {}),
        address=request.META.get("REMOTE_ADDR"),
    )
    return export.download(format, TITLES[what], COLUMNS[what], rows(what, found))


def _may(request):
    """The scope of the caller; refuses whoever has none for this."""
    if request.api_key is not None:
        if (allowed := keys.allowed(request, "export")) is None:
            raise HttpError(403, "这个密钥没有批量导出的权限。")
        return allowed
    if not request.user.is_authenticated:
        raise HttpError(401, "批量导出需要密钥，或者工作人员的登录。")
    if request.post is None:
        raise HttpError(403, "批量导出限工作人员使用。")
    return request.scope


def _inside(eyes, place: int) -> int:
    """The place asked for, twelve digits, which must lie within the caller's."""
    place = place * 1_000_000 if place < 1_000_000 else place
    if not is_current(place):
        raise HttpError(422, f"区划代码 {place} 今天不在用。")
    if not eyes.lo <= place <= eyes.hi:
        raise HttpError(403, f"{name_path(place)}不在可以导出的范围内。")
    return place
