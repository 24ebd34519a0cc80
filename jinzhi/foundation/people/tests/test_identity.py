"""Post, powers and scope of a request."""

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone

from jinzhi.foundation.people import access, identity
from jinzhi.foundation.people.middleware import PostMiddleware
from jinzhi.foundation.people.models import Account, Delegation, Power
from jinzhi.foundation.places import scope

from .cast import BEILUN, HANGZHOU, WEST_LAKE, day, person, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]


@pytest.fixture
def demo():
    with override_settings(DEMO=True):
        yield


def load(post, wanted=None):
    return identity.load(Account.objects.get(pk=post.account_id), timezone.localdate(), wanted)


def delegated(giver, taker, starts=0, ends=5):
    return Delegation.objects.create(
        from_post=giver, to_post=taker, starts=day(starts), ends=day(ends), reason="出差"
    )


class Seen:
    """A view that notes the scope it was called in."""

    def __call__(self, request):
        self.request, self.scope = request, scope.current()
        return HttpResponse("ok")


def through_middleware(post=None, view=None, **session):
    view = view or Seen()
    request = RequestFactory().get("/office/")
    request.user = Account.objects.get(pk=post.account_id) if post else _Anonymous()
    request.session = session
    PostMiddleware(view)(request)
    return view


class _Anonymous:
    is_authenticated = False


def test_a_person_acts_in_the_main_post_until_another_is_chosen():
    main = person("li", WEST_LAKE, "examiner")
    second = person("li", HANGZHOU, "approver")
    assert load(main).post == main
    assert load(main).roles == {"examiner"}
    assert load(main, second.pk).post == second
    assert load(main, second.pk).roles == {"approver"}  # never the union of both


def test_scope_is_the_place_of_the_post():
    seen = through_middleware(person("li", WEST_LAKE, "examiner"))
    assert seen.scope == scope.staff(330106000000)
    assert scope.current() == scope.SYSTEM  # the test's own, back again


def test_anonymous_and_postless_people_have_the_public_scope():
    assert through_middleware().scope == scope.PUBLIC
    former = person("li", WEST_LAKE, "examiner", valid_to=day(-1))
    seen = through_middleware(former)
    assert (seen.scope, seen.request.post, seen.request.roles) == (scope.PUBLIC, None, set())


def test_a_post_is_valid_on_its_first_and_last_day():
    assert load(person("a", valid_from=day(0), valid_to=day(0))).post
    assert load(person("b", valid_from=day(1))).post is None
    assert load(person("c", valid_from=day(-9), valid_to=day(-1))).post is None


def test_a_post_in_an_abolished_agency_gives_nothing():
    post = person("li", WEST_LAKE, "examiner")
    post.agency.valid_to = day(0)
    post.agency.save()
    assert load(post).post is None


def test_a_chosen_post_that_has_ended_falls_back_to_another():
    main = person("li", WEST_LAKE, "examiner")
    ended = person("li", HANGZHOU, "approver", valid_to=day(-1))
    assert load(main, ended.pk).post == main


def test_enterprise_account_sees_with_the_eyes_of_its_enterprise():
    account = Account.objects.create(
        username="firm", kind="enterprise", enterprise_id="0190a7c4-0000-7000-8000-000000000001"
    )
    request = RequestFactory().get("/my/")
    request.user, request.session = account, {}
    view = Seen()
    PostMiddleware(view)(request)
    assert view.scope == scope.enterprise(account.enterprise_id)
    assert request.roles == {"applicant"}


def test_a_granted_power_holds_from_the_next_request(client):
    post = person("li", WEST_LAKE)
    sign_in(client, post)
    assert client.get("/desk/").status_code == 403
    power = Power.objects.create(post=post, role="auditor")
    assert client.get("/desk/").status_code == 200
    power.delete()
    assert client.get("/desk/").status_code == 403


def test_delegated_powers_hold_between_the_two_days_only():
    giver, taker = person("li", WEST_LAKE, "approver"), person("wu", WEST_LAKE, "examiner")
    delegated(giver, taker, starts=0, ends=2)
    today = timezone.localdate()
    assert load(taker).roles == {"examiner", "approver"}
    assert identity.load(taker.account, day(2)).roles == {"examiner", "approver"}
    assert identity.load(taker.account, day(3)).roles == {"examiner"}
    assert identity.load(taker.account, today.replace(year=today.year - 1)).roles == {"examiner"}


def test_a_delegated_power_says_on_whose_behalf():
    giver, taker = person("li", WEST_LAKE, "approver", "examiner"), person("wu", WEST_LAKE, "examiner")
    delegated(giver, taker)
    request = through_middleware(taker).request
    assert access.on_behalf(request, "examiner") is None  # the own power comes first
    assert access.on_behalf(request, "approver") == giver
    assert access.on_behalf(request, "approver").account.name == "li姓名"


@pytest.mark.parametrize("how", ["revoked", "giver_left", "giver_disabled", "moved"])
def test_a_delegation_ends_with_its_ground(how):
    giver, taker = person("li", WEST_LAKE, "approver"), person("wu", WEST_LAKE, "examiner")
    given = delegated(giver, taker)
    assert "approver" in load(taker).roles
    if how == "revoked":
        Delegation.objects.filter(pk=given.pk).update(revoked_at=timezone.now())
    elif how == "giver_left":
        giver.valid_to = day(-1)
        giver.save()
    elif how == "giver_disabled":
        Account.objects.filter(pk=giver.account_id).update(is_active=False)
    else:
        giver.agency = person("x", BEILUN).agency
        giver.save()
    assert load(taker).roles == {"examiner"}


def test_a_power_for_one_step_does_not_cover_another():
    post = person("li", WEST_LAKE)
    Power.objects.create(post=post, role="examiner", procedure="food_licence", step="review")
    held = load(post)
    assert held.power_for("examiner", "food_licence", "review")
    assert not held.power_for("examiner", "food_licence", "inspection")
    assert not held.power_for("examiner", "measuring", "review")
    assert not held.power_for("examiner")


def test_identity_costs_one_statement_however_many_posts(django_assert_num_queries, monkeypatch):
    for key in (WEST_LAKE, HANGZHOU, BEILUN):
        post = person("li", key, "examiner", "inspector")
    sent = []
    read = identity._rows
    monkeypatch.setattr(identity, "_rows", lambda parameters: sent.append(1) or read(parameters))
    with django_assert_num_queries(0):  # none beside the prepared one, which bypasses Django's log
        held = identity.load(post.account, timezone.localdate())
        assert [p.agency.short_name for p in held.posts] and held.powers[0].post == held.post
    assert len(sent) == 1


def test_switching_to_ones_own_post_changes_the_next_request(client):
    person("li", WEST_LAKE)
    second = person("li", HANGZHOU, "auditor")
    sign_in(client, second)
    assert client.get("/desk/").status_code == 403
    answer = client.post(reverse("people-switch-post", args=[second.pk]))
    assert answer.status_code == 302
    assert client.get("/desk/").status_code == 200


def test_switching_to_a_post_that_is_not_ones_own_is_not_found(client):
    other = person("wu", HANGZHOU, "auditor")
    sign_in(client, person("li", WEST_LAKE))
    assert client.post(reverse("people-switch-post", args=[other.pk])).status_code == 404
    assert client.get(reverse("people-switch-post", args=[other.pk])).status_code == 405
    assert client.get("/desk/").status_code == 403


def test_switching_leads_only_to_addresses_of_ours(client):
    post = person("li", WEST_LAKE)
    sign_in(client, post)
    url = reverse("people-switch-post", args=[post.pk])
    assert client.post(url, {"next": "https://evil.example/"}).url == "/home/"
    assert client.post(url, {"next": "/office/todo/"}).url == "/office/todo/"
    assert client.post(url, {"next": "/a/"}, headers={"HX-Request": "true"})["HX-Redirect"] == "/a/"


def test_a_page_for_another_post_names_who_may_open_it(client):
    sign_in(client, person("li", WEST_LAKE, "examiner"))
    answer = client.get("/desk/people/")
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "系统管理" in text and "西湖区局" in text


def test_a_streamed_answer_is_read_with_the_eyes_of_its_request():
    post = person("li", WEST_LAKE, "examiner")
    seen = []

    def view(request):
        return StreamingHttpResponse(str(seen.append(scope.current())) for _ in range(2))

    request = RequestFactory().get("/export/")
    request.user, request.session = Account.objects.get(pk=post.account_id), {}
    response = PostMiddleware(view)(request)
    assert scope.current() == scope.SYSTEM
    list(response.streaming_content)
    assert seen == [scope.staff(330106000000)] * 2
    assert scope.current() == scope.SYSTEM
