"""The catalogue of standards that the province keeps, for every node."""

from collections.abc import Iterator
from datetime import date

from jinzhi.foundation.exchange.declared import Dataset, Field
from jinzhi.registry.standards import loading
from jinzhi.registry.standards.models import Replacement, Standard

DAYS = ("issued_on", "effective_on", "abolished_on", "transition_until")


def offered() -> Iterator[dict]:
    edges: dict[str, list] = {}
    for edge in Replacement.objects.all():
        day = edge.effective_on.isoformat() if edge.effective_on else None
        edges.setdefault(edge.newer, []).append([edge.older, edge.extent, day])
    for standard in Standard.objects.filter(is_demo=False).iterator():
        body = {name: getattr(standard, name) for name in loading.FIELDS if name != "is_demo"}
        body |= {name: body[name].isoformat() if body[name] else None for name in DAYS}
        yield body | {"number": standard.number, "replaces": sorted(edges.get(standard.number, []))}


def applied(bodies: list[dict]) -> None:
    """Enter the standards or change those that are here; the province's catalogue counts."""
    rows = []
    for body in bodies:
        values = {name: body.get(name) for name in loading.FIELDS if name != "is_demo"}
        values |= {name: date.fromisoformat(text) if (text := body.get(name)) else None for name in DAYS}
        edges = [
            Replacement(
                newer=body["number"],
                older=older,
                extent=extent,
                effective_on=date.fromisoformat(day) if day else None,
            )
            for older, extent, day in body["replaces"]
        ]
        rows.append(loading.Row(0, Standard(**values | {"number": body["number"]}), edges))
    loading.write(rows)


DATASETS = [
    Dataset(
        key="standards.standard",
        title="标准目录",
        summary="国家、行业、地方标准的编号、名称、状态和代替关系。",
        identifier="330001/BZML-0001",
        classification="104001/000001",
        flow="down",
        down="all",
        audience=frozenset({"cities", "partners", "public"}),
        legal_basis="标准化法第十七条",
        frequency="不定期",
        key_fields=("number",),
        offered=offered,
        applied=applied,
        fields=(
            Field("number", "标准号", required=True, length=60, open=True),
            Field("family", "代号和顺序号", required=True, length=50),
            Field("bare", "顺序号", length=50),
            Field("kind", "类别", length=20, open=True),
            Field("nature", "性质", length=20, open=True),
            Field("year", "年份", "integer", open=True),
            Field("title", "名称", required=True, length=200, open=True),
            Field("title_en", "英文名称", length=300, open=True),
            Field("ics", "ICS", "json", open=True),
            Field("ccs", "中国标准文献分类", length=3, open=True),
            Field("issued_on", "发布日期", "date", open=True),
            Field("effective_on", "实施日期", "date", open=True),
            Field("abolished_on", "废止日期", "date", open=True),
            Field("transition_until", "过渡期至", "date", open=True),
            Field("adopts", "采用", "json", open=True),
            Field("issuer", "发布单位", length=100, open=True),
            Field("text_url", "文本", length=300, open=True),
            Field("remark", "备注", length=200),
            Field("replaces", "代替关系", "json"),
        ),
    )
]
