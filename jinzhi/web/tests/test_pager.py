"""Keyset pages: whatever the order and size, going through them reads every row once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from jinzhi.foundation.people.models import Agency
from jinzhi.foundation.places import scope
from jinzhi.web import pager

ORDERS = [("place", "id"), ("-place", "-id"), ("level", "-id"), ("-name", "id"), ("id",)]


class Pages(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(order=st.sampled_from(ORDERS), size=st.integers(1, 40))
    def test_forward_and_back_read_every_row_once(self, order, size):
        scope.enter(scope.SYSTEM)
        rows = Agency.objects.filter(key__startswith="3301")
        wanted = list(rows.order_by(*order))
        seen, pages, after = [], [], ""
        while True:
            page = pager.page(rows, order, after=after, size=size)
            seen += page.rows
            pages.append(page.rows)
            if not page.after:
                break
            after = page.after
        assert seen == wanted
        before, back = page.before, [page.rows]
        while before:
            page = pager.page(rows, order, before=before, size=size)
            back.insert(0, page.rows)
            before = page.before
        assert [row for rows in back for row in rows] == wanted


@pytest.mark.django_db
def test_a_page_has_neighbours_only_where_there_are_rows():
    rows = Agency.objects.filter(key__startswith="3301")
    first = pager.page(rows, ("id",), size=5)
    assert first.after and not first.before
    second = pager.page(rows, ("id",), after=first.after, size=50)
    assert second.before and not second.after
    assert pager.page(rows.none(), ("id",)).rows == []


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "bnVsbA", "W1siYSJdXQ", "é", "a" * 700])
def test_a_made_up_cursor_shows_the_first_page(cursor):
    rows = Agency.objects.all()
    assert pager.page(rows, ("id",), after=cursor, size=3).rows == list(rows.order_by("id")[:3])


@pytest.mark.django_db
def test_counts_are_exact_while_small(monkeypatch):
    assert pager.about(Agency.objects.all()) == Agency.objects.count()
    monkeypatch.setattr(pager, "EXACT_UP_TO", 5)
    assert pager.about(Agency.objects.all()) >= 5
