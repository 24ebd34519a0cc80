"""Run by `make check`: procedures pass the linter, kinds and templates of documents are named once."""

from jinzhi.casework.documents import kinds
from jinzhi.casework.lint import lint_files
from jinzhi.foundation.files.documents import template_path


def check() -> list[str]:
    return lint_files() + _documents()


def _documents() -> list[str]:
    problems = []
    try:
        for kind in kinds().values():
            template_path(kind.template.name)
    except (LookupError, ValueError, TypeError) as fault:
        problems.append(str(fault))
    return problems
