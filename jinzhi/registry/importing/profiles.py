"""Saved ways to read columns: a mapping under a name, of an agency's place, for the next file of the same source."""

from django.utils import timezone

from jinzhi.registry.importing import mapping as mappings
from jinzhi.registry.importing.headers import plain as compared
from jinzhi.registry.importing.running import plain
from jinzhi.registry.models import ImportProfile

LONGEST = 60


class Unknown(LookupError):
    """No profile of that name here."""


def save(
    name: str, mapping: dict, place: int, *, columns: list[str] | None = None, by: str = ""
) -> ImportProfile:
    """Keep a mapping under a name, in place of a former one; raises BadMapping."""
    name = " ".join(name.split())[:LONGEST]
    if not name:
        raise mappings.BadMapping("请写明方案的名称。")
    kind = str(mapping.get("kind", ""))
    if kind not in mappings.kinds() or not isinstance(mapping.get("fields"), dict):
        raise mappings.BadMapping("方案应当写明 kind 和 fields。")
    values = {"mapping": plain(mapping), "kind": kind, "columns": columns or [], "saved_by": by[:60]}
    profile, new = ImportProfile.objects.get_or_create(place=place, name=name, defaults=values)
    if not new:
        for key, value in values.items():
            setattr(profile, key, value)
        profile.save()
    return profile


def mapping_of(name: str) -> dict:
    """The mapping kept under this name (one's own place first); raises Unknown."""
    found = ImportProfile.objects.filter(name=" ".join(name.split())).order_by("-place").first()
    if found is None:
        known = "、".join(ImportProfile.objects.order_by("name").values_list("name", flat=True)[:20])
        raise Unknown(f"没有名为“{name}”的导入方案。{f'现有：{known}。' if known else '还没有保存过方案。'}")
    ImportProfile.objects.filter(pk=found.pk).update(used_at=timezone.now())
    return dict(found.mapping)


def fitting(columns: list[str], kind: str = "") -> ImportProfile | None:
    """The profile whose columns all stand in this table, the one with most columns first."""
    here = {compared(c) for c in columns}
    best = None
    for profile in ImportProfile.objects.order_by("-used_at", "-id")[:200]:
        wanted = {compared(n) for n in mappings.names_of(profile.mapping)}
        fits = wanted and wanted <= here and (not kind or profile.kind == kind)
        if fits and (best is None or len(wanted) > best[0]):
            best = (len(wanted), profile)
    return best[1] if best else None
