"""Who may do what to people: separation of administrators, reach, no serving oneself."""

import pytest

from jinzhi.foundation.history import verify
from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people import organisation, roles, services
from jinzhi.foundation.people.acting import Refused, accounts_of, agencies_of
from jinzhi.foundation.people.models import Account, Power
from jinzhi.foundation.people.roles import StepChoice

from .cast import BEILUN, HANGZHOU, NINGBO, PROVINCE, WEST_LAKE, actor, agency, day, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def system():
    return actor(person("sys", HANGZHOU, "administrator"))


@pytest.fixture
def security():
    return actor(person("sec", HANGZHOU, "security_administrator"))


@pytest.fixture
def steps(monkeypatch):
    choices = [
        StepChoice("food", "食品生产许可", "review", "材料审查", "examiner"),
        StepChoice("food", "食品生产许可", "decide", "决定", "approver"),
    ]
    monkeypatch.setattr(roles, "steps_provider", lambda: choices)


def refused(act, *args, **kwargs) -> str:
    with pytest.raises(Refused) as caught:
        act(*args, **kwargs)
    return caught.value.message


def test_security_administrator_grants_and_the_log_says_so(security):
    post = person("li", WEST_LAKE)
    services.grant(security, post, "examiner")
    entry = AuditEntry.objects.latest("id")
    assert (entry.kind, entry.actor, entry.place) == ("people.power.granted", "sec姓名", post.agency.place)
    assert "审查" in entry.data["权限"]
    assert verify("people") == []


def test_nobody_grants_a_power_to_himself(security):
    assert "自己" in refused(services.grant, security, security.post, "approver")
    own = Power.objects.get(post=security.post)
    assert "自己" in refused(services.revoke, security, own)


def test_a_second_post_of_oneself_is_still_oneself(security):
    second = person("sec", WEST_LAKE)
    assert "自己" in refused(services.grant, security, second, "examiner")


@pytest.mark.parametrize("key", [PROVINCE, NINGBO, BEILUN])
def test_nobody_grants_beyond_his_own_range(security, key):
    assert "管辖范围" in refused(services.grant, security, person("li", key), "examiner")
    assert not Power.objects.filter(post__account__username="li").exists()


def test_only_the_security_administrator_grants(system):
    auditor = actor(person("aud", HANGZHOU, "auditor"))
    for by in (system, auditor):
        assert "安全管理" in refused(services.grant, by, person(f"p{by.account}", WEST_LAKE), "examiner")


@pytest.mark.parametrize("first", sorted(roles.ADMINISTRATION))
def test_administration_and_business_never_meet_on_one_post(security, first):
    post = person("li", WEST_LAKE, first)
    for role in sorted(roles.BUSINESS):
        assert "不办理业务" in refused(services.grant, security, post, role)
    other = person("wu", WEST_LAKE, "examiner")
    assert "不办理业务" in refused(services.grant, security, other, first)


def test_the_three_administrators_are_three_persons(security):
    post = person("li", WEST_LAKE, "administrator")
    assert "不同的人员" in refused(services.grant, security, post, "auditor")
    second = person("li", HANGZHOU)
    assert "一人兼任" in refused(services.grant, security, second, "security_administrator")


def test_business_roles_may_stand_together(security):
    post = person("li", WEST_LAKE, "window_clerk")
    services.grant(security, post, "examiner")
    assert "已经授予" in refused(services.grant, security, post, "examiner")


def test_the_applicant_role_and_unknown_roles_cannot_be_granted(security):
    for role in ("applicant", "root", ""):
        assert refused(services.grant, security, person(f"p{role}", WEST_LAKE), role) == "没有这个角色。"


def test_a_power_can_be_limited_to_a_step_that_exists(security, steps):
    post = person("li", WEST_LAKE)
    power = services.grant(security, post, "examiner", "food", "review")
    assert services.describe(power) == "审查 · 食品生产许可 · 材料审查"
    assert refused(services.grant, security, post, "examiner", "food", "decide")  # an approver's step
    assert refused(services.grant, security, post, "examiner", "nothing")
    assert refused(services.grant, security, person("aud", WEST_LAKE), "auditor", "food")


def test_an_account_opens_with_a_post_and_a_password_to_change(system):
    post = {"title": "科员", "valid_from": day(0), "is_main": True}
    account, password = services.open_account(
        system, username="Zhang.San", name="张三", agency=agency(WEST_LAKE), post=post
    )
    assert account.username == "zhang.san"
    assert account.check_password(password) and account.must_change_password
    assert account.posts.get().agency.key == WEST_LAKE
    logged = AuditEntry.objects.latest("id")
    assert password not in str(logged.data)
    again = {"username": "ZHANG.SAN", "name": "另一人", "agency": agency(WEST_LAKE), "post": post}
    assert "已经有人使用" in refused(services.open_account, system, **again)


def test_fields_that_are_not_offered_cannot_be_set(system):
    person("li", WEST_LAKE)
    account = Account.objects.get(username="li")
    for field in ("password", "kind", "is_active", "is_demo", "enterprise_id", "username"):
        with pytest.raises(ValueError, match=field):
            services.change_account(system, account, **{field: "x"})
    with pytest.raises(ValueError, match="agency"):
        services.change_post(system, account.posts.get(), agency=agency(PROVINCE))
    with pytest.raises(ValueError, match="place"):
        organisation.change_agency(system, agency(WEST_LAKE), place=330000000000)


def test_nobody_appoints_or_changes_himself(system):
    assert "自己" in refused(
        services.appoint, system, system.account, agency(WEST_LAKE), title="局长", valid_from=day(0)
    )
    assert "自己" in refused(services.change_post, system, system.post, title="局长")
    assert "自己" in refused(services.set_active, system, system.account, False, "试试")


def test_a_person_is_appointed_within_the_range_only(system):
    account = person("li", WEST_LAKE).account
    post = services.appoint(system, account, agency(HANGZHOU), title="处长", valid_from=day(0), is_main=True)
    assert [p.pk for p in account.posts.filter(is_main=True)] == [post.pk]  # one main post
    assert "管辖范围" in refused(
        services.appoint, system, account, agency(PROVINCE), title="厅长", valid_from=day(0)
    )


def test_an_ended_post_gives_nothing_at_once(system):
    old = person("li", WEST_LAKE, "examiner")
    services.end_post(system, old)
    assert old.valid_to == day(-1)
    fresh = person("wu", WEST_LAKE, "examiner", valid_from=day(0))
    services.end_post(system, fresh)
    assert fresh.valid_to == day(0) and not fresh.powers.exists()


def test_a_department_of_another_agency_is_refused(system):
    post = person("li", WEST_LAKE)
    foreign = agency(HANGZHOU).departments.first()
    assert "不是" in refused(services.change_post, system, post, department=foreign)


def test_whoever_also_serves_beyond_the_range_is_not_disabled_from_within(system):
    post = person("li", WEST_LAKE)
    person("li", BEILUN)
    assert "共同的上级" in refused(services.set_active, system, post.account, False, "调离")
    above = actor(person("top", PROVINCE, "administrator"))
    services.set_active(above, post.account, False, "调离")
    assert not Account.objects.get(username="li").is_active


def test_accounts_of_other_ranges_and_enterprises_are_out_of_reach(system, security):
    away = person("away", BEILUN).account
    firm = Account.objects.create(username="firm", kind="enterprise")
    for account in (away, firm):
        refused(services.change_account, system, account, name="改名")
        refused(services.reset_password, security, account)
        refused(services.unlock, security, account)
        refused(services.reset_second_factor, security, account)


def test_what_an_administrator_lists_is_his_own_range(system):
    person("near", WEST_LAKE)
    person("away", BEILUN)
    usernames = set(accounts_of(system.post).values_list("username", flat=True))
    assert "near" in usernames and "away" not in usernames
    assert set(agencies_of(system.post).values_list("level", flat=True)) == {"city", "county"}
    assert not agencies_of(system.post).exclude(key__startswith="3301").exists()


def test_departments_are_kept_once_somebody_was_in_them(system):
    hall = organisation.add_department(system, agency(WEST_LAKE), "综合协调科")
    assert "已经有" in refused(organisation.add_department, system, agency(WEST_LAKE), "综合协调科")
    person("li", WEST_LAKE, department=hall)
    assert "不能删除" in refused(organisation.remove_department, system, hall)
    empty = organisation.add_department(system, agency(WEST_LAKE), "临时科")
    organisation.remove_department(system, empty)
    assert not agency(WEST_LAKE).departments.filter(name="临时科").exists()
