"""A real outage as the people who run the network see it: a line is cut, the console turns red, the alarm climbs while nobody
looks at it, a fault climbs from county to province over the wire, and everything clears when the line is back.

Nothing here waits for a clock: moments of the past are moved in the database.
"""

import json

import pytest

from tests.network.lab import HANGZHOU, HUB, NINGBO, until

pytestmark = pytest.mark.xdist_group("network")

LOOK = """
import json
from datetime import timedelta
from django.utils import timezone
from jinzhi.network.models import Alarm, NetworkEvent, Node
from jinzhi.network.operations import console, watching
from jinzhi.network.operations.models import Outage
watching.watch()
shown = {n.code: n for n in console.overview(330000000000, 339999999999)}
lines = {l["to"].code: l["state"] for l in console.place_on_map(list(shown.values()))}
print(json.dumps({
    "states": {code: n.state for code, n in shown.items()}, "lamps": {code: n.lamp for code, n in shown.items()},
    "lines": lines, "queued": {code: n.health.get("queued") for code, n in shown.items()},
    "alarms": [[a.kind, a.node, a.level, watching.level_of(a), bool(a.acknowledged_at)]
               for a in Alarm.objects.filter(cleared_at=None, kind="silent")],
    "outages": [[o.node, o.ends is None] for o in Outage.objects.filter(source="monitor").order_by("id")],
    "events": list(NetworkEvent.objects.filter(node="330100").order_by("id").values_list("kind", flat=True)),
}))
"""


def look(node) -> dict:
    """What the console of a node shows after the minute's watch."""
    return json.loads(node.python(LOOK).splitlines()[-1])


def test_a_cut_line_is_red_climbs_and_clears(lab):
    hub, hangzhou = lab.hub, lab.cities[0]
    heard = "SELECT last_seen > now() - interval '12 seconds' FROM network_node WHERE code = %s"
    until(lambda: hub.one(heard, [HANGZHOU]) and hub.one(heard, [NINGBO]), 60, lab.logs)
    until(lambda: look(hub)["states"][HANGZHOU] not in ("down", "absent"), 60, lab.logs)
    before = look(hub)
    assert before["states"][NINGBO] != "down" and not before["alarms"]

    lab.cut(hangzhou)
    hangzhou.write(60)
    # a minute passes at the hub: the last heartbeat is that much older
    hub.sql("UPDATE network_node SET last_seen = last_seen - interval '1 minute' WHERE code = %s", [HANGZHOU])
    seen = look(hub)
    assert (seen["states"][HANGZHOU], seen["lamps"][HANGZHOU], seen["lines"][HANGZHOU]) == (
        "down",
        "red",
        "down",
    )
    assert seen["states"][NINGBO] != "down" and seen["states"][HUB] != "down"
    assert seen["alarms"] == [["silent", HANGZHOU, "severe", "city", False]]
    assert [HANGZHOU, True] in seen["outages"]
    assert look(hub)["alarms"] == seen["alarms"]  # once, however often one looks

    # the city itself knows that its line is cut and that rows wait
    offline = "SELECT count(*) FROM network_alarm WHERE kind = 'offline' AND node = %s AND cleared_at IS NULL"
    until(lambda: hangzhou.one(offline, [HANGZHOU]) == 1, 60, lab.logs)
    until(lambda: (look(hangzhou)["queued"][HANGZHOU] or 0) >= 60, 30, lambda: look(hangzhou))

    # nobody acknowledges: after the rule's minutes it is the province's
    wait = int(hub.python(
        "from jinzhi.network.operations import watching; print(int(watching.limit('escalate')))"
    ).split()[-1])  # fmt: skip
    for minutes, level in ((wait - 1, "city"), (wait + 1, "province"), (9 * wait, "province")):
        hub.sql(
            "UPDATE network_alarm SET raised_at = now() - make_interval(mins => %s) WHERE kind = 'silent'"
            " AND cleared_at IS NULL", [minutes],
        )  # fmt: skip
        assert [a[3] for a in look(hub)["alarms"]] == [level]
    assert look(hub)["events"].count("escalated") == 1

    lab.mend(hangzhou)
    until(lambda: hub.one(heard, [HANGZHOU]), 60, lab.logs)
    after = look(hub)
    assert after["states"][HANGZHOU] != "down" and after["lines"][HANGZHOU] != "down"
    assert not after["alarms"] and [HANGZHOU, True] not in after["outages"]
    assert [HANGZHOU, False] in after["outages"]
    until(lambda: hangzhou.one(offline, [HANGZHOU]) == 0, 30, lab.logs)
    lab.settle()
    until(lambda: look(hangzhou)["queued"][HANGZHOU] == 0, 30, lambda: look(hangzhou))


BEGIN = """
from jinzhi.network.operations.tests import world
world._number = iter(range(100, 200))
case = world.fault(world.official(world.COUNTY, "operator"))
print(case.number)
"""
LATE = """
from datetime import timedelta
from django.utils import timezone
from jinzhi.casework import timers
from jinzhi.casework.models import Case, Clock
late = Clock.objects.filter(case__number="{number}", state="running", key="response")
late.update(due_at=timezone.now() - timedelta(minutes=1))
timers.run(moments=True)
print(Case.objects.get(number="{number}").facts["level"])
"""
SHARE = "from jinzhi.network.operations import watching; watching.watch()"
THERE = """
from jinzhi.casework.models import Case
case = Case.objects.filter(procedure__key="network_fault", facts__origin="{number}").first()
print(case and case.number)
"""
MENDED = """
from jinzhi.casework.models import Case
from jinzhi.network.operations import moments
from jinzhi.network.operations.tests import world
from django.utils import timezone
case = Case.objects.get(number="{number}")
world._number = iter(range(200, 300))
engineer = world.official(world.PROVINCE, "operator")
world.do(case, "accept", engineer)
world.do(case, "conclude", engineer, payload=world.solved(restored=moments.shown(timezone.now())))
"""
STEP = """
from jinzhi.casework.models import Case
case = Case.objects.get(number="{number}")
print(case.steps.filter(state="open", kind="user").values_list("key", flat=True).first(), case.outcome or "-")
"""
CONFIRM = """
from jinzhi.casework.models import Case
from jinzhi.network.operations.tests import world
case = Case.objects.get(number="{number}")
world._number = iter(range(300, 400))
agency = world.step(case).agency.place
world.do(case, "conclude", world.official(agency, "operator"), payload=world.confirmed())
"""


def test_a_fault_nobody_takes_climbs_over_the_wire_and_comes_back_mended(lab):
    hangzhou, hub = lab.cities[0], lab.hub
    number = hangzhou.python(BEGIN).split()[-1]
    levels = [hangzhou.python(LATE.format(number=number)).split()[-1] for _ in range(2)]
    assert levels == ["city", "province"]

    def at_hub():
        hangzhou.python(SHARE)
        hub.python(SHARE)
        found = hub.python(THERE.format(number=number)).split()[-1]
        return "" if found == "None" else found

    until(at_hub, 180, lab.logs, 1)
    taken = at_hub()
    hub.python(MENDED.format(number=taken))

    def step():
        hub.python(SHARE)
        hangzhou.python(SHARE)
        return hangzhou.python(STEP.format(number=number)).split()

    until(lambda: step()[0] == "confirm", 180, lab.logs, 1)
    hangzhou.python(CONFIRM.format(number=number))
    until(lambda: step()[1] == "done", 180, lab.logs, 1)
    until(
        lambda: hub.python(SHARE) is not None and hub.python(STEP.format(number=taken)).split()[1] == "done",
        90,
        lab.logs,
        1,
    )
    lab.settle()
