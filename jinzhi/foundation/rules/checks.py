"""The rules linter, run by `make check` and at start."""

from jinzhi.foundation import rules


def check() -> list[str]:
    return rules.lint()
