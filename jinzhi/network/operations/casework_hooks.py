"""What faults, changes and incidents add to the engine: their grading, their records, what they leave behind."""

from datetime import datetime

from django.utils import timezone

from jinzhi.casework.actions import Act, Refused
from jinzhi.casework.hooks import hook
from jinzhi.foundation import rules
from jinzhi.foundation.people.models import Agency
from jinzhi.network.operations import acts, moments, recording
from jinzhi.network.operations.models import Layer, Outage, Window

LEVELS = ("county", "city", "province", "vendor")
LEVEL_NAMES = {"county": "县级", "city": "市级", "province": "省级", "vendor": "厂商"}
LAYERS = {"county": Layer.COUNTY, "city": Layer.CITY, "province": Layer.BACKBONE}


def _begins(act: Act) -> None:
    """A matter of the house begins at the level of the bureau that has the place."""
    act.case.facts |= {
        "internal": True,
        "level": act.case.agency.level,
        "deciding_level": act.case.agency.level,
    }
    act.case.facts["level_name"] = LEVEL_NAMES[act.case.agency.level]
    act.receiver = act.case.agency


# -- faults


@hook("network_fault.submit")
def reported(act: Act) -> None:
    """Priority = impact × urgency, by the table in force."""
    _begins(act)
    grading, fault = act.case.data["grading"], act.case.data["fault"]
    table = rules.table("operations.priority", on=act.case.rule_date)
    priority = table.decide(impact=grading["impact"], urgency=grading["urgency"])["priority"]
    began = moments.past(fault["began"], "发生时间", act.at, "fault.began")
    act.case.facts |= {"priority": priority, "began": began.isoformat(), "node": fault["node"]}
    act.case.title = f"{priority} {act.case.title}"[:120]
    if origin := fault.get("origin"):  # a city could not mend it: the province begins where it stands
        act.case.facts |= {
            "origin": origin,
            "level": "province",
            "level_name": "省级",
            "deciding_level": "province",
        }
        act.receiver = None


@hook("operations.accepted")
def accepted(act: Act) -> None:
    """Who takes it stands by name in the fault."""
    act.case.facts["taken_by"] = str(act.actor.account or "")


@hook("operations.escalated")
def escalated(act: Act) -> None:
    """County to city to province to vendor; the level that gave it away is kept."""
    facts = act.case.facts
    now = LEVELS.index(facts["level"])
    level = LEVELS[min(now + 1, len(LEVELS) - 1)]
    facts.setdefault("way", []).append([facts["level"], level, act.action, act.at.isoformat()])
    facts |= {"level": level, "level_name": LEVEL_NAMES[level]}
    facts["deciding_level"] = "province" if level == "vendor" else level


@hook("operations.restored")
def restored(act: Act) -> None:
    """No fault is over without its cause."""
    made = recording.take(act)
    restored = moments.past(made["restored"], "恢复时间", act.at, "conclusion.restored")
    if restored < datetime.fromisoformat(act.case.facts["began"]):
        raise Refused("恢复时间不能早于发生时间", "conclusion.restored")
    act.case.facts |= {"restored": restored.isoformat(), "cause_kind": made["cause_kind"]}
    act.case.facts["interrupted"] = made["interrupted"] == "yes"


@hook("operations.confirmed")
def confirmed(act: Act) -> None:
    made = recording.take(act)
    if act.case.facts["priority"] == "P1" and not made.get("report", "").strip():
        raise Refused("一级故障办结前应当附重大故障报告", "conclusion.report")
    if not act.case.facts.get("restored"):
        raise Refused("没有写明原因和恢复时间的故障不能办结")


@hook("operations.closed")
def closed(act: Act) -> None:
    """Time the node did not serve counts against its availability; of a city's ticket the city itself counts it."""
    facts = act.case.facts
    if facts.get("origin"):
        return
    Outage.objects.filter(ticket=act.case.number, source=Outage.Source.TICKET).delete()
    if facts.get("interrupted"):
        handled = recording.taken(act.case, "vendor") or recording.taken(act.case, "handle")
        Outage.objects.create(
            place=act.case.place, node=facts["node"], layer=LAYERS[act.case.agency.level], ticket=act.case.number,
            starts=datetime.fromisoformat(facts["began"]), ends=datetime.fromisoformat(facts["restored"]),
            source=Outage.Source.TICKET, cause=str(handled.get("cause", ""))[:120], is_demo=act.case.is_demo,
        )  # fmt: skip


# -- changes


@hook("network_change.submit")
def change_asked(act: Act) -> None:
    _begins(act)
    window = act.case.data["window"]
    starts = moments.read(window["starts"], "时间窗开始", "window.starts")
    ends = moments.read(window["ends"], "时间窗结束", "window.ends")
    if ends <= starts:
        raise Refused("时间窗的结束应当晚于开始", "window.ends")
    if ends <= act.at:
        raise Refused("时间窗已经过去，请另选", "window.starts")
    told = ""
    if window["stops"] == "yes":
        if not window.get("told"):
            raise Refused("需要停机的，请填写通知用户的时间", "window.told")
        told = moments.read(window["told"], "通知用户的时间", "window.told").isoformat()
    act.case.facts |= {
        "starts": starts.isoformat(), "ends": ends.isoformat(), "told": told, "node": act.case.data["change"]["node"],
        "risk": act.case.data["risk"]["level"],
    }  # fmt: skip


@hook("operations.assessed")
def assessed(act: Act) -> None:
    """The heavier of the two judgements counts; what is risky is approved above."""
    made, order = recording.take(act), ("low", "middle", "high")
    if made["backed_up"] == "no":
        raise Refused("变更前应当完成备份", "conclusion.backed_up")
    risk = max(made["level"], act.case.data["risk"]["level"], key=order.index)
    own = act.case.agency.level
    above = {"low": own, "middle": LEVELS[max(LEVELS.index(own), 1)], "high": "province"}
    act.case.facts |= {"risk": risk, "deciding_level": above[risk]}


@hook("operations.change_approved")
def change_approved(act: Act) -> None:
    """A window in which the node stops; whether it was told in time is judged when availability is counted."""
    facts = act.case.facts
    if facts["told"]:
        Window.objects.create(
            place=act.case.place, node=facts["node"], starts=datetime.fromisoformat(facts["starts"]),
            ends=datetime.fromisoformat(facts["ends"]), told_at=datetime.fromisoformat(facts["told"]),
            change=act.case.number, purpose=act.case.data["change"]["title"][:120], is_demo=act.case.is_demo,
        )  # fmt: skip


@hook("operations.change_cancelled")
def change_cancelled(act: Act) -> None:
    Window.objects.filter(change=act.case.number).delete()


@hook("operations.in_window")
def in_window(act: Act) -> None:
    """Nothing is touched before the window opens."""
    starts = datetime.fromisoformat(act.case.facts["starts"])
    if act.at < starts:
        raise Refused(f"批准的时间窗从 {timezone.localtime(starts):%Y-%m-%d %H:%M} 开始，不能提前实施")


# -- security incidents


@hook("security_incident.submit")
def incident_found(act: Act) -> None:
    _begins(act)
    incident, nature = act.case.data["incident"], act.case.data["nature"]
    found = moments.past(incident["found"], "发现时间", act.at, "incident.found")
    act.case.facts |= {
        "found_at": found.isoformat(), "reporting": nature["operator"], "police": nature["police"] == "yes",
        "personal": nature["personal"] == "yes", "node": incident["node"], "first_grade": nature["grade"],
    }  # fmt: skip


@hook("operations.judged")
def judged(act: Act) -> None:
    """A grade lighter than the first impression needs a second person, too."""
    made = recording.take(act)
    first = act.case.facts["first_grade"]
    acts.set_grade(act, min(made["grade"], first))
    if made["grade"] > first:
        assert act.actor.account is not None, "a person judges"
        held = {"grade": made["grade"], "by": act.actor.account.pk, "reason": made["basis"]}
        act.case.facts["proposed_grade"] = held


@hook("operations.reported")
def incident_reported(act: Act) -> None:
    made = recording.take(act)
    reported = moments.past(made["reported"], "报告时间", act.at, "conclusion.reported")
    if reported < datetime.fromisoformat(act.case.facts["found_at"]):
        raise Refused("报告时间不能早于发现时间", "conclusion.reported")
    if act.case.facts.get("personal") and not made.get("persons", "").strip():
        raise Refused(
            "泄露个人信息的，应当写明补救和告知情况（《个人信息保护法》第五十七条）", "conclusion.persons"
        )


@hook("operations.need_not_report")
def need_not_report(act: Act) -> None:
    if act.case.facts.get("must_report"):
        raise Refused(f"{act.case.facts['grade_name']}事件应当报告，不能略过")


@hook("operations.no_police")
def no_police(act: Act) -> None:
    if act.case.facts.get("police"):
        raise Refused(
            "登记时认为涉及违法犯罪案件，应当向公安机关报告（《计算机信息系统安全保护条例》第十四条）"
        )


@hook("operations.reviewed")
def reviewed(act: Act) -> None:
    recording.take(act)


@hook("operations.no_open_regrade")
def no_open_regrade(act: Act) -> None:
    """Nothing is left open: a proposed grade, a report that became due later."""
    if act.case.facts.get("proposed_grade"):
        raise Refused("降级申请尚待他人复核，不能办结")
    if act.case.facts.get("must_report") and not act.case.facts.get("record", {}).get("report"):
        raise Refused("本事件应当报告而没有报告记录，请退回“事件报告”补报")


def agency_of_place(place: int) -> Agency | None:
    """The bureau of exactly this place today."""
    return Agency.objects.filter(place=place, valid_to=None).first()
