"""For a demonstration: people of the network's operation, a ledger, a roster, rounds, faults and what came of them.

Only bureaus whose rows this node keeps (the hub of several nodes: its own only); invented names; everything by fixed
counting. Nodes, heartbeats and alarms are not invented: they come from the network itself.
"""

import os
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from jinzhi.casework import actions
from jinzhi.casework.models import Case
from jinzhi.foundation import calendar
from jinzhi.foundation.calendar.arithmetic import add_months
from jinzhi.foundation.people.models import Account, Agency, Department, Post, Power
from jinzhi.foundation.places.scope import jurisdiction
from jinzhi.network.operations import inspecting, moments, nodes, opening, qualifying, rostering
from jinzhi.network.operations.models import (
    AddressBlock,
    Deadline,
    Equipment,
    InspectionPlan,
    Line,
    SparePart,
)

SEED = 20060601
SINCE = date(2004, 7, 1)
SURNAMES, GIVEN = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨",
    ("一鸣", "文博", "晓峰", "志远", "佳怡", "思源", "海涛", "雨桐", "建国", "梦洁"),
)
FEATURED = {
    (330000000000, "operations_manager"): ("demo-noc-province", "柳运维"),
    (330100000000, "operator"): ("demo-noc-city", "车网管"),
    (330106000000, "operator"): ("demo-noc-county", "闻一线"),
}
LAYER = {"province": "L1", "city": "L2", "county": "L3"}
ROUNDS = {
    "province": (
        "daily",
        (
            "机房温湿度",
            "市电和不间断电源",
            "消息服务器和数据库运行状态",
            "各市线路通断",
            "备份任务结果",
            "安全设备告警",
        ),
    ),
    "city": (
        "daily",
        ("机房温湿度", "市电和不间断电源", "本市节点待发和隔离区", "县级线路通断", "备份任务结果"),
    ),
    "county": ("weekly", ("机柜和电源", "接入线路通断", "终端病毒库", "窗口网络")),
}
FAULTS = (  # days ago, impact, urgency, title, cause kind, cause, hours to restore (None: still open), how far it climbs
    (75, "high", "high", "省市骨干线路中断", "line", "施工挖断光缆", 3, 1),
    (58, "middle", "high", "业务系统打开缓慢", "software", "数据库统计信息过期", 1, 0),
    (40, "middle", "middle", "县局窗口断网", "hardware", "接入交换机电源故障", 5, 0),
    (22, "low", "middle", "打印机不能联网", "configuration", "地址冲突", 6, 0),
    (9, "high", "middle", "待发数据积压", "software", "磁盘写满", 2, 0),
    (1, "middle", "middle", "无线网络不稳定", "other", "", None, 0),
    (0, "low", "low", "机房空调异响", "other", "", None, 0),
)


def mine() -> list[Agency]:
    """Bureaus of this node: of the city at a city's node; at the hub the provincial one, or all when it stands alone."""
    place = int(settings.NODE) * nodes.NODE
    lo, hi = jurisdiction(place)
    if _one_of_several() and place % 10_000_000_000 == 0:
        hi = lo  # the cities' nodes keep theirs and send them
    return list(Agency.objects.filter(place__range=(lo, hi), valid_to=None).order_by("place"))


def _one_of_several() -> bool:
    """Whether the demonstration is spread over the nodes of a province (see jinzhi.demo)."""
    return bool(os.environ.get("JINZHI_DEMO_PLACE"))


def _featured(agencies: list[Agency]) -> dict[tuple[int, str], tuple[str, str]]:
    """(place, role) → (username, name) of who can be entered without a password; each city's node has its own."""
    held = {a.place for a in agencies}
    if not _one_of_several() or any(place in held for place, role in FEATURED if role == "operator"):
        return {key: who for key, who in FEATURED.items() if key[0] in held}
    found = {}
    for level, (_, role), who in zip(
        ("province", "city", "county"), FEATURED, FEATURED.values(), strict=True
    ):
        if place := next((a.place for a in agencies if a.level == level), None):
            found[place, role] = who
    return found


@transaction.atomic
def demonstrate(today: date | None = None) -> None:
    """Make it once; the caller has seen that there is nothing yet."""
    today = today or calendar.today()
    random = Random(SEED)  # noqa: S311  (invented data)
    agencies = mine()
    featured = _featured(agencies)
    staff = {a.key: _people(a, random, featured) for a in agencies}
    with calendar.pinned():
        for agency in agencies:
            _ledger(agency, random, today)
            if agency.level != "county" or agency.place in (330106000000, 330108000000):
                _qualified(agency, staff[agency.key], today, random)
                _rounds(agency, staff[agency.key], today)
        for agency in (a for a in agencies if a.level == "city" or a.place == 330106000000):
            if agency.place % 300_000_000 in (0, 100_000_000) or agency.level == "county":
                _faults(agency, staff, today)


def _people(
    agency: Agency, random: Random, sign_ins: dict[tuple[int, str], tuple[str, str]]
) -> dict[str, list[actions.Actor]]:
    """An operator at each bureau, a second one and two managers at cities and the province."""
    roles = (
        ["operator"]
        if agency.level == "county"
        else ["operator", "operator", "operations_manager", "operations_manager"]
    )
    department = (
        Department.objects.filter(agency=agency, name__in=("信息中心", "办公室")).order_by("-name").first()
    )
    found: dict[str, list[actions.Actor]] = {}
    for number, role in enumerate(roles):
        username, name = f"{agency.key}-noc{number}", random.choice(SURNAMES) + random.choice(GIVEN)
        featured = sign_ins.get((agency.place, role)) if role not in found else None
        if featured:
            username, name = featured
        account = Account.objects.create(
            username=username, name=name, kind=Account.Kind.STAFF, password="!",  # noqa: S106  (nobody can enter it)
            is_demo=bool(featured),
            phone=f"0571-88{agency.pk % 100:02d}{number:02d}0{number}",
        )  # fmt: skip
        title = "网络管理员" if role == "operator" else "运维主管"
        post = Post.objects.create(
            account=account, agency=agency, title=title, valid_from=SINCE, department=department
        )
        powers = [Power.objects.create(post=post, role=role)]
        if role == "operations_manager":
            powers.append(Power.objects.create(post=post, role="operator"))
        found.setdefault(role, []).append(actions.Actor(account, post, tuple(powers)))
    return found


def _octet(agency: Agency) -> tuple[int, int]:
    """The second and third octet of a bureau's block: a city's /16 carries its number, a county a /24 in it."""
    code = agency.place // nodes.NODE
    return code // 100 % 100, code % 100


def _ledger(agency: Agency, random: Random, today: date) -> None:
    level, layer = agency.level, LAYER[agency.level]
    base = {
        "place": agency.place,
        "owned_by": agency.key,
        "layer": layer,
        "maintainer": level,
        "is_demo": True,
    }
    city, county = _octet(agency)
    cidr = (
        f"10.{city}.{county}.0/24"
        if level == "county"
        else f"10.{city}.0.0/16"
        if level == "city"
        else "10.0.0.0/8"
    )
    inner = f"10.{city}.{county}" if level == "county" else f"10.{city}.0"
    AddressBlock.objects.create(
        number=f"IP-{agency.key}-0001",
        cidr=cidr,
        purpose="办公和业务",
        vlan=100 + county,
        gateway=f"{inner}.254",
        **base,
    )
    kinds = [("接入交换机", "switch", "middle"), ("窗口终端", "terminal", "low")]
    if level != "county":
        kinds = [
            ("核心交换机", "switch", "high"), ("边界防火墙", "firewall", "high"), ("数据库服务器", "server", "high"),
            ("应用服务器", "server", "high"), ("备份存储", "storage", "middle"), ("不间断电源", "power", "middle"),
            ("服务器密码机", "crypto", "high"), ("金质系统", "system", "high"),
        ]  # fmt: skip
    for n, (name, kind, importance) in enumerate(kinds, start=1):
        bought = add_months(today, -random.randrange(4, 40))
        Equipment.objects.create(
            number=f"SB-{agency.key}-{n:04d}", name=name, kind=kind, importance=importance, site=f"{agency.short_name}机房",
            model=f"样例 {kind.upper()}-{100 + n}", serial=f"SN{agency.key}{n:03d}", node=nodes.code_of(agency.place),
            address=None if kind in ("power", "system") else f"{inner}.{n}", bought_on=bought, supplier="样例科技公司",
            warranty_until=add_months(bought, 36), configuration="2026-01", backup="每日全量" if kind == "server" else "",
            crypto_id=f"JZ-{agency.key}" if kind == "crypto" else "", **base,
        )  # fmt: skip
    if level == "province":
        return
    Line.objects.create(
        number=f"XL-{agency.key}-0001", name=f"{agency.short_name}专线", provider="样例通信公司", circuit=f"C{agency.key}01",
        from_site=agency.short_name, to_site="省中心" if level == "city" else "市局", bandwidth=200 if level == "city" else 50,
        sla=Decimal("99.9"), monthly_cents=480_000 if level == "city" else 120_000, contract_until=add_months(today, 14),
        hotline="10000", **base,
    )  # fmt: skip
    if level == "city":
        days = 20 if agency.place == 330100000000 else 200 + agency.pk % 90
        Deadline.objects.create(
            number=f"DQ-{agency.key}-0001", name=f"{agency.short_name}门户站点证书", kind="tls", issuer="样例证书机构",
            valid_until=today + timedelta(days=days), contact="网络管理员", **base,
        )  # fmt: skip
        for n, (name, quantity) in enumerate(
            (("光模块", 4), ("交换机电源", 1 if agency.place == 330200000000 else 2)), start=1
        ):
            SparePart.objects.create(
                number=f"BJ-{agency.key}-{n:04d}",
                name=name,
                model="通用",
                site="信息中心库房",
                quantity=quantity,
                least=2,
                **base,
            )


def _qualified(agency: Agency, people: dict[str, list[actions.Actor]], today: date, random: Random) -> None:
    """Certificates, positions, and a roster two weeks ahead; one newcomer is still within his months of grace."""
    holders = []
    for n, actor in enumerate(people["operator"]):
        assert actor.account is not None, "somebody"
        newcomer = agency.level == "city" and n == 1
        since = add_months(today, -2)
        if not newcomer:
            issued = add_months(today, -random.randrange(2, 30))
            qualifying.certify(
                actor.account, agency, kind="middle" if agency.level != "county" else "junior",
                number=f"WG-{agency.key}-{n + 1:03d}", score=Decimal(random.randrange(66, 98)), issued_on=issued,
                course="质量专网网络管理员培训", hours=40, is_demo=True,
            )  # fmt: skip
            since = max(issued, add_months(today, -20))
        qualifying.assign(actor.account, agency, "network", since, phone=actor.account.phone, is_demo=True)
        holders.append(actor.account)
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    start = timezone.make_aware(datetime.combine(first - timedelta(days=1), time(9)))
    for n in range((today - first).days + (15 if agency.level != "county" else 9)):
        starts = start + timedelta(days=n)
        who = holders[n % len(holders)]
        rostering.put(agency, who, starts, starts + timedelta(days=1), phone=who.phone, is_demo=True)


def _rounds(agency: Agency, people: dict[str, list[actions.Actor]], today: date) -> None:
    cycle, items = ROUNDS[agency.level]
    plan = InspectionPlan.objects.create(
        place=agency.place, agency=agency.key, title="机房和网络巡检", cycle=cycle, items=list(items),
        since=today - timedelta(days=45), is_demo=True,
    )  # fmt: skip
    actor = people["operator"][0]
    periods = inspecting.periods(plan, today - timedelta(days=40), today - timedelta(days=1))
    for n, period in enumerate(periods):
        if n % 13 == 12:  # one is missing now and then
            continue
        bad = n % 9 == 8
        results = [
            {"ok": not (bad and i == 0), "note": "29.5℃，空调报修" if bad and i == 0 else ""}
            for i in range(len(items))
        ]
        at = min(timezone.make_aware(datetime.combine(period, time(9, 20))), timezone.now())
        inspecting.record(plan, period, results, actor, at=at, is_demo=True)
    if agency.level != "county":
        InspectionPlan.objects.create(
            place=agency.place, agency=agency.key, title="备份恢复抽查和账号清理", cycle="monthly", since=today.replace(day=1),
            items=["抽查一份备份能否恢复", "停用账号是否清理", "补丁是否安装", "日志是否保存六个月"], is_demo=True,
        )  # fmt: skip


def _faults(agency: Agency, staff: dict[str, dict[str, list[actions.Actor]]], today: date) -> None:
    county = agency.level == "county"
    chosen = [f for n, f in enumerate(FAULTS) if county == (n in (2, 3, 5))]
    for n, (days, impact, urgency, title, kind, cause, hours, climbs) in enumerate(chosen):
        began = min(
            timezone.make_aware(datetime.combine(today - timedelta(days=days), time(8 + n, 40 - 5 * n))),
            timezone.now() - timedelta(minutes=4),
        )
        actor = staff[agency.key]["operator"][0]
        case = _report(agency, actor, began, impact, urgency, title)
        if hours is None:
            if not county:
                _do(case, "accept", actor, began + timedelta(minutes=3))
            continue
        who = actor
        if climbs and any(a.endswith("0000") for a in staff):  # the province's people are on this node
            _do(case, "escalate", actor, began + timedelta(minutes=8), reason="线路由省级统一报障")
            who = _above(case, staff) or actor
        _do(case, "accept", who, began + timedelta(minutes=12))
        _mend(case, who, actor, began, hours, kind, cause)


def _above(case: Case, staff: dict[str, dict[str, list[actions.Actor]]]) -> actions.Actor | None:
    step = case.steps.filter(state="open", kind="user").select_related("agency").get()
    assert step.agency is not None, "an operator's step"
    return staff[step.agency.key]["operator"][0] if step.agency.key in staff else None


def _report(
    agency: Agency, actor: actions.Actor, began: datetime, impact: str, urgency: str, title: str
) -> Case:
    assert actor.account is not None, "somebody"
    data = {
        "fault": {
            "title": title, "source": "user", "node": nodes.code_of(agency.place), "equipment": "",
            "began": moments.shown(began), "symptom": f"{agency.short_name}用户报障：{title}。",
        },
        "grading": {"impact": impact, "urgency": urgency},
        "reporter": {"name": "窗口值班员", "phone": actor.account.phone},
    }  # fmt: skip
    return opening.begin(
        "network_fault", data, actor, agency.place, at=began + timedelta(minutes=2), is_demo=True
    )


def _do(case: Case, act: str, actor: actions.Actor, at: datetime, **more) -> None:
    step = case.steps.filter(state="open", kind="user").get()
    actions.perform(case.pk, act, step.pk, actor, at=min(at, timezone.now()), **more)
    case.refresh_from_db()


def _mend(
    case: Case,
    who: actions.Actor,
    reporter: actions.Actor,
    began: datetime,
    hours: int,
    kind: str,
    cause: str,
) -> None:
    restored = began + timedelta(hours=hours)
    made = {
        "cause_kind": kind, "cause": cause, "solution": "排除原因后恢复，观察正常。", "restored": moments.shown(restored),
        "interrupted": "yes" if kind in ("line", "hardware") else "no", "parts": "",
    }  # fmt: skip
    _do(case, "conclude", who, restored + timedelta(minutes=5), payload={"result": {"conclusion": made}})
    said = {
        "confirmed_by": "窗口值班员", "satisfied": "good", "knowledge": "", "report": "经过、影响、原因、处置和防范措施见附件。",
    }  # fmt: skip
    _do(
        case, "conclude", reporter, restored + timedelta(minutes=40), payload={"result": {"conclusion": said}}
    )
