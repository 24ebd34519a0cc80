"""The front-end machine's folder (前置机): batches that a partner puts down, batches for it, receipts both ways.

    var/partners/<code>/in        a data file, then <name>.json that describes and signs it (written last)
    var/partners/<code>/receipts  R1 to R4 of what came, signed by us
    var/partners/<code>/out       batches for the partner; its receipt for one comes back through `in`
    var/partners/<code>/done, refused   what was worked off

What is half there waits; a worker that was killed goes on; the same batch twice does nothing twice.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from jinzhi.foundation import calendar, rules
from jinzhi.foundation.exchange import declared, receiving
from jinzhi.foundation.places import scope
from jinzhi.network.catalogue.models import Grant
from jinzhi.network.partners import formats, intake, outlet, partnering, signatures
from jinzhi.network.partners.intake import Header, Refused
from jinzhi.network.partners.models import Batch, Call, Partner

PROTOCOL = "JINZHI-FILE-1"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
FOLDERS = ("in", "out", "receipts", "done", "refused")
LARGEST_MANIFEST = 200_000
LOCK_CLASS = 0x4A5C
PATIENCE = 3600  # seconds a description may wait for its data file before it is refused


def folder(partner: Partner) -> Path:
    return Path(settings.VAR_DIR) / "partners" / partner.code


def prepare(partner: Partner) -> Path:
    """The partner's folders, made when they are not there."""
    home = folder(partner)
    for name in FOLDERS:
        (home / name).mkdir(parents=True, exist_ok=True, mode=0o770)
    return home


@contextmanager
def alone(partner: Partner) -> Iterator[bool]:
    """Whether this process works on the partner's folder now; another may."""
    key = int.from_bytes(partner.pk.bytes[-3:], "big")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, key])
        held = cursor.fetchone()[0]
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, key])


def work_off() -> dict[str, int]:
    """Everything that lies in the folders of partners that are switched on; answers counts."""
    done = {"in": 0, "out": 0}
    with scope.acting(scope.SYSTEM):
        for partner in Partner.objects.filter(state__in=("active", "limited")):
            if "file" not in (*partner.accepts, partner.delivery):
                continue
            with alone(partner) as mine:
                if mine:
                    prepare(partner)
                    done["in"] += take_in(partner)
                    done["out"] += put_out(partner) if partner.delivery == "file" else 0
    return done


# -- what came


def take_in(partner: Partner) -> int:
    """Work off the descriptions that lie in `in`, oldest first."""
    home, count = folder(partner), 0
    waiting = [path for path in (home / "in").iterdir() if path.suffix == ".json" and not path.is_symlink()]
    for path in sorted(waiting, key=lambda p: (p.stat().st_mtime, p.name)):
        if not NAME.fullmatch(path.name) or not path.is_file():
            continue
        count += _one(partner, path)
    return count


def _one(partner: Partner, path: Path) -> bool:
    """One description: a batch, or a receipt for one of ours. False: its data file is not there yet."""
    said: dict[str, Any] = {}
    try:
        said = _description(path)
        _signed(partner, said)
        if "receipt" in said:
            _acknowledged(partner, said)
            _away(partner, path, None, "done")
            return True
        data = _data(path, said)
        if data is None:
            return False
        batch = _take(partner, said, data)
        _receipts(partner, path.stem, batch)
        _away(partner, path, data, "refused" if batch.state == Batch.State.REFUSED else "done")
        _log(
            partner,
            f"文件批次 {batch.number}",
            200,
            rows=batch.rows,
            size=data.stat().st_size if data.exists() else 0,
        )
    except Refused as fault:
        _refuse(partner, path, said, fault)
    return True


def _description(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if not size:
        raise Refused("E01", "说明文件是空的")
    if size > LARGEST_MANIFEST:
        raise Refused("E10", f"说明文件 {size} 字节，超过 {LARGEST_MANIFEST} 字节")
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise Refused("E01", "说明文件不是 UTF-8 编码的 JSON") from None
    if not isinstance(said, dict):
        raise Refused("E01", "说明文件应为一个 JSON 对象")
    return said


def _signed(partner: Partner, said: dict[str, Any]) -> None:
    if said.get("protocol") != PROTOCOL:
        raise Refused("E01", f"说明文件的 protocol 应为 {PROTOCOL}")
    content = signatures.canonical(said)
    for key in partnering.keys_in_force(partner):
        if key.algorithm != "nkey" and signatures.verify(
            key.algorithm, key.public, content, str(said.get("signature", ""))
        ):
            break
    else:
        raise Refused("E02", "签名不符，或者签名的密钥没有登记、已经停用或者到期")
    if said.get("sender") != partner.code:
        raise Refused("E01", f"sender 应为 {partner.code}")


def _data(path: Path, said: dict[str, Any]) -> Path | None:
    """The data file; None while it may still be on its way."""
    name = str(said.get("file", ""))
    if not NAME.fullmatch(name) or name.endswith(".json"):
        raise Refused("E01", "file 应为同一文件夹中的文件名，不带路径")
    data = path.with_name(name)
    if data.is_symlink() or (data.exists() and not data.is_file()):
        raise Refused("E01", f"{name} 不是普通文件")
    if not data.exists():
        if timezone.now().timestamp() - path.stat().st_mtime > PATIENCE:
            raise Refused("E01", f"没有收到数据文件 {name}")
        return None
    size = data.stat().st_size
    largest = int(rules.value("partners.file_largest", on=calendar.today()).value)
    if size > largest:
        raise Refused("E10", f"数据文件 {size} 字节，超过 {largest} 字节，请分批")
    if not size:
        raise Refused("E01", "数据文件是空的")
    return data


def _header(said: dict[str, Any]) -> Header:
    rows, schema = said.get("rows"), said.get("schema")
    if type(rows) is not int or rows < 0 or type(schema) is not int:
        raise Refused("E01", "rows、schema 应为整数")
    if not isinstance(said.get("totals", {}), dict):
        raise Refused("E01", "totals 应为对象")
    texts = {name: said.get(name, "") for name in ("batch", "dataset", "sm3", "mode", "format", "encoding")}
    if not all(isinstance(value, str) for value in texts.values()):
        raise Refused("E01", "batch、dataset、sm3、mode、format、encoding 应为文字")
    return Header(
        texts["batch"], texts["dataset"], schema, texts["sm3"].lower(), rows, texts["mode"] or "increment"
    )


def _take(partner: Partner, said: dict[str, Any], data: Path) -> Batch:
    if "file" not in partner.accepts:
        raise Refused("E09", f"{partner.name}没有约定用前置机文件提交")
    header = _header(said)
    one, grant = intake.check(partner, header)
    if formats.sm3(data) != header.digest:
        raise Refused("E01", "数据文件的 SM3 散列与说明不符，可能没有传完或者被改动")
    kind, encoding = said.get("format") or "csv", said.get("encoding") or "UTF-8"
    intake.columns(one, grant, formats.header(data, kind, encoding, one))
    with transaction.atomic():
        batch, finished = intake.open_batch(partner, "file", header)
    if finished:
        return batch
    totals = formats.Totals(one)
    named: set[str] = set()
    try:
        for row in formats.rows(data, one, kind, encoding):  # once through before anything is written
            totals.add(row.body)
            named |= row.body.keys()
        intake.columns(one, grant, named)
        if totals.rows != header.rows:
            raise Refused("E01", f"说明写 {header.rows} 条，文件有 {totals.rows} 条")
        if wrong := totals.differing(said.get("totals") or {}):
            raise Refused("E01", f"控制总数不符：{'；'.join(wrong)[:200]}")
    except Refused:
        _forget(batch)
        raise
    return intake.run(partner, batch, one, formats.rows(data, one, kind, encoding), mode=header.mode)


def _forget(batch: Batch) -> None:
    """A batch that took nothing gives its number back."""
    if receiving.position(intake.stream_of(batch.partner, batch.gateway)) <= batch.base:
        Batch.objects.filter(pk=batch.pk, state=Batch.State.OPEN).delete()


def _refuse(partner: Partner, path: Path, said: dict[str, Any], fault: Refused) -> None:
    number = said.get("batch") if isinstance(said.get("batch"), str) else path.stem
    rows = said.get("rows") if type(said.get("rows")) is int else 0
    header = Header(
        str(number),
        str(said.get("dataset", "")),
        1,
        str(said.get("sm3", "")),
        min(max(int(rows or 0), 0), 2**31 - 1),
    )
    batch = intake.refuse_batch(partner, "file", header, fault)
    batch.number = header.number
    _receipts(partner, path.stem, batch)
    name = said.get("file")
    data = (
        path.with_name(name)
        if isinstance(name, str) and NAME.fullmatch(name) and not name.endswith(".json")
        else None
    )
    _away(partner, path, data, "refused")
    _log(partner, f"文件 {path.name}", 422, reason=str(fault))


def _receipts(partner: Partner, stem: str, batch: Batch) -> None:
    """Write R1 to R4; named by the description and the content, so that no batch overwrites another's."""
    for name, content in batch.receipts.items():
        said = {
            "protocol": PROTOCOL, "receipt": name, "batch": batch.number, "partner": partner.code, "dataset": batch.dataset,
            "sm3": batch.digest, "state": batch.state, **content,
        }  # fmt: skip
        target = folder(partner) / "receipts" / f"{stem}-{batch.digest[:8] or 'none'}.{name}.json"
        write_signed(target, said)


def write_signed(target: Path, said: dict[str, Any]) -> None:
    """A JSON file with our signature, there as a whole or not at all."""
    said["signature"] = signatures.sign(signatures.canonical(said))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_text(json.dumps(said, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    draft.replace(target)


def _away(partner: Partner, path: Path, data: Path | None, where: str) -> None:
    """Move what was worked off out of the way; an older file of the same name stays beside it."""
    home = folder(partner) / where
    mark = f"{timezone.now():%Y%m%d%H%M%S%f}"
    for one in (data, path):  # the description last: without it nothing is looked at
        if one is not None and one.is_file() and not one.is_symlink():
            one.replace(home / f"{mark}-{one.name}")


def _log(partner: Partner, what: str, status: int, *, reason: str = "", rows: int = 0, size: int = 0) -> None:
    Call.objects.create(
        place=partner.place, partner=partner, gateway="file", what=what[:120], status=status, reason=reason[:200], rows=rows,
        bytes=size,
    )  # fmt: skip
    Partner.objects.filter(pk=partner.pk).update(last_seen=timezone.now())


# -- what goes out


def put_out(partner: Partner) -> int:
    """Write each finished batch of the channel as files with one signed description; answers how many batches."""
    try:
        here = outlet.standing(partner)
    except outlet.Refused:
        return 0
    outlet.number_if_alone()
    count = 0
    newest = Batch.objects.filter(partner=partner, outward=True, gateway="file").order_by("-last").first()
    after = max(
        here["acknowledged"], here["base"], newest.last if newest and newest.last <= here["numbered"] else 0
    )
    while lot := next_batch(partner, after):
        trailer, messages = lot
        _write_batch(partner, trailer, messages)
        after = trailer["last"]
        count += 1
    return count


def next_batch(
    partner: Partner, after: int
) -> tuple[dict[str, Any], list[tuple[int, str, dict[str, Any]]]] | None:
    """The first whole batch behind `after`: its trailer and (sequence, dataset, envelope)."""
    messages: list[tuple[int, str, dict[str, Any]]] = []
    while True:
        try:
            _, found, _ = outlet.page(partner, after, 1000)
        except outlet.Refused:
            return None
        for seq, dataset, text in found:
            said = json.loads(text)
            if dataset == "_batch":
                return said, messages
            messages.append((seq, dataset, said))
        if not found:
            return None
        after = found[-1][0]


def _write_batch(
    partner: Partner, trailer: dict[str, Any], messages: list[tuple[int, str, dict[str, Any]]]
) -> None:
    home, number = folder(partner) / "out", f"{partner.code}-{trailer['batch']:08d}"
    lists = []
    grants = dict(
        Grant.objects.filter(kind="partner", consumer=partner.code, inward=False)
        .order_by("since")
        .values_list("dataset", "fields")
    )
    by_dataset: dict[str, list[dict[str, Any]]] = {}
    for seq, dataset, said in messages:
        if dataset in declared.all():
            by_dataset.setdefault(dataset, []).append(said | {"seq": seq})
    for dataset, found in by_dataset.items():
        one, totals = declared.get(dataset), formats.Totals(declared.get(dataset))
        fields = grants.get(dataset) or sorted({name for said in found for name in said["body"]})
        name = f"{number}-{dataset}.{partner.file_format}"
        draft = home / f".{name}"
        formats.write(draft, one, fields, found, partner.file_format, partner.file_encoding)
        for said in found:
            totals.add({name: value for name, value in said["body"].items() if name in fields})
        draft.replace(home / name)
        lists.append(
            {"file": name, "dataset": dataset, "schema": one.schema, "rows": len(found), "totals": totals.said(),
             "sm3": formats.sm3(home / name)}
        )  # fmt: skip
    said = {
        "protocol": PROTOCOL, "batch": number, "sender": trailer["sender"], "receiver": partner.code, "mode": "increment",
        "format": partner.file_format, "encoding": partner.file_encoding, "first": trailer["first"], "last": trailer["last"],
        "rows": sum(one["rows"] for one in lists), "files": lists, "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    write_signed(home / f"{number}.json", said)
    Batch.objects.update_or_create(
        partner=partner, outward=True, number=number,
        defaults={"place": partner.place, "gateway": "file", "digest": trailer["digest"], "rows": said["rows"],
                  "base": trailer["first"] - 1, "last": trailer["last"], "state": Batch.State.SENT},
    )  # fmt: skip
    _log(partner, f"写出批次 {number}", 200, rows=said["rows"])


def _acknowledged(partner: Partner, said: dict[str, Any]) -> None:
    """A receipt for a batch of ours: R3 closes it, rows it names are kept as refused there."""
    if said.get("receipt") not in ("R1", "R2", "R3", "R4"):
        raise Refused("E01", "receipt 应为 R1、R2、R3 或者 R4")
    with transaction.atomic():
        held = (
            Batch.objects.select_for_update()
            .filter(partner=partner, outward=True, number=str(said.get("batch", ""))[:60])
            .first()
        )
        if held is None:
            raise Refused("E01", f"没有批次 {str(said.get('batch', ''))[:40]}")
        held.receipts |= {
            said["receipt"]: {k: v for k, v in said.items() if k not in ("signature", "protocol")}
        }
        if said["receipt"] == "R3" and held.state != Batch.State.DONE:
            try:
                refused = [
                    (int(r["seq"]), str(r["code"])[:3], str(r.get("reason", "")))
                    for r in said.get("rejected", [])
                ]
                outlet.acknowledge(partner, held.last, refused)
            except outlet.Refused as fault:
                raise Refused("E01", fault.message) from None
            except (KeyError, TypeError, ValueError):
                raise Refused("E01", "rejected 应为 {seq, code, reason} 的列表") from None
            held.state, held.finished_at = Batch.State.DONE, timezone.now()
            held.accepted, held.rejected = held.rows - len(refused), len(refused)
        held.save()
    for path in (folder(partner) / "out").glob(f"{held.number}*"):
        if held.state == Batch.State.DONE and path.is_file():
            path.replace(folder(partner) / "done" / path.name)
    _log(partner, f"回执 {said['receipt']} {held.number}", 200)
