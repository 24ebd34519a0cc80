"""Making the food production licence: its number, its dates, its register entry and its printed faces."""

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from django.conf import settings

from jinzhi.casework import documents
from jinzhi.casework.actions import Act
from jinzhi.foundation import codes, numbering, rules
from jinzhi.foundation.people.pack import name_on
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates, tokens
from jinzhi.registry.models import Certificate, Enterprise

KIND = "food_production"
ADDITIVES = "32"  # main category of the list whose licence numbers begin with 2


def sc_category(category: str, detail: str) -> str:
    """The three category digits of an SC number (食品生产许可管理办法第三十条).

    >>> sc_category("01", "0101")
    '101'
    >>> sc_category("32", "3202")
    '202'
    """
    if category == ADDITIVES:
        return f"2{detail[2:4]}"
    return f"1{category}"


def sc_number(category: str, county: str, serial: int) -> str:
    """`SC` + 3 category + 6 division + 4 serial + check digit (GB/T 17710 MOD 11,10)."""
    body = f"{category}{county}{serial:04d}"
    return f"SC{body}{codes.food_licence_check_digit(body)}"


def qs_number(city: str, detail: str, serial: int) -> str:
    """`QS` + 4 region of the accepting organ + 4 product category + 4 serial; no check digit."""
    return f"QS{city}{detail}{serial:04d}"


def next_number(scheme: str, county: str, category: str, detail: str) -> str:
    """The next number of the region, without gaps: the series is locked until the transaction ends."""
    if scheme == "QS":
        return qs_number(county[:4], detail, numbering.take("QS", f"{county[:4]}:{detail}", maximum=9999))
    return sc_number(sc_category(category, detail), county, numbering.take("SC", county, maximum=9999))


def last_day(start: date, on: date) -> date:
    """Last day a licence granted on `start` is valid: 2026-03-02 + 5 years ends 2031-03-01."""
    years = int(rules.value("food_production.validity", on=on).value)
    end = start + relativedelta(years=years)
    convention = rules.value("food_production.validity_end", on=on).value
    # Granted on 29 February: relativedelta already fell back to the 28th, which is the last day.
    leap = start.month == 2 and start.day == 29 and end.day == 28
    return end if leap or convention != "周年日的前一日" else end - timedelta(days=1)


def _lines(act: Act) -> list[dict]:
    listed = codes.sets.get("food_category", on=act.case.rule_date).items
    lines = []
    for row in act.case.data["products"]:
        category, detail = listed[row["category"]], listed[row["detail"]]
        lines.append(
            {
                "category_code": category.code,
                "category": category.name,
                "detail_code": detail.code,
                "detail": detail.name,
                "varieties": row["varieties"],
            }
        )
    return lines


def register(act: Act) -> Certificate:
    """Number and enter the licence in the register."""
    case, data, decided = act.case, act.case.data, act.case.decided_on
    assert decided is not None and case.enterprise_id is not None, "decided, for somebody"
    lines = _lines(act)
    scheme = rules.value("food_production.number_scheme", on=decided).value
    county = f"{case.place // 1_000_000:06d}"
    number = next_number(scheme, county, lines[0]["category_code"], lines[0]["detail_code"])
    with scope.acting(scope.SYSTEM):  # the holder may be registered in another county
        holder = Enterprise.objects.get(pk=case.enterprise_id)
    agency = act.actor.office.agency
    name = name_on(agency, decided)
    return certificates.issue(
        number=number, kind=KIND, holder=holder, items=lines, place=case.place, valid_from=decided,
        valid_to=last_day(decided, decided), issued_on=decided, agency_key=agency.key,
        agency_name=name, holder_name=case.subject_name, holder_code=case.subject_code,
        legal_representative=data["applicant"]["legal_representative"], address=data["applicant"]["address"],
        premises=data["premises"]["address"], case_number=case.number, rule_set=case.definition.rule_set,
        source=name, is_demo=case.is_demo,
    )  # fmt: skip


def faces(act: Act, certificate: Certificate) -> list:
    """The original and the duplicate (正本、副本) as documents of the case."""
    case, issued, ends = act.case, certificate.issued_on, certificate.valid_to
    assert issued is not None and ends is not None, "a licence has its period"
    path = tokens.verification_path(certificate.number, certificate.face_version)
    items = [
        {
            "category": i.category,
            "detail": f"{i.detail_code} {i.detail}",
            "varieties": i.varieties,
            "note": "",
        }
        for i in certificate.items.all()
    ]
    face = {
        "licence_number": certificate.number,
        "holder": certificate.holder_name,
        "code": certificate.holder_code,
        "code_label": "组织机构代码" if len(certificate.holder_code) < 18 else "统一社会信用代码",
        "legal_representative": certificate.legal_representative,
        "address": certificate.address,
        "premises": certificate.premises,
        "categories": "、".join(dict.fromkeys(i["category"] for i in items)),
        "items": items,
        "supervisor": case.agency.name,
        "extra_addresses": case.data["premises"].get("more_addresses", ""),
        "agency": certificate.agency_name,
        "issued_on": issued.isoformat(),
        "valid_to": ends.isoformat(),
        "qr_text": settings.PUBLIC_URL + path,
    }
    return [documents.issue(kind, act, **face) for kind in ("licence_original", "licence_copy")]
