"""Downloads of a long list: seconds and memory of CSV, spreadsheet and Parquet against COPY of the same columns.

100,000 enterprises, with --full a million. Each format is written by a process of its own, so its memory is its own.
"""

import os
import resource
import subprocess
import sys
import time

import django

ROWS = 1_000_000 if "--full" in sys.argv else 100_000


def one(kind: str) -> None:
    """Write the export in this process; prints seconds, CPU seconds, bytes and the peak of memory in MB."""
    from jinzhi.foundation.places import scope
    from jinzhi.registry.exports import COLUMNS, rows
    from jinzhi.registry.models import Enterprise
    from jinzhi.web import export

    with scope.acting(scope.staff(330000_000000)):
        Enterprise.objects.first()
        began, cpu, size = time.perf_counter(), time.process_time(), 0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = rows("enterprises", Enterprise.objects.all())
        first = 0.0
        for piece in export.download(kind, "企业", COLUMNS["enterprises"], found).streaming_content:
            first = first or time.perf_counter() - began
            size += len(piece)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        time.perf_counter() - began,
        time.process_time() - cpu,
        size,
        peak // 1024,
        (peak - before) // 1024,
        first,
    )


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "jinzhi.settings"}
    django.setup()
    import measured
    from django.db import connections

    if sys.argv[1:2] == ["--one"]:
        connections["default"].settings_dict.update(
            NAME=measured.NAME, HOST=sys.argv[3], PORT="5432", USER=sys.argv[4]
        )
        one(sys.argv[2])
        return
    import generating

    from jinzhi.registry.exports import COLUMNS

    with measured.database():
        generating.fill(ROWS)
        measured.analyzed()
        place = connections["default"].settings_dict
        with measured.superuser() as owner:
            began = time.perf_counter()
            columns = ", ".join(COLUMNS["enterprises"])
            command = f"COPY (SELECT {columns} FROM registry_enterprise ORDER BY id) TO STDOUT (FORMAT csv)"
            with owner.cursor().copy(command) as copy:
                size = sum(len(piece) for piece in copy)
            base = time.perf_counter() - began
        print(f"export | COPY of {ROWS:,} rows | {base:.1f} s, {size / 1e6:.0f} MB | 1.0x", flush=True)
        for kind in ("csv", "xlsx", "parquet"):
            told = subprocess.run(
                [sys.executable, __file__, "--one", kind, str(place["HOST"]), place["USER"]],
                capture_output=True, text=True, check=True,
            ).stdout.split()  # fmt: skip
            took, cpu, size, peak, grown, first = map(float, told)
            print(
                f"export | {kind} | {took:.1f} s ({cpu:.1f} s CPU), {size / 1e6:.0f} MB, first byte after {first:.2f} s, "
                f"peak memory {peak:.0f} MB (+{grown:.0f}) | {took / base:.1f}x",
                flush=True,
            )


if __name__ == "__main__":
    main()
