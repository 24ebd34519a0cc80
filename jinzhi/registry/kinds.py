"""Kinds of certificates and what may happen to a certificate, read from the rooms' YAML."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml
from django.apps import apps

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Kind:
    """A kind of certificate; `number` gives the check-digit scheme of numbers that begin with a prefix."""

    key: str
    name: str
    number: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """What may be decided about a certificate; `to` is a status, or "same"."""

    key: str
    name: str
    sources: tuple[str, ...]
    to: str
    law: str = ""
    article: str = ""
    mark: str = ""
    needs: str = ""

    @property
    def ground(self) -> str:
        return f"《{self.law}》{self.article}" if self.law else ""


@cache
def kinds() -> dict[str, Kind]:
    """Every kind the installed rooms declare."""
    found: dict[str, Kind] = {}
    for room in apps.get_app_configs():
        path = Path(room.path) / "certificate_kinds.yaml"
        if room.name.startswith("jinzhi.") and path.exists():
            for key, raw in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
                if key in found:
                    raise ValueError(f"证书种类 {key} 重复声明：{path}")
                found[key] = Kind(key, **raw)
    return found


def kind_name(key: str) -> str:
    return kinds()[key].name if key in kinds() else key


def number_scheme(number: str) -> str:
    """The check-digit scheme that a number of this look should satisfy; empty when there is none."""
    for kind in kinds().values():
        for prefix, scheme in kind.number.items():
            if number.startswith(prefix):
                return scheme
    return ""


@cache
def acts() -> dict[str, Act]:
    raw = yaml.safe_load((_FOLDER / "certificate_acts.yaml").read_text(encoding="utf-8"))
    return {key: Act(key=key, sources=tuple(act.pop("from")), **act) for key, act in raw.items()}
