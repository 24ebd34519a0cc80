"""Cases of the other matters: every procedure of the licensing family, carried some way by its main outcomes."""

from dataclasses import dataclass, field
from datetime import date

from jinzhi.casework import actions, engine, hooks, intake
from jinzhi.casework.models import PERSONAL, Case, Step
from jinzhi.demo.answers import Answers
from jinzhi.demo.cases import Maker
from jinzhi.foundation import calendar, forms
from jinzhi.foundation.people.models import Account
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.services.licensing import intake as drafts
from jinzhi.services.licensing import records
from jinzhi.services.licensing.intake import adopt

REPORT = {
    "laboratory": "省质量检验研究院",
    "report": "ZJ-DEMO",
    "standard": "GB 1355-1986",
    "conclusion": "pass",
}
MOST_ACTS = 30


@dataclass(frozen=True)
class Life:
    """A case to make: until which step it is carried (empty: to its end), begun so many working days ago."""

    procedure: str
    until: str = ""
    ago: int = 20
    given: dict = field(default_factory=dict)
    on: date | None = None  # begun on that day, long ago
    licence: str = ""  # kind of licence it is about: one of the register, or the enterprise's own


BOILER = {
    "scope": {"activity": "2", "equipment": "1"},
    "items": [{"level": "B", "product": "工业锅炉", "parameters": "额定工作压力≤2.5 MPa"}],
}
LIFT = {"scope": {"activity": "3", "equipment": "3"}, "items": [{"level": "B", "product": "乘客电梯"}]}
SCALE = {
    "instruments": {"key_list": "no"},
    "items": [
        {
            "name": "电子计价秤",
            "model": "ACS-15",
            "range": "0–15 kg",
            "gate": "type",
            "gate_number": "99-F166",
        }
    ],
}
REVOKED = {
    "decision": {
        "ground": "unqualified",
        "facts": "现场已不具备生产条件，原准予决定所依据的核查记录不实。",
        "harm": "no",
    }
}
LIVES = (
    Life("food_production_change", "desk_review", 3, {"change": {"items": ["name"]}}, licence="food_production"),
    Life("food_production_change", "site_inspection", 5, {"change": {"items": ["layout"]}}, licence="food_production"),
    Life("food_production_change", "", 40, {"change": {"items": ["equipment"]}}, licence="food_production"),
    Life("food_production_renewal", "decide", 8, {"declaration": {"changed": "no"}}, licence="food_production"),
    Life("food_production_renewal", "", 40, {"declaration": {"changed": "yes"}}, licence="food_production"),
    Life("food_production_commitment", "verify", 15),
    Life("licence_reissue", "review", 2, licence="food_production"),
    Life("licence_cancellation", "", 20, licence="food_production"),
    Life("licence_revocation", "statement", 3, REVOKED, licence="food_production"),
    Life("licence_withdrawal", "", 60, {"decision": {"ground": "circumstances"}}, licence="food_production"),
    Life("special_equipment_licence", "accept", 2, LIFT),
    Life("special_equipment_licence", "appraisal", 30, BOILER),
    Life("special_equipment_licence", "decide", 25, LIFT),
    Life("special_equipment_licence", "", 200, BOILER),
    Life("special_equipment_licence", "", 0, BOILER, on=date(2008, 9, 1)),
    Life("type_approval", "evaluation", 30, {"instrument": {"maker": "domestic", "catalogue": "P", "letter": "F"}}),
    Life("type_approval", "", 90, {"instrument": {"maker": "domestic", "catalogue": "P", "letter": "F"}}),
    Life("measuring_instrument_licence", "", 0, SCALE, on=date(2009, 4, 7)),
    Life("joint_licensing", "joint_review", 10, {"matters": [{"matter": "食品生产许可"}, {"matter": "特种设备生产许可"}]}),
)  # fmt: skip

LOCAL = {life.procedure for life in LIVES if life.licence} | {
    "food_production_commitment"
}  # decided in the city


class Carrier:
    """Makes one life after another; every act goes through the engine."""

    def __init__(self, maker: Maker):
        self.maker = maker

    def make(self, life: Life, firm: Enterprise, licence: Certificate | None) -> Case:
        day = life.on or self.maker.clock.ago(life.ago)
        version = intake.version_on(life.procedure, day)
        procedure = version.procedure
        form = forms.get(procedure.form, procedure.form_version)
        subject = f"demo:{firm.pk}"
        facts = drafts.Known(firm, licence)
        given = life.given | ({"licence": {"number": licence.number}} if licence else {})
        data = self.answers(firm, day, subject).to(form, facts, given)
        at = self.maker.clock.at(day)
        if procedure.ex_officio:
            assert licence is not None, "what is begun ex officio is about a licence"
            officer = self.actor_at(engine.agency_at(licence.place, "city").place, "examiner")
            case = intake.begin(
                version, data, officer, place=licence.place, subject_name=firm.name, subject_code=firm.code,
                enterprise_id=firm.pk, at=at, is_demo=True,
            )  # fmt: skip
        else:
            case = intake.submit(
                version, data, actions.Actor(None), at=at, enterprise_id=firm.pk, is_demo=True
            )
        adopt(case, subject)
        self.carry(case, life.until, day)
        return case

    def answers(self, firm: Enterprise, day: date, subject: str) -> Answers:
        return Answers(self.maker.random, firm, day, self.maker.paper, subject)

    def actor_at(self, place: int, role: str) -> actions.Actor:
        return self.maker.actor(place, role)

    def carry(self, case: Case, until: str, day: date) -> None:
        """Take the main outcome of whatever is open, a working day later each time, up to the step named."""
        for _ in range(MOST_ACTS):
            case.refresh_from_db()
            open_steps = list(
                case.steps.filter(state="open", kind__in=PERSONAL).select_related("agency").order_by("id")
            )
            if not open_steps or (until and any(s.key.split(".")[0] == until for s in open_steps)):
                return
            day = calendar.day_of(calendar.ordinal(day) + 1)
            if day > self.maker.clock.today:
                return
            if not self.act(case, open_steps[0], day):
                return
        raise RuntimeError(f"{case.number} does not come to {until or 'an end'}")

    def act(self, case: Case, step: Step, day: date) -> bool:
        node = case.definition.step(step.key)
        own = [o for o in node.outcomes if not actions.registry[o.action].by_system]
        outcome = next((o for o in own if o.main), own[0])
        if step.role == "applicant":
            account = Account.objects.get(username="demo-applicant")
            account.enterprise_id = case.enterprise_id
            actor = actions.Actor(account)
        else:
            assert step.agency is not None, "an official's step has its agency"
            if (step.agency.place, step.role) not in self.maker.staff.posts:
                return False  # waits for another node's people
            actor = self.actor_at(step.agency.place, step.role)
        payload: dict = {}
        if node.kind == "notice":
            payload = {"method": "mail", "recipient": case.subject_name}
        elif node.page == records.PAGE:
            firm = Enterprise.objects.get(pk=str(case.enterprise_id))
            form = records.form_of(case, node)
            payload["result"] = self.answers(firm, day, f"case:{case.pk}").to(form, drafts.Known(firm), {})
        elif node.page.endswith("site_check.html"):
            payload["result"] = self.maker.check(case, day, passed=True)
        elif node.page and hooks.has_page(node.page):
            payload["result"] = REPORT
        reason = outcome.phrases[0] if outcome.phrases else "情况属实" if outcome.reason else ""
        actions.perform(
            case.pk,
            outcome.action,
            step.pk,
            actor,
            reason=reason,
            payload=payload,
            at=self.maker.clock.at(day),
        )
        return True


def make(maker: Maker, firms: list[Enterprise], today: date) -> int:
    """Every life of the list; those about a licence take one of the register each."""
    carrier = Carrier(maker)
    held = iter(
        Certificate.objects.filter(
            status="valid", valid_to__gt=today.replace(year=today.year + 1), kind="food_production"
        )
        .exclude(items__category_code__in=["27", "28", "29"])
        .exclude(case_number__gt="")
        .select_related("holder")
        .order_by("number")
    )
    free = iter(firms)
    lives = [life for life in LIVES if life.procedure in LOCAL] if maker.local else LIVES
    made = 0
    for life in lives:
        licence = next(held, None) if life.licence else None
        firm = licence.holder if licence else next(free, None)
        if firm and (licence or not life.licence):
            carrier.make(life, firm, licence)
            made += 1
    return made
