"""The front-end machine's folder: whole batches only, receipts for each, nothing lost or doubled by a kill."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from jinzhi.foundation.exchange import receiving, sending
from jinzhi.foundation.exchange.models import Document
from jinzhi.network.partners import files, formats, intake, signatures
from jinzhi.network.partners.models import Batch, Partner
from jinzhi.network.partners.tests.conftest import ready
from jinzhi.registry.models import Enterprise

pytestmark = pytest.mark.django_db
COLUMNS = ("number", "product", "producer", "defect", "started_on", "state")


class Folder:
    """The partner's side of the folder."""

    def __init__(self, program, home: Path):
        self.program, self.home = program, home

    def lines(self, *rows, columns=COLUMNS, encoding="utf-8"):
        return "\r\n".join([",".join(columns), *(",".join(row) for row in rows), ""]).encode(encoding)

    def put(self, data=None, name="b1", sign=True, late=False, **more):
        """Put a batch down; answers the description's path."""
        data = self.lines(row("SH-1"), row("SH-2")) if data is None else data
        said = {
            "protocol": "JINZHI-FILE-1", "batch": name, "dataset": "yangtze.recall", "schema": 1, "mode": "increment",
            "sender": "shanghai", "receiver": "330000", "file": f"{name}.csv", "format": "csv", "encoding": "UTF-8", "rows": 2,
            "sm3": hashlib.new("sm3", data).hexdigest(),
        } | more  # fmt: skip
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if sign:
            said["signature"] = self.program.sign(text.encode())
        if not late and isinstance(said["file"], str) and "/" not in said["file"]:
            (self.home / "in" / said["file"]).write_bytes(data)
        path = self.home / "in" / f"{name}.json"
        path.write_text(json.dumps(said, ensure_ascii=False))
        return path

    def receipts(self, name="b1"):
        found = {}
        for path in sorted((self.home / "receipts").glob(f"{name}-*.json")):
            said = json.loads(path.read_text())
            assert signatures.verify(
                "ed25519", signatures.own_public(), signatures.canonical(said), said["signature"]
            )
            found[said["receipt"]] = said
        return found

    def left(self):
        return sorted(path.name for path in (self.home / "in").iterdir())


def row(number, state="实施中"):
    return (number, "电热毯", "上海样例电器厂", "过热", "2026-11-01", state)


def held():
    return sorted(Document.objects.filter(dataset="yangtze.recall").values_list("key", flat=True))


@pytest.fixture
def drop(shanghai, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    files.prepare(Partner.objects.get(code="shanghai"))
    return Folder(shanghai, tmp_path / "partners" / "shanghai")


def refusal(drop, name="b1"):
    """The first receipt that says no."""
    said = [one for one in drop.receipts(name).values() if not one.get("ok", True)]
    assert said, drop.receipts(name)
    return f"{said[0]['code']} {said[0]['reason']}"


def test_a_batch_is_taken_in_and_answered_in_four_files(drop):
    drop.put()
    assert files.work_off() == {"in": 1, "out": 0}
    assert held() == ["SH-1", "SH-2"] and drop.left() == []
    found = drop.receipts()
    assert (
        set(found) == {"R1", "R2", "R3", "R4"}
        and found["R2"]["accepted"] == 2
        and found["R4"]["rejected"] == []
    )
    assert len(list((drop.home / "done").iterdir())) == 2


def test_refused_rows_are_named_with_their_line(drop):
    drop.put(drop.lines(row("SH-1"), row("SH-2", "没听说过")))
    files.work_off()
    assert held() == ["SH-1"]
    assert [(r["row"], r["key"], r["code"]) for r in drop.receipts()["R4"]["rejected"]] == [
        (2, "SH-2", "E04")
    ]


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"sign": False}, "E02", "签名不符"),
        ({"sender": "jiangsu"}, "E01", "sender"),
        ({"sm3": "0" * 64}, "E01", "散列"),
        ({"rows": 3}, "E01", "说明写 3 条，文件有 2 条"),
        ({"rows": "2"}, "E01", "整数"),
        ({"totals": {"number": 2, "defect": 3}}, "E01", "控制总数不符"),
        ({"totals": []}, "E01", "对象"),
        ({"dataset": "yangtze.nothing"}, "E03", "没有登记的数据集"),
        ({"dataset": "cnca.certificate"}, "E09", "没有授权"),
        ({"schema": 7}, "E03", "结构版本 7"),
        ({"mode": "some"}, "E01", "方式"),
        ({"file": "../b1.csv"}, "E01", "不带路径"),
        ({"file": "b1.json"}, "E01", "不带路径"),
        ({"file": ["x"]}, "E01", "不带路径"),
        ({"format": "doc"}, "E01", "csv 或者 xml"),
        ({"encoding": "UTF-7"}, "E01", "编码应为"),
        ({"encoding": "GB18030"}, "", ""),
        ({"protocol": "X"}, "E01", "protocol"),
        ({"batch": 5}, "E01", "应为文字"),
        ({"batch": ""}, "E01", "批次号"),
    ],
)
def test_descriptions_that_are_refused_as_a_whole(drop, change, code, word):
    drop.put(**change)
    files.work_off()
    if not code:  # UTF-8 read as GB 18030 is readable here and refused by its columns or its values
        assert held() != ["SH-1", "SH-2"]
        return
    assert refusal(drop).startswith(code) and word in refusal(drop), refusal(drop)
    assert held() == [] and drop.left() == []


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "空的"),
        (b"number,product\r\nSH-1\r\n", "列"),
        (b"number,number\r\n1,2\r\n", "列名重复"),
        (b"number,colour\r\n1,2\r\n", "没有登记的信息项：colour"),
        (b"number,_secret\r\n1,2\r\n", "不认识的列"),
        ("number,product\r\nSH-1,电热毯\r\n".encode("gb18030"), "不是 UTF-8 编码"),
        (b"number,product\r\nSH-1,\xff\xfe\r\n", "不是 UTF-8 编码"),
        (b"_op,number\r\nx,1\r\n", "_op 应为"),
        (b"_version,number\r\none,1\r\n", "应为整数"),
        (b'number,product\r\n1,"never closed\r\n', "不能读取"),
    ],
)
def test_data_files_that_are_not_what_they_say(drop, data, word):
    drop.put(data, rows=1)
    files.work_off()
    assert word in refusal(drop), refusal(drop)
    assert held() == [] and drop.left() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "null", '"x"', " " * 300_000])
def test_what_is_no_description_is_answered_and_put_aside(drop, text):
    (drop.home / "in" / "odd.json").write_text(text)
    files.work_off()
    assert drop.left() == [] and refusal(drop, "odd").startswith(("E01", "E10"))


def test_a_link_is_not_followed(drop, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("number\r\nSH-9\r\n")
    path = drop.put(late=True)
    (drop.home / "in" / "b1.csv").symlink_to(secret)
    (drop.home / "in" / "c.json").symlink_to(path)
    files.work_off()
    assert "普通文件" in refusal(drop) and secret.exists() and held() == []


def test_a_huge_file_is_refused_before_it_is_read(drop):
    path = drop.put(late=True)
    with (drop.home / "in" / "b1.csv").open("wb") as sparse:
        sparse.truncate(300_000_000)
    files.work_off()
    assert refusal(drop).startswith("E10") and not path.exists()


def test_a_file_that_is_still_coming_is_waited_for(drop):
    path = drop.put(late=True)
    assert files.work_off()["in"] == 0 and path.exists()
    old = path.stat().st_mtime - 2 * files.PATIENCE
    os.utime(path, (old, old))
    files.work_off()
    assert "没有收到数据文件" in refusal(drop)


def test_gb18030_and_xml_are_read(drop):
    drop.put(drop.lines(row("SH-1"), row("SH-2"), encoding="gb18030"), encoding="GB18030")
    xml = "<batch>" + "".join(
        f"<row version='3'>{''.join(f'<{n}>{v}</{n}>' for n, v in zip(COLUMNS, row(k), strict=True))}</row>"
        for k in ("X-1", "X-2")
    )
    drop.put((xml + "</batch>").encode(), name="b2", file="b2.xml", format="xml", totals={"number": 2})
    files.work_off()
    assert held() == ["SH-1", "SH-2", "X-1", "X-2"]
    assert Document.objects.get(key="X-1").version == 3


@pytest.mark.parametrize(
    ("xml", "word"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><batch><row><number>&a;</number></row></batch>', "DOCTYPE"),
        ("<batch><row><number>1</row></batch>", "不能读取"),
        ("<batch><line/></batch>", "应为 row"),
        ("<batch><row size='3'/></batch>", "不认识的属性"),
        ("<batch><row><colour>1</colour></row></batch>", "没有登记的信息项"),
        ("not xml", "不能读取"),
    ],
)
def test_xml_that_is_refused(drop, xml, word):
    drop.put(xml.encode(), file="b1.xml", format="xml", rows=1)
    files.work_off()
    assert word in refusal(drop), refusal(drop)
    assert held() == []


def test_a_number_used_for_another_content_is_refused_and_the_first_stays(drop):
    drop.put()
    files.work_off()
    drop.put(drop.lines(row("SH-7"), row("SH-8")))
    files.work_off()
    assert held() == ["SH-1", "SH-2"] and Batch.objects.filter(number="b1").count() == 1
    said = [json.loads(p.read_text()) for p in (drop.home / "receipts").glob("b1-*.R1.json")]
    assert sorted(one["ok"] for one in said) == [False, True] and any(
        one.get("code") == "E06" for one in said
    )
    drop.put()  # the same once more: the same receipts, nothing twice
    files.work_off()
    assert Document.objects.get(key="SH-1").version == 1


def test_a_refused_batch_gives_its_number_back(drop):
    drop.put(rows=9)
    files.work_off()
    drop.put()
    files.work_off()
    assert held() == ["SH-1", "SH-2"]


def test_a_worker_killed_half_way_goes_on_where_it_stopped(drop, monkeypatch):
    monkeypatch.setattr(intake, "SLICE", 3)
    numbers = [f"SH-{n}" for n in range(10)]
    data = drop.lines(*(row(n) for n in numbers))
    drop.put(data, rows=10)
    taken, real = [], receiving.receive

    def dies(who, stream, messages):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(len(messages))
        return real(who, stream, messages)

    monkeypatch.setattr(receiving, "receive", dies)
    with pytest.raises(KeyboardInterrupt):
        files.work_off()
    assert len(held()) == 6 and drop.left() == ["b1.csv", "b1.json"] and drop.receipts() == {}
    monkeypatch.setattr(receiving, "receive", real)
    files.work_off()
    assert held() == sorted(numbers) and drop.receipts()["R2"]["accepted"] == 10
    assert set(Document.objects.values_list("version", flat=True)) == {1} and drop.left() == []


def test_killed_after_the_last_row_the_receipts_are_still_written(drop, monkeypatch):
    drop.put()
    real = files._receipts
    monkeypatch.setattr(files, "_receipts", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        files.work_off()
    monkeypatch.setattr(files, "_receipts", real)
    files.work_off()
    assert set(drop.receipts()) == {"R1", "R2", "R3", "R4"} and drop.left() == []


def test_full_batches_delete_what_is_gone(drop):
    drop.put()
    drop.put(drop.lines(row("SH-2")), name="b2", rows=1, mode="full")
    files.work_off()
    assert held() == ["SH-2"]


def test_a_partner_without_this_way_has_no_folder(jiangsu, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    assert files.work_off() == {"in": 0, "out": 0} and not (tmp_path / "partners").exists()


# -- outwards


@pytest.fixture(params=["csv", "xml"])
def credit(request, hub, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    program = ready(
        "credit",
        takes={"registry.enterprise": ["name", "status"]},
        file_format=request.param,
        file_encoding="GB18030",
    )
    files.prepare(Partner.objects.get(code="credit"))
    return Folder(program, tmp_path / "partners" / "credit"), request.param


def receipt(drop, said, **more):
    said = {"protocol": "JINZHI-FILE-1", "sender": "credit", "receipt": "R3", "batch": said["batch"]} | more
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (drop.home / "in" / "r.json").write_text(
        json.dumps(said | {"signature": drop.program.sign(text.encode())})
    )


def test_batches_are_put_down_signed_and_closed_by_a_receipt(credit):
    drop, kind = credit
    for name in ("甲", "乙"):
        Enterprise.objects.create(name=name, place=330106_000000, kind="company")
    assert files.work_off()["out"] == 1 and files.work_off()["out"] == 0
    (path,) = (drop.home / "out").glob("*.json")
    said = json.loads(path.read_text())
    assert signatures.verify(
        "ed25519", signatures.own_public(), signatures.canonical(said), said["signature"]
    )
    (one,) = said["files"]
    data = drop.home / "out" / one["file"]
    assert hashlib.new("sm3", data.read_bytes()).hexdigest() == one["sm3"]
    assert (one["rows"], one["totals"]) == (2, {"name": "2", "status": "2"})
    text = data.read_bytes().decode("gb18030")
    assert "甲" in text and "330106000000" in text and ("<name>甲</name>" in text) is (kind == "xml")
    receipt(drop, said, rejected=[{"seq": 1, "code": "E04", "reason": "不认识"}])
    files.work_off()
    held = Batch.objects.get(outward=True)
    assert (held.state, held.accepted, held.rejected) == ("done", 1, 1)
    assert sending.standing("out.credit")["acknowledged"] == said["last"] and not list(
        (drop.home / "out").glob("*")
    )


def test_a_receipt_for_nothing_is_refused(credit):
    drop, _ = credit
    receipt(drop, {"batch": "credit-00000099"})
    files.work_off()
    assert "没有批次" in refusal(drop, "r")


def test_totals_are_sums_of_numbers_and_counts_of_words():
    from jinzhi.foundation.exchange.declared import Dataset, Field

    one = Dataset("x.y", "样", "样", "330001/A", "307001/1", (Field("n", "数", "decimal"), Field("t", "字")))
    totals = formats.Totals(one)
    for body in ({"n": "1.10", "t": "a"}, {"n": 2, "t": ""}, {"n": "NaN", "t": "b"}):
        totals.add(body)
    assert totals.said() == {"n": "3.1", "t": "2"} and totals.differing({"n": 3.1, "t": "2"}) == []
    assert len(totals.differing({"n": "x", "t": 3, "z": 1})) == 3
