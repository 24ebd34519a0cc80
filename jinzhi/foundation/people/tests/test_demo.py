"""Sign-ins of a demonstration exist in a demonstration only."""

import pytest
from django.test import override_settings

from jinzhi.foundation.people.models import Account

from .cast import WEST_LAKE, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    return person("demo_clerk", WEST_LAKE, "window_clerk", title="受理窗口")


def test_outside_a_demonstration_there_is_nothing(client, clerk):
    with override_settings(DEMO=False):
        assert client.get("/demo/").status_code == 404
        assert client.post("/demo/enter/demo_clerk").status_code == 404


@override_settings(DEMO=True)
def test_the_page_says_who_and_what_for(client, clerk):
    text = client.get("/demo/").content.decode()
    assert "受理窗口" in text and "西湖区局" in text and "一次性告知补正" in text


@override_settings(DEMO=True)
def test_entering_is_a_post_for_demonstration_accounts_only(client, clerk):
    assert client.get("/demo/enter/demo_clerk").status_code == 405
    assert client.post("/demo/enter/demo_clerk").url == "/home/"
    assert client.get("/accounts/").status_code == 200
    person("real", WEST_LAKE, "examiner")
    Account.objects.filter(username="real").update(is_demo=False)
    assert client.post("/demo/enter/real").status_code == 404


@override_settings(DEMO=True)
def test_entering_as_another_leaves_nothing_of_the_former(client, clerk):
    other = person("demo_clerk", "330100", title="第二任职")
    client.post("/demo/enter/demo_clerk")
    client.post(f"/accounts/post/{other.pk}/")
    person("demo_two", WEST_LAKE, "examiner")
    client.post("/demo/enter/demo_two")
    assert "post" not in client.session
