"""The catalogue's own rows: each declared dataset is entered once, and a changed declaration is dated."""

from jinzhi.foundation import calendar, history
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset
from jinzhi.foundation.people.acting import Actor, Refused
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.models import Entry

KEEPERS = ("administrator", "supervisor")


def fingerprint(one: Dataset) -> str:
    """Of what a consumer is told about the dataset."""
    return history.chain.fingerprint(
        {
            "title": one.title,
            "summary": one.summary,
            "identifier": one.identifier,
            "schema": one.schema,
            "classification": one.classification,
            "share": one.share,
            "frequency": one.frequency,
            "owner": one.owner,
            "legal_basis": one.legal_basis,
            "audience": sorted(one.audience),
            "fields": [
                [f.key, f.title, f.type, f.required, f.length, f.share, f.open, sorted(f.codes)]
                for f in one.fields
            ],
        }
    )


def register() -> tuple[int, int]:
    """Enter what is newly declared, date what changed; answers (new, changed)."""
    new = changed = 0
    today = calendar.today()
    with scope.acting(scope.SYSTEM):
        held = {entry.dataset: entry for entry in Entry.objects.all()}
        for key, one in declared.all().items():
            mark = fingerprint(one)
            entry = held.get(key)
            if entry is None:
                day = one.published_on or today
                Entry.objects.create(dataset=key, fingerprint=mark, registered_on=day, updated_on=day)
                new += 1
            elif entry.fingerprint != mark:
                Entry.objects.filter(pk=key).update(fingerprint=mark, updated_on=today)
                changed += 1
    return new, changed


def suspend(by: Actor, dataset: str, *, suspended: bool, reason: str = "") -> None:
    """Stop or resume giving new grants of a dataset; grants in force go on. Raises Refused."""
    one = declared.get(dataset)
    may_keep(by, one)
    if suspended and not reason.strip():
        raise Refused("请写明暂停共享的原因。", "reason")
    state = Entry.State.SUSPENDED if suspended else Entry.State.PUBLISHED
    with scope.acting(scope.SYSTEM):
        Entry.objects.filter(pk=dataset).update(state=state, reason=reason.strip()[:200] if suspended else "")
    kind = "catalogue.suspended" if suspended else "catalogue.resumed"
    history.append("catalogue", kind, actor=by.account, post=by.post, subject=f"dataset:{dataset}",
                   data={"title": one.title, "reason": reason}, address=by.address)  # fmt: skip


def may_keep(by: Actor, one: Dataset) -> None:
    """Only the provider's own people decide over a dataset. Raises Refused."""
    if by.post.agency.key != one.owner:
        raise Refused(f"{one.title}的提供方是另一个机构，由提供方办理。")
    if not by.roles & set(KEEPERS):
        raise Refused("由提供方的督查或者系统管理岗位办理。")
