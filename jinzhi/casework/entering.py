"""What comes in over the interface: judged like what is typed on a page, and dated back only with the power to.

Old cases (历史补录): the post needs the role `records_clerk` itself. An entry is dated on a past day, never
before the last act on the case; `Event.recorded_at` keeps when it was really written.
"""

import logging
import math
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.db import DataError, transaction
from django.utils import timezone

from jinzhi.casework import actions, api_fields, documents, intake
from jinzhi.casework.actions import Act, Actor, NoPower, Refused
from jinzhi.casework.models import Case, Step
from jinzhi.casework.procedures import Procedure
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.forms.validation import FieldError
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.places import scope
from jinzhi.registry import services as registry
from jinzhi.registry.models import Enterprise

log = logging.getLogger(__name__)
ENTERS_OLD = "records_clerk"
RECEIVES = ("window_clerk", ENTERS_OLD)
DEEPEST = 30
OPENS = time(9)  # the hour of what is entered for a past day, when nothing else happened on it


class Incomplete(Refused):
    """The form lacks something; `problems` names every field."""

    def __init__(self, found: list[FieldError]):
        first = found[0]
        text = f"还有 {len(found)} 处需要填写或更正，首先是“{first.label}”：{first.message}"
        super().__init__(text, f"data.{first.path}")
        self.problems = [
            {"field": f"data.{e.path}", "code": "invalid", "message": f"{e.label}：{e.message}"}
            for e in found
        ]


def sound(value: Any, depth: int = 0) -> None:
    """Refuse what JSON can say and the database cannot keep: U+0000, halves of characters, endless numbers."""
    if depth > DEEPEST:
        raise Refused("data 的层次太深", "data")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("data 中有残缺的字符", "data") from None
        if "\0" in value:
            raise Refused("data 中不能有 U+0000", "data")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused("data 中的数字无效", "data")
    elif isinstance(value, dict):
        for key, one in value.items():
            sound(key, depth + 1)
            sound(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            sound(one, depth + 1)


# -- days


def may_date_back(actor: Actor, procedure: str) -> bool:
    """Whether the post itself (not one it stands in for) enters old cases of this procedure."""
    return actor.post is not None and any(
        p.role == ENTERS_OLD and p.post_id == actor.post.pk and p.procedure in ("", procedure)
        for p in actor.powers
    )


def _past(actor: Actor, procedure: str, on: date) -> None:
    if not may_date_back(actor, procedure):
        raise NoPower("按过去的日期补录须由历史补录岗办理", "on")
    if on > calendar.today():
        raise Refused("日期不能晚于今天", "on")
    try:
        calendar.ordinal(on)
    except calendar.CalendarError as fault:
        raise Refused(str(fault), "on") from None


def moment(on: date) -> datetime:
    """The moment an entry for that day gets; among the acts of one day the engine keeps the order."""
    if on == calendar.today():
        return timezone.now()
    return timezone.make_aware(datetime.combine(on, OPENS))


# -- opening a case


def open_case(actor: Actor, procedure: str, enterprise: str | None, data: dict, on: date | None) -> Case:
    """A case from a complete form. Raises Refused; nothing has happened then."""
    sound(data)
    holder = _holder(actor, enterprise, data)
    if on is not None:
        _past(actor, procedure, on)
    day = on or calendar.today()
    version = intake.version_on(procedure, day)
    definition = version.procedure
    _may_open(actor, definition)
    if definition.closed:
        raise Refused(definition.closed, "procedure")
    form = forms.get(definition.form, definition.form_version)
    problems = [] if definition.ex_officio else forms.validate(form, data, on=day)
    problems = problems + _foreign_files(actor, form, data, holder)
    if problems:
        raise Incomplete(problems)
    name, code, place = _subject(actor, data, holder)
    origin: dict[str, Any] = {
        "at": moment(day),
        "enterprise_id": holder.pk if holder else None,
        "entered_on": calendar.today() if day < calendar.today() else None,
    }
    with transaction.atomic():
        if definition.ex_officio:
            case = intake.begin(
                version, data, actor, place=place, subject_name=name, subject_code=code, **origin
            )
        else:
            channel = Case.Channel.WINDOW if actor.post else Case.Channel.INTERFACE
            case = intake.submit(version, data, actor, channel=channel, **origin)
        _adopt(case, form, actor)
    return case


def _may_open(actor: Actor, p: Procedure) -> None:
    """Applicants apply; officials enter what was handed in at the window, and begin what needs no application."""
    if actor.post is None:
        if p.ex_officio:
            raise NoPower(f"{p.matter}由行政机关依职权启动，不能申请")
        return
    wanted = {ENTERS_OLD, p.steps[p.start].role} if p.ex_officio else set(RECEIVES)
    if not any(w.role in wanted and w.procedure in ("", p.key) for w in actor.powers):
        raise NoPower("录入申请须由窗口受理岗或者历史补录岗办理")


def _holder(actor: Actor, named: str | None, data: dict) -> Enterprise | None:
    """The enterprise that applies: its own account's, or the one an official names or the form does."""
    applicant = data.get("applicant")
    typed = applicant.get("code") if isinstance(applicant, dict) else None
    typed = typed if isinstance(typed, str) else ""
    with scope.acting(scope.SYSTEM):  # it may have its seat elsewhere; only its key is used
        by_name, by_form = _registered(named or ""), _registered(typed)
        key = actor.account.enterprise_id if actor.account and actor.post is None else None
        own = Enterprise.objects.filter(pk=key).first() if key else None
    if named and by_name is None:
        raise Refused(f"没有登记“{named}”这个企业", "enterprise")
    if actor.post is None:
        if own is None:
            raise NoPower("这个账号没有关联企业")
        if by_name is not None and by_name.pk != own.pk:
            raise NoPower("只能以本企业的名义申请", "enterprise")
        by_name = own
    holder = by_name or by_form
    if holder is not None and by_form is not None and by_form.pk != holder.pk:
        raise Refused(f"申请人代码 {typed} 属于“{by_form.name}”，与申请企业不一致", "data.applicant.code")
    return holder


def _registered(code: str) -> Enterprise | None:
    if not code:
        return None
    try:
        return Enterprise.objects.filter(pk=UUID(code)).first()
    except ValueError:
        return registry.find_enterprise(code)


def _subject(actor: Actor, data: dict, holder: Enterprise | None) -> tuple[str, str, int]:
    """Name, code and place of the case; an official takes in those of his own jurisdiction only."""
    try:
        name, code, place = intake.subject_of(data)
    except Refused:
        if actor.post is None or holder is None:
            raise
        name, code, place = holder.name, holder.uscc or holder.org_code, actor.post.agency.place
    if actor.post is not None:
        lo, hi = scope.jurisdiction(actor.post.agency.place)
        if not lo <= place <= hi:
            raise NoPower(f"{actor.post.agency.short_name}不受理这个地点的申请", "data.premises.county")
    return name, code, place


# -- files


def waiting_room(account: Account | None) -> str:
    """What uploaded files belong to until a case takes them."""
    assert account is not None, "the system uploads nothing"
    return f"interface:{account.pk}"


def _named_files(form: forms.Form, data: dict) -> list[tuple[str, forms.Field, str]]:
    """(section, field, id) of every attachment that the data name."""
    found = []
    for section in form.sections:
        part = data.get(section.key)
        if section.kind != "attachments" or not isinstance(part, dict):
            continue
        for field in section.fields:
            ids = part.get(field.key)
            found += (
                [(section.key, field, i) for i in ids if isinstance(i, str)] if isinstance(ids, list) else []
            )
    return found


def _foreign_files(actor: Actor, form: forms.Form, data: dict, holder: Enterprise | None) -> list[FieldError]:
    """Attachments that are neither uploaded by this account nor the enterprise's own: nobody hands in another's."""
    named = _named_files(form, data)
    wanted = forms.validation.keys([i for _, _, i in named])
    visible = Attachment.objects.filter(pk__in=wanted)
    known = {
        str(a.pk)
        for a in visible
        if a.subject == waiting_room(actor.account) or (holder is not None and a.enterprise_id == holder.pk)
    }
    return [
        FieldError(f"{section}.{field.key}", field.label, f"没有编号为 {i[:40]} 的材料，请先上传")
        for section, field, i in named
        if i not in known
    ]


def _adopt(case: Case, form: forms.Form, actor: Actor) -> None:
    """Files that waited now belong to the case and its jurisdiction."""
    keys = [i for _, _, i in _named_files(form, case.data)]
    waiting = Attachment.objects.filter(pk__in=keys, subject=waiting_room(actor.account))
    waiting.update(subject=documents.subject(case), place=case.place, enterprise_id=case.enterprise_id)


# -- acting


def act(
    actor: Actor, case: Case, action: str, step: int | str | None, data: dict, reason: str, on: date | None
) -> Act:
    """One act. Raises Refused; nothing has happened then."""
    sound(data)
    kind = actions.registry[action]
    if on is not None:
        _past(actor, case.definition.key, on)
        if case.entered_on is None:
            raise Refused("只有补录的办件按过去的日期登记；本件按实际办理的时间记录", "on")
    here = None if kind.whole_case else _step(actor, case, action, step)
    at = None if on is None else moment(on)
    payload = _payload(actor, case, here, action, data, on or calendar.today())
    try:
        with transaction.atomic():
            key = here.pk if here else None
            done = actions.perform(case.pk, action, key, actor, reason=reason, payload=payload, at=at)
            if action == "resubmit":
                _adopt(done.case, _form(case), actor)
    except (AttributeError, DataError, LookupError, TypeError, ValueError) as fault:
        if not data:
            raise
        log.warning("%s on %s: data not understood", action, case.number, exc_info=fault)
        raise Refused("data 的内容不合要求", "data") from None
    return done


def _step(actor: Actor, case: Case, action: str, wanted: int | str | None) -> Step:
    """The step meant: by id, by key (the open one, else the last), or the only one where this is possible."""
    steps = case.steps.order_by("-id")
    if isinstance(wanted, int):
        found = steps.filter(pk=wanted).first() if abs(wanted) < 2**63 else None
    elif wanted:
        if len(wanted) > 40 or "\0" in wanted:
            raise Refused("没有这个环节", "step")
        found = steps.filter(key=wanted, state=Step.State.OPEN).first() or steps.filter(key=wanted).first()
    else:
        kind = actions.registry[action]
        possible = [s for s in steps.filter(state=Step.State.OPEN) if kind.open_to(case, s, actor)]
        if len(possible) > 1:
            raise Refused("本件有多个环节可以这样办理，请在 step 中写明", "step")
        if not possible:
            raise Refused("没有可以这样办理的待办环节", "step")
        found = possible[0]
    if found is None:
        raise Refused(f"本件没有“{wanted}”环节", "step")
    return found


def _form(case: Case) -> forms.Form:
    return forms.get(case.definition.form, case.definition.form_version)


def _payload(
    actor: Actor, case: Case, step: Step | None, action: str, data: dict, on: date
) -> dict[str, Any]:
    """What `perform` takes, from what the interface was sent."""
    if action != "resubmit":
        return api_fields.read(case, step, action, data)
    form = _form(case)
    holder = Enterprise.objects.filter(pk=case.enterprise_id).first() if case.enterprise_id else None
    problems = forms.validate(form, data, on=on) + _foreign_files(actor, form, data, holder)
    if problems:
        raise Incomplete(problems)
    return {"data": data}
