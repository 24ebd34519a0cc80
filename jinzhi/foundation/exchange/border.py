"""The border: is a message that arrived well formed, from somebody who may send it, and true to its dataset?

Codes of refusal (services reference F.3): E01 envelope, E03 schema, E04 code value, E05 check digit, E06 double,
E07 what it refers to is not here, E08 version, E09 not the sender's to send, E10 size.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from jinzhi.foundation.codes import schemes
from jinzhi.foundation.exchange import declared
from jinzhi.foundation.exchange.declared import Dataset, Field

LARGEST = 1_000_000
LAST_PLACE = 999_999_999_999  # twelve digits
NODE = re.compile("[0-9]{6}")  # a node is named by its division code


@dataclass(frozen=True)
class Sender:
    """Who is at the other end of a stream, as its certificate and account say, not as its messages say.

    `lo`–`hi`: the places it owns. `datasets`: what it may send (None: whatever is declared); `items`: which items of
    each (None: all of them). `verify` checks the signature of a batch's trailer.
    """

    node: str
    kind: str  # city, hub, partner
    lo: int = 0
    hi: int = LAST_PLACE
    datasets: frozenset[str] | None = None
    largest: int = LARGEST
    verify: Callable[[bytes, str], bool] | None = None
    items: Mapping[str, frozenset[str]] | None = None


@dataclass
class Message:
    """One message as read: either `refusal` (code, reason) is set or everything else holds."""

    seq: int
    size: int
    raw: bytes
    dataset: str = "?"
    record: str | None = None
    version: int | None = None
    op: str = "?"
    owner: str = ""
    place: int = 0
    at: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    reason: str = ""
    waits_for: str | None = None
    vouched: bool = False  # an earlier message of the same lot brought the record that this one transfers
    part: int = 0  # what it adds to the digest of its batch
    control: tuple[str, dict] | None = (
        None  # (kind, body) of a message between nodes, which is about no record
    )
    trailer: bool = False  # the end of a batch

    def refuse(self, code: str, reason: str) -> "Message":
        self.code, self.reason = code, clean(reason)
        return self


def clean(text: str) -> str:
    """`text` as the database can keep it: no NUL, no half characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def read(seq: int, raw: bytes, sender: Sender) -> Message:
    """One record's message, checked as far as that goes without the database."""
    message = Message(seq, len(raw), raw)
    if len(raw) > sender.largest:
        return message.refuse("E10", f"消息 {len(raw)} 字节，超过上限 {sender.largest} 字节")
    try:
        said = json.loads(raw.decode())
        message.dataset = clean(str(said["dataset"]))[:60]
        message.record = str(UUID(said["id"]))
        message.version, message.op = said["version"], said["op"]
        message.owner, message.place, message.at = said["owner"], said["place"], said["at"]
        message.body = said["body"]
        schema = said["schema"]
    except UnicodeDecodeError:
        return message.refuse("E01", "不是 UTF-8 编码的 JSON")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return message.refuse("E01", f"信封不完整：{str(error)[:80]}")
    except RecursionError:
        return message.refuse("E01", "嵌套过深")
    well = (
        type(message.version) is int and 1 <= message.version < 2**31 and message.op in ("u", "d", "t")
        and isinstance(message.owner, str) and len(message.owner) <= 12 and isinstance(message.at, str)
        and type(message.place) is int and 0 <= message.place <= LAST_PLACE
        and isinstance(message.body, dict) and type(schema) is int
    )  # fmt: skip
    if not well:
        return message.refuse("E01", "信封中的版本、操作、归属或地点不合规定")
    try:
        dataset = declared.get(message.dataset)
    except declared.Undeclared:
        return message.refuse("E03", f"没有登记的数据集：{message.dataset}")
    if not _may_send(message, dataset, sender):
        return message
    if not dataset.compatible_from <= schema <= dataset.schema + 1:
        return message.refuse(
            "E03",
            f"{dataset.title}的结构版本 {schema} 不能读取，本节点能读 {dataset.compatible_from} 至 {dataset.schema + 1}",
        )
    if message.op != "d":
        _check_body(message, dataset, newer=schema > dataset.schema)
    if sender.items is not None and not message.code:
        _check_items(message, dataset, sender.items.get(dataset.key, frozenset()))
    return message


def _may_send(message: Message, dataset: Dataset, sender: Sender) -> bool:
    if sender.datasets is not None and dataset.key not in sender.datasets:
        message.refuse("E09", f"没有授权 {sender.node} 提供{dataset.title}")
    elif sender.kind == "city":
        if message.owner != sender.node and message.op != "t":
            message.refuse("E09", f"记录归 {message.owner}，不归发送方 {sender.node}")
        elif not sender.lo <= message.place <= sender.hi and message.op != "t":
            message.refuse("E09", f"地点 {message.place} 不在发送方的辖区内")
        elif message.op == "t" and not NODE.fullmatch(message.owner):
            message.refuse("E09", f"不能移交给 {message.owner}：不是节点")
        elif dataset.flow not in ("up", "both"):
            message.refuse("E09", f"{dataset.title}不由市级上报")
    elif sender.kind == "partner":
        if message.owner != sender.node:
            message.refuse("E09", f"记录归 {message.owner}，不归发送方 {sender.node}")
        elif message.op == "t":
            message.refuse("E09", "外部伙伴不能移交记录")
        elif not sender.lo <= message.place <= sender.hi:
            message.refuse("E09", f"地点 {message.place} 不在约定的范围内")
    return not message.code


def _check_body(message: Message, dataset: Dataset, *, newer: bool) -> None:
    body = message.body
    if unknown := body.keys() - dataset.known:
        if not newer:
            message.refuse("E03", f"没有登记的信息项：{'、'.join(sorted(map(str, unknown)))[:120]}")
            return
        for name in unknown:
            del body[name]
    for key, plain, length, item in dataset.items:
        value = body.get(key)
        if value is None or value == "":
            if item.required:
                message.refuse("E03", f"缺少{item.title}")
                return
        elif plain and type(value) is str and len(value) <= length and "\x00" not in value:
            continue  # most items of most records
        elif problem := _wrong(item, value):
            message.refuse(*problem)
            return


def _check_items(message: Message, dataset: Dataset, granted: frozenset[str]) -> None:
    """Nothing but granted items, in deletions too; what a dataset does not know at all has been judged before."""
    closed = [name for name in sorted(message.body.keys() & dataset.known) if name not in granted]
    if closed:
        words = "、".join(dataset.by_key[name].title if name in dataset.by_key else name for name in closed)
        message.refuse("E09", f"没有授权提供这些信息项：{words[:160]}")


def _wrong(item: Field, value: Any) -> tuple[str, str] | None:
    if not CHECKS[item.type](value):
        kind = declared.TYPES[item.type]
        return "E03", f"{item.title}应为{kind}，收到“{str(value)[:40]}”"
    if item.length and isinstance(value, str) and len(value) > item.length:
        return "E03", f"{item.title}超过 {item.length} 个字"
    if item.codes and value not in item.codes:
        return "E04", f"{item.title}的代码“{str(value)[:40]}”不在代码集内"
    if item.scheme and not schemes.check(item.scheme, value).valid:
        return "E05", f"{item.title}“{str(value)[:40]}”校验码不符"
    return None


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\x00" not in value


def _decimal(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return False
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _reads(parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(parse(value))
        except ValueError:
            return False

    return check


CHECKS: dict[str, Callable[[Any], bool]] = {
    "text": _text,
    "integer": lambda value: type(value) is int and abs(value) < 2**63,
    "decimal": _decimal,
    "date": _reads(lambda value: len(value) == 10 and date.fromisoformat(value)),
    "datetime": _reads(datetime.fromisoformat),
    "boolean": lambda value: type(value) is bool,
    "uuid": _reads(UUID),
    "json": lambda value: isinstance(value, (dict, list)),
}
