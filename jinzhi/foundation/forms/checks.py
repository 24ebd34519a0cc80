"""The forms linter, run by `make check` and at start."""

from jinzhi.foundation.forms.definition import files, lint, load


def check() -> list[str]:
    problems = []
    for path in files():
        try:
            problems += lint(load(path))
        except (TypeError, KeyError, ValueError) as fault:
            problems.append(f"{path.name}: {fault}")
    return problems
