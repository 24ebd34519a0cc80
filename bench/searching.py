"""Searching a register by whatever people know of a name: milliseconds by kind of question and scope.

200,000 names, with --full ten million (some fifteen minutes, most of it filling); JINZHI_BENCH_NAMES sets another
number. The first line is what the same question costs without our indexes.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable

import django

NAMES = int(os.environ.get("JINZHI_BENCH_NAMES", "10000000" if "--full" in sys.argv else "200000"))
ASKED = 300  # questions of each kind
SWAPPED = "华兴隆盛源泰丰裕恒昌达通顺安康宁德信义"


def names() -> list[str]:
    """Names drawn at random from the whole table."""
    import measured

    share = min(100.0, 100 * 4 * ASKED / NAMES)
    with measured.superuser() as owner:
        drawn = owner.execute(
            f"SELECT name FROM registry_enterprise TABLESAMPLE BERNOULLI ({share}) REPEATABLE (7)"
        ).fetchall()
    random.Random(7).shuffle(drawn)
    return [name for (name,) in drawn[:ASKED]]


def questions(drawn: list[str]) -> dict[str, list[str]]:
    """Kinds of questions, each asked of every name drawn."""
    from jinzhi.registry.pinyin import initials

    chance = random.Random(11)

    def part(text: str, length: int) -> str:
        start = chance.randrange(max(1, len(text) - length + 1))
        return text[start : start + length]

    def misspelt(name: str) -> str:
        at = chance.randrange(2, len(name) - 4)
        return name[:at] + chance.choice(SWAPPED) + name[at + 1 :]

    kinds: dict[str, Callable[[str], str]] = {
        "1 character": lambda n: part(n, 1),
        "2 characters": lambda n: part(n, 2),
        "3 characters": lambda n: part(n, 3),
        "4 characters": lambda n: part(n, 4),
        "6 characters": lambda n: part(n, 6),
        "the whole name": lambda n: n,
        "one character wrong": misspelt,
        "two words apart": lambda n: f"{n[:2]} {part(n[2:-2], 2)}",
        "4 pinyin initials": lambda n: part(initials(n), 4),
    }
    return {title: [make(name) for name in drawn] for title, make in kinds.items()}


def baseline(word: str) -> float:
    """Milliseconds of LIKE over the whole table."""
    from django.db import connection, transaction

    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SELECT count(*) FROM registry_enterprise WHERE name LIKE %s", [f"%{word}%"])
        cursor.fetchall()
    return 1000 * (time.perf_counter() - began)


def measure(drawn: list[str]) -> None:
    from jinzhi.foundation.places import scope
    from jinzhi.registry.searching import finding

    asked = questions(drawn)
    base = statistics.median(baseline(word) for word in asked["2 characters"][:3])
    print(f"search | LIKE over {NAMES:,} names, no index | {base:.0f} ms | 1.0000x", flush=True)
    for who, eyes in (
        ("the public", scope.PUBLIC),
        ("province", scope.staff(330000_000000)),
        ("city", scope.staff(330100_000000)),
        ("county", scope.staff(330106_000000)),
    ):
        with scope.acting(eyes):
            for title, words in asked.items():
                for word in words[:10]:
                    finding.search(word)
                took = []
                for word in words:
                    began = time.perf_counter()
                    finding.search(word)
                    took.append(1000 * (time.perf_counter() - began))
                took.sort()
                middle, p95, p99 = (took[int(len(took) * share)] for share in (0.5, 0.95, 0.99))
                print(
                    f"search | {title}, {who} | {middle:.1f} ms, p95 {p95:.0f}, p99 {p99:.0f} | {middle / base:.4f}x",
                    flush=True,
                )


def found_again(drawn: list[str]) -> None:
    """How often a name that is not quite right leads to the one that was meant."""
    from jinzhi.foundation.places import scope
    from jinzhi.registry.searching import finding

    asked = questions(drawn)["one character wrong"]
    with scope.acting(scope.PUBLIC):
        hits = sum(
            name in [hit.name for hit in finding.search(word).hits]
            for name, word in zip(drawn, asked, strict=True)
        )
    print(
        f"search | misspelt names found again among 20 | {hits} of {len(drawn)} | {hits / len(drawn):.2f}x",
        flush=True,
    )


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "jinzhi.settings"}
    django.setup()
    import generating
    import measured
    from django.db import connections

    with measured.database(large=NAMES > 1_000_000):
        connections["default"].settings_dict["CONN_MAX_AGE"] = None
        took = generating.fill(NAMES)
        measured.analyzed()
        print(f"search | {NAMES:,} enterprises | filled in {took:.0f} s | ", flush=True)
        drawn = names()
        measure(drawn)
        found_again(drawn)


if __name__ == "__main__":
    main()
