"""One case of a licence and everybody who might knock at its doors, for tests over HTTP."""

from dataclasses import dataclass
from datetime import date

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jinzhi.casework import actions, documents
from jinzhi.casework.models import Case
from jinzhi.foundation import files
from jinzhi.foundation.files.models import Attachment, GeneratedDocument
from jinzhi.foundation.files.tests import samples
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.people.tests.cast import BACKEND
from jinzhi.registry.models import Enterprise
from jinzhi.services.licensing.tests import world

MONDAY = date(2026, 3, 2)
NEIGHBOUR = 330105000000  # the county next to West Lake, of the same city
OTHER_CODE = "92330106MA2B00X19A"


def enter(account: Account, **options) -> Client:
    """A signed-in browser; a demonstration account needs no second factor."""
    Account.objects.filter(pk=account.pk).update(is_demo=True)
    account.refresh_from_db()
    client = Client(**options)
    client.force_login(account, backend=BACKEND)
    return client


def file_of(holder: Enterprise, subject: str, place: int = world.COUNTY) -> Attachment:
    upload = SimpleUploadedFile("平面图.pdf", samples.PDF)
    return files.store(upload, kind="floor_plan", place=place, enterprise_id=holder.pk, subject=subject)


@dataclass
class Visited:
    """An accepted case of West Lake with an inspection to do, a file and a document."""

    case: Case
    holder: Enterprise
    owner: Account
    inspector: actions.Actor
    step: int  # the inspection, which has a page of its own
    file: Attachment
    document: GeneratedDocument

    def staff_doors(self) -> list[tuple[str, str]]:
        page = f"/office/cases/{self.case.number}/"
        step = f"{page}{self.step}/"
        return [
            ("get", page), ("post", f"{page}act/"), ("get", step), ("post", step), ("post", f"{step}save/"),
            ("post", f"{step}upload/"), *self.file_doors(),
        ]  # fmt: skip

    def file_doors(self) -> list[tuple[str, str]]:
        return [("get", self.file.url), ("get", self.document.url)]


def visited() -> Visited:
    holder = world.enterprise()
    owner = world.owner(holder)
    case = world.submitted(MONDAY, holder, actor=owner)
    world.go(case, "accept", "accept", world.official("受理", "window_clerk", world.COUNTY), MONDAY)
    kept = file_of(holder, documents.subject(case))
    document = documents.of_case(case).get(kind="receipt")
    GeneratedDocument.objects.filter(pk=document.pk).update(blob=kept.blob)  # as if rendered already
    inspector = world.official("核查", "inspector", world.COUNTY)
    step = case.steps.get(key="site_inspection", state="open").pk
    return Visited(case, holder, owner.account, inspector, step, kept, document)


def typed(data: dict) -> dict[str, str | list[str]]:
    """The data of an application as a browser posts it."""
    posted: dict[str, str | list[str]] = {}
    for section, part in data.items():
        if isinstance(part, list):
            rows = enumerate(part)
            posted |= {f"{section}-{n}-{key}": str(value) for n, row in rows for key, value in row.items()}
        else:
            posted |= {f"{section}-{k}": v if isinstance(v, list) else str(v) for k, v in part.items()}
    return posted


def send(client: Client, method: str, address: str, data=None, **more):
    return (
        getattr(client, method)(address, data, **more) if data else getattr(client, method)(address, **more)
    )
