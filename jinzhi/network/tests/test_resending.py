"""What peers refused, sent again: one, the chosen ones, all; those the post may see, each once."""

import json

import pytest
from django.db import connection
from django.test import Client

from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange import sending
from jinzhi.foundation.people.tests import cast
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
WEST_LAKE, BEILUN = 330106_000000, 330206_000000
PAGE = "/office/exchange/refused/"


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


@pytest.fixture
def refused(db, settings):
    """Hangzhou refused three enterprises of the hub, Ningbo's place one of them. Answers refusal -> record."""
    settings.DEMO = True
    nodes.enable("330000", True)
    nodes.open_city("330100")
    places = (WEST_LAKE, WEST_LAKE, WEST_LAKE, BEILUN)
    made = [Enterprise.objects.create(name=f"企业{n}", place=place) for n, place in enumerate(places)]
    while sending.number():
        pass
    sent = sending.messages("out.330100", 0, 100)
    seqs = {json.loads(p)["id"]: seq for seq, _, p in sent if b'"batch"' not in p[:10]}
    sending.stored("out.330100", sent[-1][0])
    found = {}
    for one in made:
        ((key,),) = run(
            "INSERT INTO exchange_refusal (channel, seq, dataset, record, version, code, reason)"
            " VALUES ('out.330100', %s, 'registry.enterprise', %s, 1, 'E06', '重复') RETURNING id",
            [seqs[str(one.pk)], one.pk],
        )
        found[key] = one.pk
    return found


def official(place=330000_000000, role="operator"):
    return cast.sign_in(Client(), cast.person(f"u{place}{role}", str(place // 10**6), role))


def waiting():
    rows = run(
        "SELECT o.record FROM exchange_pending AS p JOIN exchange_outbox AS o ON o.id = p.outbox_id WHERE p.target <> ''"
    )
    return sorted(str(key) for (key,) in rows)


def states():
    return dict(run("SELECT id, state FROM exchange_refusal"))


def resend(page, **posted):
    return page.post(f"{PAGE}resend/", posted, follow=True).content.decode()


def test_one_is_sent_again(refused):
    first, *others = refused
    assert "重新发送 1 条" in resend(official(), only=str(first))
    assert waiting() == [str(refused[first])]
    assert states() == {first: "resent"} | dict.fromkeys(others, "open")
    assert "已由别人处理" in resend(official(), only=str(first))


def test_the_chosen_ones_are_sent_again(refused):
    keys = list(refused)
    assert "重新发送 2 条" in resend(official(), which="chosen", ids=[str(keys[0]), str(keys[2])])
    assert waiting() == sorted(str(refused[key]) for key in (keys[0], keys[2]))


def test_all_are_sent_again(refused):
    assert "重新发送 4 条" in resend(official(), which="all", ids=[str(next(iter(refused)))])
    assert len(waiting()) == 4


@pytest.mark.parametrize("bad", [[], ["x"], ["-1"], ["9" * 30], ["１"], ["1 OR 1=1"], ["999999"]])
def test_nothing_chosen_or_nonsense_sends_nothing(refused, bad):
    said = resend(official(), which="chosen", ids=bad)
    assert "请先勾选" in said or "没有可以重新发送" in said
    assert not waiting() and set(states().values()) == {"open"}


def test_a_post_sends_again_only_what_it_sees(refused):
    ningbo = official(330200_000000)
    shown = ningbo.get(PAGE).content.decode()
    *near, far = refused
    assert f'value="{far}"' in shown and f'value="{near[0]}"' not in shown
    assert "没有可以重新发送" in resend(ningbo, only=str(near[0]))
    assert "重新发送 1 条" in resend(ningbo, which="chosen", ids=[str(key) for key in refused])
    assert waiting() == [str(refused[far])]


def test_who_only_reads_is_offered_nothing(refused):
    page = official(role="supervisor")
    shown = page.get(PAGE).content.decode()
    assert "企业" in shown and 'name="ids"' not in shown and "重新发送所选" not in shown
    assert page.post(f"{PAGE}resend/", {"which": "all"}).status_code == 403
    assert not waiting()


def test_what_was_sent_again_is_not_offered_and_not_in_a_download(refused):
    page = official()
    resend(page, only=str(next(iter(refused))))
    shown = page.get(PAGE).content.decode()
    assert shown.count('name="ids"') == 3 and shown.count('name="only"') == 3
    rows = b"".join(page.get(f"{PAGE}?export=csv").streaming_content).decode("utf-8-sig")
    assert "checkbox" not in rows and "重新发送" not in rows
