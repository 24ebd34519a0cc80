"""Official numbers have no gap and no double, whatever fails and however many take them at once."""

import random
import threading

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from jinzhi.foundation import numbering
from jinzhi.foundation.numbering import NumberingError
from jinzhi.foundation.numbering.models import Series, Voided
from jinzhi.foundation.places import scope

PATTERN = "{word}食许受〔{year}〕{n}号"


def number(**change):
    asked = {"series": "acceptance", "agency": "330106", "year": 2026, "pattern": PATTERN, "word": "杭西市监"}
    return numbering.next_number(**asked | change)


@pytest.mark.django_db
def test_each_agency_year_and_series_counts_for_itself():
    assert number() == "杭西市监食许受〔2026〕1号"
    assert number() == "杭西市监食许受〔2026〕2号"
    assert number(year=2027) == "杭西市监食许受〔2027〕1号"
    assert number(agency="330102") == number(series="refusal")
    assert numbering.last("acceptance", "330106", 2026) == 2
    assert numbering.last("acceptance", "330199", 2026) == 0


@pytest.mark.django_db
def test_the_width_of_the_pattern_ends_the_series():
    Series.objects.create(series="s", agency="a", year=2026, last=9998)
    assert numbering.next_number("s", "a", 2026, "{year}{n:04d}") == "20269999"
    with pytest.raises(NumberingError, match="已用到 9999"):
        numbering.next_number("s", "a", 2026, "{year}{n:04d}")
    assert numbering.last("s", "a", 2026) == 9999


@pytest.mark.django_db
def test_take_counts_per_key_and_stops_at_its_maximum():
    assert [numbering.take("food_licence", "101330106") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(NumberingError):
        numbering.take("food_licence", "101330106", maximum=3)


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ["〔{year}〕号", "{n}-{n}", ""])
def test_a_pattern_without_exactly_one_number_is_refused(pattern):
    with pytest.raises(NumberingError):
        numbering.next_number("s", "a", 2026, pattern)
    assert not Series.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_number_is_refused_outside_a_transaction():
    with pytest.raises(NumberingError, match="事务"):
        number()


@pytest.mark.django_db(transaction=True)
def test_a_failed_transaction_gives_its_number_back():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        number()
        raise ZeroDivisionError
    with transaction.atomic():
        assert number() == "杭西市监食许受〔2026〕1号"


@pytest.mark.django_db(transaction=True)
def test_no_gap_and_no_double_among_many_with_failures():
    kept, guard = [], threading.Lock()

    def work(seed):
        scope.enter(scope.staff(330106000000))
        chance = random.Random(seed)
        for _ in range(15):
            try:
                with transaction.atomic():
                    taken = numbering.take("race", "330106")
                    if chance.random() < 0.3:
                        raise ZeroDivisionError
                with guard:
                    kept.append(taken)
            except ZeroDivisionError:
                pass
        connection.close()

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    assert sorted(kept) == list(range(1, len(kept) + 1))
    assert numbering.last("race", "330106") == len(kept)


@pytest.mark.django_db
def test_a_voided_number_is_recorded_and_not_given_again():
    number()
    numbering.void("acceptance", "330106", 2026, 1, "打印作废", by="王敏", text="杭西市监食许受〔2026〕1号")
    assert number().endswith("2号")
    assert Voided.objects.get().reason == "打印作废"
    with pytest.raises(NumberingError, match="已作废"):
        numbering.void("acceptance", "330106", 2026, 1, "再次作废")
    with pytest.raises(NumberingError, match="尚未发出"):
        numbering.void("acceptance", "330106", 2026, 3, "未发")
    with pytest.raises(NumberingError, match="原因"):
        numbering.void("acceptance", "330106", 2026, 2, " ")


@pytest.mark.django_db
def test_numbers_given_on_paper_are_skipped_and_recorded():
    numbering.skip_to("acceptance", "330106", 2026, 51, "系统启用前已用纸质编号")
    assert number().endswith("51号")
    assert [(v.first, v.last) for v in Voided.objects.all()] == [(1, 50)]
    with pytest.raises(NumberingError, match="只能向前"):
        numbering.skip_to("acceptance", "330106", 2026, 51, "倒退")


@pytest.mark.django_db
def test_the_database_refuses_to_take_numbers_back():
    number()
    number()
    for change in ({"last": 1}, {"last": 0}):
        with pytest.raises(DatabaseError, match="not taken back"), transaction.atomic():
            Series.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Series.objects.all().delete()
