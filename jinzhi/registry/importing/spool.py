"""The checked rows of an import, on disk between reading and merging.

One folder for each batch: numbered slices of good records, refused rows as lines of JSON, and how far it came.
A slice counts once it is renamed to its final name, so an import that was killed goes on after its last whole
slice. Nothing here is in the register yet.
"""

import heapq
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
from django.conf import settings

from jinzhi.registry.importing.checking import Refusal

DUPLICATE_KEYS = ("once", "also", "other")


def folder(name: str) -> Path:
    return Path(settings.VAR_DIR) / "imports" / name


@dataclass
class Progress:
    """What was read so far; `signature` tells whether it belongs to the same file and mapping."""

    signature: str = ""
    slices: int = 0
    read: int = 0
    refused: int = 0
    position: int = 0
    complete: bool = False


class Spool:
    """Slices of one batch in `place`."""

    def __init__(self, place: Path, signature: str):
        self.place = place
        self.progress = self._found(signature)
        place.mkdir(parents=True, exist_ok=True)

    def _found(self, signature: str) -> Progress:
        try:
            held = Progress(**json.loads((self.place / "progress.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            held = Progress()
        if held.signature == signature:
            return held
        self.remove()
        return Progress(signature)

    def add(self, records: pl.DataFrame, refusals: list[Refusal], read: int, position: int) -> None:
        """Keep a slice; after this call it is read again after a kill instead of the file."""
        number = self.progress.slices
        if records.height:
            records.write_ipc(self._slice(number), compression="lz4")
        if refusals:
            with self._refused(number).open("w", encoding="utf-8") as file:
                file.writelines(_line(r) for r in refusals)
        self.progress.slices += 1
        self.progress.read += read
        self.progress.refused += len(refusals)
        self.progress.position = max(position, self.progress.position)
        self._write()

    def finish(self) -> None:
        self.progress.complete = True
        self._write()

    def _write(self) -> None:
        draft = self.place / "progress.json.new"
        draft.write_text(json.dumps(asdict(self.progress)), encoding="utf-8")
        draft.replace(self.place / "progress.json")

    def slices(self, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
        """The good records, slice by slice, in the order of the file."""
        for number in range(self.progress.slices):
            path = self._slice(number)
            if path.exists():
                yield pl.read_ipc(path, columns=columns)

    def refusals(self, later: Iterable[Refusal] = ()) -> Iterator[Refusal]:
        """Refused rows by line: those found while reading, and `later` ones (sorted)."""
        return heapq.merge(self._refusals(), later, key=lambda r: r.line)

    def _refusals(self) -> Iterator[Refusal]:
        for number in range(self.progress.slices):
            path = self._refused(number)
            if path.exists():
                with path.open(encoding="utf-8") as file:
                    yield from (Refusal(**json.loads(line)) for line in file)

    def _slice(self, number: int) -> Path:
        return self.place / f"{number:06d}.arrow"

    def _refused(self, number: int) -> Path:
        return self.place / f"{number:06d}.refused"

    def remove(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)


def _line(refusal: Refusal) -> str:
    return json.dumps(asdict(refusal), ensure_ascii=False) + "\n"


def repeated(spool: Spool) -> dict[int, int]:
    """Lines that repeat a former accepted line (by any of its keys), and that line.

    Only hashes of the keys are held for all rows; the keys themselves for those whose hash occurs twice.
    """
    suspects: dict[str, set[int]] = {}
    for column in DUPLICATE_KEYS:
        parts = [
            part.filter(pl.col(column) != "").select(pl.col(column).hash().alias("h"))
            for part in spool.slices([column])
        ]
        hashes = pl.concat(parts)["h"] if parts else pl.Series("h", [], dtype=pl.UInt64)
        twice = hashes.filter(hashes.is_duplicated()).unique()
        if twice.len():
            suspects[column] = set(twice)
    if not suspects:
        return {}
    return _repeated(spool, suspects)


def _repeated(spool: Spool, suspects: dict[str, set[int]]) -> dict[int, int]:
    first: dict[str, dict[str, int]] = {column: {} for column in DUPLICATE_KEYS}
    found: dict[int, int] = {}
    for part in spool.slices(["line", *DUPLICATE_KEYS]):
        mask = pl.lit(False)
        for column, hashes in suspects.items():
            mask |= (pl.col(column) != "") & pl.col(column).hash().is_in(list(hashes))
        for row in part.filter(mask).iter_rows(named=True):
            keys = [(c, row[c]) for c in DUPLICATE_KEYS if row[c]]
            before = [first[c][k] for c, k in keys if k in first[c]]
            if before:
                found[row["line"]] = min(before)
            else:
                for column, key in keys:
                    first[column][key] = row["line"]
    return found
