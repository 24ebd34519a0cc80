"""Archives over HTTP: three faces, as of a day, corrections, conflicts, doubles, requests; who may and who not."""

from datetime import date

import pytest

from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.models import Account
from jinzhi.registry import corrections, identity, stating
from jinzhi.registry.models import Correction, Enterprise, Entry, MergeLog, Suspicion

from .conftest import WESTLAKE
from .test_pages import sign_in, text  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db
USCC = "91330100723456781Y"


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True


@pytest.fixture
def told(enterprise):
    """A change of address, a conflict, and an entry of each face."""
    Enterprise.objects.filter(pk=enterprise.pk).update(
        founded_on=date(2010, 6, 1), source_on=date(2015, 1, 1)
    )
    stating.state(
        enterprise.pk, "address", "杭州市西湖区文一路2号", source="登记机关", source_on=date(2020, 5, 1)
    )
    stating.state(
        enterprise.pk, "address", "杭州市西湖区天目山路3号", source="企业自报", source_on=date(2024, 1, 1)
    )
    for title, section, published in (("春季抽查", "samples", True), ("匿名举报件", "complaints", False)):
        Entry.objects.create(enterprise=enterprise, place=WESTLAKE, section=section, title=title, state="合格",
                             occurred_on=date(2025, 3, 1), published=published, agency_name="西湖区局")  # fmt: skip
    return enterprise


@pytest.fixture
def as_enterprise(client, enterprise):
    account = Account.objects.create_user(
        "own", name="李四", kind="enterprise", enterprise_id=enterprise.pk, is_demo=True
    )
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def pair(enterprise):
    again = Enterprise.objects.create(
        name="杭州西湖龙井食品有限责任公司", place=WESTLAKE, address="龙井路一号"
    )
    identity.suggest(
        [{"left_id": enterprise.pk, "right_id": again.pk, "score": 80, "stage": "名称", "evidence": []}]
    )
    return Suspicion.objects.get()


def test_the_public_face_has_published_entries_and_no_conflict(client, told):
    page = text(client.get(f"/enterprises/{USCC}"))
    assert "春季抽查" in page and "曾用" in page
    assert "匿名举报件" not in page and "天目山路" not in page


def test_the_public_face_as_of_a_day(client, told):
    assert "龙井路1号" in text(client.get(f"/enterprises/{USCC}", {"as_of": "2019-01-01"}))
    assert "尚未登记" in text(client.get(f"/enterprises/{USCC}", {"as_of": "2009-01-01"}))
    for wrong in ("昨天", "2026-02-30", "3000-01-01"):
        answer = client.get(f"/enterprises/{USCC}", {"as_of": wrong})
        assert answer.status_code == 400 and "文一路2号" in text(answer), wrong


def test_officials_see_conflicts_with_the_rule_and_the_story(sign_in, told):  # noqa: F811
    page = text(sign_in("330106").get(f"/registry/enterprises/{told.pk}/"))
    for shown in ("天目山路3号", "来源等级较低", "匿名举报件", "变化经过", "文一路2号"):
        assert shown in page, shown
    assert "更正</a>" not in page  # a window clerk keeps no archive


def test_another_county_sees_the_public_face_only(sign_in, told):  # noqa: F811
    page = text(sign_in("330113").get(f"/registry/enterprises/{told.pk}/"))
    assert "不在您的管辖范围" in page and "匿名举报件" not in page and "天目山路" not in page


def test_a_post_that_does_no_business_sees_the_public_face_only(sign_in, told):  # noqa: F811
    page = text(sign_in("330106", "administrator").get(f"/registry/enterprises/{told.pk}/"))
    assert "不办理业务" in page and "13800000000" not in page
    assert not AuditEntry.objects.filter(kind="contacts_read").exists()


def test_the_enterprise_sees_its_own_face(as_enterprise, told):
    page = text(as_enterprise.get("/my/archive/"))
    assert "天目山路3号" in page and "匿名举报件" not in page and "申请更正" in page
    assert as_enterprise.get(f"/registry/enterprises/{told.pk}/").status_code == 403


@pytest.mark.parametrize("path", ["duplicates/", "corrections/", "enterprises/{}/correct/"])
def test_keeping_archives_is_for_archivists(sign_in, told, path):  # noqa: F811
    assert sign_in("330106").get("/registry/" + path.format(told.pk)).status_code == 403
    assert sign_in("330106", "records_clerk").get("/registry/" + path.format(told.pk)).status_code == 200


def test_correcting_by_hand(sign_in, told):  # noqa: F811
    client = sign_in("330106", "records_clerk")
    address = f"/registry/enterprises/{told.pk}/correct/?field=legal_representative"
    assert "锁定 12 个月" in text(client.get(address))
    assert client.post(address, {"value": "赵六", "reason": ""}).status_code == 422
    assert client.post(address, {"value": "赵六", "reason": "变更登记", "since": "x"}).status_code == 422
    assert (
        client.post(address, {"value": "赵六", "reason": "变更登记", "since": "2024-02-01"}).status_code
        == 302
    )
    told.refresh_from_db()
    assert told.legal_representative == "赵六"
    assert AuditEntry.objects.filter(kind="enterprise_corrected").exists()


def test_a_county_corrects_nothing_elsewhere(sign_in, told):  # noqa: F811
    client = sign_in("330113", "records_clerk")
    assert (
        client.post(f"/registry/enterprises/{told.pk}/correct/", {"value": "x", "reason": "y"}).status_code
        == 404
    )
    fact = told.facts.get(state="differs")
    assert (
        client.post(f"/registry/facts/{fact.pk}/settle/", {"accept": "1", "reason": "y"}).status_code == 404
    )


def test_settling_a_conflict(sign_in, told):  # noqa: F811
    client, fact = sign_in("330106", "records_clerk"), told.facts.get(state="differs")
    client.post(f"/registry/facts/{fact.pk}/settle/", {"accept": "1", "reason": "执照已换"})
    told.refresh_from_db()
    assert told.address.endswith("天目山路3号")


def test_one_pair_merged_and_taken_back(sign_in, pair, enterprise):  # noqa: F811
    client = sign_in("330106", "records_clerk")
    assert "西湖龙井食品有限责任公司" in text(client.get("/registry/duplicates/"))
    page = f"/registry/duplicates/{pair.pk}/"
    assert "并列比较" in text(client.get(page))
    assert client.post(page, {"act": "left", "reason": ""}).status_code == 422
    keep = "left" if pair.left_id == enterprise.pk else "right"
    assert client.post(page, {"act": keep, "reason": "同一地址"})["Location"] == "/registry/duplicates/"
    log = MergeLog.objects.get()
    gone = pair.right_id if keep == "left" else pair.left_id
    assert (
        client.get(f"/registry/enterprises/{gone}/")["Location"] == f"/registry/enterprises/{enterprise.pk}/"
    )
    assert client.post(page, {"act": keep, "reason": "再来"}).status_code == 422
    client.post(f"/registry/merges/{log.pk}/undo/", {"reason": "不是一家", "back": str(pair.pk)})
    log.refresh_from_db()
    pair.refresh_from_db()
    assert log.undone_at and pair.state == "open"


@pytest.mark.parametrize("act", ["", "explode", "merged"])
def test_an_unknown_act_decides_nothing(sign_in, pair, act):  # noqa: F811
    client = sign_in("330106", "records_clerk")
    assert client.post(f"/registry/duplicates/{pair.pk}/", {"act": act, "reason": "x"}).status_code == 422
    assert Suspicion.objects.get().state == "open"


def test_another_county_has_no_such_pair(sign_in, pair):  # noqa: F811
    client = sign_in("330113", "records_clerk")
    assert client.get(f"/registry/duplicates/{pair.pk}/").status_code == 404
    assert "有限责任公司" not in text(client.get("/registry/duplicates/"))


def test_a_request_is_answered_within_the_working_days_of_the_rule(as_enterprise, enterprise):
    posted = {"field": "legal_representative", "wanted": "赵六", "reason": "2026年10月变更登记"}
    assert as_enterprise.post("/my/archive/", posted | {"reason": ""}).status_code == 422
    assert as_enterprise.post("/my/archive/", posted | {"field": "uscc"}).status_code == 422
    assert as_enterprise.post("/my/archive/", posted).status_code == 302
    assert as_enterprise.post("/my/archive/", posted).status_code == 422  # one at a time
    row = Correction.objects.get()
    Correction.objects.filter(pk=row.pk).update(asked_on=date(2025, 9, 22))
    row.refresh_from_db()
    # fifteen working days from Monday 2025-09-22 over the holidays of 1 to 8 October (28 Sept, 11 Oct are worked)
    assert corrections.asked(row).due == date(2025, 10, 17)
    assert corrections.asked(row).late


def test_an_answer_corrects_the_archive_and_is_given_once(sign_in, enterprise):  # noqa: F811
    row = corrections.ask(enterprise, "legal_representative", "赵六", reason="变更登记", actor="李四")
    client = sign_in("330106", "records_clerk")
    assert "赵六" in text(client.get("/registry/corrections/"))
    address = f"/registry/corrections/{row.pk}/answer/"
    assert client.post(address, {"accept": "1", "answer": " "}).status_code == 422
    assert client.post(address, {"accept": "1", "answer": "已核对执照"}).status_code == 302
    enterprise.refresh_from_db()
    assert enterprise.legal_representative == "赵六"
    assert client.post(address, {"accept": "0", "answer": "再来"}).status_code == 422


def test_an_enterprise_answers_no_request_of_its_own(as_enterprise, enterprise):
    from django.db import DatabaseError

    from jinzhi.foundation.places import scope

    row = corrections.ask(enterprise, "address", "别处", reason="搬了", actor="李四")
    assert (
        as_enterprise.post(
            f"/registry/corrections/{row.pk}/answer/", {"accept": "1", "answer": "x"}
        ).status_code
        == 403
    )
    with scope.acting(scope.enterprise(enterprise.pk)):
        assert Correction.objects.filter(pk=row.pk).update(state="accepted") == 0
        with pytest.raises(DatabaseError):
            Correction.objects.create(enterprise=enterprise, place=WESTLAKE, field="scale", wanted="small", reason="x",
                                      asked_on=date(2026, 1, 1), rule="r", state="accepted")  # fmt: skip
