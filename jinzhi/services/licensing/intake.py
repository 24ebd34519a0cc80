"""Drafts of applications: made for an enterprise, prefilled from what is known, handed in with their files."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from uuid_utils.compat import uuid7

from jinzhi.casework import intake
from jinzhi.casework.actions import Actor
from jinzhi.casework.models import Case, Draft
from jinzhi.casework.procedures import Procedure
from jinzhi.foundation import forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.validation import keys
from jinzhi.registry.models import Certificate, Enterprise

NOWHERE = 0  # files of a draft belong to no jurisdiction until the application is handed in
LICENCE = (
    "licence"  # section of the forms of change, renewal, reissue and cancellation; `number` names the licence
)


@dataclass(frozen=True)
class Known:
    """What is known before anybody types: the enterprise, the licence concerned, the application it came from."""

    enterprise: Enterprise | None = None
    licence: Certificate | None = None
    former: dict | None = None

    def answer(self, source: str, section: str, key: str) -> Any:
        """The answer that `prefill: <source>` means, or None."""
        if source == "former":
            part = (self.former or {}).get(section)
            return part.get(key) if isinstance(part, dict) else None
        if not source.startswith("licence."):
            return getattr(self.enterprise, source, "")
        if self.licence is None:
            return None
        if source == "licence.county":
            return f"{self.licence.place // 1_000_000:06d}"
        found = getattr(self.licence, source.removeprefix("licence."))
        return found.isoformat() if isinstance(found, date) else found

    def rows(self, section: forms.Section) -> list[dict]:
        """The lines of the licence, or the rows of the former application, in the columns of this table."""
        if section.prefill == "former":
            rows = (self.former or {}).get(section.key)
            names = {f.key for f in section.fields}
            return (
                [{k: v for k, v in r.items() if k in names} for r in rows] if isinstance(rows, list) else []
            )
        if section.prefill != "licence.items" or self.licence is None:
            return []
        return [
            {
                f.key: getattr(item, f"{f.key}_code" if f.type == "code_set" else f.key, "")
                for f in section.fields
            }
            for item in self.licence.items.all()
        ]


def known(enterprise_id, licence: Certificate | None) -> Known:
    former = None
    if licence is not None and licence.case_number:
        former = Case.objects.filter(number=licence.case_number).values_list("data", flat=True).first()
    enterprise = Enterprise.objects.filter(pk=enterprise_id).first()
    return Known(enterprise, licence, former)


def prefill(form: forms.Form, facts: Known) -> dict:
    """What is already known, so that nobody types it again."""
    data = form.empty()
    for section in form.sections:
        if section.kind == "table":
            data[section.key] = facts.rows(section)
        elif section.kind == "fields":
            found = {
                f.key: facts.answer(f.prefill or section.prefill, section.key, f.key)
                for f in section.fields
                if f.prefill or section.prefill
            }
            data[section.key] = {k: v for k, v in found.items() if v}
    return data


def wants_licence(procedure: Procedure) -> bool:
    """Whether it concerns a licence the applicant already holds."""
    form = forms.get(procedure.form, procedure.form_version)
    return any(
        s.key == LICENCE and s.kind == "fields" and any(f.key == "number" for f in s.fields)
        for s in form.sections
    )


def licences_for(procedure: Procedure, enterprise_id) -> list[Certificate]:
    """The enterprise's licences the procedure may be about, those in force first."""
    found = Certificate.objects.filter(holder_id=enterprise_id).exclude(status__in=Certificate.ENDED)
    if procedure.licence:
        found = found.filter(kind=procedure.licence)
    return sorted(found.order_by("-valid_to", "number"), key=lambda c: not c.in_force())


def draft_for(account, procedure: str, on: date, licence: Certificate | None = None) -> Draft:
    """The enterprise's unfinished draft of this matter (and licence), or a new one under the version in force."""
    version = intake.version_on(procedure, on)
    drafts = Draft.objects.filter(
        enterprise_id=account.enterprise_id, procedure__key=procedure, submitted_at=None
    )
    if licence is not None:
        drafts = drafts.filter(data__licence__number=licence.number)
    draft = drafts.order_by("-updated_at").first()
    if draft is not None:
        if draft.procedure_id != version.pk:  # the law changed while it lay there
            draft.procedure = version
            draft.save()
        return draft
    form = forms.get(version.procedure.form, version.procedure.form_version)
    data = prefill(form, known(account.enterprise_id, licence))
    if licence is not None:
        data.setdefault(LICENCE, {})["number"] = licence.number
    return Draft.objects.create(
        id=uuid7(), enterprise_id=account.enterprise_id, account=account, procedure=version, data=data
    )


def subject(draft: Draft) -> str:
    return f"draft:{draft.pk}"


def submit(draft: Draft, actor: Actor) -> Case:
    """Hand the draft in; its files now belong to the case and its jurisdiction."""
    case = intake.submit_draft(draft.pk, actor)
    adopt(case, subject(draft))
    return case


def adopt(case: Case, former_subject: str) -> None:
    Attachment.objects.filter(subject=former_subject, enterprise_id=case.enterprise_id).update(
        subject=f"case:{case.pk}", place=case.place
    )


def own_files(data: dict, form: forms.Form, enterprise_id) -> dict:
    """The data without attachment ids that are not this enterprise's own: nobody hands in another's files."""
    for section in form.sections:
        part = data.get(section.key)
        if section.kind != "attachments" or not isinstance(part, dict):
            continue
        ids = keys([i for many in part.values() for i in many])
        own = Attachment.objects.filter(pk__in=ids, enterprise_id=enterprise_id)
        known = {str(k) for k in own.values_list("pk", flat=True)}
        data[section.key] = {key: [i for i in many if i in known] for key, many in part.items()}
    return data
