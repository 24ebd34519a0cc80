"""Loads the notices of the product and writes the days. Safe to repeat; quick when nothing changed."""

from django.db import transaction

from jinzhi.foundation.calendar import loading, notices
from jinzhi.foundation.calendar.building import LAST
from jinzhi.foundation.calendar.models import Day

ORDER = 30


def bootstrap() -> None:
    with transaction.atomic():
        loading.lock()
        stored = [loading.store(notice) for notice in notices.shipped()]
        if any(stored) or not Day.objects.filter(day=LAST).exists():
            loading.rebuild()
