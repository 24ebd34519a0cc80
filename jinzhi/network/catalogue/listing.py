"""The catalogue as lists show it: declarations with their provider's name and the keeper's state."""

from dataclasses import dataclass

from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.people.models import Agency
from jinzhi.network.catalogue import metadata
from jinzhi.network.catalogue.models import Entry


@dataclass(frozen=True)
class Listed:
    dataset: Dataset
    provider: str
    state: str
    state_word: str
    reason: str
    updated_on: str

    @property
    def share_word(self) -> str:
        return metadata.share_word(self.dataset.share)

    @property
    def share_tone(self) -> str:
        return {"unconditional": "green", "conditional": "yellow", "no": "red"}[self.dataset.share]


def _make(one: Dataset, names: dict[str, str], entry: Entry | None) -> Listed:
    return Listed(
        one, names.get(one.owner, one.owner), entry.state if entry else "published",
        entry.get_state_display() if entry else "已发布", entry.reason if entry else "",
        entry.updated_on.isoformat() if entry else one.published_on,
    )  # fmt: skip


def listed(one: Dataset) -> Listed:
    names = dict(Agency.objects.filter(key=one.owner).values_list("key", "name"))
    return _make(one, names, Entry.objects.filter(pk=one.key).first())


def search(words: str = "", *, share: str = "", provider: str = "", flow: str = "") -> list[Listed]:
    """Datasets that have all the words somewhere in what describes them, by identifier."""
    every = declared.all().values()
    names = dict(Agency.objects.filter(key__in={one.owner for one in every}).values_list("key", "name"))
    entries = {entry.dataset: entry for entry in Entry.objects.all()}
    asked = words.lower().split()
    found = [
        one for one in every
        if (not share or one.share == share) and (not provider or one.owner == provider)
        and (not flow or one.flow == flow) and all(word in _text(one) for word in asked)
    ]  # fmt: skip
    return [_make(one, names, entries.get(one.key)) for one in sorted(found, key=lambda one: one.identifier)]


def _text(one: Dataset) -> str:
    fields = " ".join(f.title for f in one.fields)
    return f"{one.key} {one.title} {one.summary} {one.identifier} {one.keywords} {fields}".lower()


def providers() -> list[tuple[str, str]]:
    owners = {one.owner for one in declared.all().values()}
    return list(Agency.objects.filter(key__in=owners).order_by("key").values_list("key", "name"))
