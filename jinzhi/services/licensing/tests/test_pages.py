"""The pages of every matter over HTTP: begun from its form alone, answered, begun ex officio."""

from datetime import date, timedelta

import pytest

from jinzhi.casework import matters
from jinzhi.casework.models import Case, Draft
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Account
from jinzhi.registry.models import Certificate
from jinzhi.services.licensing.tests import life, world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demonstration(settings):
    """Officials sign in without a second factor."""
    settings.DEMO = True


@pytest.fixture
def holder():
    return world.enterprise(premises_address="杭州市西湖区文一路1号")


@pytest.fixture
def own(client, holder):
    """The client signed in for the holder."""
    client.force_login(world.owner(holder).account)
    return client


def signed_in(client, actor):
    """A demonstration account needs no second factor."""
    Account.objects.filter(pk=actor.account.pk).update(is_demo=True)
    actor.account.refresh_from_db()
    client.force_login(actor.account)
    return client


def recent(holder, **more) -> Certificate:
    return life.held(holder, granted=calendar.today() - timedelta(days=700), **more)


def test_every_matter_has_its_application_page_from_its_form(own, holder):
    recent(holder)
    for guide in matters.guides(calendar.today()):
        m = guide.matter
        assert own.get(f"/services/{m.slug}/").status_code == 200, m.slug
        answer = own.get(f"/apply/{m.slug}/")
        if guide.closed:
            assert answer["Location"] == f"/services/{m.slug}/"
            assert guide.closed in own.get(answer["Location"]).content.decode()
        elif answer.status_code == 302:
            page = own.get(answer["Location"])
            assert page.status_code == 200 and "提交申请" in page.content.decode(), m.slug
        else:
            assert "没有可以办理的许可证" in answer.content.decode(), m.slug


def test_one_licence_fills_in_its_change_and_two_are_asked_about(own, holder):
    licence = recent(holder)
    answer = own.get("/apply/food-production-change/")
    draft = Draft.objects.get()
    assert answer["Location"] == f"/my/drafts/{draft.pk}/"
    assert draft.data["licence"]["number"] == licence.number
    assert draft.data["premises"] == {"county": "330106", "address": licence.premises}
    assert draft.data["products"] == [{"category": "01", "detail": "0101", "varieties": "通用"}]
    assert draft.data["applicant"]["name"] == holder.name
    other = recent(holder, number="SC10133010600028", premises="别处")
    choice = own.get("/apply/food-production-change/").content.decode()
    assert licence.number in choice and other.number in choice
    own.get(f"/apply/food-production-change/?licence={other.number}")
    own.get(f"/apply/food-production-change/?licence={other.number}")
    assert Draft.objects.count() == 2, "one draft for each licence"
    desk = own.get("/my/").content.decode()
    assert f"/apply/food-production-renewal/?licence={other.number}" in desk


def test_a_strangers_licence_is_not_offered(own):
    stranger = world.enterprise(uscc=world.USCC, name="别家样例")
    licence = recent(stranger)
    assert (
        "没有可以办理的许可证"
        in own.get(f"/apply/food-production-change/?licence={licence.number}").content.decode()
    )


def test_the_applicants_own_steps_are_buttons_and_forms(client, holder):
    """Engaging the appraisal is a form; giving up a hearing is a button; both without a page of their own."""
    from jinzhi.services.licensing.tests import test_special_equipment as se

    day = calendar.today()
    while not calendar.is_workday(day):
        day -= timedelta(days=1)
    owner, province = world.owner(holder), life.Officials(world.PROVINCE)
    case = life.apply("special_equipment_licence", se.application(holder), day, holder, owner)
    world.go(case, "accept", "accept", province.window_clerk, day)
    client.force_login(owner.account)
    step = case.steps.get(key="engage", state="open")
    page = client.get(f"/my/cases/{case.number}/").content.decode()
    form = f"/my/cases/{case.number}/steps/{step.pk}/"
    assert form in page and "提交评审约请" in page
    assert client.get(form).status_code == 200
    kept = client.post(form, {"conclusion-body": "省特检院"})
    assert kept.status_code == 200 and "还有" in kept.content.decode()
    told = {"conclusion-body": "省特检院", "conclusion-planned_on": (day + timedelta(days=9)).isoformat()}
    assert client.post(form, told)["Location"] == f"/my/cases/{case.number}/"
    case.refresh_from_db()
    assert case.facts["engage"]["conclusion"]["body"] == "省特检院"
    assert "省特检院" in client.get(f"/my/cases/{case.number}/").content.decode()


def test_an_official_begins_a_revocation_and_files_stay_with_the_post(client, holder):
    licence = recent(holder)
    officer, other = (
        world.official("审查", "examiner", world.CITY),
        world.official("另一", "examiner", world.CITY),
    )
    signed_in(client, officer)
    found = client.get(f"/office/ex-officio/?licence={licence.number}").content.decode()
    assert "撤销行政许可" in found and "吊销许可证登记" in found
    address = f"/office/ex-officio/licence_revocation/?licence={licence.number}"
    assert "还有" in client.post(address, {}).content.decode()
    told = {"decision-ground": "fraud", "decision-facts": "提供虚假材料", "decision-harm": "no"}
    answer = client.post(address, told)
    case = Case.objects.get(procedure__key="licence_revocation")
    assert answer["Location"] == f"/office/cases/{case.number}/"
    assert case.facts["deciding_level"] == "city" and case.enterprise_id == holder.pk
    assert client.get(answer["Location"]).status_code == 200
    again = client.post(address, told).content.decode()
    assert "正在办理" in again
    from jinzhi.foundation.files.models import Attachment

    kept = world.attachment(holder, "penalty")
    Attachment.objects.filter(pk=kept).update(subject=f"post:{other.post.pk}", enterprise_id=None)
    penalty = {"decision-document": "罚1号", "decision-decided_on": date(2026, 3, 2).isoformat(), "decision-agency": "市局",
               "decision-facts": "事实", "attachments-penalty": kept}  # fmt: skip
    page = client.post(
        f"/office/ex-officio/licence_punishment/?licence={licence.number}", penalty
    ).content.decode()
    assert "请上传此项材料" in page, "a file of another post is none of mine"


@pytest.mark.parametrize("role", ["window_clerk", "auditor"])
def test_who_may_not_begin_anything_ex_officio(client, role):
    signed_in(client, world.official("人", role, world.CITY))
    assert client.get("/office/ex-officio/").status_code == 403


def test_an_enterprise_does_not_see_anothers_case(client, holder):
    case = world.submitted(date(2026, 3, 2), holder)
    client.force_login(world.owner(world.enterprise(uscc=world.USCC, name="别家样例")).account)
    for tail in ("", "answer/", "steps/1/"):
        assert client.get(f"/my/cases/{case.number}/{tail}").status_code == 404
    assert Account.objects.count() >= 2


STRANGER = """
key: small_workshop_registration
version: 1
name: 食品小作坊登记
matter: 食品小作坊登记
rule_set: SW-2017
valid_from: 2017-05-01
law: 本省食品小作坊管理规定
summary: 一个从未见过的事项。
form: {key: food_production_application, version: 3}
start: accept
submit: {starts: [acceptance]}
clocks:
  acceptance: {title: 受理期限, rule: licensing.acceptance}
steps:
  accept:
    name: 受理
    role: window_clerk
    law: 中华人民共和国行政许可法第三十二条
    outcomes:
      accept: {label: 登记, next: proof, stops: [acceptance], mark: accepted, main: true}
      refuse: {label: 不予登记, next: "end:not_accepted", stops: [acceptance], reason: true}
  proof:
    name: 确认登记事项
    role: applicant
    law: 本省食品小作坊管理规定
    outcomes:
      pass: {label: 确认无误, next: "end:granted", main: true}
"""


def test_a_strangers_procedure_is_offered_applied_for_and_carried_without_code(
    client, holder, tmp_path, monkeypatch
):
    from jinzhi.casework import procedures
    from jinzhi.casework.publishing import publish_all

    path = tmp_path / "small_workshop_registration.yaml"
    path.write_text(STRANGER, encoding="utf-8")
    known = procedures.files()
    monkeypatch.setattr(procedures, "files", lambda: [*known, path])
    monkeypatch.setattr("jinzhi.casework.publishing.files", procedures.files)
    matters.all_matters.cache_clear()
    try:
        assert [v.key for v in publish_all()] == ["small_workshop_registration"]
        assert "食品小作坊登记" in client.get("/services/").content.decode()
        assert client.get("/services/small-workshop-registration/").status_code == 200
        owner = world.owner(holder)
        client.force_login(owner.account)
        address = client.get("/apply/small-workshop-registration/")["Location"]
        draft = Draft.objects.get()
        draft.data = world.application(holder)
        draft.save()
        case = life.apply("small_workshop_registration", draft.data, calendar.today(), holder, owner)
        assert client.get(address).status_code == 200
        world.go(
            case, "accept", "accept", world.official("受理", "window_clerk", world.COUNTY), calendar.today()
        )
        page = client.get(f"/my/cases/{case.number}/").content.decode()
        assert "确认无误" in page
        step = case.steps.get(key="proof")
        client.post(f"/my/cases/{case.number}/act/", {"action": "pass", "step": step.pk})
        case.refresh_from_db()
        assert case.outcome == "granted"
        assert "食品小作坊登记" in client.get("/my/").content.decode()
    finally:
        matters.all_matters.cache_clear()
