"""`/api/v1/catalogue`: the datasets that are shared, with their metadata after GB/T 21063 and the guide of 2017. Public."""

from typing import Annotated, Any

from django.http import Http404
from django.urls import reverse
from ninja import Path, Query, Router, Schema

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import FLOWS, Dataset
from jinzhi.network.catalogue import listing, metadata

PREFIX = "/catalogue"
router = Router(tags=["catalogue"])


class CatalogueItem(Schema):
    """One item of a dataset (信息项). `share`: unconditional, conditional or no."""

    key: str
    title: str
    type: str
    type_name: str
    required: bool
    length: int | None
    share: str
    share_name: str
    open: bool


class DatasetHead(Schema):
    """A dataset in the list. `core` are the twelve items of GB/T 21063.3, six of them mandatory."""

    id: str
    key: str
    identifier: str
    title: str
    summary: str
    provider: str
    provider_key: str
    classification: str
    share: str
    share_name: str
    frequency: str
    flow: str
    flow_name: str
    audience: list[str]
    schema_version: int
    state: str
    published_on: str | None
    updated_on: str | None
    core: dict[str, Any]


class DatasetAnswer(DatasetHead):
    """With its items, what the guide of 2017 adds, and the datasets it refers to."""

    legal_basis: str
    compatible_from: int
    key_fields: list[str]
    references: dict[str, str]
    items: list[CatalogueItem]
    guide_2017: dict[str, Any]


class DatasetList(Schema):
    total: int
    results: list[DatasetHead]


def head(found: listing.Listed) -> dict[str, Any]:
    one: Dataset = found.dataset
    link = reverse("catalogue-dataset", args=[one.key])
    return {
        "id": one.key, "key": one.key, "identifier": one.identifier, "title": one.title, "summary": one.summary,
        "provider": found.provider, "provider_key": one.owner, "classification": one.classification,
        "share": one.share, "share_name": metadata.share_word(one.share), "frequency": one.frequency,
        "flow": one.flow, "flow_name": FLOWS.get(one.flow, one.flow), "audience": sorted(one.audience),
        "schema_version": one.schema, "state": found.state, "published_on": one.published_on or None,
        "updated_on": found.updated_on or None,
        "core": metadata.core(one, provider=found.provider, updated=found.updated_on, link=link),
    }  # fmt: skip


@router.get("", response=DatasetList, summary="共享数据目录")
def catalogue(
    request,
    q: Annotated[str, Query(max_length=100, description="名称、摘要、标识符或者关键字中的词")] = "",
    share: Annotated[str, Query(max_length=20, description="unconditional、conditional、no")] = "",
    provider: Annotated[str, Query(max_length=30, description="提供方代号")] = "",
):
    """Every dataset that is registered, in the order of their identifiers."""
    found = listing.search(q.replace("\0", ""), share=share, provider=provider)
    return {"total": len(found), "results": [head(one) for one in found]}


@router.get("/{path:id}", response=DatasetAnswer, summary="一项共享数据的元数据和信息项")
def dataset(
    request,
    id: Annotated[
        str, Path(max_length=80, description="数据集代号，或者 GB/T 21063.5 标识符，如 330001/A0101")
    ],
):
    """One dataset by its key or its identifier."""
    try:
        one = metadata.find(id)
    except declared.Undeclared as fault:
        raise Http404(str(fault)) from None
    found = listing.listed(one)
    return head(found) | {
        "legal_basis": one.legal_basis, "compatible_from": one.compatible_from, "key_fields": list(one.key_fields),
        "references": dict(one.references), "items": [metadata.field(one, f) for f in one.fields],
        "guide_2017": metadata.guide_2017(one, provider=found.provider),
    }  # fmt: skip
