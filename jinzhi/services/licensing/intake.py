"""Drafts of applications: made for an enterprise, prefilled from the register, handed in with their files."""

from datetime import date

from uuid_utils.compat import uuid7

from jinzhi.casework import intake
from jinzhi.casework.actions import Actor
from jinzhi.casework.models import Case, Draft
from jinzhi.foundation import forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.validation import keys
from jinzhi.registry.models import Enterprise

NOWHERE = 0  # files of a draft belong to no jurisdiction until the application is handed in


def prefill(form: forms.Form, enterprise: Enterprise | None) -> dict:
    """What the register already knows, so that nobody types it again."""
    data = form.empty()
    for section in form.sections:
        if section.kind == "fields" and enterprise is not None:
            known = {f.key: getattr(enterprise, f.prefill, "") for f in section.fields if f.prefill}
            data[section.key] = {k: v for k, v in known.items() if v}
    return data


def draft_for(account, procedure: str, on: date) -> Draft:
    """The enterprise's unfinished draft of this matter, or a new one under the version in force."""
    version = intake.version_on(procedure, on)
    draft = (
        Draft.objects.filter(enterprise_id=account.enterprise_id, procedure__key=procedure, submitted_at=None)
        .order_by("-updated_at")
        .first()
    )
    if draft is not None:
        if draft.procedure_id != version.pk:  # the law changed while it lay there
            draft.procedure = version
            draft.save()
        return draft
    form = forms.get(version.procedure.form, version.procedure.form_version)
    enterprise = Enterprise.objects.filter(pk=account.enterprise_id).first()
    return Draft.objects.create(
        id=uuid7(), enterprise_id=account.enterprise_id, account=account, procedure=version,
        data=prefill(form, enterprise),
    )  # fmt: skip


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
