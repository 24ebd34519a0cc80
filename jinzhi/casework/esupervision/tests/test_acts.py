"""P1 to P12, F1, F2, D1: each with a case that must raise it and one that must not."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from jinzhi.casework import clocks, events
from jinzhi.casework.esupervision import running
from jinzhi.casework.esupervision.models import Signal
from jinzhi.casework.esupervision.tests import world
from jinzhi.casework.esupervision.tests.world import begun, found, log, signal, supervise
from jinzhi.casework.models import Case, ClockPause, Event, Step
from jinzhi.foundation.people.models import Delegation, Post

pytestmark = pytest.mark.django_db
D = date.fromisoformat
DAY = D("2026-03-02")
LATER = D("2026-03-20")


@pytest.fixture
def w():
    return world.World()


def granted(w) -> Case:
    case = w.decided(DAY, DAY, D("2026-03-03"), D("2026-03-04"))
    w.act(case, "certificate", "issue", D("2026-03-05"))
    return case


def test_an_ordinary_case_raises_nothing_but_its_early_end(w):
    case = granted(w)
    supervise(LATER)
    assert found(case) == {"T1": "green"}


def test_p1_a_step_left_out(w):
    left_out, whole = granted(w), granted(w)
    Step.objects.filter(case=left_out, key="review").update(state="cancelled")
    supervise(LATER)
    assert found(left_out)["P1"] == "red" and signal(left_out, "P1").basis["missing"] == "审查"
    assert "P1" not in found(whole)


def test_p1_the_order_reversed(w):
    case = granted(w)
    Step.objects.filter(case=case, key="review").update(closed_at=world.at(D("2026-03-05"), 9))
    supervise(LATER)
    assert found(case)["P1"] == "red" and "早于审查" in signal(case, "P1").basis["reversed"]


def test_p1_a_case_refused_acceptance_or_decided_by_law_has_no_missing_steps(w):
    refused = begun(DAY)
    w.act(refused, "accept", "refuse", D("2026-03-03"), reason="不属于本机关职权")
    by_law = granted(w)
    Step.objects.filter(case=by_law, key="decide").update(state="cancelled")
    log(by_law, "lapse_case", D("2026-03-06"), deemed=True)
    supervise(LATER)
    assert "P1" not in found(refused) | found(by_law)


def corrected(w, times: int) -> Case:
    case = begun(DAY)
    day = DAY
    for number in range(times):
        more = {"reason": "材料仍不齐全"} if number else {}
        w.act(case, "accept", "correct", day, payload={"items": ["补充平面图"]}, **more)
        w.act(case, "answer", "pass", day)
        day += timedelta(days=1)
    return case


def test_p2_once_is_the_law_twice_is_yellow_thrice_is_red(w):
    once, twice, thrice = corrected(w, 1), corrected(w, 2), corrected(w, 3)
    supervise(LATER)
    assert "P2" not in found(once)
    assert found(twice)["P2"] == "yellow" and found(thrice)["P2"] == "red"
    assert signal(twice, "P2").account == w.clerk.account


def test_p2_a_third_notice_opens_a_lifted_card_again_a_new_night_does_not(w):
    case = corrected(w, 2)
    supervise(D("2026-03-05"))
    Signal.objects.filter(case=case, rule="P2").update(status="lifted", ground="mistaken")
    supervise(D("2026-03-06"))
    assert signal(case, "P2").status == "lifted"
    w.act(case, "accept", "correct", D("2026-03-09"), payload={"items": ["再补"]}, reason="仍不齐全")
    supervise(D("2026-03-09"))
    card = signal(case, "P2")
    assert (card.status, card.colour, card.ground) == ("open", "red", "")


def twin(w, first_data: dict, second_data: dict, days: int = 10) -> Case:
    """Refused acceptance, then accepted by the same bureau some days later; answers the first."""
    from uuid import uuid4

    holder = uuid4()
    first = begun(DAY, enterprise_id=holder, data=first_data)
    w.act(first, "accept", "refuse", D("2026-03-03"), reason="材料不齐")
    again = D("2026-03-03") + timedelta(days=days)
    second = begun(again, enterprise_id=holder, data=second_data)
    w.act(second, "accept", "accept", again)
    return first


def test_p3_turned_away_and_then_accepted_with_the_same_application(w):
    same = {"applicant": {"name": "甲"}, "attachments": {"plan": ["1"]}}
    turned = twin(w, same, same | {"attachments": {"plan": ["2"]}})
    changed = twin(w, same, {"applicant": {"name": "乙"}, "attachments": {"plan": ["1"]}})
    completed = twin(w, {"applicant": {"name": "甲"}, "attachments": {}}, same)
    long_after = twin(w, same, same, days=120)
    supervise(D("2026-08-01"))
    assert found(turned)["P3"] == "red"
    assert not {"P3"} & (set(found(changed)) | set(found(completed)) | set(found(long_after)))


def test_p4_refused_without_a_reason_or_without_the_remedy(w):
    reasoned, silent = begun(DAY), begun(DAY)
    w.act(reasoned, "accept", "refuse", D("2026-03-03"), reason="不属于本机关职权")
    log(silent, "refuse", D("2026-03-03"), w.clerk, step="accept", reason=" ")
    no_paper = w.accepted(DAY, DAY)
    w.act(no_paper, "review", "pass", D("2026-03-03"))
    w.act(no_paper, "decide", "refuse", D("2026-03-04"), reason="不符合条件")
    supervise(LATER)
    assert "P4" not in found(reasoned)
    assert signal(silent, "P4").basis["reason"] == "reason"
    assert found(no_paper)["P4"] == "red" and signal(no_paper, "P4").basis["reason"] == "remedy"


def test_p5_a_pause_not_told_or_longer_than_told(w):
    untold, told, longer = (w.accepted(DAY, DAY) for _ in range(3))
    for case, notice, days in ((untold, "", None), (told, "告1号", 5), (longer, "告2号", 5)):
        clocks.pause(case.clocks.get(key="decision"), D("2026-03-03"), "检验", "法", notice, told=days)
    clocks.resume(told.clocks.get(key="decision"), D("2026-03-10"))  # 3, 4, 5, 6, 9 March
    supervise(D("2026-03-10"))
    assert signal(untold, "P5").basis["reason"] == "untold"
    assert not {"P5"} & (set(found(told)) | set(found(longer)))
    supervise(D("2026-03-11"))
    assert signal(longer, "P5").basis["reason"] == "longer" and found(longer)["P5"] == "yellow"
    assert "P5" not in found(told)


def test_p5_a_pause_of_the_procedure_is_told_by_the_paper_of_that_day(w):
    silent, papered = w.accepted(DAY, DAY), w.accepted(DAY, DAY)
    for case in (silent, papered):
        step = case.steps.get(key="review")
        pause = clocks.pause(case.clocks.get(key="decision"), D("2026-03-03"), "听证", "法", step=step)
        assert ClockPause.objects.get(pk=pause.pk).notice == ""
    log(papered, "notice", D("2026-03-03"), documents=["听告〔2026〕1号"])
    supervise(LATER)
    assert "P5" in found(silent) and "P5" not in found(papered)


def test_p5_a_pause_told_by_the_notice_of_an_earlier_step(w):
    definition = {**world.DEFINITION, "key": "told", "steps": {**world.DEFINITION["steps"]}}
    accept = {**definition["steps"]["accept"], "outcomes": {**definition["steps"]["accept"]["outcomes"]}}
    accept["outcomes"]["correct"] = {
        **accept["outcomes"]["correct"],
        "documents": ["special_procedure_notice"],
    }
    definition["steps"]["accept"] = accept
    told, never = begun(DAY, definition), begun(DAY, definition)
    log(told, "correct", D("2026-03-02"), w.clerk, step="accept", documents=["许特1号"])
    for case in (told, never):
        clocks.pause(case.clocks.get(), D("2026-03-05"), "检验", "法", step=case.steps.get(key="accept"))
    supervise(LATER)
    assert "P5" not in found(told) and "P5" in found(never)


def test_p6_an_extension_needs_approval_a_reason_told_and_its_time(w):
    rightly, unapproved, late, untold = (w.accepted(DAY, DAY) for _ in range(4))
    good = {"days": 5, "reason": "情况复杂", "documents": ["延1号"]}
    log(rightly, "extend", D("2026-03-10"), w.approver, **good, by=w.approver.post.pk)
    log(unapproved, "extend", D("2026-03-10"), **good)
    log(late, "extend", D("2026-03-10"), w.approver, **good, late=True)
    log(untold, "extend", D("2026-03-10"), w.approver, public=False, **good)
    supervise(D("2026-03-10"))
    assert "P6" not in found(rightly)
    assert [signal(c, "P6").basis["reason"] for c in (unapproved, late, untold)] == [
        "approval",
        "late",
        "untold",
    ]
    assert found(late)["P6"] == "red"


def test_p7_two_people_at_the_site_and_another_decides(w):
    alone, pair = w.accepted(DAY, DAY), w.accepted(DAY, DAY)
    log(alone, "conclude", D("2026-03-03"), w.examiner, step="review", inspectors=1)
    log(pair, "conclude", D("2026-03-03"), w.examiner, step="review", inspectors=2)
    same, other = granted(w), granted(w)
    Step.objects.filter(case=same, key="decide").update(account=w.examiner.account)
    supervise(LATER)
    assert found(alone)["P7"] == "yellow" and "P7" not in found(pair)
    assert signal(same, "P7").basis["reason"] == "same" and "P7" not in found(other)


def test_p7_leaves_old_cases_alone_that_one_archivist_entered(w):
    old = granted(w)
    Step.objects.filter(case=old, key="decide").update(account=w.examiner.account)
    Case.objects.filter(pk=old.pk).update(entered_on=LATER)
    log(old, "conclude", D("2026-03-03"), w.examiner, step="review", inspectors=1)
    supervise(LATER)
    assert "P7" not in found(old)


def test_p8_a_hearing_that_was_due_and_not_held(w):
    due, not_due = granted(w), granted(w)
    Case.objects.filter(pk=due.pk).update(facts={"hearing_due": True})
    supervise(LATER)
    assert found(due)["P8"] == "red" and "P8" not in found(not_due)


def test_p9_signed_for_another_bureau_after_the_post_ended_or_without_a_delegation(w):
    from jinzhi.casework.tests import sample

    stranger = sample.person("外区", "examiner", place=world.NEIGHBOUR)
    other, ended, delegated, undelegated, rightly = (granted(w) for _ in range(5))
    Step.objects.filter(case=other, key="review").update(post=stranger.post)
    gone = sample.person("离任", "examiner")
    Post.objects.filter(pk=gone.post.pk).update(valid_to=D("2026-03-02"))
    Step.objects.filter(case=ended, key="review").update(post=gone.post)
    colleague = sample.person("同事", "examiner")
    for case in (delegated, undelegated):
        Step.objects.filter(case=case, key="review").update(post=colleague.post, on_behalf=w.examiner.post)
    Delegation.objects.create(
        from_post=w.examiner.post, to_post=colleague.post, starts=DAY, ends=LATER, reason="出差",
        revoked_at=world.at(D("2026-03-04")),
    )  # fmt: skip
    Step.objects.filter(case=undelegated, key="review").update(closed_at=world.at(D("2026-03-04"), 15))
    supervise(LATER)
    assert signal(other, "P9").basis["reason"] == "agency" and signal(ended, "P9").basis["reason"] == "post"
    assert signal(undelegated, "P9").basis["reason"] == "delegation" and found(undelegated)["P9"] == "red"
    assert not {"P9"} & (set(found(delegated)) | set(found(rightly)))


def test_p10_entered_days_after_it_happened(w):
    from jinzhi.casework import actions

    punctual = w.accepted(DAY, DAY)
    afterwards, old_case, demo = begun(DAY), begun(DAY, entered_on=D("2026-11-20")), begun(DAY, is_demo=True)
    for case in (afterwards, old_case, demo):  # written now, dated back
        actions.perform(case.pk, "accept", case.steps.get(key="accept").pk, w.clerk, at=world.at(DAY))
    supervise(LATER)
    assert found(afterwards)["P10"] == "yellow"
    assert not {"P10"} & (set(found(punctual)) | set(found(old_case)) | set(found(demo)))


def test_p10_the_next_working_day_is_in_time_over_a_holiday(w):
    from unittest import mock

    from jinzhi.casework import actions

    in_time, too_late = begun(D("2026-02-13")), begun(D("2026-02-13"))
    for case, written in (
        (in_time, "2026-02-14"),
        (too_late, "2026-02-24"),
    ):  # Sat 14 Feb is worked, then off to the 23rd
        with mock.patch.object(events.timezone, "now", return_value=world.at(D(written))):
            step = case.steps.get(key="accept")
            actions.perform(case.pk, "accept", step.pk, w.clerk, at=world.at(D("2026-02-13"), 11))
    supervise(LATER)
    assert "P10" not in found(in_time) and "P10" in found(too_late)


def test_p11_a_grant_nobody_may_read(w):
    hidden, public = begun(DAY), begun(DAY)
    for case in (hidden, public):
        log(case, "approve", D("2026-03-04"), w.approver, public=case is public, step="decide")
        Case.objects.filter(pk=case.pk).update(
            state="closed", outcome="granted", decided_on=D("2026-03-04"), closed_on=D("2026-03-05")
        )
    supervise(LATER)
    assert found(hidden)["P11"] == "yellow" and "P11" not in found(public)


def test_p12_an_act_whose_paper_was_not_made(w):
    definition = {**world.DEFINITION, "key": "papered", "steps": {**world.DEFINITION["steps"]}}
    accept = {**definition["steps"]["accept"], "outcomes": {**definition["steps"]["accept"]["outcomes"]}}
    accept["outcomes"]["accept"] = {**accept["outcomes"]["accept"], "documents": ["acceptance_notice"]}
    definition["steps"]["accept"] = accept
    bare, papered = begun(DAY, definition), begun(DAY, definition)
    log(bare, "accept", D("2026-03-03"), w.clerk, step="accept", documents=[])
    log(papered, "accept", D("2026-03-03"), w.clerk, step="accept", documents=["许受1号"])
    supervise(D("2026-03-04"))
    assert found(bare)["P12"] == "red" and "P12" not in found(papered)


FEES = [
    ({"item": "review", "amount": 500, "expected": 500, "receipt": "票1"}, None),
    ({"item": "review", "amount": 600, "expected": 500, "receipt": "票1"}, ("F1", "standard")),
    ({"item": "other", "amount": 500, "expected": 500, "receipt": "票1"}, ("F1", "item")),
    ({"item": "review", "amount": 500, "expected": 500, "receipt": " "}, ("F1", "receipt")),
    ({"item": "review", "amount": 0, "expected": 500, "waived": True, "authority": "减免批复1号"}, None),
    ({"item": "review", "amount": 0, "expected": 500, "waived": True, "authority": ""}, ("F2", "authority")),
]


@pytest.mark.parametrize(("data", "expected"), FEES)
def test_fees(w, data, expected):
    case = w.accepted(DAY, DAY)
    log(case, "fee", D("2026-03-03"), w.examiner, step="review", **data)
    supervise(D("2026-03-04"))
    raised = {r: signal(case, r).basis["reason"] for r in set(found(case)) & {"F1", "F2"}}
    assert raised == (dict([expected]) if expected else {})


def test_f1_a_fee_on_a_free_matter(w):
    free = {k: v for k, v in world.DEFINITION.items() if k != "fees"} | {"key": "free"}
    case = begun(DAY, free)
    log(
        case,
        "fee",
        D("2026-03-03"),
        w.clerk,
        step="accept",
        item="review",
        amount=500,
        expected=500,
        receipt="票",
    )
    supervise(D("2026-03-04"))
    assert found(case)["F1"] == "red" and signal(case, "F1").basis["reason"] == "free"


def test_d1_a_gap_a_changed_sentence_a_cut_off_end_a_reversed_order(w):
    whole, gap, changed, order = (granted(w) for _ in range(4))
    Case.objects.filter(pk=gap.pk).update(story_length=99)
    case = Case.objects.get(pk=changed.pk)
    Event.objects.create(
        case=case, place=case.place, seq=case.story_length + 1, at=world.at(D("2026-03-06")), sentence="添写",
        recorded_at=world.at(D("2026-03-06")), kind="copy", previous="0" * 64, hash="1" * 64,
    )  # fmt: skip
    Case.objects.filter(pk=case.pk).update(story_length=case.story_length + 1, story_hash="1" * 64)
    log(order, "copy", D("2026-02-20"))
    supervise(LATER)
    assert [signal(c, "D1").basis["reason"] for c in (gap, changed, order)] == ["gap", "altered", "order"]
    assert {found(c)["D1"] for c in (gap, changed, order)} == {"yellow"} and "D1" not in found(whole)


def test_d1_a_sentence_whose_digest_no_longer_fits(w):
    case = granted(w)
    last = Event.objects.filter(case=case).latest("seq")
    forged = Event.objects.create(
        case=case, place=case.place, seq=last.seq + 1, at=last.at, recorded_at=last.recorded_at, kind="copy",
        sentence="事后写上", previous=last.hash, hash="2" * 64,
    )  # fmt: skip
    Case.objects.filter(pk=case.pk).update(
        story_length=forged.seq, story_hash=forged.hash
    )  # the chain itself holds
    supervise(LATER)
    assert signal(case, "D1").basis["reason"] == "altered"


def test_only_what_was_written_since_the_pass_before_is_read_again(w):
    case = corrected(w, 2)  # written in March
    first = running.run(D("2026-03-05"), fire=False, since=timezone.now())
    assert first.touched == 0 and "P2" not in found(case)
    assert running.run(D("2026-03-05"), fire=False).touched == 0
    case.refresh_from_db()
    events.record(case, "urge", "催办。", timezone.now())
    case.save()
    assert running.run(D("2026-03-06"), fire=False).touched == 1
    assert found(case)["P2"] == "yellow"
