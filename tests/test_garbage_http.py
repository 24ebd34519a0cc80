"""Whatever is posted twice, too late, made up or too large is answered in words; nothing breaks or leaks."""

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from jinzhi.casework import actions
from jinzhi.casework.models import Case, Draft
from jinzhi.foundation.places import scope
from jinzhi.services.licensing.tests import world
from tests.visitors import NEIGHBOUR, OTHER_CODE, enter, file_of, typed, visited

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True


@pytest.fixture
def v():
    return visited()


class Applicant:
    """An enterprise's browser at a complete draft."""

    def __init__(self):
        self.holder = world.enterprise()
        self.account = world.owner(self.holder).account
        self.client = enter(self.account)
        assert self.client.get("/apply/food-production-licence/").status_code == 302
        self.draft = Draft.objects.get(enterprise_id=self.holder.pk)
        self.address = f"/my/drafts/{self.draft.pk}/"
        self.data = world.application(self.holder)
        for kind in self.data["attachments"]:
            self.data["attachments"][kind] = [str(file_of(self.holder, f"draft:{self.draft.pk}", 0).pk)]

    def save(self, revision: int, **applicant):
        data = self.data | {"applicant": self.data["applicant"] | applicant}
        query = typed(data)
        query["revision"] = str(revision)
        return self.client.post(f"{self.address}save/", query)

    def submit(self, client=None):
        return (client or self.client).post(self.address, typed(self.data))


@pytest.fixture
def applicant():
    return Applicant()


# -- drafts


def test_a_complete_draft_becomes_a_case_with_its_files(applicant):
    case_page = applicant.submit()["Location"]
    case = Case.objects.get()
    assert case_page == f"/my/cases/{case.number}/"
    kept = case.data["attachments"]
    assert kept == applicant.data["attachments"]
    assert applicant.client.get(case_page).status_code == 200


def test_two_windows_do_not_overwrite_each_other(applicant):
    first = applicant.save(0, contact="甲")
    assert first.status_code == 200 and first.json()["revision"] == 1
    stale = applicant.save(0, contact="乙")
    assert stale.status_code == 409 and "另一处修改" in stale.json()["message"]
    assert applicant.save(0, contact="甲").status_code == 200  # the same words again are no conflict
    assert Draft.objects.get().data["applicant"]["contact"] == "甲"


def test_an_old_window_that_submits_is_asked_first(applicant):
    applicant.save(0, contact="甲")
    query = typed(applicant.data)
    query["revision"] = "0"
    page = applicant.client.post(applicant.address, query)
    assert page.status_code == 200 and "另一处修改" in page.content.decode()
    assert 'value="李样例"' in page.content.decode()  # what was typed here is still on the page
    assert not Case.objects.exists()
    query["revision"] = page.context["draft"].revision
    assert applicant.client.post(applicant.address, query).status_code == 302


def test_a_submitted_draft_cannot_be_changed(applicant):
    applicant.submit()
    case, before = Case.objects.get(), Draft.objects.get().data
    for answer in (
        applicant.save(1, contact="乙"),
        applicant.client.post(
            f"{applicant.address}upload/", {"file": SimpleUploadedFile("x.pdf", b"%PDF-1.4")}
        ),
    ):
        assert answer.status_code == 409 and answer.json()["message"]
    applicant.client.post(f"{applicant.address}discard/")
    assert applicant.submit()["Location"] == f"/my/cases/{case.number}/"
    assert applicant.client.get(applicant.address)["Location"] == f"/my/cases/{case.number}/"
    assert Draft.objects.get().data == before and Case.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_submitting_twice_at_once_makes_one_case():
    applicant = Applicant()
    clients = [enter(applicant.account) for _ in range(2)]
    barrier = threading.Barrier(2)
    answers = []

    def click(client):
        with scope.acting(scope.NOBODY):
            barrier.wait()
            answers.append(applicant.submit(client))
            connection.close()

    threads = [threading.Thread(target=click, args=(c,)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case = Case.objects.get()
    assert [a.status_code for a in answers] == [302, 302]
    assert {a["Location"] for a in answers} <= {f"/my/cases/{case.number}/", applicant.address}
    assert case.submissions.count() == 1


def test_files_of_another_enterprise_are_dropped(applicant):
    other = world.enterprise(uscc=OTHER_CODE, name="别家")
    theirs = str(file_of(other, "draft:x", 0).pk)
    own = applicant.data["attachments"]["flow_chart"]
    applicant.data["attachments"] |= {
        "floor_plan": [theirs],
        "flow_chart": [*own, theirs, "x", "-" * 36, "0" * 32],
    }
    page = applicant.submit()
    assert page.status_code == 200 and "请上传此项材料" in page.content.decode()
    kept = Draft.objects.get().data["attachments"]
    assert (kept["floor_plan"], kept["flow_chart"]) == ([], own)
    assert theirs not in page.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("平面图.pdf", b"MZ\x90\0" + b"\0" * 200, "程序"),
        ("平面图.png", b"#!/bin/sh\nrm -rf /", "脚本"),
        ("空.pdf", b"", "空"),
    ],
)
def test_a_disguised_file_is_refused_in_words(applicant, name, content, words):
    answer = applicant.client.post(
        f"{applicant.address}upload/", {"kind": "floor_plan", "file": SimpleUploadedFile(name, content)}
    )
    assert answer.status_code == 422
    assert words in answer.json()["message"]


def test_300_megabytes_are_refused_by_their_length_alone(applicant):
    answer = applicant.client.post(
        f"{applicant.address}upload/",
        {"file": SimpleUploadedFile("x.pdf", b"%PDF-1.4")},
        CONTENT_LENGTH=str(300 * 2**20),
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 413 and "300.0 MB" in answer.json()["message"]


@pytest.mark.parametrize(
    "value", ["x" * 200_000, "\ud7ff\U0010ffff", "١٢٣", "{{7*7}}{% load x %}", "<script>"]
)
def test_a_draft_takes_whatever_is_typed(applicant, value):
    applicant.data["applicant"]["contact"] = value
    applicant.data["products"][0]["category"] = value
    assert applicant.client.post(f"{applicant.address}save/", typed(applicant.data)).status_code == 200
    page = applicant.submit()
    assert page.status_code == 200 and not Case.objects.exists()
    assert "<script>alert" not in page.content.decode() and 'value="<script>' not in page.content.decode()


def test_made_up_rows_and_fields_are_left_out(applicant):
    query = typed(applicant.data)
    for name in (
        "products-²-category",
        "products--name",
        "products-1",
        "x-y-z",
        "__class__",
        "attachments-x",
    ):
        query[name] = "1"
    assert applicant.client.post(f"{applicant.address}save/", query).status_code == 200
    assert len(Draft.objects.get().data["products"]) == 1


# -- acts


STEPS = ["", "0", "-1", "999999999999", "9" * 30, "²", "1e3", "x", "' OR 1=1 --", "OTHER", "DONE"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("role", ["window_clerk", "inspector"])
def test_no_act_with_a_made_up_step_does_anything(v, step, role):
    other = world.submitted(v.case.received_on, world.enterprise(uscc=OTHER_CODE, name="别家"), actor=None,
                            data=world.application(v.holder))  # fmt: skip
    step = {"OTHER": other.steps.get().pk, "DONE": v.case.steps.get(key="accept").pk}.get(step, step)
    client = enter(world.official("甲", role, world.COUNTY).account)
    before = Case.objects.get(pk=v.case.pk).story_length
    for key in [*actions.registry, "", "x", "__class__"]:
        answer = client.post(
            f"/office/cases/{v.case.number}/act/",
            {
                "action": key,
                "step": step,
                "reason": "x",
                "target": "x",
                "posts": "x",
                "days": "x",
                "ground": "x",
            },
        )
        assert answer.status_code in (302, 404), (key, step)
    assert Case.objects.get(pk=v.case.pk).story_length == before
    assert Case.objects.get(pk=other.pk).story_length == 1


def test_what_only_time_may_do_nobody_does_by_hand(v):
    case = world.submitted(v.case.received_on, v.holder)
    client = enter(world.official("甲", "window_clerk", world.COUNTY).account)
    step = case.steps.get(key="accept").pk
    client.post(f"/office/cases/{case.number}/act/", {"action": "deem_accepted", "step": step, "reason": "x"})
    assert Case.objects.get(pk=case.pk).accepted_on is None


@pytest.mark.parametrize("back", ["http://evil.example/", "//evil.example", "/office/", "x"])
def test_the_way_back_leads_to_the_case_only(v, back):
    client = enter(v.inspector.account)
    answer = client.post(
        f"/office/cases/{v.case.number}/act/", {"action": "accept", "step": "", "back": back}
    )
    assert answer["Location"] == f"/office/cases/{v.case.number}/"


@pytest.mark.parametrize(
    "photos", [["x"], ["-" * 36], ["0" * 32], [""], ["00000000-0000-0000-0000-000000000000"]]
)
def test_a_step_page_survives_made_up_photographs(v, photos):
    client = enter(v.inspector.account)
    page = f"/office/cases/{v.case.number}/{v.step}/"
    stuff = {"photos": photos, "date": "x", "grade-x": "y", "note-": "z", "inspector": ["a"] * 50}
    assert client.post(f"{page}save/", stuff).status_code == 200
    assert client.get(page).status_code == 200
    assert client.post(page, stuff).status_code == 200
    assert v.case.steps.get(pk=v.step).state == "open"


def test_photographs_of_another_case_are_not_shown(v):
    other = world.enterprise(uscc=OTHER_CODE, name="别家")
    theirs = file_of(other, "case:x")
    client = enter(v.inspector.account)
    page = f"/office/cases/{v.case.number}/{v.step}/"
    client.post(f"{page}save/", {"photos": [str(theirs.pk)]})
    assert theirs.url not in client.get(page).content.decode()


@pytest.mark.parametrize(
    "action", ["", "x", "accept", "pass", "deem_accepted", "resubmit", "lapse", "recall"]
)
def test_an_applicant_can_do_what_is_its_own_only(v, action):
    client = enter(v.owner)
    before = Case.objects.get(pk=v.case.pk).story_length
    answer = client.post(f"/my/cases/{v.case.number}/act/", {"action": action, "reason": "x"})
    assert answer.status_code in (302, 404)
    assert client.post(f"/my/cases/{v.case.number}/answer/", {"x": "y"}).status_code == 302
    assert Case.objects.get(pk=v.case.pk).story_length == before


def test_nothing_is_done_without_the_token_of_the_page(v):
    staff = enter(v.inspector.account, enforce_csrf_checks=True)
    owner = enter(v.owner, enforce_csrf_checks=True)
    step = f"/office/cases/{v.case.number}/{v.step}/"
    for client, address in (
        (staff, f"/office/cases/{v.case.number}/act/"), (staff, step), (staff, f"{step}save/"),
        (owner, f"/my/cases/{v.case.number}/act/"), (owner, f"/my/cases/{v.case.number}/upload/"),
    ):  # fmt: skip
        answer = client.post(address, {"action": "withdraw", "reason": "x"})
        assert answer.status_code == 403 and "页面已经过期" in answer.content.decode()
    assert Case.objects.get(pk=v.case.pk).state == "open"


# -- searching


WORDS = [
    "' OR '1'='1", "'; DROP TABLE casework_case; --", "%", "_", "\\", "%s %(x)s", "))", "\x1f", "🂡" * 60, "x" * 5000,
    "1) OR (1=1",
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("tab", ["todo", "done", "copies", "started"])
def test_words_in_a_search_are_no_sql_and_find_nothing_of_others(v, tab, words):
    client = enter(world.official("甲", "window_clerk", NEIGHBOUR).account)
    for key in ("q", "lamp", "after", "county", "procedure", "step"):
        page = client.get(f"/office/{tab}/", {key: words})
        assert page.status_code == 200, key
        assert v.case.number not in page.content.decode()


@pytest.mark.parametrize(
    "after", ["1.1", "0", f"{'9' * 19}.{'9' * 19}", "9" * 40, ".", "-1.-1", "²", "1.²", "１.１", "NaN.1"]
)
@pytest.mark.parametrize("tab", ["todo", "done", "copies", "started"])
def test_made_up_cursors_and_counties_are_no_fault(v, tab, after):
    client = enter(v.inspector.account)
    assert client.get(f"/office/{tab}/", {"after": after, "county": after}).status_code == 200


@pytest.mark.parametrize(
    "address", ["/office/todo/?q=%00", "/office/cases/%00/", "/my/?x=%00", "/?q=a%00b", "/verify/%00"]
)
def test_a_null_character_is_a_bad_request(v, address):
    assert enter(v.inspector.account).get(address).status_code == 400


def test_a_null_character_in_a_form_is_a_bad_request(applicant):
    applicant.data["applicant"]["contact"] = "a\0b"
    assert applicant.client.post(f"{applicant.address}save/", typed(applicant.data)).status_code == 400
    assert applicant.submit().status_code == 400


def test_pages_of_done_copied_and_started_cases_follow_each_other(v):
    """Thirty to a page; nothing is shown twice and nothing is left out."""
    from jinzhi.casework import todo
    from jinzhi.casework.models import CarbonCopy
    from jinzhi.casework.tests import sample

    clerk = sample.person("受理", "window_clerk")
    cases = [sample.open_case() for _ in range(todo.PAGE + 5)]
    for number, case in enumerate(reversed(cases)):
        sample.go(case, "first", "accept", clerk, sample.date(2026, 3, 3 + number % 3))
        case.steps.filter(key="first").update(key="accept")  # as the licence names it
        CarbonCopy.objects.create(case=case, place=case.place, post=clerk.post)
    for tab in (todo.done, todo.copies, todo.started):
        first = tab(clerk)
        second = tab(clerk, after=first.next)
        numbers = [i.number for i in (*first.items, *second.items)]
        assert len(first.items) == todo.PAGE and second.next == ""
        assert sorted(numbers) == sorted(c.number for c in cases), tab.__name__
