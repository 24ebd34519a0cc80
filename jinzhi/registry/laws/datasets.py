"""Law texts that the province has loaded, for the law library of every node."""

from collections.abc import Iterator
from datetime import date

from jinzhi.foundation.exchange.declared import Dataset, Field
from jinzhi.registry.laws import loading, parsing
from jinzhi.registry.laws.models import Law


def offered() -> Iterator[dict]:
    for law in Law.objects.prefetch_related("articles"):
        yield {
            "title": law.title,
            "published_on": law.published_on.isoformat(),
            "valid_from": law.valid_from.isoformat(),
            "level": law.level,
            "region": law.region,
            "repealed": law.repealed and law.valid_to is None,
            "preamble": law.preamble,
            "articles": [[a.number, a.suffix, a.label, a.chapter, a.text] for a in law.articles.all()],
        }


def applied(bodies: list[dict]) -> None:
    """Versions known here (the same name, published on the same day) are left alone."""
    known = set(Law.objects.values_list("key", "published_on"))
    texts = []
    for body in bodies:
        key, published = parsing.key(body["title"]), date.fromisoformat(body["published_on"])
        if (key, published) in known:
            continue
        known.add((key, published))
        texts.append(
            loading.Text(
                body["title"], key, body["level"], body["region"], published, date.fromisoformat(body["valid_from"]),
                body["repealed"], body["preamble"], [parsing.ParsedArticle(*one) for one in body["articles"]],
            )
        )  # fmt: skip
    if texts:
        loading.enter(texts)


DATASETS = [
    Dataset(
        key="laws.text",
        title="法律法规文本",
        summary="法律、行政法规、规章和规范性文件的各版本全文，按条存放。",
        identifier="330001/FLFG-0001",
        classification="103001/000001",
        flow="down",
        down="all",
        audience=frozenset({"cities", "partners", "public"}),
        legal_basis="政府信息公开条例第二十条第一项",
        frequency="不定期",
        key_fields=("title", "published_on"),
        offered=offered,
        applied=applied,
        fields=(
            Field("title", "名称", required=True, length=200, open=True),
            Field("published_on", "公布日期", "date", required=True, open=True),
            Field("valid_from", "施行日期", "date", required=True, open=True),
            Field("level", "效力层级", length=40, open=True),
            Field("region", "适用地区", length=40, open=True),
            Field("repealed", "已失效", "boolean", open=True),
            Field("preamble", "题注", open=True),
            Field("articles", "条文", "json", required=True, open=True),
        ),
    )
]
