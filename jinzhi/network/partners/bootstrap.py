"""Loads the partners of the province pack, switched off; what administrators changed since stays."""

import yaml
from django.conf import settings

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.places import scope
from jinzhi.network.partners.models import Partner

ORDER = 65
FILE = "partners.yaml"


class PackError(ValueError):
    """The province pack's partners cannot be used; the message says why."""


def bootstrap() -> str:
    path = settings.PROVINCE_DIR / FILE
    if not path.is_file():
        return "省包没有列出交换伙伴"
    new = 0
    with scope.acting(scope.SYSTEM):
        for line in yaml.safe_load(path.read_text(encoding="utf-8"))["partners"]:
            new += _load(line)
    return f"新增交换伙伴 {new} 个（未启用）"


def _load(line: dict) -> bool:
    if unknown := [key for key in line["offers"] + line["wants"] if key not in declared.all()]:
        raise PackError(f"{FILE} 中 {line['code']}：没有登记的数据集 {'、'.join(unknown)}")
    lo, hi = scope.jurisdiction(int(line["area"]))
    _, made = Partner.objects.get_or_create(
        code=line["code"],
        defaults={
            "place": int(settings.NODE) * 10**6, "name": line["name"], "kind": line["kind"], "lo": lo, "hi": hi,
            "delivery": line["delivery"], "accepts": line["accepts"], "offers": line["offers"], "wants": line["wants"],
            "note": line.get("note", ""),
        },
    )  # fmt: skip
    return made
