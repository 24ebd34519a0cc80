"""What the signed interface of partners takes and answers."""

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

MOST_ROWS = 5000
MOST_MESSAGES = 2000


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class OwnKey(Schema):
    """The key this installation signs trailers, files and receipts with."""

    algorithm: str
    public: str


class GrantAnswer(Schema):
    dataset: str
    title: str
    direction: str
    fields: list[str]
    area: int
    since: date
    until: date


class Me(Schema):
    """A partner's own standing. `channel` is null while nothing is granted."""

    code: str
    name: str
    state: str
    max_payload: int
    rate_per_minute: int
    connections: int
    places: list[int]
    delivery: str
    accepts: list[str]
    grants: list[GrantAnswer]
    channel: dict[str, Any] | None


class Row(Strict):
    """One record. `key` may be left out where the dataset's key items are in `body`; `version` where we count it.

    `place` is the 12-digit division the record belongs to.
    """

    op: Literal["u", "d"] = "u"
    key: Annotated[str, Field(max_length=120)] = ""
    version: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None
    place: Annotated[int, Field(ge=0, le=999_999_999_999)] | None = None
    at: Annotated[str, Field(max_length=40)] = ""
    body: dict[str, Any]


class Push(Strict):
    """A batch of records of one dataset. `full`: the whole set; what is not in it any more is deleted."""

    batch: Annotated[str, Field(min_length=1, max_length=60)]
    dataset: Annotated[str, Field(max_length=60)]
    schema_version: Annotated[int, Field(alias="schema", ge=1, le=32_000)] = 1
    mode: Literal["increment", "full"] = "increment"
    count: Annotated[int, Field(ge=0)] | None = None
    rows: Annotated[list[Row], Field(max_length=MOST_ROWS)]


class BatchAnswer(Schema):
    """A batch with its receipts: R1 received, R2 read, R3 applied, R4 what was refused of it and why."""

    batch: str
    dataset: str
    state: str
    rows: int
    accepted: int
    rejected: int
    repeated: bool
    reason: str
    receipts: dict[str, Any]


class Message(Schema):
    """`payload` is JSON text, always the same bytes for the same `seq`; `dataset` is "_batch" for a trailer."""

    seq: int
    dataset: str
    payload: str


class Messages(Schema):
    after: int
    next: int
    more: bool
    acknowledged: int
    numbered: int
    messages: list[Message]


class RefusedMessage(Strict):
    seq: Annotated[int, Field(ge=1)]
    code: Annotated[str, Field(pattern=r"^E(0[1-9]|10)$")]
    reason: Annotated[str, Field(max_length=200)] = ""


class Acknowledgement(Strict):
    """Everything up to `upto` has been kept. `digests`: batch number to the digest the partner counted."""

    upto: Annotated[int, Field(ge=0, le=2**62)]
    refused: Annotated[list[RefusedMessage], Field(max_length=MOST_MESSAGES)] = []
    digests: dict[int, str] = {}


class Acknowledged(Schema):
    acknowledged: int
    batches: list[int]


class Replay(Strict):
    dataset: Annotated[str, Field(max_length=60)]


class Replayed(Schema):
    dataset: str
    records: int


class Wanted(Strict):
    """A request for access; nothing is given without purpose, items and an end."""

    dataset: Annotated[str, Field(max_length=80)]
    purpose: Annotated[str, Field(max_length=500)]
    legal_basis: Annotated[str, Field(max_length=300)] = ""
    fields: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=200)]
    area: Annotated[int, Field(ge=0, le=999_999_999_999)]
    since: date | None = None
    until: date | None = None
    existing: bool = True


class RequestAnswer(Schema):
    number: str
    dataset: str
    state: str
    answer_due: date
    answer: str


class Doubt(Strict):
    """A value that is wrong: `record` is the id of a message that was received."""

    dataset: Annotated[str, Field(max_length=60)]
    record: Annotated[str, Field(max_length=40)]
    field: Annotated[str, Field(max_length=60)]
    wanted: Annotated[str, Field(max_length=2000)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class DoubtAnswer(Schema):
    id: str
    state: str
    answer_due: date


class Recognition(Schema):
    """Whether a report of another province counts here, and why not."""

    report: str
    recognised: bool
    reasons: list[str]
    scope: str
    issuing_body: str
    tested_on: date | None
    valid_to: date | None
    limits: str


class OpenDoubt(Schema):
    """A doubt about a record this partner keeps: send a new version, then it settles itself."""

    id: str
    dataset: str
    record: str
    title: str
    field: str
    present: str
    wanted: str
    reason: str
    raised_on: date
    answer_due: date
