"""The worked examples in cases/*.yaml."""

from pathlib import Path

import pytest

from jinzhi.foundation import codes
from jinzhi.foundation.codes import regions
from jinzhi.foundation.rules.library import read_yaml

FOLDER = Path(codes.__file__).parent / "cases"


def _cases():
    for path in sorted(FOLDER.glob("*.yaml")):
        document = read_yaml(path)
        for case in document["cases"]:
            day = case.get("day") or document.get("day")
            yield pytest.param(
                document["scheme"], day, case, id=f"{document['scheme']}-{case['value']}-{day}"
            )


@pytest.mark.django_db
@pytest.mark.parametrize(("scheme", "on", "case"), list(_cases()))
def test_worked_example(scheme, on, case):
    regions.forget()
    answer = codes.check(scheme, case["value"], on)
    assert answer.valid is case["valid"], answer.problems
    if "problems" in case:
        assert [problem.code for problem in answer.problems] == case["problems"]
    if "says" in case:
        assert any(case["says"] in problem.message for problem in answer.problems), answer.problems
    if "normalized" in case:
        assert answer.normalized == case["normalized"]
    for name, value in case.get("parts", {}).items():
        assert answer.parts[name] == value
