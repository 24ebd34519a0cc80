"""Run by `make check`: every procedure of every room passes the linter."""

from jinzhi.casework.lint import lint_files


def check() -> list[str]:
    return lint_files()
