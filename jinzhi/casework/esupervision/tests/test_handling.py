"""What becomes of a card: reply, appeal, upheld, lifted; by whom and until when; documents; nothing is overwritten."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction

from jinzhi.casework.esupervision import handling, papers, telling
from jinzhi.casework.esupervision.handling import NoPower, Refused, perform
from jinzhi.casework.esupervision.models import Handling, Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import at, begun, signal, supervise
from jinzhi.casework.tests import sample
from jinzhi.foundation import calendar
from jinzhi.foundation.people.models import Power
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db
D = date.fromisoformat
OVER = D("2026-03-10")  # a Tuesday; three working days end on Friday the 13th


@pytest.fixture
def w():
    return world.World()


@pytest.fixture
def card(w):
    case = begun(D("2026-03-02"))
    supervise(OVER)
    return signal(case, "T7")


def test_the_responsible_post_replies_in_time(w, card):
    done = perform(card.pk, "reply", w.clerk, text="系统故障，已补办受理", at=at(D("2026-03-13")))
    assert (done.status, done.replied_on) == ("replied", D("2026-03-13"))
    assert done.handlings.get(kind="reply").data == {"late": False}
    with pytest.raises(NoPower):
        perform(card.pk, "reply", w.clerk, text="再回复一次", at=at(D("2026-03-13")))


def test_a_late_reply_is_kept_and_marked(w, card):
    done = perform(card.pk, "reply", w.clerk, text="迟到的回复", at=at(D("2026-03-16")))
    assert done.handlings.get(kind="reply").data == {"late": True}


def test_who_answers_the_one_who_acted_the_role_and_the_head(w, card):
    assert handling.answers_for(w.clerk, card)
    assert not handling.answers_for(w.examiner, card)
    assert handling.answers_for(sample.person("局长", "approver"), card)
    assert not handling.answers_for(sample.person("邻区窗口", "window_clerk", place=world.NEIGHBOUR), card)
    assert not handling.answers_for(w.approver, card)  # of the city


def test_an_appeal_is_upheld_with_a_notice(w, card):
    perform(card.pk, "appeal", w.clerk, text="当日网络中断，附证明", at=at(D("2026-03-12")))
    card.refresh_from_db()
    assert card.status == "appealed" and card.replied_on == D("2026-03-12")
    done = perform(card.pk, "uphold", w.supervisor, text="网络未中断，予以认定", at=at(D("2026-03-16")))
    assert (done.status, done.decided_on) == ("upheld", D("2026-03-16"))
    [notice] = papers.of_signal(done)
    assert notice.title == "红牌纠错通知书" and "监红〔2026〕1号" in notice.number
    assert "受理期限为 5 个工作日，至 2026年3月9日届满" in notice.data["text"]


def test_an_appeal_is_lifted_for_force_majeure_and_stays_in_the_log(w, card):
    perform(card.pk, "appeal", w.clerk, text="台风停电停工，附通知", at=at(D("2026-03-12")))
    with pytest.raises(Refused, match="撤销事由"):
        perform(card.pk, "lift", w.supervisor, text="情况属实", at=at(D("2026-03-16")))
    with pytest.raises(Refused, match="至少四个字"):
        perform(
            card.pk,
            "lift",
            w.supervisor,
            text="是",
            payload={"ground": "force_majeure"},
            at=at(D("2026-03-16")),
        )
    done = perform(
        card.pk,
        "lift",
        w.supervisor,
        text="台风属不可抗力，予以撤销",
        payload={"ground": "force_majeure"},
        at=at(D("2026-03-16")),
    )
    assert (done.status, done.ground) == ("lifted", "force_majeure")
    assert [h.kind for h in done.handlings.all()] == ["raised", "appeal", "lift"]
    assert supervise(D("2026-03-17")).raised == 0 and signal(done.case, "T7").status == "lifted"
    with pytest.raises(NoPower, match="已撤销"):
        perform(card.pk, "uphold", w.supervisor, text="又要认定", at=at(D("2026-03-17")))


def test_an_appeal_comes_within_its_days_and_once(w, card):
    assert telling.due(card, "esupervision.appeal") == D("2026-03-13")
    with pytest.raises(NoPower, match="2026-03-13 届满"):
        perform(card.pk, "appeal", w.clerk, text="太晚的申诉", at=at(D("2026-03-14")))
    perform(card.pk, "appeal", w.clerk, text="按时的申诉", at=at(D("2026-03-13")))
    perform(card.pk, "uphold", w.supervisor, text="予以认定", at=at(D("2026-03-16")))
    with pytest.raises(NoPower):
        perform(card.pk, "appeal", w.clerk, text="再次申诉", at=at(D("2026-03-16")))


@pytest.mark.parametrize(
    ("raised", "last"),
    [("2026-02-12", "2026-02-24"), ("2006-04-28", "2006-05-08"), ("2026-03-13", "2026-03-18")],
)
def test_the_days_of_an_appeal_skip_holidays(raised, last):
    # 14 February 2026 is worked, the 15th to the 23rd are off; 29 and 30 April 2006 are worked, 1 to 7 May off
    card = Signal(raised_on=D(raised))
    assert telling.due(card, "esupervision.appeal") == calendar.due(D(raised), 3).date == D(last)


def test_nobody_appeals_and_the_card_stands_on_the_day_after(w, card):
    assert supervise(D("2026-03-13")).settled == 0
    result = supervise(D("2026-03-14"))
    card.refresh_from_db()
    assert result.settled >= 1 and card.status == "upheld"
    assert card.handlings.last().text == "申诉期满未申诉，予以认定。"
    assert supervise(D("2026-03-14")).settled == 0


def test_an_appealed_card_does_not_stand_by_itself(w, card):
    perform(card.pk, "appeal", w.clerk, text="申诉理由充分", at=at(D("2026-03-12")))
    supervise(D("2026-04-01"))
    card.refresh_from_db()
    assert card.status == "appealed"


def test_supervisors_of_the_range_decide_and_never_of_their_own_act(w, card):
    neighbour = sample.person("宁波督查", "supervisor", place=330200000000, level="city")
    assert handling.supervises(w.city_supervisor, card) and handling.supervises(w.supervisor, card)
    assert not handling.supervises(neighbour, card)
    assert not handling.supervises(w.clerk, card)
    Signal.objects.filter(pk=card.pk).update(account=w.city_supervisor.account)
    card.refresh_from_db()
    assert not handling.supervises(w.city_supervisor, card)


def test_a_clerk_can_neither_lift_nor_uphold(w, card):
    for action in ("lift", "uphold", "urge", "document"):
        with pytest.raises(NoPower):
            perform(card.pk, action, w.clerk, text="自己撤销自己", payload={"ground": "other"}, at=at(OVER))


def test_correction_is_reported_after_the_reply(w, card):
    with pytest.raises(NoPower):
        perform(card.pk, "correct", w.clerk, text="已经整改完毕", at=at(OVER))
    perform(card.pk, "reply", w.clerk, text="说明情况如下", at=at(OVER))
    done = perform(card.pk, "correct", w.clerk, text="已经整改完毕", at=at(D("2026-03-20")))
    assert done.corrected_on == D("2026-03-20")


def test_urged_once_a_day(w, card):
    perform(card.pk, "urge", w.supervisor, at=at(OVER))
    with pytest.raises(Refused, match="催办过"):
        perform(card.pk, "urge", w.supervisor, at=at(OVER))
    perform(card.pk, "urge", w.supervisor, at=at(OVER + timedelta(days=1)))


def test_documents_each_once(w, card):
    assert [k for k, _ in papers.offered(card)] == ["supervision_notice", "supervision_advice"]
    perform(
        card.pk,
        "document",
        w.supervisor,
        text="请立即办理",
        payload={"kind": "supervision_advice"},
        at=at(OVER),
    )
    with pytest.raises(Refused, match="文书"):
        perform(
            card.pk,
            "document",
            w.supervisor,
            text="请立即办理",
            payload={"kind": "supervision_advice"},
            at=at(OVER),
        )


def test_a_tip_needs_nothing(w):
    case = begun(D("2026-03-02"))
    supervise(D("2026-03-06"))
    tip = signal(case, "T2")
    assert tip.status == "noted" and handling.allowed(w.clerk, tip) == [] == handling.allowed(
        w.supervisor, tip
    )


def test_the_log_is_append_only_and_a_colour_does_not_fall(w, card):
    entry = card.handlings.get()
    for attempt in (
        lambda: Handling.objects.filter(pk=entry.pk).update(text="改"),
        lambda: entry.delete(),
        lambda: Signal.objects.filter(pk=card.pk).update(colour="yellow"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_a_change_counts_the_version_up(w, card):
    before = card.version, card.changed_at
    perform(card.pk, "reply", w.clerk, text="说明情况如下", at=at(OVER))
    card.refresh_from_db()
    assert card.version == before[0] + 1 and card.changed_at > before[1]


def test_a_card_by_hand(w):
    case = begun(D("2026-03-02"))
    made = handling.raise_by_hand(w.supervisor, case, "P11", "办事大厅没有公示收费标准")
    assert (made.colour, made.rule, made.status) == ("yellow", "P11", "open")
    with pytest.raises(Refused, match="亮过牌"):
        handling.raise_by_hand(w.supervisor, case, "P11", "再来一次同样的")
    for rule in ("T1", "T2", "X9"):
        with pytest.raises(Refused, match="选择规则"):
            handling.raise_by_hand(w.supervisor, case, rule, "这些规则不能手工亮牌")


def test_rows_are_seen_by_their_own_bureau_and_those_above(card):
    assert (card.place, card.case_place) == (world.COUNTY, world.COUNTY)
    seen = {}
    for name, who in {
        "own": scope.staff(world.COUNTY), "city": scope.staff(world.CITY), "province": scope.staff(world.PROVINCE),
        "neighbour": scope.staff(world.NEIGHBOUR), "other city": scope.staff(330200000000), "public": scope.PUBLIC,
        "nobody": scope.NOBODY, "enterprise": scope.enterprise("00000000-0000-0000-0000-000000000001"),
    }.items():  # fmt: skip
        with scope.acting(who):
            seen[name] = _count(Signal), _count(Handling)
    assert seen["own"] == seen["city"] == seen["province"] != (0, 0)
    assert all(seen[name] == (0, 0) for name in ("neighbour", "other city", "public", "nobody", "enterprise"))


def _count(model) -> int:
    try:
        with transaction.atomic():
            return model.objects.count()
    except DatabaseError:  # the public has no right on the table at all
        return 0


def test_a_card_of_the_city_is_not_seen_by_the_county_whose_case_it_is(w):
    case = w.accepted(D("2026-03-02"), D("2026-03-02"))
    w.act(case, "review", "pass", D("2026-03-03"))
    supervise(D("2026-04-20"))
    card = signal(case, "T6")
    with scope.acting(scope.staff(world.COUNTY)):
        assert not Signal.objects.filter(pk=card.pk).exists()
    with scope.acting(scope.staff(world.CITY)):
        assert Signal.objects.filter(pk=card.pk).exists()


def test_a_delegate_answers_for_his_giver(w, card):
    deputy = sample.person("代理", "examiner")
    power = Power.objects.get(post=w.clerk.post)
    power.on_behalf = w.clerk.post
    from jinzhi.casework import actions

    acting = actions.Actor(deputy.account, deputy.post, (*deputy.powers, power))
    assert handling.answers_for(acting, card)
