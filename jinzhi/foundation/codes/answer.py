"""What a check answers: the normalised value, whether it is valid, and problems with their reasons."""

from dataclasses import dataclass, field
from typing import Any

ERROR, WARNING = "error", "warning"
ECHOED = 100  # characters of a value repeated in an answer


@dataclass(frozen=True)
class Problem:
    code: str
    message: str
    level: str = ERROR


@dataclass
class Answer:
    """`valid` as long as no problem is an error. `parts` holds what the code says (region, birth date …)."""

    scheme: str
    value: str
    normalized: str
    problems: list[Problem] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.errors

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.level == ERROR]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.level == WARNING]

    def error(self, code: str, message: str) -> None:
        self.problems.append(Problem(code, message))

    def warn(self, code: str, message: str) -> None:
        self.problems.append(Problem(code, message, WARNING))

    def as_dict(self) -> dict[str, Any]:
        return {
            "scheme": self.scheme,
            "value": shortened(self.value),
            "normalized": shortened(self.normalized),
            "valid": self.valid,
            "problems": [{"code": p.code, "message": p.message, "level": p.level} for p in self.problems],
        }


def shortened(text: str) -> str:
    """`text`, cut where it is far longer than any code."""
    return text if len(text) <= ECHOED else f"{text[:ECHOED]}…"
