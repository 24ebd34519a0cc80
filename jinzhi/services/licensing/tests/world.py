"""An enterprise, its files and the officials along a licence's way, for tests."""

import copy
from datetime import date, datetime, time
from itertools import count

from django.utils import timezone

from jinzhi.casework import actions, intake
from jinzhi.casework.models import Case
from jinzhi.foundation.files.models import Attachment, Blob
from jinzhi.foundation.people.models import Account, Agency, Post, Power
from jinzhi.registry.models import Enterprise
from jinzhi.services.licensing import checklists

COUNTY, CITY, PROVINCE = 330106000000, 330100000000, 330000000000
USCC = "92330106MA2B00X19A"
_number = count(1)


def enterprise(**fields) -> Enterprise:
    base = {
        "place": COUNTY,
        "name": "杭州样例粮油有限公司",
        "uscc": "91330100723456781Y",
        "legal_representative": "王样例",
    }
    return Enterprise.objects.create(**base | fields)


def owner(holder: Enterprise) -> actions.Actor:
    account = Account.objects.create_user(
        f"owner{next(_number)}",
        "a long enough word",
        name="经办人",
        kind="enterprise",
        enterprise_id=holder.pk,
    )
    return actions.Actor(account)


def official(name: str, role: str, place: int) -> actions.Actor:
    agency = Agency.objects.get(place=place)
    account = Account.objects.create_user(
        f"staff{next(_number)}", "a long enough word", name=name, kind="staff"
    )
    post = Post.objects.create(account=account, agency=agency, title=name, valid_from=date(2004, 1, 1))
    return actions.Actor(account, post, (Power.objects.create(post=post, role=role),))


def at(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(9, 30)))


def attachment(holder: Enterprise, kind: str) -> str:
    blob, _ = Blob.objects.get_or_create(
        sha256="a" * 64, defaults={"size": 3, "media_type": "application/pdf"}
    )
    kept = Attachment.objects.create(
        place=0, enterprise_id=holder.pk, subject="draft:test", kind=kind, name=f"{kind}.pdf", blob=blob
    )
    return str(kept.pk)


def application(holder: Enterprise, **products) -> dict:
    """A complete application under today's form."""
    row = {"category": "01", "detail": "0101", "varieties": "通用小麦粉", "standard": "GB/T 1355"} | products
    return {
        "applicant": {
            "name": holder.name, "code": holder.uscc, "legal_representative": holder.legal_representative,
            "address": "杭州市西湖区文一路1号", "contact": "李样例", "phone": "13800000000", "agent": "no",
        },
        "premises": {
            "county": "330106", "address": "杭州市西湖区文一路1号", "area": "1200", "layout": "一层生产，二层库房",
            "surroundings": "none",
        },
        "products": [row],
        "equipment": [{"name": "磨粉机", "model": "MF-1", "count": 2, "use": "production"}],
        "staff": [{"name": "张样例", "duty": "officer", "training": "考核合格"}],
        "process": {
            "flow": "清理、磨粉、筛理、包装", "control_points": "金属检测", "systems": ["purchase", "process"], "report": "own",
        },
        "attachments": {k: [attachment(holder, k)] for k in ("floor_plan", "flow_chart", "test_report")},
    }  # fmt: skip


def application_2005(holder: Enterprise) -> dict:
    data = copy.deepcopy(application(holder))
    data["applicant"]["code"] = holder.org_code
    data["process"] = {"flow": "清理、磨粉", "control_points": "金属检测", "quality_manual": "质量手册"}
    data["staff"][0]["duty"] = "director"
    data["attachments"] = {
        k: [attachment(holder, k)]
        for k in ("floor_plan", "flow_chart", "org_certificate", "business_licence")
    }
    return data


def submitted(day: date, holder: Enterprise | None = None, data: dict | None = None, actor=None) -> Case:
    holder = holder or enterprise()
    version = intake.version_on("food_production_licence", day)
    data = data or (
        application(holder) if version.valid_from >= date(2020, 3, 1) else application_2005(holder)
    )
    return intake.submit(version, data, actor or owner(holder), at=at(day), enterprise_id=holder.pk)


def go(case: Case, key: str, action: str, actor: actions.Actor, day: date, **more) -> actions.Act:
    step = case.steps.get(key=key, state="open")
    return actions.perform(case.pk, action, step.pk, actor, at=at(day), **more)


def site_check(rule_set: str, day: date, grade: str = "full", people: int = 2, **more) -> dict:
    checklist = checklists.for_rule_set(rule_set)
    result = {
        "inspectors": [{"name": f"核查员{n}", "certificate": f"HC{n:03d}"} for n in range(people)],
        "date": day.isoformat(),
        "grades": {i.key: grade for i in checklist.items},
        "notes": {i.key: "记录" for i in checklist.items},
        "signature": "无异议",
        "photos": [],
    }
    return {"result": result | more}
