"""Code sets that the province publishes for all nodes."""

from collections.abc import Iterator
from datetime import date

from jinzhi.foundation.codes import publishing
from jinzhi.foundation.codes.models import CodeVersion
from jinzhi.foundation.codes.publishing import About
from jinzhi.foundation.exchange.declared import Dataset, Field

COLUMNS = ("code", "name", "parent", "level", "note")
ABOUT = ("title", "authority", "mark", "complete")


def _body(version: CodeVersion) -> dict:
    return {
        "set": version.code_set.key,
        "set_title": version.code_set.title,
        "standard": version.code_set.standard,
        "version": version.version,
        "valid_from": version.valid_from.isoformat(),
        "valid_to": version.valid_to.isoformat() if version.valid_to else None,
        **{name: getattr(version, name) for name in ABOUT},
        "items": [list(row) for row in version.items.values_list(*COLUMNS)],
    }


def offered() -> Iterator[dict]:
    """Versions that somebody loaded here; the shipped ones are at every node."""
    for version in CodeVersion.objects.filter(shipped=False).select_related("code_set"):
        yield _body(version)


def applied(bodies: list[dict]) -> None:
    """Publish the versions here too; raises publishing.Refused where one contradicts what is here."""
    for body in bodies:
        held = CodeVersion.objects.filter(code_set__key=body["set"], version=body["version"]).first()
        if held and _body(held) == body:
            continue
        about = About(
            body["version"], date.fromisoformat(body["valid_from"]),
            date.fromisoformat(body["valid_to"]) if body.get("valid_to") else None,
            **{name: body[name] for name in ABOUT},
        )  # fmt: skip
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in body["items"]]
        publishing.publish(body["set"], body["set_title"], body["standard"], about, rows)


DATASETS = [
    Dataset(
        key="codes.version",
        title="标准代码集",
        summary="省级发布的代码集版本及其代码，各节点据此校验和转换。",
        identifier="330001/DMBZ-0001",
        classification="101001/000001",
        flow="down",
        down="all",
        audience=frozenset({"cities", "partners", "public"}),
        legal_basis="浙江省公共数据条例",
        frequency="不定期",
        key_fields=("set", "version"),
        offered=offered,
        applied=applied,
        fields=(
            Field("set", "代码集", required=True, length=40, open=True),
            Field("set_title", "代码集名称", length=100, open=True),
            Field("standard", "标准", length=100, open=True),
            Field("version", "版本", required=True, length=40, open=True),
            Field("valid_from", "启用日期", "date", required=True, open=True),
            Field("valid_to", "停用日期", "date", open=True),
            Field("title", "版本名称", length=200, open=True),
            Field("authority", "发布单位", length=100, open=True),
            Field("mark", "核对程度", length=20),
            Field("complete", "内容完整", "boolean"),
            Field("items", "代码", "json", required=True, open=True),
        ),
    )
]
