"""Which release runs here, and how far apart two releases may be: one, so that nodes are upgraded one after another."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from jinzhi.foundation.exchange import declared

APART = 1  # releases, counted by the second number


def version() -> str:
    try:
        return installed("jinzhi")
    except PackageNotFoundError:
        return "0.0.0"


def schemas() -> dict[str, int]:
    """The structure that each dataset has here."""
    return {key: one.schema for key, one in declared.all().items()}


def _numbers(text: str) -> tuple[int, int] | None:
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def too_far(other: str) -> str:
    """A sentence when a node of release `other` cannot work with this one; "" when it can."""
    mine, theirs = _numbers(version()), _numbers(other)
    if theirs is None:
        return f"没有说明软件版本（“{other[:20]}”）"
    if mine and (mine[0] != theirs[0] or abs(mine[1] - theirs[1]) > APART):
        return f"软件版本 {other} 与省中心的 {version()} 相差超过一个版本，请先升级"
    return ""
