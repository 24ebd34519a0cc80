"""Cases of other nodes at the province: who sees which, and their files, opened over a line that may be cut."""

import base64
import hashlib
import json

import pytest
from django.test import Client
from uuid_utils.compat import uuid7

from jinzhi.foundation.exchange import node as nodes
from jinzhi.foundation.exchange import receiving
from jinzhi.foundation.exchange.border import Sender
from jinzhi.foundation.exchange.models import Document
from jinzhi.foundation.files.tests import samples
from jinzhi.foundation.history.models import AuditEntry
from jinzhi.foundation.people.tests import cast
from jinzhi.network import asking, cases, fetching, reconciling
from jinzhi.network import folder as network_folder
from jinzhi.network.models import Node

pytestmark = pytest.mark.django_db
WEST_LAKE, BEILUN = 330106_000000, 330206_000000
HANGZHOU = Sender("330100", "city", 330100_000000, 330199_999999)
NINGBO = Sender("330200", "city", 330200_000000, 330299_999999)


class Line:
    """The line to the city's node: its content, and whether it answers."""

    def __init__(self):
        self.content, self.away, self.asked = samples.PDF, False, []

    def __call__(self, nc, peer, what, question, timeout):
        self.asked.append((peer, what, question["offset"]))
        if self.away:
            return {"ok": False, "away": True, "error": f"节点 {peer} 没有应答（TimeoutError）"}
        data = self.content[question["offset"] : question["offset"] + 40]
        return {
            "ok": True, "hash": hashlib.sha256(samples.PDF).hexdigest(), "size": len(samples.PDF),
            "offset": question["offset"], "data": base64.b64encode(data).decode(),
        }  # fmt: skip


@pytest.fixture
def line(monkeypatch):
    made = Line()

    class Wire:
        def __init__(self, seconds):
            if made.away == "message server":
                raise reconciling.NotConnected("连不上省中心的消息服务器")

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

        def ask(self, peer, what, question, timeout=asking.TIMEOUT):
            return made(None, peer, what, question, timeout)

    monkeypatch.setattr(reconciling, "Wire", Wire)
    return made


def message(dataset, key, body, node="330100", place=WEST_LAKE, **more):
    said = {
        "id": str(key), "dataset": dataset, "schema": 1, "op": "u", "version": 1, "owner": node, "place": place,
        "at": "2026-11-20T08:00:00Z", "body": body,
    }  # fmt: skip
    return json.dumps(said | more, ensure_ascii=False).encode()


class Received:
    """A case of Hangzhou and one of Ningbo, each with a file and a document."""

    def __init__(self):
        self.keys = {name: uuid7() for name in ("case", "file", "paper", "far", "far file")}
        k = self.keys
        receiving.receive(
            HANGZHOU, "IN_330100",
            [(1, self.case(k["case"], "杭食产字第1号", "杭州龙井茶业有限公司")), (2, self.file(k["file"], k["case"])),
             (3, self.paper(k["paper"], k["case"]))],
        )  # fmt: skip
        far = {"node": "330200", "place": BEILUN}
        receiving.receive(
            NINGBO, "IN_330200",
            [(1, self.case(k["far"], "甬食产字第1号", "宁波汤团有限公司", **far)),
             (2, self.file(k["far file"], k["far"], **far))],
        )  # fmt: skip

    @staticmethod
    def case(key, number, name, **more):
        body = {"number": number, "title": f"食品生产许可：{name}", "subject_name": name, "state": "open",
                "rule_date": "2026-11-20", "received_on": "2026-11-20", "is_demo": False}  # fmt: skip
        return message("casework.case", key, body, **more)

    @staticmethod
    def file(key, case, **more):
        body = {"subject": f"case:{case}", "kind": "floor_plan", "name": "平面图.pdf", "size": len(samples.PDF),
                "blob_id": hashlib.sha256(samples.PDF).hexdigest(), "media_type": "application/pdf"}  # fmt: skip
        return message("casework.attachment", key, body | more.pop("body", {}), **more)

    @staticmethod
    def paper(key, case):
        body = {"subject": f"case:{case}", "kind": "receipt", "title": "受理通知书", "number": "杭市监受〔2026〕1号", "size": 0,
                "issued_at": "2026-11-20T02:00:00+00:00"}  # fmt: skip
        return message("casework.document", key, body)


@pytest.fixture
def received(db, settings, tmp_path, monkeypatch):
    settings.DEMO = True
    monkeypatch.setenv("JINZHI_NETWORK", str(tmp_path / "network"))
    network_folder.write_node(
        {"role": "hub", "node": "330000", "hub": "330000", "nats": "127.0.0.1:1", "listen": "127.0.0.1:1"}
    )
    nodes.enable("330000", True)
    for code, name in (("330100", "杭州市"), ("330200", "宁波市")):
        nodes.open_city(code)
        Node.objects.create(code=code, name=name, kind="city", place=int(code) * 10**6, state="active")
    made = Received()
    assert Document.objects.count() == 5
    return made.keys


@pytest.fixture
def official():
    def enter(place=330000_000000, role="supervisor"):
        return cast.sign_in(Client(), cast.person(f"u{place}{role}", str(place // 10**6), role))

    return enter


def text(answer):
    return answer.content.decode()


def file_of(keys, name="file"):
    return f"/office/exchange/files/{keys[name]}/"


def test_the_province_lists_the_cities_cases_and_their_files(received, official, line):
    page = official()
    listed = text(page.get("/office/exchange/cases/"))
    assert "杭州龙井茶业有限公司" in listed and "宁波汤团有限公司" in listed and "杭州市" in listed
    shown = text(page.get(f"/office/exchange/cases/{received['case']}/"))
    assert (
        "平面图.pdf" in shown
        and "在杭州市节点，打开时取回" in shown
        and "在杭州市节点，打开时制作并取回" in shown
    )
    assert f"{len(samples.PDF)} 字节" in shown.replace("\xa0", " ") and "None" not in shown
    assert not line.asked


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=杭食产字第1号", True), ("q=龙井", True), ("q=甬食产字第1号", False), ("state=closed", False), ("node=330100", True),
     ("node=330200", False), ("q=%00", False), ("state=x&node=y", False)],
)  # fmt: skip
def test_the_list_is_filtered(received, official, query, found):
    page = text(official().get(f"/office/exchange/cases/?{query}"))
    assert ("杭州龙井茶业有限公司" in page) is found or "state=x" in query


def test_a_download_of_the_list(received, official):
    rows = b"".join(official().get("/office/exchange/cases/?export=csv").streaming_content).decode(
        "utf-8-sig"
    )
    assert "杭食产字第1号" in rows and "办理中" in rows
    assert AuditEntry.objects.filter(kind="network.cases_exported").exists()


@pytest.mark.parametrize("place", [330200_000000, 330206_000000])
def test_a_post_of_another_place_sees_neither_case_nor_file(received, official, line, place):
    page = official(place)
    assert "龙井" not in text(page.get("/office/exchange/cases/"))
    assert "龙井" not in text(page.get("/office/exchange/cases/?q=杭食产字第1号"))
    assert page.get(f"/office/exchange/cases/{received['case']}/").status_code == 404
    assert page.get(file_of(received)).status_code == 404
    assert page.get(file_of(received, "far file")).status_code == 200
    assert {peer for peer, _, _ in line.asked} == {"330200"}


def test_other_roles_enterprises_and_strangers_do_not_open_them(received, official, line):
    for path in ("/office/exchange/cases/", f"/office/exchange/cases/{received['case']}/", file_of(received)):
        for role in ("administrator", "window_clerk", "operator"):
            assert official(role=role).get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert official().post(file_of(received)).status_code == 405
    assert not line.asked


def test_a_file_is_brought_in_pieces_and_served_like_a_local_one(received, official, line):
    answer = official().get(file_of(received))
    assert b"".join(answer.streaming_content) == samples.PDF
    assert answer.headers["Content-Type"] == "application/pdf"
    assert (
        answer.headers["X-Content-Type-Options"] == "nosniff"
        and "sandbox" in answer.headers["Content-Security-Policy"]
    )
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert line.asked == [("330100", "file", n) for n in range(0, len(samples.PDF), 40)]
    assert AuditEntry.objects.filter(kind="network.file_opened").count() == 1


def test_the_second_opening_asks_nobody_even_when_the_node_is_away(received, official, line):
    page = official()
    page.get(file_of(received))
    asked, line.away = len(line.asked), True
    assert b"".join(page.get(file_of(received)).streaming_content) == samples.PDF
    assert len(line.asked) == asked
    assert "已取回" in text(page.get(f"/office/exchange/cases/{received['case']}/"))
    tag = page.get(file_of(received)).headers["ETag"]
    assert page.get(file_of(received), headers={"If-None-Match": tag}).status_code == 304


def test_a_node_that_is_away_is_said_with_a_way_to_try_again_and_nothing_is_lost(
    received, official, line, monkeypatch
):
    page = official()
    patience = cases.fetch
    monkeypatch.setattr(cases, "fetch", lambda wanted, seconds: patience(wanted, 0))
    first = page.get(file_of(received))
    assert first.status_code == 200 and "正在取回" in text(first) and 'http-equiv="refresh"' in text(first)
    line.away = True
    answer = page.get(file_of(received))
    assert answer.status_code == 503 and "重试" in text(answer) and "现在连不上杭州市节点" in text(answer)
    assert "已经取回的部分保留着" in text(answer) and 'http-equiv="refresh"' not in text(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    line.away, line.asked = False, []
    monkeypatch.setattr(cases, "fetch", patience)
    assert b"".join(page.get(file_of(received)).streaming_content) == samples.PDF
    assert line.asked[0][2] == 40


def test_a_message_server_that_is_away_is_said_too(received, official, line):
    line.away = "message server"
    answer = official().get(file_of(received))
    assert answer.status_code == 503 and "连不上省中心的消息服务器" in text(answer) and "重试" in text(answer)


def test_a_node_outside_a_network_says_so(received, official, line):
    network_folder.path("node.json").unlink()
    answer = official().get(file_of(received))
    assert answer.status_code == 503 and "没有加入网络" in text(answer)


def test_a_wrong_content_is_not_shown(received, official, line):
    line.content = bytes(len(samples.PDF))
    answer = official().get(file_of(received))
    assert answer.status_code == 502 and "已丢弃" in text(answer)
    assert not list(fetching.root().glob("*/*"))


def test_a_file_deleted_at_its_owner_is_gone_here(received, official, line):
    page = official()
    gone = message("casework.attachment", received["file"], {}, op="d", version=2)
    receiving.receive(HANGZHOU, "IN_330100", [(4, gone)])
    assert page.get(file_of(received)).status_code == 404
    assert "平面图" not in text(page.get(f"/office/exchange/cases/{received['case']}/"))


def test_only_announcements_of_files_are_opened(received, official, line):
    page = official()
    assert page.get(file_of(received, "case")).status_code == 404
    assert page.get(f"/office/exchange/files/{uuid7()}/").status_code == 404


def test_a_foreign_media_type_is_only_saved(received, official, line):
    key = uuid7()
    page = Received.file(key, received["case"], body={"media_type": "text/html", "name": "a.html"})
    receiving.receive(HANGZHOU, "IN_330100", [(4, page)])
    answer = official().get(f"/office/exchange/files/{key}/")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_files_of_another_node_s_case_cannot_be_slipped_in(received, official, line):
    """Ningbo announces a file as belonging to Hangzhou's case: it is not shown there."""
    far = {"node": "330200", "place": BEILUN, "body": {"name": "别处.pdf"}}
    receiving.receive(NINGBO, "IN_330200", [(3, Received.file(uuid7(), received["case"], **far))])
    assert "别处" not in text(official().get(f"/office/exchange/cases/{received['case']}/"))


def test_the_way_of_a_received_case_is_found_in_the_catalogue(received, official):
    page = text(official().get(f"/catalogue/casework.case/records/?q={received['case']}"))
    assert "杭州龙井茶业有限公司" in page and "杭州市" in page


def test_one_page_costs_the_same_however_many_files(received, official, django_assert_max_num_queries):
    lots = [(4 + n, Received.file(uuid7(), received["case"])) for n in range(40)]
    receiving.receive(HANGZHOU, "IN_330100", lots)
    page = official()
    page.get("/office/exchange/cases/")
    with django_assert_max_num_queries(40):
        assert text(page.get(f"/office/exchange/cases/{received['case']}/")).count("平面图.pdf") == 41


def test_many_who_wait_leave_threads_for_other_pages(received, official, line):
    """Whoever finds every slot taken gets the page that asks again, and nothing is asked of the node."""
    page = official()
    for _ in range(cases.AT_ONCE):
        assert cases._slots.acquire(blocking=False)
    try:
        answer = page.get(file_of(received))
        assert answer.status_code == 200 and 'http-equiv="refresh"' in text(answer) and not line.asked
    finally:
        for _ in range(cases.AT_ONCE):
            cases._slots.release()
    assert b"".join(page.get(file_of(received)).streaming_content) == samples.PDF
    line.away = True
    for _ in range(cases.AT_ONCE + 1):
        assert page.get(file_of(received, "far file")).status_code == 503  # a failure gives its slot back
