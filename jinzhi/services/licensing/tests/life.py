"""The later life of a licence, for tests: applications about one, and the officials who carry them."""

from datetime import date, timedelta

from jinzhi.casework import actions, intake, timers
from jinzhi.casework.models import Case
from jinzhi.registry import certificates
from jinzhi.registry.models import Certificate, Enterprise
from jinzhi.services.licensing import licence
from jinzhi.services.licensing.tests import world

MONDAY = date(2026, 3, 2)
AGENCY = {"county": "330106", "city": "330100", "province": "330000"}


def held(holder: Enterprise, number="SC10133010600010", granted=date(2022, 3, 2), **face) -> Certificate:
    """A food licence of the register, granted by the city."""
    base = {
        "place": world.COUNTY, "valid_from": granted, "valid_to": licence.last_day(granted, granted), "issued_on": granted,
        "agency_key": AGENCY["city"], "agency_name": "杭州市市场监督管理局", "premises": "杭州市西湖区文一路1号",
        "legal_representative": holder.legal_representative, "rule_set": "FP-2020", "source": "测试",
    }  # fmt: skip
    items = [
        {
            "category_code": "01",
            "category": "粮食加工品",
            "detail_code": "0101",
            "detail": "小麦粉",
            "varieties": "通用",
        }
    ]
    return certificates.issue(number=number, kind=licence.KIND, holder=holder, items=items, **base | face)


def applicant(holder: Enterprise, code: str = "uscc") -> dict:
    return {
        "name": holder.name, "code": getattr(holder, code), "legal_representative": holder.legal_representative,
        "address": "杭州市西湖区文一路1号", "contact": "李样例", "phone": "13800000000",
    }  # fmt: skip


def about(certificate: Certificate, code: str = "uscc") -> dict:
    """What every application about a licence begins with."""
    return {
        "applicant": applicant(certificate.holder, code),
        "licence": {"number": certificate.number},
        "premises": {"county": "330106", "address": certificate.premises},
    }


def papers(holder: Enterprise, *kinds: str) -> dict:
    return {"attachments": {k: [world.attachment(holder, k)] for k in kinds}}


def products(detail="0101", varieties="通用小麦粉") -> dict:
    return {"products": [{"category": detail[:2], "detail": detail, "varieties": varieties}]}


def change(certificate: Certificate, items: list[str], changed_on: date, **more) -> dict:
    holder = certificate.holder
    code = "uscc" if certificate.number.startswith("SC") else "org_code"
    part = {"items": items, "changed_on": changed_on.isoformat(), "before": "甲", "after": "乙"}
    files = papers(holder, "proof", "flow_chart", "test_report")
    return about(certificate, code) | {"change": part} | products() | files | more


def renewal(certificate: Certificate, changed="no", code="uscc") -> dict:
    files = papers(certificate.holder, "self_check", "business_licence", "former")
    part = {"changed": changed} | ({"changes": "换了磨粉机"} if changed == "yes" else {})
    return about(certificate, code) | products() | {"declaration": part} | files


def reissue(certificate: Certificate) -> dict:
    part = {"cause": "lost", "found_on": "2026-02-20", "account": "搬运中遗失"}
    return about(certificate) | {"reissue": part} | papers(certificate.holder, "statement")


def cancellation(certificate: Certificate) -> dict:
    part = {"cause": "stopped", "ended_on": "2026-02-20", "account": "停止生产"}
    return about(certificate) | {"cancellation": part} | papers(certificate.holder, "licence")


def apply(key: str, data: dict, day: date, holder: Enterprise, actor: actions.Actor | None = None) -> Case:
    version = intake.version_on(key, day)
    return intake.submit(
        version, data, actor or world.owner(holder), at=world.at(day), enterprise_id=holder.pk
    )


def begin(
    key: str, certificate: Certificate, decision: dict, day: date, officer: actions.Actor, **data
) -> Case:
    """A case the agency begins itself."""
    version = intake.version_on(key, day)
    whole = {"licence": {"number": certificate.number}, "decision": decision} | data
    return intake.begin(
        version, whole, officer, place=certificate.place, subject_name=certificate.holder_name,
        subject_code=certificate.holder_code, enterprise_id=certificate.holder_id, at=world.at(day),
    )  # fmt: skip


class Officials:
    """One official of each role at a level, made when first asked for."""

    def __init__(self, place: int = world.CITY):
        self.place = place
        self.made: dict[str, actions.Actor] = {}

    def __getattr__(self, role: str) -> actions.Actor:
        return self.made.setdefault(role, world.official(role, role, self.place))


def serve(case: Case, key: str, actor: actions.Actor, day: date) -> None:
    world.go(case, key, "serve", actor, day, payload={"method": "direct", "recipient": "王样例"})


def night_after(day: date) -> int:
    """What the hourly job does on the night after that day."""
    return timers.run(day + timedelta(days=1))
