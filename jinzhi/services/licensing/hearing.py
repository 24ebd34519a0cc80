"""听证 (行政许可法第四十六条至第四十八条): a case of its own that a licence case opens and waits for."""

from datetime import date

from jinzhi.casework import documents
from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook, run
from jinzhi.foundation import calendar, rules

REVIEWERS = ("examiner", "inspector")


@hook("licensing_hearing.submit")
def opened(act: Act) -> None:
    act.case.facts["deciding_level"] = act.case.data.pop("level", None) or "county"
    act.case.facts["hearing"] = {"asked": False}


@hook("licensing.hearing_ground")
def ground(act: Act) -> None:
    """What the notice of the time needed says: a hearing does not count against the limit (第四十五条)."""
    act.case.facts["suspension"] = {"ground": "听证", "reason": act.reason, "days": ""}


@hook("licensing.hearing_asked")
def asked(act: Act) -> None:
    """Somebody who may ask has asked in time."""
    by = "申请人" if act.here.role == "applicant" else "利害关系人"
    held = act.case.facts["hearing"]
    act.case.facts["hearing"] = held | {"asked": True, "by": [*held.get("by", []), by]}


def _not_the_reviewer(act: Act) -> None:
    """The chair is not one of those who examined the application (第四十八条第一款第（三）项)."""
    parent = act.case.parent_step
    if parent is None or act.actor.account is None:
        return
    looked = parent.case.steps.filter(role__in=REVIEWERS, state="done", account=act.actor.account)
    if looked.exists():
        raise Refused("听证主持人应当是审查该许可申请的工作人员以外的人员，请由他人主持")


@hook("licensing.hearing_arranged")
def arranged(act: Act) -> None:
    """Time and place are told at least seven days before; nobody pays for a hearing."""
    run("licensing.record", act)
    _not_the_reviewer(act)
    told = rules.value("licensing.hearing_notice", on=act.case.rule_date)
    held_on = date.fromisoformat(act.payload["result"]["arrangement"]["held_on"])
    earliest = calendar.day_of(calendar.ordinal(act.day) + int(told.value))
    if held_on < earliest:
        raise Refused(
            f"应于举行听证的 {told.shown}前通知时间、地点（{told.basis}），最早可定于 {earliest:%Y-%m-%d}",
            "arrangement.held_on",
        )
    limit = act.case.clocks.filter(key="hold", state__in=("running", "paused")).first()
    if limit and calendar.ordinal(held_on) > limit.due_ord:
        raise Refused(
            f"应当在 {calendar.day_of(limit.due_ord):%Y-%m-%d} 前组织听证（{limit.law}）",
            "arrangement.held_on",
        )


@hook("licensing.hearing_told")
def told(act: Act) -> None:
    plan = act.payload["result"]["arrangement"]
    notice = documents.issue(
        "hearing_notice", act, hearing_on=plan["held_on"], hearing_at=plan["time"], hearing_place=plan["place"],
        chair=plan["chair"],
    )  # fmt: skip
    act.documents = [*act.documents, notice]


@hook("licensing.hearing_held")
def held(act: Act) -> None:
    """Held on the day that was told, by somebody else than the reviewer, with a record that was signed."""
    run("licensing.record", act)
    _not_the_reviewer(act)
    made = act.payload["result"]["conclusion"]
    planned = act.case.facts["arrange"]["arrangement"]["held_on"]
    if made["held_on"] < planned:
        raise Refused(f"听证定于 {planned} 举行，记录的日期不能更早", "conclusion.held_on")


@hook("licensing.hearing_record")
def recorded(act: Act) -> None:
    """The record is what the decision rests on (第四十八条第二款)."""
    made = act.payload["result"]["conclusion"]
    paper = documents.issue(
        "hearing_record", act, held_on=made["held_on"], record=made["record"], signed=made["signed"],
        opinion=made["opinion"],
    )  # fmt: skip
    act.documents = [*act.documents, paper]
    act.case.facts["answer"] = {
        "held_on": made["held_on"],
        "opinion": made["opinion"],
        "record": paper.number,
    }
