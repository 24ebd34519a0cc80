# ruff: noqa: S608  statements are put together from names of this file; values are bound
"""Records into the register, as sets: staged by COPY, matched, judged; only then anything is written.

Rows are matched by code first (a credit code contains its organisation code), then by a former code, then by a
number of another register, never by name. What cannot be merged is refused with its reason and leaves no trace.
Everything happens in the caller's transaction; a dry run ends after the judgement. Matching sees the whole
register, so that a code entered elsewhere is known; writing happens with the eyes of the person importing.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db import connection
from django.utils import timezone
from uuid_utils import uuid7

from jinzhi.foundation.places import scope
from jinzhi.foundation.places.models import this_node
from jinzhi.registry import facts
from jinzhi.registry.importing import statements as sql
from jinzhi.registry.importing.checking import TEXTS
from jinzhi.registry.importing.fields import CERTIFICATE, DATES, ENTERPRISE, ENTRY_KINDS
from jinzhi.registry.importing.mapping import Mapping
from jinzhi.registry.pinyin import initials

Line = tuple[int, str, str, str]  # line, field, value, reason


@dataclass
class Merged:
    """How many rows became what."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class Merge:
    """One import: `stage` the records, `judge` them, then `write`."""

    def __init__(self, mapping: Mapping, batch: str | None, tell: Callable[[str], None] = lambda stage: None):
        self.mapping, self.batch, self.tell = mapping, batch, tell
        self.own = scope.current()
        self.cursor = connection.cursor()
        self.has: set[str] = set()
        self.parameters: dict[str, Any] = {
            "source": mapping.source,
            "scheme": mapping.scheme,
            "node": this_node(),
            "batch": batch,
            "today": timezone.localdate(),
            "source_on": mapping.source_on,
            "section": ENTRY_KINDS.get(mapping.kind, ("", ""))[0],
            "words": ENTRY_KINDS.get(mapping.kind, ("", ""))[1],
            "published": mapping.published,
            "rank": facts.rank_of(mapping.source),
            "lo": self.own.lo if self.own.face == "staff" else 0,
            "hi": self.own.hi if self.own.face == "staff" else 10**12,
        }

    def may_begin(self) -> bool:
        """Whether no other import is writing; holds them off until the end of the transaction."""
        self.cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('registry.import'))")
        return bool(self.cursor.fetchone()[0])  # type: ignore[index]

    # an empty register

    def register_is_empty(self) -> bool:
        """Whether there is nothing to match with: then rows go in directly."""
        if self.mapping.kind != ENTERPRISE:
            return False
        with scope.acting(scope.SYSTEM):
            self.cursor.execute(
                "SELECT NOT EXISTS (SELECT 1 FROM registry_enterprise)"
                " AND NOT EXISTS (SELECT 1 FROM registry_identifier)"
            )
            return self.cursor.fetchone()[0]  # type: ignore[index]

    def fill(self, records: Iterable[pl.DataFrame], *, lay_down_indexes: bool) -> Merged:
        """Copy the records into an empty register; raises when somebody filled it meanwhile."""
        made: list[str] = []
        self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index is not made over checks still to come
        with scope.acting(scope.SYSTEM):
            if lay_down_indexes:
                self.cursor.execute("SELECT registry_lay_down_indexes()")
                made = [row[0] for row in self.cursor.fetchall()]
            else:
                self.cursor.execute("LOCK TABLE registry_enterprise IN SHARE ROW EXCLUSIVE MODE")
        done = Merged()
        for part in records:
            rows = self._new_enterprises(part)
            insert_rows(self.cursor, "registry_enterprise", rows)
            self._copy_identifiers(part, rows)
            done.created += part.height
            self.tell("merging")
        with scope.acting(scope.SYSTEM):
            for statement in made:
                self.cursor.execute("SELECT registry_make_index(%s)", [statement])
                self.tell("merging")
        return done

    def _new_enterprises(self, part: pl.DataFrame) -> pl.DataFrame:
        now = timezone.now().isoformat()
        return part.select(
            _uuids(part.height),
            "place",
            owner_node=pl.lit(this_node()),
            version=pl.lit(1),
            created_at=pl.lit(now),
            updated_at=pl.lit(now),
            name="name",
            uscc="uscc",
            org_code=pl.when(pl.col("org_code") == "")
            .then(pl.col("uscc").str.slice(8, 9))
            .otherwise("org_code"),
            kind=_or("enterprise_kind", "company"),
            legal_representative="legal_representative",
            address="address",
            premises_address="premises",
            industry="industry",
            economic_type="economic_type",
            founded_on="founded_on",
            status=_or("enterprise_status", "active"),
            source=pl.lit(self.mapping.source),
            source_on=pl.coalesce("source_on", pl.lit(self.mapping.source_on, dtype=pl.Date)),
            received_on=pl.lit(self.parameters["today"]),
            batch=pl.lit(self.batch, dtype=pl.String),
            initials=_initials(part["name"]),
            is_demo=pl.lit(value=False),
            remark=pl.lit(""),
        )

    def _copy_identifiers(self, part: pl.DataFrame, rows: pl.DataFrame) -> None:
        for column, scheme in (
            ("registration_number", "registration_number"),
            ("identifier", self.mapping.scheme),
        ):
            if not (part[column] != "").any():
                continue
            given = part.select("place", value=column, enterprise_id=rows["id"]).filter(pl.col("value") != "")
            now = timezone.now().isoformat()
            found = given.select(
                _uuids(given.height), "place", "value", "enterprise_id", owner_node=pl.lit(this_node()),
                version=pl.lit(1), created_at=pl.lit(now), updated_at=pl.lit(now), scheme=pl.lit(scheme),
                source=pl.lit(self.mapping.source),
            )  # fmt: skip
            insert_rows(self.cursor, "registry_identifier", found)

    # a register with rows

    def stage(self, records: Iterable[pl.DataFrame]) -> None:
        """Copy the records into a temporary table."""
        with scope.acting(scope.SYSTEM):
            self.cursor.execute("DROP TABLE IF EXISTS registry_stage, registry_match, registry_change")
            self.cursor.execute(sql.CREATE_STAGE)
            for part in records:
                self.has |= {c for c in TEXTS if c not in self.has and (part[c] != "").any()}
                ids = {"new_enterprise": _uuid_list(part.height)}
                if self.mapping.kind != ENTERPRISE:
                    ids["new_record"] = _uuid_list(part.height)
                frame = part.with_columns(
                    *(pl.Series(name, values) for name, values in ids.items()),
                    org_code=pl.when(pl.col("org_code") == "")
                    .then(pl.col("uscc").str.slice(8, 9))
                    .otherwise("org_code"),
                    initials=_initials(part["name"]),
                    newest=pl.col(self.mapping.newest_by)
                    if self.mapping.newest_by
                    else pl.lit(None, dtype=pl.Date),
                    key=pl.col("key"),
                )
                columns = [c for c in sql.STAGED if c in frame.columns]
                copy_rows(self.cursor, "registry_stage", frame.select(columns))
                self.tell("merging")
            self.cursor.execute("ANALYZE registry_stage")

    def judge(self) -> tuple[Merged, list[Line]]:
        """What each staged row will become, and the rows that cannot be merged. Writes temporary tables only."""
        with scope.acting(scope.SYSTEM):
            self._run(*sql.match(self.has, self.mapping))
            if self.mapping.kind == CERTIFICATE:
                self._run(*sql.MATCH_CERTIFICATES)
            elif self.mapping.is_entry:
                self._run(*sql.MATCH_ENTRIES)
            self._run(*(sql.REFUSE_SAME if self.mapping.kind == ENTERPRISE else sql.CHOOSE))
            self._run(*self._change(), "ANALYZE registry_change")
            if self.mapping.kind == CERTIFICATE:
                self._run(*sql.judge_certificates(self.mapping.fields))
            elif self.mapping.is_entry:
                self._run(*sql.JUDGE_ENTRIES)
            self.cursor.execute(sql.COUNT_ENTERPRISES if self.mapping.kind == ENTERPRISE else sql.COUNT)
            counts = dict(self.cursor.fetchall())
            refused = counts.pop("refused", 0)
            lines: list[Line] = []
            if refused:
                self.cursor.execute(sql.REFUSED)
                lines = self.cursor.fetchall()
            self.cursor.execute(
                "GRANT SELECT ON registry_stage, registry_match, registry_change TO jinzhi_staff"
            )
        return Merged(**counts), lines

    def write(self) -> None:
        """Bring the judged rows into the register."""
        self._run(*sql.enter_enterprises(self.mapping.kind))
        self.tell("merging")
        if columns := self._changing():
            self._run(sql.keep_differing(columns))
        self._run(*sql.update_enterprises(columns, register=self.mapping.kind == ENTERPRISE))
        self.tell("merging")
        self._run(*sql.identify(self.has))
        if self.mapping.kind == CERTIFICATE:
            self._run(*sql.write_certificates(self.mapping.fields))
        elif self.mapping.is_entry:
            self._run(*sql.WRITE_ENTRIES)
        with scope.acting(scope.SYSTEM):
            self.cursor.execute("DROP TABLE registry_stage, registry_match, registry_change")

    def _changing(self) -> dict[str, str]:
        """Stage column -> column of the register, of what this mapping may bring."""
        return {s: c for s, c in sql.ENTERPRISE_COLUMNS.items() if s in self.mapping.fields}

    def _change(self) -> list[str]:
        self.cursor.execute(sql.ANY_LOCK, self.parameters)
        locked = self.cursor.fetchone()[0]  # type: ignore[index]
        self.cursor.execute(sql.OTHER_SOURCES, self.parameters)
        others = {source: facts.rank_of(source) for (source,) in self.cursor.fetchall()}
        rank, kind = self.parameters["rank"], facts.kind_of(self.mapping.source)
        self.parameters |= {
            "higher": [source for source, other in others.items() if other > rank],
            "lower": [source for source, other in others.items() if other < rank],
            "kin": [
                source for source in others if not source or facts.kind_of(source) == "registration" == kind
            ],
        }
        return sql.change(self._changing(), register=self.mapping.kind == ENTERPRISE, locked=locked)

    def _run(self, *statements: str) -> None:
        for statement in statements:
            self.cursor.execute(statement, self.parameters if "%(" in statement else None)


def copy_rows(cursor, table: str, frame: pl.DataFrame) -> None:
    """COPY into a temporary table of our own (row security allows it for no other)."""
    columns = ", ".join(f'"{c}"' for c in frame.columns)
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        for part in frame.iter_slices(20_000):
            copy.write(part.write_csv(include_header=False, quote_style="necessary", null_value=""))


def insert_rows(cursor, table: str, frame: pl.DataFrame) -> None:
    """Insert many rows with the rights of the scope: copied beside, then inserted by one statement."""
    columns = ", ".join(f'"{c}"' for c in frame.columns)
    cursor.execute(
        f"CREATE TEMPORARY TABLE registry_piece ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0"
    )
    copy_rows(cursor, "registry_piece", frame)
    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM registry_piece")
    cursor.execute("DROP TABLE registry_piece")


def _or(column: str, default: str) -> pl.Expr:
    return pl.when(pl.col(column) == "").then(pl.lit(default)).otherwise(column)


def _uuid_list(count: int) -> list[str]:
    return [str(uuid7()) for _ in range(count)]


def _uuids(count: int) -> pl.Series:
    return pl.Series("id", _uuid_list(count), dtype=pl.String)


def _initials(names: pl.Series) -> pl.Series:
    return pl.Series("initials", [initials(n) for n in names], dtype=pl.String)


def with_keys(records: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Add `key`, the same in rows of one holder, and what no second row may have: `once`, `also`, `other`."""
    org = pl.when(pl.col("org_code") != "").then("org_code").otherwise(pl.col("uscc").str.slice(8, 9))
    number = pl.col("registration_number")
    own = pl.when(pl.col("identifier") != "").then(pl.format("{}:{}", pl.lit(mapping.scheme), "identifier"))
    by_number = pl.when(number != "").then(pl.format("reg:{}", number))
    holder = pl.coalesce(pl.when(org != "").then(pl.format("org:{}", org)), own, by_number, pl.lit(""))
    if mapping.kind == ENTERPRISE:
        also, other = pl.coalesce(by_number, pl.lit("")), pl.coalesce(own, pl.lit(""))
        return records.with_columns(key=holder, once=holder, also=also, other=other)
    if mapping.kind == CERTIFICATE:
        plain = (
            pl.col("number").str.normalize("NFKC").str.to_uppercase().str.replace_all(r"[\s_.\-·‐-―]+", "")
        )
        keyed = pl.format("certificate:{}", plain)
        holder = pl.when(holder == "").then(keyed).otherwise(holder)
        return records.with_columns(key=holder, once=keyed, also=pl.lit(""), other=pl.lit(""))
    texts = [pl.col(c) for c in ("source_key", "title", "facts", "name")]
    days = [pl.col(c).cast(pl.String).fill_null("") for c in DATES]
    content = pl.concat_str([holder, *texts, *days], separator="\x1f")
    with_content = records.with_columns(key=holder, content=content)
    if (records["source_key"] == "").any():
        keys = [_digest(c) for c in with_content["content"]]
        with_content = with_content.with_columns(
            source_key=pl.when(pl.col("source_key") == "").then(pl.Series(keys)).otherwise("source_key")
        )
    section = ENTRY_KINDS[mapping.kind][0]
    with_content = with_content.with_columns(source_key=pl.format("{}:{}", pl.lit(section), "source_key"))
    none = {"also": pl.lit(""), "other": pl.lit("")}
    return with_content.drop("content").with_columns(once=pl.col("source_key"), **none)


def _digest(text: str) -> str:

    return hashlib.sha256(text.encode()).hexdigest()[:40]
