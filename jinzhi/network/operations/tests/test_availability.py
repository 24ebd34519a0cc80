"""Availability by the worked examples, and by the arithmetic that holds for all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jinzhi.network.operations import availability

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/availability.yaml").read_text())


def moment(text) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(str(text)))


@pytest.mark.parametrize("case", CASES, ids=[c["title"] for c in CASES])
def test_worked_examples(case):
    spans = [(moment(a), moment(b)) for a, b in case["outages"]]
    windows = [(moment(a), moment(b), moment(c)) for a, b, c in case["windows"]]
    found = availability.work_out(moment(case["since"]), moment(case["until"]), spans, windows)
    assert (str(found.share), found.outages) == (case["share"], case["outages_counted"])


BEGIN = datetime(2026, 4, 1, tzinfo=UTC)
hours = st.integers(-48, 800).map(lambda h: BEGIN + timedelta(hours=h))
spans = st.lists(st.tuples(hours, hours).map(lambda s: tuple(sorted(s))), max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans, spans)
def test_down_never_exceeds_agreed_and_windows_only_help(outages, windows):
    end = BEGIN + timedelta(days=30)
    told = [(a, b, a - timedelta(days=2)) for a, b in windows]
    plain = availability.work_out(BEGIN, end, outages, [])
    helped = availability.work_out(BEGIN, end, outages, told)
    assert timedelta(0) <= helped.down <= min(plain.down, helped.agreed)
    assert plain.agreed == timedelta(days=30)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spans, spans)
def test_without_and_merged_are_set_operations(one, other):
    end = BEGIN + timedelta(days=30)
    a, b = availability.merged(one, BEGIN, end), availability.merged(other, BEGIN, end)
    left = availability.without(a, b)
    for hour in range(0, 720, 7):
        at = BEGIN + timedelta(hours=hour, minutes=30)
        inside = lambda spans: any(x <= at < y for x, y in spans)  # noqa: E731, B023
        assert inside(left) == (inside(a) and not inside(b))


def test_restoring_and_failing_times():
    end = BEGIN + timedelta(hours=100)
    two = [(BEGIN + timedelta(hours=h), BEGIN + timedelta(hours=h + 2)) for h in (10, 50)]
    found = availability.work_out(BEGIN, end, two, [])
    assert (found.mttr, found.mtbf) == (timedelta(hours=2), timedelta(hours=48))


def test_nothing_agreed_is_no_number():
    found = availability.work_out(
        BEGIN,
        BEGIN + timedelta(hours=2),
        [],
        [(BEGIN, BEGIN + timedelta(hours=2), BEGIN - timedelta(days=3))],
    )
    assert found.share is None
