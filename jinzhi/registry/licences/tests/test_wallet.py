"""The holder's wallet and the links it gives out: whose they are, when they end, what they show."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from jinzhi.foundation.files.models import GeneratedDocument
from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.models import Account
from jinzhi.foundation.people.tests.cast import BACKEND
from jinzhi.foundation.places import scope
from jinzhi.registry import certificates, services
from jinzhi.registry.licences import payload, sharing
from jinzhi.registry.licences.models import Share

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO = True


def account(enterprise_id) -> Account:
    return Account.objects.create_user(
        f"e{uuid7()}", name="持证企业", kind="enterprise", enterprise_id=enterprise_id, is_demo=True
    )


@pytest.fixture
def owner(client, enterprise):
    holder = account(enterprise.pk)
    client.force_login(holder, backend=BACKEND)
    return holder


@pytest.fixture
def paper(certificate):
    return GeneratedDocument.objects.create(
        place=certificate.place, subject="case:x", enterprise_id=certificate.holder_id, kind="licence_original",
        title="食品生产许可证（正本）", template="notice.typ", issued_at=timezone.now(),
        data={
            "licence_number": certificate.number, "qr_text": payload.qr_text(certificate), "agency": "某局",
            "title": "正本", "number": "", "applicant": "某公司", "text": "证面", "law": "", "agency_phone": "",
            "date": "2024-01-10",
        },
    )  # fmt: skip


@pytest.fixture
def share(certificate, owner):
    return sharing.create(certificate, owner, purpose="进场审核", days=7)


def text(answer) -> str:
    return answer.content.decode()


def test_the_wallet_shows_every_licence_with_its_state(client, owner, certificate, paper):
    page = text(client.get("/my/licences/"))
    assert certificate.number in page and "有效" in page
    certificates.decide(certificate, "suspend", effective_on=timezone.localdate(), reason="内部理由")
    page = text(client.get(f"/my/licences/{certificate.number}/"))
    assert "暂停" in page and "<svg" in page and paper.url in page and "内部理由" not in page


def test_a_stranger_and_the_public_have_no_wallet_of_others(client, certificate, db):
    assert client.get("/my/licences/").status_code == 302
    other = services.register_enterprise(name="另一企业", place=330106000000, uscc="92330106MA2B00X19A")
    client.force_login(account(other.pk), backend=BACKEND)
    assert certificate.number not in text(client.get("/my/licences/"))
    assert client.get(f"/my/licences/{certificate.number}/").status_code == 404
    assert client.post(f"/my/licences/{certificate.number}/share/", {"days": 7}).status_code == 404
    assert not Share.objects.exists()


def test_a_link_opens_without_signing_in_and_is_counted(client, owner, certificate, paper):
    answer = client.post(f"/my/licences/{certificate.number}/share/", {"purpose": "进场审核", "days": "7"})
    assert answer.status_code == 302
    made = Share.objects.get()
    assert sharing.link(made) in text(client.get(f"/my/licences/{certificate.number}/"))
    client.logout()
    answer = client.get(sharing.path(made))
    page = text(answer)
    assert answer.status_code == 200 and certificate.number in page and "进场审核" in page and "有效" in page
    assert answer["Cache-Control"] == "no-store" and answer["Referrer-Policy"] == "no-referrer"
    pdf = client.get(f"{sharing.path(made)}{paper.pk}/")
    assert pdf.status_code == 200 and b"".join(pdf.streaming_content).startswith(b"%PDF")
    made.refresh_from_db()
    assert made.opened == 1 and AuditEntry.objects.filter(kind="licences.shared").exists()


def test_a_link_shows_todays_state_and_not_that_of_its_making(client, share, certificate):
    certificates.decide(certificate, "revoke", effective_on=timezone.localdate())
    client.logout()
    assert "已撤销" in text(client.get(sharing.path(share)))


def test_a_link_ends_by_its_day_and_by_being_taken_back(client, share, certificate, paper):
    Share.objects.filter(pk=share.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = client.get(sharing.path(share))
    assert answer.status_code == 410 and "已到期" in text(answer) and certificate.number not in text(answer)
    assert client.get(f"{sharing.path(share)}{paper.pk}/").status_code == 404
    Share.objects.filter(pk=share.pk).update(expires_at=timezone.now() + timedelta(days=1))
    assert client.post(f"/my/licences/shares/{share.pk}/revoke/").status_code == 302
    client.logout()
    answer = client.get(sharing.path(share))
    assert answer.status_code == 410 and "收回" in text(answer) and certificate.number not in text(answer)


def test_a_guessed_link_and_a_paper_of_another_licence_are_unknown(client, share, certificate, paper):
    whole = sharing.path(share).strip("/").split("/")[1]
    for wrong in (
        whole[:-1] + ("A" if whole[-1] != "A" else "B"),
        share.pk.hex,
        f"{share.pk.hex}.",
        "x",
        "é.é",
    ):
        assert client.get(f"/share/{wrong}/").status_code == 404, wrong
    paper.data["licence_number"] = "another"
    paper.save()
    assert client.get(f"{sharing.path(share)}{paper.pk}/").status_code == 404


def test_only_the_holder_takes_a_link_back(client, share):
    other = services.register_enterprise(name="另一企业", place=330106000000, uscc="92330106MA2B00X19A")
    client.force_login(account(other.pk), backend=BACKEND)
    assert client.post(f"/my/licences/shares/{share.pk}/revoke/").status_code == 404
    share.refresh_from_db()
    assert share.open


@pytest.mark.parametrize("days", ["0", "-1", "91", "x", "", "9" * 40])
def test_a_link_without_end_is_refused_with_words(client, owner, certificate, days):
    answer = client.post(f"/my/licences/{certificate.number}/share/", {"days": days}, follow=True)
    assert "有效天数" in text(answer) and not Share.objects.exists()


def test_the_database_itself_keeps_links_to_their_holder(share, certificate):
    for face in (scope.staff(330106000000), scope.enterprise(uuid7())):
        with scope.acting(face):
            assert not Share.objects.exists(), face
    with scope.acting(scope.enterprise(certificate.holder_id)):
        assert Share.objects.get() == share
    with scope.acting(scope.PUBLIC), pytest.raises(DatabaseError), transaction.atomic():
        Share.objects.exists()


@pytest.mark.parametrize("path", ["/my/licences/", "/my/licences/SC11333019700024/"])
def test_the_wallet_obeys_the_strict_policy(client, owner, certificate, share, path):
    page = text(client.get(path)) + text(client.get(sharing.path(share)))
    assert " style=" not in page and "<script>" not in page and " onclick" not in page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_wallet_and_a_shared_licence_in_the_browser(page, live, enterprise, accessibility):
    from jinzhi.registry.licences.tests.test_phone import issued

    certificate = issued(enterprise)
    holder = account(enterprise.pk)
    holder.set_password("a long enough word")
    holder.save()
    page.goto("/accounts/login/")
    page.fill('[name="login"]', holder.username)
    page.fill('[name="password"]', "a long enough word")
    page.locator("main button[type=submit]").first.click()
    page.wait_for_load_state()
    page.goto("/my/licences/")
    assert accessibility(page) == []
    page.click(".wallet-card")
    page.fill("[name=purpose]", "进场审核")
    page.click("text=生成链接")
    page.wait_for_selector(".share-link")
    assert accessibility(page) == []
    box = page.locator(".wallet-qr svg").bounding_box()
    assert box and box["width"] > 200, "large enough to be scanned from the screen"
    link = page.input_value(".share-link")
    page.context.clear_cookies()
    page.goto(link[link.index("/share/") :])
    assert certificate.number in page.inner_text("main") and accessibility(page) == []
