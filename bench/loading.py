"""A register of enterprises loaded, then its deltas, against plain COPY of the same rows into the same indexed tables.

Times are wall seconds; CPU is that of this process and of the database's backend. The plain COPY is the superuser's:
finished rows, no check, no history. `--full`: ten million rows (default one million), or JINZHI_BENCH_ROWS.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import django

ROWS = int(os.environ.get("JINZHI_BENCH_ROWS", "10000000" if "--full" in sys.argv else "1000000"))
MAPPING = {
    "kind": "enterprise",
    "source": "登记机关",
    "fields": {
        "uscc": "统一社会信用代码", "name": "企业名称", "legal_representative": "法定代表人", "address": "住所",
        "place": "区划代码", "industry": "行业代码", "founded_on": "成立日期", "enterprise_status": "登记状态",
        "enterprise_kind": "企业类型",
    },
}  # fmt: skip
COLUMNS = (
    "id, place, owner_node, version, created_at, updated_at, name, uscc, org_code, kind, legal_representative,"
    " address, premises_address, industry, economic_type, founded_on, status, source, source_on, received_on, batch,"
    " initials, is_demo, remark"
)


class Spent:
    """Wall and CPU seconds of a block, of this process and of the backend `pid`."""

    def __init__(self, pid: int):
        self.pid = pid

    def __enter__(self) -> "Spent":
        from measured import backend_cpu

        self.began = time.perf_counter(), time.process_time(), backend_cpu(self.pid)
        return self

    def __exit__(self, *_) -> None:
        from measured import backend_cpu

        wall, own, base = self.began
        self.wall = time.perf_counter() - wall
        self.own, self.base = time.process_time() - own, backend_cpu(self.pid) - base

    @property
    def cpu(self) -> float:
        return self.own + self.base


def loaded(path: Path) -> Spent:
    from django.db import connection

    from jinzhi.registry.importing import running

    connection.ensure_connection()
    with Spent(connection.connection.info.backend_pid) as spent:
        outcome = running.run(path, MAPPING)
    print(f"  {path.name}: {outcome.as_dict()}", flush=True)
    assert outcome.refused == 0 and outcome.accepted == outcome.read
    return spent


def finished_rows(base, where: str, made: Path) -> None:
    """The rows as the register holds them, as a file for COPY."""
    with (
        made.open("wb") as file,
        base.cursor().copy(
            f"COPY (SELECT {COLUMNS} FROM registry_enterprise {where} ORDER BY id) TO STDOUT"
        ) as copy,
    ):
        for piece in copy:
            file.write(piece)


def copied(base, made: Path) -> Spent:
    with Spent(base.info.backend_pid) as spent:
        with (
            made.open("rb") as file,
            base.cursor().copy(f"COPY registry_enterprise ({COLUMNS}) FROM STDIN") as copy,
        ):
            while piece := file.read(1 << 20):
                copy.write(piece)
        base.commit()
    return spent


def told(what: str, ours: Spent, plain: Spent, rows: int) -> None:
    print(
        f"loading | {what} | {rows} rows | {ours.wall:.1f} s, {ours.cpu / rows * 1e6:.1f} µs CPU a row"
        f" (own {ours.own / rows * 1e6:.1f}) | COPY {plain.wall:.1f} s, {plain.cpu / rows * 1e6:.1f} µs"
        f" | time {ours.wall / plain.wall:.2f}x, CPU {ours.cpu / plain.cpu:.2f}x",
        flush=True,
    )


def delta(folder: Path, share: int) -> Path:
    """A file in which each `share`-th enterprise has another name and people."""
    import generating

    path = folder / f"delta-{100 // share}.csv"
    generating.write(ROWS, path, seed=share, where=f'WHERE hash(r."统一社会信用代码") % {share} = 0')
    return path


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "jinzhi.settings"
    django.setup()
    import generating
    from measured import analyzed, database, superuser

    with tempfile.TemporaryDirectory(dir=os.environ.get("JINZHI_BENCH_TMP")) as name, database(large=True):
        folder = Path(name)
        register = folder / "register.csv"
        print(
            f"generated in {generating.write(ROWS, register):.1f} s, {register.stat().st_size >> 20} MB",
            flush=True,
        )
        first = loaded(register)
        analyzed()
        with superuser() as base:
            made = folder / "rows"
            finished_rows(base, "", made)
            base.execute("TRUNCATE registry_enterprise CASCADE")
            base.commit()
            told("first load", first, copied(base, made), ROWS)
            made.unlink()
        analyzed()
        same = loaded(register)
        print(
            f"loading | the same file again | {same.wall:.1f} s, {same.cpu / ROWS * 1e6:.1f} µs CPU a row",
            flush=True,
        )
        for share in (100, 10):
            path = delta(folder, share)
            with path.open("rb") as file:
                rows = sum(1 for _ in file) - 1
            ours = loaded(path)
            analyzed()
            with superuser() as base:
                base.execute(
                    "CREATE TEMP TABLE brought AS SELECT record AS id FROM registry_importchange WHERE batch_id ="
                    " (SELECT id FROM registry_importbatch ORDER BY id DESC LIMIT 1)"
                )
                finished_rows(base, "WHERE id IN (SELECT id FROM brought)", made)
                base.execute("ALTER TABLE registry_enterprise DISABLE TRIGGER ALL")
                base.execute("DELETE FROM registry_enterprise WHERE id IN (SELECT id FROM brought)")
                base.commit()
                told(f"{100 // share} % delta", ours, copied(base, made), rows)
                base.execute("ALTER TABLE registry_enterprise ENABLE TRIGGER ALL")
                base.commit()
        print(
            f"peak memory of the importing process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB"
        )


if __name__ == "__main__":
    main()
