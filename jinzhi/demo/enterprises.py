"""Enterprises over all counties, with the licences some of them already hold."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from jinzhi.demo import names
from jinzhi.foundation import codes
from jinzhi.foundation.numbering.models import Series
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.foundation.places.models import Division
from jinzhi.registry.models import Certificate, CertificateItem, Enterprise, EnterpriseContact
from jinzhi.registry.pinyin import initials
from jinzhi.services.licensing import licence

SOURCE = "演示生成"
REGISTER = f"登记机关（{SOURCE}）"
WEST_LAKE = "330106"


@dataclass
class Firm:
    """An enterprise of the demonstration with what its trade makes."""

    row: Enterprise
    county: str
    details: tuple[str, ...]


def make(random: Random, wanted: int, today: date, city: str = "") -> list[Firm]:
    """About `wanted` enterprises, every county at least two, larger ones more; `city`: of its counties only."""
    counties = list(
        Division.objects.filter(valid_to=None, level="county", code__startswith=city[:4]).order_by("code")
    )
    weights = [3 if d.code == WEST_LAKE else random.choice((1, 1, 2, 3)) for d in counties]
    chosen = counties * 2 + random.choices(counties, weights, k=max(0, wanted - 2 * len(counties)))
    firms, used = [], set()
    own_range = int(city[2:4] or 0) * 10_000  # codes of one city's node are those of no other's
    for serial, county in enumerate(chosen, start=own_range):
        name, details = names.company(random, county.name)
        while name in used:
            name, details = names.company(random, county.name)
        used.add(name)
        firms.append(_firm(random, county, serial, name, details, today))
    Enterprise.objects.bulk_create((f.row for f in firms), batch_size=1000)
    _reach(random, firms)
    return firms


def _firm(random: Random, county: Division, serial: int, name: str, details: tuple, today: date) -> Firm:
    code = names.uscc(random, county.code, serial)
    place = names.address(random, county.name)
    founded = today - timedelta(days=random.randrange(400, 9000))
    row = Enterprise(
        place=county.place, name=name, uscc=code, org_code=code[8:17], legal_representative=names.person(random),
        address=place, premises_address=place, industry="C14", founded_on=founded, source=REGISTER,
        source_on=today, received_on=today, initials=initials(name),
        status=random.choices(("active", "cancelled", "revoked"), (96, 3, 1))[0], is_demo=True,
    )  # fmt: skip
    return Firm(row, county.code, details)


def _reach(random: Random, firms: list[Firm]) -> None:
    EnterpriseContact.objects.bulk_create(
        (
            EnterpriseContact(
                enterprise=f.row,
                place=f.row.place,
                name=names.person(random),
                duty="质量负责人",
                phone=names.phone(random),
            )
            for f in firms
        ),
        batch_size=2000,
    )


def certify(random: Random, firms: list[Firm], today: date) -> int:
    """Licences from earlier years: valid, running out, run out, some ended by decision."""
    listed = codes.sets.get("food_category", on=today).items
    agencies = {a.place: a for a in Agency.objects.filter(level="city")}
    serials: dict[str, int] = {}
    certificates, items = [], []
    for f in random.sample(firms, k=len(firms) * 2 // 5):
        serials[f.county] = serials.get(f.county, 0) + 1
        granted = today - timedelta(days=random.randrange(30, 2200))
        detail = random.choice(f.details)
        agency = agencies[f.row.place // 100_000_000 * 100_000_000]
        status = random.choices(
            ("valid", "cancelled", "withdrawn", "revoked", "punished", "suspended"), (94, 2, 1, 1, 1, 1)
        )[0]
        certificate = Certificate(
            place=f.row.place, number=licence.sc_number(licence.sc_category(detail[:2], detail), f.county, serials[f.county]),
            kind=licence.KIND, holder=f.row, holder_name=f.row.name, holder_code=f.row.uscc, status=status,
            status_since=granted if status == "valid" else min(today, granted + timedelta(days=400)),
            valid_from=granted, valid_to=licence.last_day(granted, granted), issued_on=granted, agency_key=agency.key,
            agency_name=agency.name, legal_representative=f.row.legal_representative, address=f.row.address,
            premises=f.row.premises_address, rule_set="FP-2020", source=SOURCE, is_demo=True,
        )  # fmt: skip
        certificates.append(certificate)
        for order, code in enumerate(dict.fromkeys([detail, *f.details[:2]]), start=1):
            items.append(
                CertificateItem(
                    certificate=certificate,
                    place=f.row.place,
                    order=order,
                    category_code=code[:2],
                    category=listed[code[:2]].name,
                    detail_code=code,
                    detail=listed[code].name,
                    varieties=listed[code].name,
                )
            )
    Certificate.objects.bulk_create(certificates, batch_size=1000)
    CertificateItem.objects.bulk_create(items, batch_size=2000)
    # The serials are used: the next licence of a county goes on after them.
    Series.objects.bulk_create(
        Series(series="SC", agency=county, year=0, last=last) for county, last in serials.items()
    )
    return len(certificates)


def demo_account(firm: Firm) -> Account:
    """The sign-in of the demonstration's enterprise."""
    return Account.objects.create(
        username="demo-enterprise", name="经办人小许", kind=Account.Kind.ENTERPRISE, password="!",
        enterprise_id=firm.row.pk, is_demo=True,
    )  # fmt: skip
