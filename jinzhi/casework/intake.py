"""How a case begins: drafts that survive a closed browser, and their one submission."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from jinzhi.casework import clocks, documents, engine, hooks
from jinzhi.casework.actions.base import Act, Actor, Refused
from jinzhi.casework.models import Case, Draft, ProcedureVersion, Step, Submission, published
from jinzhi.foundation import calendar, forms, numbering
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.places.services import place_of


class NotInForce(Refused):
    """No version of the procedure was in force on that day."""


class Stale(Refused):
    """The draft was changed elsewhere after this page was opened."""


def version_on(key: str, on: date) -> ProcedureVersion:
    """The published version in force on that day. Raises NotInForce."""
    found = (
        ProcedureVersion.objects.filter(key=key, valid_from__lte=on)
        .exclude(valid_to__lt=on)
        .order_by("-valid_from", "-version")
        .values_list("pk", flat=True)
        .first()
    )
    if found is None:
        raise NotInForce(f"{on:%Y-%m-%d} 没有施行中的办理流程")
    return published(found)


def save_draft(draft: Draft, data: dict, revision: int | None = None) -> Draft:
    """Keep what was typed. `revision` is what the page last saw; a newer one elsewhere is not overwritten."""
    with transaction.atomic():
        kept = Draft.objects.select_for_update().get(pk=draft.pk)
        if kept.submitted_at:
            raise Stale("此申请已提交，不能再修改草稿")
        if revision not in (None, kept.revision) and data != kept.data:
            raise Stale("这份草稿已在另一处修改，请刷新页面后继续；您刚才的输入仍保留在本页")
        kept.data, kept.revision = data, kept.revision + 1
        kept.save()
    return kept


def submit_draft(draft_id: UUID, actor: Actor, at: datetime | None = None) -> Case:
    """Turn a draft into a case. A second click, or a second window, gets the same case back."""
    with transaction.atomic():
        draft = Draft.objects.select_for_update().get(pk=draft_id)
        if draft.submitted_at:
            return Case.objects.get(draft=draft.pk)
        case = submit(
            draft.procedure, draft.data, actor, at=at, draft=draft.pk, enterprise_id=draft.enterprise_id
        )
        draft.submitted_at = at or timezone.now()
        draft.save()
    return case


def subject_of(data: dict) -> tuple[str, str, int]:
    """Name, code and place a form gives its case; the application's first section names them."""
    applicant, premises = data.get("applicant", {}), data.get("premises", {})
    county = premises.get("county") or applicant.get("county")
    if not county:
        raise Refused("请选择生产场所所在的县（市、区）")
    return applicant.get("name", ""), applicant.get("code", ""), place_of(county)


@dataclass(frozen=True)
class Origin:
    """Where a case comes from: how it was handed in, which step of another case opened it, when it was entered."""

    channel: str = Case.Channel.ONLINE
    parent_step: Step | None = None
    entered_on: date | None = None  # set for an old case entered later (补录)
    rule_date: date | None = None
    draft: UUID | None = None
    is_demo: bool = False
    applicant: Account | None = None
    numbered_at: str = ""  # the agency that numbers it, where that is not the one it is opened at


def submit(
    version: ProcedureVersion, data: dict, actor: Actor, *, at: datetime | None = None, draft: UUID | None = None,
    enterprise_id: UUID | None = None, is_demo: bool = False, channel: str = Case.Channel.ONLINE,
    entered_on: date | None = None,
) -> Case:  # fmt: skip
    """Open a case on a complete form. Raises Refused naming the first thing that is missing.

    `at` in the past together with `entered_on` is the entry of an old case: the rules of its own day decide.
    """
    moment = at or timezone.now()
    with transaction.atomic(), calendar.pinned():
        form, data = _complete(version, data, timezone.localtime(moment).date())
        name, code, place = subject_of(data)
        applicant = actor.account if actor.post is None else None
        origin = Origin(channel, None, entered_on, None, draft, is_demo, applicant)
        return _open(version, form, data, actor, moment, (name, code, place, enterprise_id), origin)


def begin(
    version: ProcedureVersion, data: dict, actor: Actor, *, place: int, subject_name: str, subject_code: str = "",
    enterprise_id: UUID | None = None, at: datetime | None = None, **origin,
) -> Case:  # fmt: skip
    """Open a case that nobody applied for: ex officio, or called by a step of another case (see Origin)."""
    moment = at or timezone.now()
    with transaction.atomic(), calendar.pinned():
        form = forms.get(version.procedure.form, version.procedure.form_version)
        subject = (subject_name, subject_code, place, enterprise_id)
        origin.setdefault("channel", Case.Channel.EX_OFFICIO)
        return _open(version, form, data, actor, moment, subject, Origin(**origin))


def _complete(version: ProcedureVersion, data: dict, day: date) -> tuple[forms.Form, dict]:
    definition = version.procedure
    if definition.closed:
        raise Refused(definition.closed)
    form = forms.get(definition.form, definition.form_version)
    cleaned, problems = forms.examine(form, data, on=day)
    if problems:
        raise Refused(
            f"还有 {len(problems)} 处需要填写或更正，首先是“{problems[0].label}”：{problems[0].message}"
        )
    return form, cleaned


def _open(
    version: ProcedureVersion, form: forms.Form, data: dict, actor: Actor, at: datetime,
    subject: tuple[str, str, int, UUID | None], origin: Origin,
) -> Case:  # fmt: skip
    day, definition = timezone.localtime(at).date(), version.procedure
    name, code, place, enterprise_id = subject
    agency = engine.agency_at(place, "county")
    number = numbering.next_number(
        "case",
        origin.numbered_at or agency.key,
        day.year,
        "{word}{year}{n:05d}",
        word=f"{definition.case_prefix}{origin.numbered_at or agency.key}",
    )
    account = origin.applicant
    case = Case(
        place=place, number=number, procedure=version, title=f"{definition.matter}：{name}",
        enterprise_id=enterprise_id, subject_name=name, subject_code=code, agency=agency,
        rule_date=origin.rule_date or day, received_on=day, data=data, draft=origin.draft, applicant=account,
        channel=origin.channel, entered_on=origin.entered_on, parent_step=origin.parent_step,
        is_demo=origin.is_demo or bool(account and account.is_demo),
    )  # fmt: skip
    act = Act(case, None, "submit", actor, at)
    first = definition.steps[definition.start]
    if first.role != "applicant" and first.level in engine.LEVELS:
        act.receiver = engine.agency_at(place, first.level)
    hooks.run(f"{definition.key}.submit" if hooks.known(f"{definition.key}.submit") else "", act)
    case.save()
    Submission.objects.create(
        case=case, place=place, number=1, form=form.key, form_version=form.version, data=data, at=at,
        account=actor.account,
    )  # fmt: skip
    for key in filter(lambda k: clocks.applies(case, k), definition.submit_starts):
        clocks.begin(case, key, day, at)
    act.documents = [documents.issue(kind, act) for kind in definition.submit_documents]
    act.log(
        "submit", _opening(act, form.title, number), form=form.key, version=form.version, channel=origin.channel,
        documents=[d.number or d.title for d in act.documents],
    )  # fmt: skip
    engine.open_step(act, definition.start)
    case.save()
    clocks.refresh_urgency(case)
    act.finish()
    return case


def _opening(act: Act, form: str, number: str) -> str:
    case = act.case
    entered = f"（{case.entered_on:%Y-%m-%d} 补录）" if case.entered_on else ""
    if case.channel == Case.Channel.EX_OFFICIO:
        return f"{act.who} 依职权启动{case.definition.matter}，编号 {number}{entered}。"
    how = "" if act.actor.post is None else f"代收 {case.subject_name} 的"
    return f"{act.who} {how or '提交'}《{form}》，编号 {number}{entered}。"
