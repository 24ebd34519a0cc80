"""An enterprise asks for its archive to be corrected; an official answers within the limit of the rule."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from jinzhi.foundation import calendar, history, rules
from jinzhi.registry import archive_page, stating
from jinzhi.registry.facts import FIELDS
from jinzhi.registry.models import Correction, Enterprise
from jinzhi.registry.services import Refused

RULE = "registry.correction.answer"
ASKED = tuple(key for key in FIELDS if key not in ("uscc", "org_code"))  # a code is changed, not corrected
_TONES = {"open": "yellow", "accepted": "green", "refused": "red"}


@dataclass(frozen=True)
class Asked:
    """A request as pages show it, with the day its answer is due."""

    row: Correction
    due: date
    late: bool

    @property
    def title(self) -> str:
        return FIELDS[self.row.field].title if self.row.field in FIELDS else self.row.field

    @property
    def present_words(self) -> str:
        return archive_page.words(self.row.field, self.row.present)

    @property
    def wanted_words(self) -> str:
        try:
            return archive_page.words(self.row.field, self.row.wanted)
        except ValueError:
            return self.row.wanted

    @property
    def tone(self) -> str:
        return _TONES[self.row.state]


def asked(row: Correction) -> Asked:
    limit = int(rules.value(row.rule, row.asked_on).value)
    due = calendar.due(row.asked_on, limit).date
    return Asked(row, due, row.state == Correction.State.OPEN and calendar.today() > due)


def ask(enterprise: Enterprise, field: str, wanted: str, *, reason: str, actor: object) -> Correction:
    """Enter a request. Raises Refused in words, by field."""
    problems = {}
    if field not in ASKED:
        problems["field"] = "请选择有误的项目"
    elif not wanted.strip():
        problems["wanted"] = "请填写应为的内容"
    if not reason.strip():
        problems["reason"] = "请写明理由和依据"
    if problems:
        raise Refused(problems)
    value = str(stating.parse(field, wanted))
    present = stating.text(enterprise, field)
    if value == present:
        raise Refused({"wanted": "与现有内容相同"})
    try:
        with transaction.atomic():
            return Correction.objects.create(
                enterprise=enterprise, place=enterprise.place, field=field, present=present, wanted=value,
                reason=reason.strip()[:500], asked_by=str(actor)[:60], asked_on=calendar.today(), rule=RULE,
            )  # fmt: skip
    except IntegrityError:
        raise Refused({"field": f"“{FIELDS[field].title}”已有一项申请在办，请等候答复"}) from None


@transaction.atomic
def answer(
    key: Any, accept: bool, *, text: str, actor: object, post: object = None, since: date | None = None
) -> Correction:
    """Answer a request once; accepting it corrects the archive."""
    row = Correction.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise Refused({"correction": "没有这项申请，或者不在管辖范围内"})
    if row.state != Correction.State.OPEN:
        raise Refused({"correction": "这项申请已经答复"})
    if not text.strip():
        raise Refused({"answer": "请写明核实情况和答复"})
    row.state = Correction.State.ACCEPTED if accept else Correction.State.REFUSED
    row.answer, row.answered_by, row.answered_on = text.strip()[:500], str(actor)[:60], calendar.today()
    if accept:
        stating.correct(row.enterprise_id, row.field, row.wanted, reason=f"企业申请更正：{row.answer}", actor=actor,
                        post=post, since=since)  # fmt: skip
    row.save()
    history.append("registry", "correction_answered", actor=actor, post=post,
                   subject=f"enterprise:{row.enterprise_id}",
                   data={"field": row.field, "accepted": accept, "answer": row.answer})  # fmt: skip
    return row
