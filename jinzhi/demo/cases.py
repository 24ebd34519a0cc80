"""Cases in every state, made by the engine itself on days that have passed, some of them overdue."""

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from random import Random

from django.utils import timezone

from jinzhi.casework import actions, intake
from jinzhi.casework.models import Case
from jinzhi.demo import names
from jinzhi.demo.enterprises import Firm
from jinzhi.demo.people import Staff
from jinzhi.foundation import calendar
from jinzhi.foundation.files import store_bytes, typst
from jinzhi.foundation.files.models import Attachment
from jinzhi.foundation.people.models import Account
from jinzhi.services.licensing import checklists
from jinzhi.services.licensing.intake import adopt

APPLICANT = "demo-applicant"
CITY, PROVINCE = 100_000_000, 330000000000
# how far a case has come, and how often: (name, weight, working days it has been lying there)
STAGES = (
    ("accept", 20, (0, 4)), ("correction", 10, (1, 18)), ("inspect", 16, (0, 7)), ("review", 10, (0, 6)),
    ("conclude", 8, (0, 3)), ("decide", 10, (0, 4)), ("certificate", 6, (0, 6)), ("granted", 26, (0, 120)),
    ("refused", 4, (5, 200)), ("not_accepted", 3, (5, 200)), ("withdrawn", 2, (5, 200)), ("suspended", 2, (0, 5)),
)  # fmt: skip
CORRECTIONS = (
    "补充生产场所平面图，标明各功能间面积和人流物流走向", "工艺流程图缺少关键控制点，请补充", "试制食品检验报告缺少微生物项目",
    "食品安全员培训考核证明未上传", "设备清单与工艺流程不一致，请核对",
)  # fmt: skip


class Clockwork:
    """Working days before today, at an hour of the office."""

    def __init__(self, random: Random, today: date):
        self.random, self.now = random, calendar.ordinal(today)
        self.today = today

    def at(self, day: date) -> datetime:
        hour, minute = self.random.randrange(9, 17), self.random.randrange(60)
        moment = timezone.make_aware(datetime.combine(day, time(hour, minute)))
        return min(moment, timezone.now())

    def ago(self, workdays: int) -> date:
        return calendar.day_of(self.now - workdays)

    def later(self, day: date, workdays: int) -> date:
        return min(calendar.day_of(calendar.ordinal(day) + workdays), self.today)


class Maker:
    """Makes one case after another; every act goes through the engine."""

    def __init__(self, random: Random, staff: Staff, today: date, paper: str):
        self.random, self.staff, self.paper = random, staff, paper
        self.clock = Clockwork(random, today)
        self.local = (
            PROVINCE,
            "approver",
        ) not in staff.posts  # a city's node: nobody here acts for the province
        self.site = ""  # added to the address of the next application: another site of the same enterprise

    def actor(self, place: int, role: str) -> actions.Actor:
        post = self.staff.at(place, role)
        return actions.Actor(post.account, post, self.staff.powers[post.pk])

    def application(self, firm: Firm, version: int) -> dict:
        random, row = self.random, firm.row
        kinds = ("floor_plan", "flow_chart", "test_report") if version > 2 else (
            "floor_plan", "flow_chart", "org_certificate", "business_licence")  # fmt: skip
        papers = Attachment.objects.bulk_create(
            Attachment(
                place=0,
                enterprise_id=row.pk,
                subject=f"demo:{row.pk}",
                kind=k,
                name=f"{NAMES[k]}.pdf",
                blob_id=self.paper,
                uploaded_by_name="演示",
            )
            for k in kinds
        )
        process: dict[str, str | list[str]] = {
            "flow": "原料验收→预处理→加工→包装→检验→入库",
            "control_points": "杀菌温度 121 ℃、时间 15 min；金属检测 Fe 1.5 mm",
        }
        if version > 2:
            process |= {
                "systems": ["purchase", "process", "release", "self_check", "health", "unsafe", "accident"],
                "report": random.choice(("own", "entrusted")),
            }
        else:
            process["quality_manual"] = "质量手册、程序文件、作业指导书共 23 份"
        details = firm.details if version > 2 else ("0101",)
        return {
            "applicant": {
                "name": row.name, "code": row.uscc if version > 2 else row.org_code,
                "legal_representative": row.legal_representative, "address": row.address,
                "contact": names.person(random), "phone": names.phone(random), "agent": "no",
            },
            "premises": {
                "county": firm.county, "address": f"{row.premises_address}{self.site}",
                "area": str(random.randrange(3, 90) * 100),
                "layout": "一层为生产车间和原料库，二层为成品库和检验室，人流、物流分设通道", "surroundings": "none",
            },
            "products": [
                {"category": d[:2], "detail": d, "varieties": "按执行标准生产的各品种", "standard": "Q/DEMO 0001S"}
                for d in details
            ],
            "equipment": [
                {
                    "name": n, "model": f"{random.choice('ABCDF')}-{random.randrange(100, 900)}",
                    "count": random.randrange(1, 6), "use": u,
                }
                for n, u in (("混合机", "production"), ("包装机", "production"), ("电子天平", "testing"))
            ],
            "staff": [
                {"name": names.person(random), "duty": "director", "training": "考核合格"},
                {"name": names.person(random), "duty": "tester", "training": "持证上岗"},
            ],
            "process": process,
            "attachments": {p.kind: [str(p.pk)] for p in papers},
        }  # fmt: skip

    def submit(self, firm: Firm, day: date, account: Account | None) -> Case:
        version = intake.version_on("food_production_licence", day)
        case = intake.submit(
            version, self.application(firm, version.version), actions.Actor(account), at=self.clock.at(day),
            enterprise_id=firm.row.pk, is_demo=True,
        )  # fmt: skip
        adopt(case, f"demo:{firm.row.pk}")
        return case

    def go(
        self, case: Case, key: str, action: str, actor: actions.Actor, day: date, reason: str = "", **payload
    ) -> None:
        step = case.steps.get(key=key, state="open")
        actions.perform(
            case.pk, action, step.pk, actor, reason=reason, payload=payload, at=self.clock.at(day)
        )

    def check(self, case: Case, day: date, passed: bool) -> dict:
        checklist = checklists.for_rule_set(case.definition.rule_set)
        grades = {i.key: "full" for i in checklist.items}
        for item in self.random.sample(checklist.items, k=2):
            grades[item.key] = "zero" if not passed else checklist.options[1][0]
        return {
            "inspectors": [
                {"name": names.person(self.random), "certificate": f"ZJHC{self.random.randrange(10000):04d}"}
                for _ in range(2)
            ],
            "date": day.isoformat(),
            "grades": grades,
            "notes": {k: "记录不全，现场已要求改正" for k, g in grades.items() if g != "full"},
            "signature": "无异议，生产负责人签字",
            "photos": [],
        }

    def make(self, firm: Firm, stage: str, waiting: int, account: Account | None = None) -> Case:
        """One case that has come as far as `stage` and has been lying there for `waiting` working days."""
        lead = {
            "accept": 0,
            "correction": 1,
            "inspect": 1,
            "review": 3,
            "conclude": 4,
            "decide": 5,
            "suspended": 5,
        }.get(stage, 7)
        day = self.clock.ago(lead + waiting)
        case = self.submit(firm, day, account)
        for step in self.way(case, firm, stage, day):
            step()
        return case

    def way(self, case: Case, firm: Firm, stage: str, day: date) -> Iterator:
        """The acts that bring the case there, in order."""
        county, city = firm.row.place, firm.row.place // CITY * CITY
        clerk, examiner, inspector = (
            self.actor(county, r) for r in ("window_clerk", "examiner", "inspector")
        )
        next_day = self.clock.later(day, 1)
        special = "special_" if case.facts["special"] else ""
        if self.local and (special or case.facts["deciding_level"] == "province"):
            stage = stage if stage in ("correction", "not_accepted") else "accept"
        elif special:  # the province examines it itself
            examiner, inspector = (self.actor(PROVINCE, r) for r in ("examiner", "inspector"))
        review, inspection = (
            (f"{special}review", "special_inspection") if special else ("document_review", "site_inspection")
        )
        if stage == "accept":
            return
        if stage == "correction":
            items = self.random.sample(CORRECTIONS, k=2)
            yield lambda: self.go(case, "accept", "correct", clerk, next_day, items=items)
            return
        if stage == "not_accepted":
            yield lambda: self.go(
                case, "accept", "refuse", clerk, next_day, "申请事项依法不需要取得食品生产许可"
            )
            return
        yield lambda: self.go(case, "accept", "accept", clerk, next_day)
        if stage == "withdrawn":
            yield lambda: self.withdraw(case, self.clock.later(day, 2))
            return
        if stage == "inspect":
            yield lambda: self.go(
                case, review, "pass", examiner, self.clock.later(day, 1), "材料真实完整，符合要求"
            )
            return
        checked = self.clock.later(day, 3)
        passed = stage != "refused"
        yield lambda: self.go(
            case, inspection, "conclude", inspector, checked, result=self.check(case, checked, passed)
        )
        if stage == "review":
            return
        yield lambda: self.go(
            case, review, "pass", examiner, self.clock.later(day, 4), "材料真实完整，符合要求"
        )
        if stage == "conclude":
            return
        proposal = "审查和核查均符合规定，拟准予许可" if passed else "现场核查不符合规定，拟不予许可"
        yield lambda: self.go(
            case, f"{special}conclude", "pass", examiner, self.clock.later(day, 5), proposal
        )
        seat = PROVINCE if case.facts["deciding_level"] == "province" else city
        approver, certifier = self.actor(seat, "approver"), self.actor(seat, "certificate_clerk")
        if stage == "decide":
            return
        if stage == "suspended":
            yield lambda: self.go(
                case,
                "decide",
                "suspend",
                approver,
                self.clock.later(day, 6),
                "需对产品配方作专家评审",
                ground="专家评审",
                days="20",
            )
            return
        decided = self.clock.later(day, 7)
        if stage == "refused":
            yield lambda: self.go(case, "decide", "refuse", approver, decided, "现场核查结论为不符合规定要求")
            return
        yield lambda: self.go(case, "decide", "approve", approver, decided)
        if stage == "granted":
            yield lambda: self.go(case, "certificate", "issue", certifier, self.clock.later(day, 9))

    def make_2007(self, firm: Firm, day: date) -> Case:
        """A licence granted under the rules of 2005: city accepts, the sample is tested, the province decides."""
        city = firm.row.place // CITY * CITY
        clerk, examiner, inspector = (self.actor(city, r) for r in ("window_clerk", "examiner", "inspector"))
        case = self.submit(firm, day, None)
        accepted, read, checked, sent, tested = (self.clock.later(day, n) for n in (2, 5, 8, 12, 22))
        self.go(case, "accept", "accept", clerk, accepted)
        self.go(case, "document_review", "pass", examiner, read, "材料符合要求")
        result = self.check(case, checked, passed=True)
        self.go(case, "site_inspection", "conclude", inspector, checked, result=result)
        self.go(case, "sample_delivery", "pass", self.applicant(case), sent)
        report = {"laboratory": "省质量检验研究院", "report": f"ZJ{day:%Y%m%d}", "standard": "GB 1355-1986"}
        self.go(case, "licence_test", "pass", examiner, tested, result=report | {"conclusion": "pass"})
        proposed, decided, issued = (self.clock.later(tested, n) for n in (2, 8, 10))
        self.go(case, "conclude", "pass", examiner, proposed, "审查、核查和检验均合格，拟准予许可")
        self.go(case, "decide", "approve", self.actor(PROVINCE, "approver"), decided)
        certifier = self.actor(PROVINCE, "certificate_clerk")
        self.go(case, "certificate", "issue", certifier, issued)
        self.go(
            case,
            "deliver",
            "serve",
            certifier,
            issued,
            method="mail",
            recipient=firm.row.legal_representative,
        )
        return case

    def applicant(self, case: Case) -> actions.Actor:
        """The one disabled account that all enterprises without a sign-in share, lent to this case's."""
        account = Account.objects.get(username=APPLICANT)
        account.enterprise_id = case.enterprise_id
        return actions.Actor(account)

    def withdraw(self, case: Case, day: date) -> None:
        reason, at = "经营计划调整，暂不申请", self.clock.at(day)
        actions.perform(case.pk, "withdraw", None, self.applicant(case), reason=reason, at=at)


NAMES = {
    "floor_plan": "平面图和设备布局图", "flow_chart": "工艺流程图", "test_report": "试制食品检验报告",
    "org_certificate": "组织机构代码证", "business_licence": "营业执照",
}  # fmt: skip


def make_applicant() -> None:
    """Before the parts begin: two of them making the same account would wait for each other."""
    Account.objects.create(
        username=APPLICANT, name="申请人", kind="enterprise", password="!", is_active=False
    )


def store_paper() -> str:
    """A one-page PDF that says it is a demonstration: the content of every attachment. Answers its key."""
    return store_bytes(typst.render(Path(__file__).parent / "paper.typ", {}), "application/pdf").sha256
