"""The shipped code sets must be well formed."""

from jinzhi.foundation.codes import sets


def check() -> list[str]:
    return sets.lint()
