"""The pages and the interface: who comes in, who finds nothing, what a refusal says."""

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from typer.testing import CliRunner

from jinzhi.casework.esupervision import commands, complaints, rating, scoring
from jinzhi.casework.esupervision.models import Complaint, Satisfaction, Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import begun, signal, supervise
from jinzhi.casework.models import Case
from jinzhi.casework.tests import sample
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Account, Agency
from jinzhi.foundation.people.tests.cast import BACKEND
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db
D = date.fromisoformat


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True  # accounts of the tests have no second factor


def enter(account: Account) -> Client:
    Account.objects.filter(pk=account.pk).update(is_demo=True)
    account.refresh_from_db()
    client = Client()
    client.force_login(account, backend=BACKEND)
    return client


def official(role: str, place: int = world.COUNTY, level: str = "county") -> Client:
    return enter(sample.person("某人", role, place=place, level=level).account)


@pytest.fixture
def card() -> Signal:
    """A red card of West Lake, raised today."""
    today = calendar.today()
    case = begun(calendar.day_of(calendar.ordinal(today) - 8))
    supervise(today)
    return signal(case, "T7")


PAGES = (
    "/office/supervision/", "/office/supervision/?by=agency&period=all", "/office/supervision/?by=person&period=year",
    "/office/supervision/?by=matter", "/office/supervision/?by=rule", "/office/supervision/cards/",
    "/office/supervision/statistics/", "/office/supervision/statistics/?by=matter&period=quarter",
    "/office/supervision/statistics/?by=level&period=year", "/office/supervision/scores/",
    "/office/supervision/scores/?period=quarter", "/office/supervision/scores/entry/", "/office/supervision/complaints/",
    "/office/supervision/ratings/", "/office/supervision/rules/", "/office/supervision/rules/?from=2004-07-01",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_supervisor_opens_every_page_and_a_clerk_no_board(card, path):
    scoring.draft("month", calendar.today())
    supervisor, clerk = official("supervisor", world.PROVINCE, "province"), official("window_clerk")
    assert supervisor.get(path).status_code == 200
    if "rules" not in path and "ratings" not in path:
        assert clerk.get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_boards_lists_and_cards_hold_what_is_in_range(card):
    number = card.case.number
    for place, level, seen in (
        (world.PROVINCE, "province", True),
        (world.CITY, "city", True),
        (330200000000, "city", False),
    ):
        client = official("supervisor", place, level)
        assert (number in client.get("/office/supervision/cards/").content.decode()) is seen
        assert client.get(f"/office/supervision/cards/{card.pk}/").status_code == (200 if seen else 404)
    hangzhou = official("supervisor", world.CITY, "city")
    assert hangzhou.get("/office/supervision/?place=330200").status_code == 404
    assert hangzhou.get("/office/supervision/?place=330106").status_code == 200


def test_a_bureau_finds_its_own_cards_another_finds_nothing(card):
    own, other, city = (
        official("window_clerk"),
        official("window_clerk", world.NEIGHBOUR),
        official("approver", world.CITY, "city"),
    )
    assert card.case.number in own.get("/office/supervision/mine/").content.decode()
    assert own.get(f"/office/supervision/cards/{card.pk}/").status_code == 200
    assert card.case.number not in other.get("/office/supervision/mine/").content.decode()
    assert other.get(f"/office/supervision/cards/{card.pk}/").status_code == 404
    assert (
        city.get(f"/office/supervision/cards/{card.pk}/").status_code == 404
    )  # not its card, though in its range
    for client in (other, city):
        assert (
            client.post(
                f"/office/supervision/cards/{card.pk}/act/", {"action": "reply", "text": "替人回复"}
            ).status_code
            == 404
        )


def test_reply_appeal_and_decision_over_http(card):
    clerk, supervisor = official("window_clerk"), official("supervisor", world.CITY, "city")
    page = f"/office/supervision/cards/{card.pk}/"
    assert "提出申诉" in clerk.get(page).content.decode()
    clerk.post(f"{page}act/", {"action": "appeal", "text": "当日网络中断，附证明"})
    card.refresh_from_db()
    assert card.status == "appealed"
    supervisor.post(f"{page}act/", {"action": "lift", "text": "情况属实，予以撤销"})
    card.refresh_from_db()
    assert card.status == "appealed"  # without a ground nothing happens, and what was typed comes back
    assert "情况属实，予以撤销" in supervisor.get(page).content.decode()
    supervisor.post(f"{page}act/", {"action": "lift", "text": "情况属实，予以撤销", "ground": "outage"})
    card.refresh_from_db()
    assert (card.status, card.ground) == ("lifted", "outage")
    assert "已撤销" in clerk.get(page).content.decode()


def test_the_bell_and_the_menu_tell(card):
    page = official("window_clerk").get("/office/supervision/mine/").content.decode()
    assert "张监察牌待回复" in page and "我的红黄牌" in page
    complaints.lodge(text="窗口态度生硬，不予解释", subject="attitude", agency=card.agency)
    Signal.objects.filter(pk=card.pk).update(status="appealed")
    page = official("supervisor", world.CITY, "city").get("/office/supervision/").content.decode()
    assert "1 件申诉待认定" in page and "1 件投诉在办" in page


def test_downloads(card):
    client = official("supervisor", world.PROVINCE, "province")
    text = b"".join(client.get("/office/supervision/cards/?export=csv").streaming_content).decode()
    assert card.case.number in text and "受理期限为 5 个工作日" in text
    for path in (
        "/office/supervision/cards/?export=xlsx",
        "/office/supervision/?export=xlsx",
        "/office/supervision/statistics/?export=xlsx",
    ):
        answer = client.get(path)
        assert answer.status_code == 200 and b"".join(answer.streaming_content)[:2] == b"PK"


def test_publishing_is_the_provinces(card):
    scoring.draft("month", calendar.today())
    last = calendar.today().replace(day=1) - timedelta(days=1)
    wanted = {"period": "month", "on": last.isoformat()}
    assert (
        official("supervisor", world.CITY, "city")
        .post("/office/supervision/scores/publish/", wanted)
        .status_code
        == 404
    )
    province = official("supervisor", world.PROVINCE, "province")
    province.post("/office/supervision/scores/publish/", wanted)
    sheets = scoring.latest("month", last.replace(day=1))
    assert sheets and all(s.state == "published" for s in sheets)
    own = next(s for s in sheets if s.place == world.COUNTY)
    assert province.get(f"/office/supervision/scores/{own.pk}/").status_code == 200
    assert (
        official("approver", world.CITY, "city").get(f"/office/supervision/scores/{own.pk}/").status_code
        == 404
    )
    assert official("approver", world.COUNTY).get(f"/office/supervision/scores/{own.pk}/").status_code == 200


def test_points_entered_by_hand(card):
    client = official("supervisor", world.CITY, "city")
    data = {
        "agency": Agency.objects.get(place=world.COUNTY).pk,
        "item": "openness",
        "day": calendar.today().isoformat(),
    }
    answer = client.post("/office/supervision/scores/entry/", data | {"reason": "没有公示收费标准"})
    assert "请填写扣分" in answer.content.decode()
    client.post("/office/supervision/scores/entry/", data | {"reason": "没有公示收费标准", "points": "2"})
    assert "没有公示收费标准" in client.get("/office/supervision/scores/entry/").content.decode()
    foreign = data | {"agency": Agency.objects.get(place=330203000000).pk, "reason": "外市", "points": "2"}
    assert "不在可选的范围内" in client.post("/office/supervision/scores/entry/", foreign).content.decode()


# -- complaints and ratings


def test_anybody_complains_and_looks_it_up():
    client = Client()
    form = {
        "subject": "late",
        "agency": Agency.objects.get(place=world.COUNTY).pk,
        "text": "三月提交的申请到五月还没有答复",
        "name": "",
        "phone": "",
    }
    page = client.post("/complain/", form).content.decode()
    one = Complaint.objects.get()
    assert one.number in page and one.is_anonymous
    assert "请把具体情况写清楚" in client.post("/complain/", form | {"text": "慢"}).content.decode()
    assert (
        "没有这个编号的办件"
        in client.post("/complain/", form | {"agency": "", "case": "XK1"}).content.decode()
    )
    assert Complaint.objects.count() == 1
    assert (
        "不对" in client.post("/complain/status/", {"number": one.number, "code": "WRONG"}).content.decode()
    )
    one, code = complaints.lodge(
        text="三月提交的申请到五月还没有答复", subject="late", agency=one.agency, name="某人"
    )
    assert "待受理" in client.post("/complain/status/", {"number": one.number, "code": code}).content.decode()


def closed_case(holder) -> Case:
    w = world.World()
    case = begun(D("2026-03-02"), enterprise_id=holder)
    w.act(case, "accept", "refuse", D("2026-03-03"), reason="不属于本机关职权")
    return case


def test_an_enterprise_reaches_only_its_own_complaint_and_rating(card):
    mine = uuid4()
    account = Account.objects.create_user(
        "firm", "a long enough word", name="经办", kind="enterprise", enterprise_id=mine
    )
    client = enter(account)
    own, other = closed_case(mine), closed_case(uuid4())
    assert client.post(f"/my/rate/{own.number}/", {"grade": "4", "comment": ""}).status_code == 302
    assert client.post(f"/my/rate/{other.number}/", {"grade": "4"}).status_code == 404
    assert Satisfaction.objects.get().case == own
    complaints.lodge(text="这是别人的投诉内容啊啊", subject="late", agency=card.agency, enterprise_id=uuid4())
    assert "没有投诉" in client.get("/my/complaints/").content.decode()
    client.post(
        "/complain/", {"subject": "late", "case": own.number, "text": "三月提交的申请到五月还没有答复"}
    )
    assert own.number in client.get("/my/complaints/").content.decode()
    for path in (
        "/office/supervision/",
        "/office/supervision/mine/",
        f"/office/supervision/cards/{card.pk}/",
        "/office/supervision/ratings/",
    ):
        assert client.get(path).status_code == 403


def test_a_signed_link_rates_once_without_a_sign_in():
    case = closed_case(uuid4())
    path = rating.link(case)
    client = Client()
    assert case.number in client.get(path).content.decode()
    assert "原因" in client.post(path, {"grade": "1"}).content.decode()
    assert "感谢" in client.post(path, {"grade": "5"}).content.decode()
    assert "每个办件评价一次" in client.post(path, {"grade": "1", "comment": "改主意了"}).content.decode()
    assert Satisfaction.objects.get().grade == 5
    assert client.get("/rate/forged/").status_code == 404


# -- the interface


def test_the_interface_answers_in_the_readers_range(card):
    province, other = (
        official("supervisor", world.PROVINCE, "province"),
        official("supervisor", 330200000000, "city"),
    )
    found = province.get("/api/v1/supervision/cards", {"case": card.case.number}).json()
    assert [c["rule"] for c in found["results"]][-1:] == ["T7"]
    one = found["results"][-1]
    assert (one["colour"], one["place"], one["agency"], one["status"]) == (
        "red",
        "330106",
        card.agency.key,
        "open",
    )
    assert one["reply_by"] == calendar.due(calendar.today(), 3).date.isoformat()
    assert other.get("/api/v1/supervision/cards").json()["results"] == []
    assert other.get("/api/v1/supervision/cards", {"place": "330106"}).status_code == 404
    assert official("window_clerk").get("/api/v1/supervision/cards").status_code == 403
    assert Client().get("/api/v1/supervision/cards").status_code == 401
    board = province.get(
        "/api/v1/supervision/board", {"place": "330100", "by": "agency", "period": "all"}
    ).json()
    assert board["totals"]["red"] == 1 and board["lines"][0]["key"] == card.agency.key
    assert province.get("/api/v1/supervision/board", {"by": "x"}).status_code == 422


def test_cards_are_handed_over_from_where_one_left(card):
    begun(calendar.day_of(calendar.ordinal(calendar.today()) - 8))
    supervise(calendar.today())
    client = official("supervisor", world.PROVINCE, "province")
    first = client.get("/api/v1/supervision/cards", {"limit": 1}).json()
    second = client.get("/api/v1/supervision/cards", {"limit": 1, "since": first["next"]}).json()
    assert first["results"][0]["id"] != second["results"][0]["id"]
    whole = client.get("/api/v1/supervision/cards", {"limit": 500}).json()
    again = client.get("/api/v1/supervision/cards", {"limit": 500, "since": whole["next"]}).json()
    assert {c["id"] for c in again["results"]} == {
        c["id"] for c in whole["results"]
    }  # what may be incomplete comes again
    for bad in ("nonsense", "2026-01-01~1", f"2026-01-01T00:00:00+08:00~{10**30}"):
        assert client.get("/api/v1/supervision/cards", {"since": bad}).status_code == 422
    for path in (
        "scores?on=9999-12-31",
        "scores?period=x",
        "cards?colour=x",
        "cards?status=x",
        "cards?limit=0",
    ):
        assert client.get(f"/api/v1/supervision/{path}").status_code == 422, path
    for path in (
        "scores/?on=9999-12-31",
        "statistics/?on=0001-01-01",
        "?place=0&period=x",
        "cards/?raised_on_min=x&person=y",
    ):
        assert client.get(f"/office/supervision/{path}").status_code in (200, 404), path


def test_scores_over_the_interface(card):
    scoring.draft("month", calendar.today())
    answer = official("supervisor", world.CITY, "city").get("/api/v1/supervision/scores").json()
    by_key = {r["agency"]: r for r in answer["results"]}
    assert by_key[card.agency.key]["cases"] == 1 and by_key[card.agency.key]["total"] < 100
    assert all(k.startswith("3301") for k in by_key)
    assert {r["grade"] for r in answer["results"] if not r["cases"]} == {"未评"}


# -- the command


def test_the_command_runs_a_day_and_says_what_it_did():
    case = begun(D("2026-03-02"))
    answer = json.loads(CliRunner().invoke(commands.app, ["run", "--on", "2026-03-10", "--json"]).stdout)
    assert answer["on"] == "2026-03-10" and answer["timers"] == 1 and answer["rules"]["T7"]["raised"] == 1
    case.refresh_from_db()
    assert case.accepted_on == D("2026-03-02")
    again = json.loads(CliRunner().invoke(commands.app, ["run", "--on", "2026-03-10", "--json"]).stdout)
    assert (again["raised"], again["escalated"], again["timers"]) == (0, 0, 0)
    board = json.loads(CliRunner().invoke(commands.app, ["board", "--place", "330106", "--json"]).stdout)
    assert board["totals"]["red"] == 1
    score = json.loads(CliRunner().invoke(commands.app, ["score", "--on", "2026-03-10", "--json"]).stdout)
    assert any(r["grade"] == "未评" for r in score["results"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--on", "2026-13-01"],
        ["board", "--by", "x"],
        ["score", "--period", "x"],
        ["board", "--place", "33"],
    ],
)
def test_the_command_refuses_in_words(arguments):
    answer = CliRunner().invoke(commands.app, [*arguments, "--json"])
    assert answer.exit_code == 1 and "error" in json.loads(answer.stdout)


def test_a_card_by_hand_from_the_case(card):
    client = official("supervisor", world.CITY, "city")
    with scope.acting(scope.SYSTEM):
        answer = client.post(
            f"/office/supervision/raise/{card.case.number}/", {"rule": "P12", "text": "没有告知听证的权利"}
        )
    assert answer.status_code == 302 and signal(card.case, "P12").colour == "red"
    assert (
        official("window_clerk")
        .post(f"/office/supervision/raise/{card.case.number}/", {"rule": "P12"})
        .status_code
        == 403
    )
