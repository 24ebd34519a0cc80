"""A refused act loses nothing: its dialog comes back with what was typed."""

from datetime import date

import pytest
from django.test import override_settings

from jinzhi.services.licensing.tests import world

pytestmark = pytest.mark.django_db


def test_the_items_of_a_refused_correction_come_back_once(client):
    holder = world.enterprise()
    owner = world.owner(holder)
    case = world.submitted(date.today(), holder, actor=owner)
    clerk = world.official("受理员", "window_clerk", world.COUNTY)
    clerk.account.is_demo = True
    clerk.account.save()
    first = {"items": ["补平面图"]}
    world.go(case, "accept", "correct", clerk, date.today(), payload=first)
    world.go(case, "correction", "resubmit", owner, date.today(), payload={"data": world.application(holder)})
    step = case.steps.get(key="accept", state="open")
    with override_settings(DEMO=True):
        client.force_login(clerk.account, backend="allauth.account.auth_backends.AuthenticationBackend")
        page = f"/office/cases/{case.number}/"
        client.post(
            f"{page}act/", {"action": "correct", "step": step.pk, "items": "再补检验报告", "reason": ""}
        )
        again = client.get(page).content.decode()
        assert "data-reopen" in again and 'value="再补检验报告"' in again
        assert "data-reopen" not in client.get(page).content.decode()
