"""The whole demonstration province, deterministic from a seed; loaded once into an installation.

Cases are made by the engine itself, act by act, in two parts that never share a county: on two cores they
run side by side. The demonstration's enterprise account comes last and so tells a finished load.
"""

import multiprocessing
import os
import sys
from collections import Counter
from datetime import date, timedelta
from random import Random

from django.db import connections, transaction

from jinzhi.casework import documents
from jinzhi.casework.models import ProcedureVersion, published
from jinzhi.demo import archives, cases, enterprises, lives, people
from jinzhi.foundation import calendar, rules
from jinzhi.foundation.forms.definition import all_forms
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.places import scope
from jinzhi.registry.models import Certificate

SEED = 20061231
ENTERPRISES, CASES = 5000, 1500
PARTS = 2
CITIES = 11  # a city's share of a scale
OLD_CASES = 6  # decided under the rules of 2005
SAID = 0.2  # of the cases: how often a line tells how far it has come


class Unfinished(Exception):
    """An earlier load was killed half-way; the demonstration database must be reset."""


def city_of_node() -> str:
    """Of which node the demonstration is: a city's code, the province's, or none for the whole province in one."""
    return os.environ.get("JINZHI_DEMO_PLACE", "")


def provincial(city: str) -> bool:
    """The hub of a province of several nodes: its people are here, enterprises and cases come from the cities."""
    return bool(city) and int(city) % 10_000 == 0


def loaded() -> bool:
    if Account.objects.filter(username="demo-enterprise").exists():
        return True
    if provincial(city_of_node()):
        return Account.objects.filter(username="demo-admin").exists()
    if Account.objects.filter(username="demo-admin").exists():
        raise Unfinished("上次生成演示数据没有完成，请先运行 make reset 再启动")
    return False


def generate(
    scale: float = 1.0,
    today: date | None = None,
    seed: int = SEED,
    parallel: bool = False,
    city: str = "",
) -> dict[str, int]:
    """Make the province; `scale` 1 is about 5,000 enterprises and 1,500 cases. Runs in the system's scope.

    `parallel` makes the two parts in processes of their own (each one transaction); the result is the same.
    `city`: only what a node of that code holds, a city's places or the provincial bureau.
    """
    today = today or calendar.today()
    random = Random(f"{seed}-{city}" if city else seed)
    if provincial(city):
        with transaction.atomic():
            return {
                "staff": len(people.make(random, city).posts),
                "enterprises": 0,
                "certificates": 0,
                "cases": 0,
            }
    if city:
        scale /= CITIES
    with transaction.atomic():
        staff = people.make(random, city)
        firms = enterprises.make(random, round(ENTERPRISES * scale), today, city)
        home = enterprises.WEST_LAKE if city in ("", "330100") else firms[0].county
        own = next(f for f in firms if f.county == home and f.row.status == "active")
        certificates = enterprises.certify(random, [f for f in firms if f is not own], today)
        archives.fill(Random(f"{seed}-archives"), firms, today)
        paper = cases.store_paper()
        cases.make_applicant()
    plan = _plan(random, firms, own, round(CASES * scale))
    parts = _parts(plan)
    _say(f"企业 {len(firms)} 家、证书 {certificates} 张已生成，正在办理 {len(plan)} 个办件")
    _read_definitions()
    work = [
        (f"{seed}-{part}", staff, today, paper, [j for j in plan if parts[_city(j[0])] == part])
        for part in range(PARTS)
    ]
    if parallel:
        _in_processes(work)
    else:
        for one in work:
            _make(*one)
    _say("正在办理其他事项的办件")
    with transaction.atomic(), calendar.pinned():
        account = enterprises.demo_account(own)
        maker = cases.Maker(Random(seed), staff, today, paper)
        maker.make(own, "granted", 60, account)  # what the demonstration's enterprise finds:
        maker.site = "（二号厂区）"  # a second site, corrected just now
        maker.make(own, "correction", 2, account)
        maker.site = ""
        old = [f for f in firms if f is not own and f.row.status == "active"][:OLD_CASES]
        for number, firm in enumerate(old if not city else []):
            maker.make_2007(firm, date(2007, 3, 5) + timedelta(days=50 * number))
        busy = {plan_firm.row.pk for plan_firm, _, _ in plan} | {f.row.pk for f in (own, *old)}
        busy |= set(Certificate.objects.values_list("holder_id", flat=True))
        free = [f.row for f in firms if f.row.status == "active" and f.row.pk not in busy]
        other = lives.make(maker, free, today)
    return {
        "staff": len(staff.posts),
        "enterprises": len(firms),
        "certificates": certificates,
        "cases": len(plan) + 2 + (0 if city else OLD_CASES) + other,
    }


def _plan(random: Random, firms: list, own, wanted: int) -> list[tuple]:
    """(enterprise, stage, working days it has been lying there) of every case."""
    weights = [w for _, w, _ in cases.STAGES]
    licensed = set(Certificate.objects.values_list("holder_id", flat=True))
    active = [f for f in firms if f.row.status == "active" and f is not own and f.row.pk not in licensed]
    at_home = [f for f in active if f.county == own.county]
    chosen = at_home[: max(3, wanted // 25)]
    chosen += random.sample([f for f in active if f not in chosen], k=min(len(active) - len(chosen), wanted))
    plan = []
    for firm in chosen[:wanted]:
        stage, _, (least, most) = random.choices(cases.STAGES, weights)[0]
        plan.append((firm, stage, random.randint(least, most)))
    return plan


def _city(firm) -> int:
    return firm.row.place // cases.CITY


def _parts(plan: list[tuple]) -> dict[int, int]:
    """A part for each city, so that no number series and no bureau is in two parts, and both are about equal."""
    sizes = Counter(_city(firm) for firm, _, _ in plan)
    held = [0] * PARTS
    found = {}
    for city, count in sorted(sizes.items(), key=lambda s: (-s[1], s[0])):
        found[city] = held.index(min(held))
        held[found[city]] += count
    return found


def _make(seed: str, staff, today: date, paper: str, plan: list[tuple]) -> None:
    with transaction.atomic(), calendar.pinned():
        maker = cases.Maker(Random(seed), staff, today, paper)
        step = max(1, round(len(plan) * SAID))
        for number, (firm, stage, waiting) in enumerate(plan, start=1):
            maker.make(firm, stage, waiting)
            if number % step == 0 and number < len(plan):
                _say(f"第 {int(seed.rpartition('-')[2]) + 1} 组已办理 {number} / {len(plan)} 件")


def _read_definitions() -> None:
    """Before the parts begin: what each of them would read from files again."""
    all_forms()
    rules.all_parameters()
    documents.kinds()
    for key in ProcedureVersion.objects.values_list("pk", flat=True):
        _ = published(key).procedure


def _say(line: str) -> None:
    """A line for whoever waits; not among the answers of a command."""
    print(f"    {line}", file=sys.stderr, flush=True)


def _in_processes(work: list[tuple]) -> None:
    connections.close_all()  # a connection cannot be shared with a forked process
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=_child, args=one) for one in work]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise RuntimeError("演示数据没有生成完，原因见上面的输出")


def _child(*one) -> None:
    with scope.acting(scope.SYSTEM):
        try:
            _make(*one)
        finally:
            connections.close_all()
            sys.stdout.flush()


def bootstrap() -> None:
    if not loaded():
        scale = float(os.environ.get("JINZHI_DEMO_SCALE", "1"))
        city = city_of_node()
        generate(scale, parallel=not city, city=city)
