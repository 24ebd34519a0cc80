"""Staff of every bureau, and the people of the demonstration sign-ins."""

from dataclasses import dataclass
from datetime import date
from random import Random

from jinzhi.demo import names
from jinzhi.foundation.people.models import Account, Agency, Department, Post, Power
from jinzhi.foundation.people.pack import departments

SINCE = date(2004, 7, 1)
WEST_LAKE = 330106_000000
# role -> title and the task by which a department of the pack is found
ROLES = {
    "window_clerk": ("窗口受理员", "acceptance"),
    "examiner": ("审查员", "examination"),
    "inspector": ("核查员", "inspection"),
    "approver": ("审批负责人", "approval"),
    "certificate_clerk": ("制证员", "certificate"),
    "legal_reviewer": ("法制审核员", "law"),
    "hearing_officer": ("听证主持人", "law"),
    "appraiser": ("评审员", "special_equipment"),
    "records_clerk": ("补录员", "office"),
    "supervisor": ("督查员", "supervision"),
    "administrator": ("系统管理员", "administration"),
    "security_administrator": ("安全管理员", "administration"),
    "auditor": ("审计员", "administration"),
}
HANDLING = (
    "window_clerk",
    "examiner",
    "inspector",
    "approver",
    "certificate_clerk",
    "legal_reviewer",
    "hearing_officer",
)
AT_LEVEL = {
    "county": HANDLING,
    "city": (*HANDLING, "supervisor"),
    "province": (
        *HANDLING,
        "appraiser",
        "records_clerk",
        "supervisor",
        "administrator",
        "security_administrator",
        "auditor",
    ),
}
# (username, role, place, name): who can be entered without a password in a demonstration
FEATURED = (
    ("demo-clerk", "window_clerk", 330106000000, "沈窗口"),
    ("demo-examiner", "examiner", 330106000000, "陆审查"),
    ("demo-inspector", "inspector", 330106000000, "章核查"),
    ("demo-approver", "approver", 330100000000, "顾审批"),
    ("demo-certificate", "certificate_clerk", 330100000000, "俞制证"),
    ("demo-records", "records_clerk", 330000000000, "郦补录"),
    ("demo-supervisor", "supervisor", 330000000000, "余督查"),
    ("demo-admin", "administrator", 330000000000, "裘管理"),
    ("demo-security", "security_administrator", 330000000000, "应安全"),
    ("demo-auditor", "auditor", 330000000000, "诸审计"),
)
CITY = 100_000_000


def featured(city: str) -> dict[tuple[int, str], tuple[str, str]]:
    """(place, role) → (username, name) of the sign-ins; those of a city's node sit in its own bureaus."""
    if not city:
        return {(place, role): (username, name) for username, role, place, name in FEATURED}
    seat = int(city) * 10**6
    counties = [a.place for a in agencies(city) if a.level == "county"]
    county = WEST_LAKE if WEST_LAKE in counties else counties[0] if counties else seat

    def own(place: int) -> int:
        return county if place % CITY else seat

    if not counties:
        return {(seat, role): (username, name) for username, role, place, name in FEATURED if place == seat}
    return {(own(place), role): (username, name) for username, role, place, name in FEATURED}


@dataclass
class Staff:
    """Posts by (place, role), as the acts of the demonstration need them."""

    posts: dict[tuple[int, str], Post]
    powers: dict[int, tuple[Power, ...]]

    def at(self, place: int, role: str) -> Post:
        return self.posts[place, role]


def _departments() -> dict[tuple[int, str], Department]:
    tasks = {(level, d["name"]): d["tasks"] for level, rows in departments().items() for d in rows}
    found: dict[tuple[int, str], Department] = {}
    for d in Department.objects.select_related("agency"):
        for task in tasks.get((d.agency.level, d.name), ()):
            found.setdefault((d.agency_id, task), d)
    return found


def agencies(city: str) -> list[Agency]:
    """The bureaus whose people work on this node: all, those of a city, or the provincial one alone."""
    every = list(Agency.objects.order_by("place"))
    if not city:
        return every
    return [a for a in every if a.key == city or (int(city) % 10_000 and a.key[:4] == city[:4])]


def make(random: Random, city: str = "") -> Staff:
    """One person for every role of every bureau of the node; nobody has a password."""
    departments = _departments()
    sign_ins = featured(city)
    accounts: list[Account] = []
    places: list[tuple[Agency, str]] = []
    for agency in agencies(city):
        head = "province" if agency.key == city else agency.level  # the seat of a node administers it
        for role in AT_LEVEL[head]:
            username, name = sign_ins.get(
                (agency.place, role), (f"{agency.key}-{role}", names.person(random))
            )
            accounts.append(
                Account(
                    username=username,
                    name=name,
                    kind=Account.Kind.STAFF,
                    password="!",
                    is_demo=(agency.place, role) in sign_ins,
                    staff_number=f"{agency.key}{len(accounts):04d}",
                )
            )
            places.append((agency, role))
    Account.objects.bulk_create(accounts)
    posts = [
        Post(
            account=account,
            agency=agency,
            title=ROLES[role][0],
            valid_from=SINCE,
            department=departments.get((agency.pk, ROLES[role][1])),
        )
        for account, (agency, role) in zip(accounts, places, strict=True)
    ]
    Post.objects.bulk_create(posts)
    powers = Power.objects.bulk_create(
        Power(post=post, role=role) for post, (_, role) in zip(posts, places, strict=True)
    )
    return Staff(
        {(agency.place, role): post for post, (agency, role) in zip(posts, places, strict=True)},
        {power.post_id: (power,) for power in powers},
    )
