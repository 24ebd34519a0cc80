"""Files that a step's record names: of this case, or just uploaded for it by whoever acts. Nobody takes another's."""

from jinzhi.casework import documents
from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.entering import waiting_room
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms import Form


def take(act: Act, wanted: list[str], field: str) -> None:
    """The files become the case's. Raises Refused where one of them is somebody else's, or is none at all."""
    case, account = act.case, act.actor.account
    files = Attachment.objects.filter(pk__in=set(wanted))
    ours = documents.subject(case)
    waiting = waiting_room(account) if account else ours
    applicant = account is not None and act.actor.post is None
    known = {
        str(f.pk)
        for f in files
        if f.subject in (ours, waiting) or (applicant and f.enterprise_id == case.enterprise_id)
    }
    if missing := next((w for w in wanted if w not in known), ""):
        raise Refused(f"没有编号为 {missing[:40]} 的材料，请先上传", field)
    files.filter(subject=waiting).update(subject=ours, place=case.place, enterprise_id=case.enterprise_id)


def take_named(act: Act, form: Form, data: dict) -> None:
    """Those that a form's attachment sections name."""
    for section in form.sections:
        if section.kind == "attachments":
            for key, files in (data.get(section.key) or {}).items():
                take(act, files, f"{section.key}.{key}")
