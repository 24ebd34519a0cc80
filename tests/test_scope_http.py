"""Who reaches what over HTTP: another's case is a 404 at every door, another's page a 403 that says so."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jinzhi.casework.models import CarbonCopy, Case, Draft
from jinzhi.casework.tests import sample
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Account, Post
from jinzhi.services.licensing.tests import world
from tests.visitors import NEIGHBOUR, OTHER_CODE, enter, file_of, send, visited

pytestmark = pytest.mark.django_db
ROLES = ("window_clerk", "examiner", "inspector", "approver", "supervisor")


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True  # accounts of the tests have no second factor


@pytest.fixture
def v():
    return visited()


def official(role: str, place: int = world.COUNTY, *more: str) -> Client:
    actor = world.official("甲", role, place)
    for another in more:
        actor.post.powers.create(role=another)
    return enter(actor.account)


# -- officials


def test_those_whose_case_it_is_come_in(v):
    client = enter(v.inspector.account)
    for method, address in v.staff_doors():
        if method == "get":
            assert client.get(address).status_code == 200, address


def test_a_colleague_of_another_county_finds_nothing_at_any_door(v):
    client = official("window_clerk", NEIGHBOUR, *ROLES[1:])
    before = Case.objects.get(pk=v.case.pk).story_length
    for method, address in v.staff_doors():
        answer = send(client, method, address, {"action": "accept", "step": v.step, "reason": "x"})
        assert answer.status_code == 404, address
        assert v.holder.name not in answer.content.decode()
    assert Case.objects.get(pk=v.case.pk).story_length == before


def test_lists_counts_and_search_hold_nothing_of_another_county(v):
    client = official("window_clerk", NEIGHBOUR, *ROLES[1:])
    for address in (
        "/office/",
        "/office/todo/",
        "/office/done/",
        "/office/copies/",
        "/office/started/",
        "/office/board/",
    ):
        page = client.get(address, {"q": v.case.number[:8]} if address == "/office/todo/" else {})
        assert page.status_code == 200
        assert v.case.number not in page.content.decode() and v.holder.name not in page.content.decode()


def test_a_copy_sent_in_error_to_another_county_opens_nothing(v):
    client = official("examiner", NEIGHBOUR)
    post = Post.objects.latest("pk")
    CarbonCopy.objects.create(case=v.case, place=v.case.place, post=post)
    assert v.case.number not in client.get("/office/copies/").content.decode()
    assert client.get(f"/office/cases/{v.case.number}/").status_code == 404


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 200), ("330100", 200), ("330106", 200), ("330200", 404), ("330203", 404), ("330000", 404),
        ("320000", 404), ("000000", 404), ("33", 404), ("abc", 404), ("²", 404), ("9" * 40, 404), ("-330106", 404),
    ],
)  # fmt: skip
def test_a_supervisor_of_a_city_sees_the_board_of_that_city_only(code, status):
    client = official("supervisor", world.CITY)
    assert client.get(f"/office/board/{code}/" if code else "/office/board/").status_code == status


def test_the_wrong_role_is_told_which_role_it_takes(v):
    page = official("window_clerk").get("/office/board/")
    assert page.status_code == 403
    assert "督查" in page.content.decode() and "西湖" in page.content.decode()


def test_a_step_of_another_role_cannot_be_opened_saved_or_done(v):
    client = official("window_clerk")
    page = f"/office/cases/{v.case.number}/{v.step}/"
    assert client.get(page).status_code == 302
    assert client.post(f"{page}save/", {"signature": "x"}).status_code == 404
    assert client.post(f"{page}upload/").status_code == 404
    client.post(page, {"signature": "x"})
    client.post(f"/office/cases/{v.case.number}/act/", {"action": "conclude", "step": v.step, "reason": "x"})
    step = v.case.steps.get(pk=v.step)
    assert (step.state, step.result) == ("open", {})


# -- posts and sessions


@pytest.mark.parametrize("address", ["/office/", "/office/todo/", "/office/cases/{}/", "/office/board/"])
def test_without_a_post_of_today_nothing_opens(v, address):
    actor = world.official("前任", "window_clerk", world.COUNTY)
    client = enter(actor.account)
    Post.objects.filter(pk=actor.post.pk).update(valid_to=calendar.today() - timedelta(1))
    for _ in range(2):  # a post that has ended, then none at all
        page = client.get(address.format(v.case.number))
        assert page.status_code == 403 and "没有有效的任职" in page.content.decode()
        assert client.get(v.file.url).status_code in (403, 404)
        actor.post.powers.all().delete()
        Post.objects.filter(pk=actor.post.pk).delete()


def test_a_session_naming_the_post_of_somebody_else_stays_with_its_own(v):
    client = official("window_clerk", NEIGHBOUR)
    session = client.session
    session["post"] = v.inspector.post.pk
    session.save()
    assert client.get(f"/office/cases/{v.case.number}/").status_code == 404


def test_a_post_that_begins_tomorrow_cannot_be_acted_in(v):
    client = official("window_clerk", NEIGHBOUR)
    account = Account.objects.latest("pk")
    later = Post.objects.create(
        account=account,
        agency=v.inspector.post.agency,
        title="新任",
        valid_from=calendar.today() + timedelta(1),
    )
    session = client.session
    session["post"] = later.pk
    session.save()
    assert client.get(f"/office/cases/{v.case.number}/").status_code == 404


def test_an_idle_session_goes_to_sign_in_and_back_afterwards(v):
    client = enter(v.inspector.account)
    session = client.session
    session["seen"] = 1
    session.save()
    address = f"/office/cases/{v.case.number}/"
    answer = client.get(address)
    assert answer.status_code == 302
    assert (
        answer["Location"].startswith("/accounts/login/?next=%2Foffice%2Fcases%2F")
        and "reason=idle" in answer["Location"]
    )
    assert client.get(address).status_code == 302  # signed out, not only warned


def test_a_disabled_account_is_signed_out_at_once(v):
    client = enter(v.inspector.account)
    Account.objects.filter(pk=v.inspector.account.pk).update(is_active=False)
    assert client.get(f"/office/cases/{v.case.number}/")["Location"].startswith("/accounts/login/")


def test_who_is_not_signed_in_is_asked_to(v):
    doors = [
        *v.staff_doors(),
        ("get", f"/my/cases/{v.case.number}/"),
        ("get", "/my/"),
        ("get", "/office/board/"),
    ]
    for method, address in doors:
        answer = send(Client(), method, address)
        if address.startswith("/files/"):
            assert answer.status_code == 404
        else:
            assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next="), (
                address
            )


def test_enterprises_and_officials_have_pages_of_their_own(v):
    page = enter(v.owner).get(f"/office/cases/{v.case.number}/")
    assert page.status_code == 403 and "工作人员的页面" in page.content.decode()
    page = enter(v.inspector.account).get(f"/my/cases/{v.case.number}/")
    assert page.status_code == 403 and "企业账号" in page.content.decode()


# -- enterprises


def their_doors(v, draft) -> list[tuple[str, str]]:
    case, mine = f"/my/cases/{v.case.number}/", f"/my/drafts/{draft}/"
    return [
        ("get", case), ("get", f"{case}answer/"), ("post", f"{case}answer/"), ("post", f"{case}act/"),
        ("post", f"{case}upload/"), ("get", mine), ("post", mine), ("post", f"{mine}save/"), ("post", f"{mine}upload/"),
        ("post", f"{mine}discard/"), *v.file_doors(),
    ]  # fmt: skip


def test_another_enterprise_finds_nothing_at_any_door(v):
    enter(v.owner).get("/apply/food-production-licence/")
    draft = Draft.objects.get()
    own_file = file_of(v.holder, f"draft:{draft.pk}", 0)
    stranger = enter(world.owner(world.enterprise(uscc=OTHER_CODE, name="别家")).account)
    for method, address in their_doors(v, draft.pk):
        answer = send(stranger, method, address, {"action": "withdraw", "reason": "x"})
        assert answer.status_code == 404, address
    gone = stranger.post(f"/my/drafts/{draft.pk}/files/{own_file.pk}/remove/")
    assert gone.status_code == 404
    assert v.holder.name not in stranger.get("/my/").content.decode()
    assert Draft.objects.get() == draft and Case.objects.get().state == "open"


def test_the_owner_comes_in(v):
    client = enter(v.owner)
    assert v.case.number in client.get("/my/").content.decode()
    for address in (f"/my/cases/{v.case.number}/", v.file.url, v.document.url):
        assert client.get(address).status_code == 200, address


def test_an_account_whose_enterprise_is_not_known_sees_nothing(v):
    account = Account.objects.create_user("adrift", "a long enough word", name="某人", kind="enterprise")
    client = enter(account)
    assert client.get("/my/").status_code == 403
    assert client.get(v.file.url).status_code == 404


def test_the_story_shows_an_applicant_only_what_is_meant_for_it(v):
    v.case.events.model.objects.create(
        case=v.case, place=v.case.place, seq=99, at=v.case.created_at, kind="return", sentence="内部意见", public=False,
        hash="0" * 64,
    )  # fmt: skip
    assert "内部意见" not in enter(v.owner).get(f"/my/cases/{v.case.number}/").content.decode()
    assert "内部意见" in enter(v.inspector.account).get(f"/office/cases/{v.case.number}/").content.decode()


@pytest.mark.parametrize("address", ["/office/", "/office/todo/", "/office/todo/?q=T0&lamp=red"])
def test_a_list_asks_as_many_questions_for_25_cases_as_for_5(address):
    client = official("window_clerk")
    client.get(address)  # what a process reads only once
    asked = []
    for more in (5, 20):
        for _ in range(more):
            case = sample.open_case()
        # outside a test's transaction the calendar is asked for its version once a second, not each time
        with calendar.pinned(), CaptureQueriesContext(connection) as queries:
            page = client.get(address)
        assert case.number in page.content.decode()
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 12
