"""Which indexes the register's queries use under row-level security, and why two functions are leakproof."""

import re

import pytest
from django.db import connection

from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 20_000


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.fixture
def owner(test_database, transactional_db):
    """A connection of the server's administrator to this test's database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_enterprise (id, place, owner_node, version, created_at, updated_at, name,"
            " uscc, org_code, kind, legal_representative, address, premises_address, industry, status,"
            " source, is_demo, remark)"
            " SELECT gen_random_uuid(), 330000000000 + (i %% 11 + 1) * 100000000 + (i %% 9 + 1) * 1000000,"
            " '330000', 1, now(), now(),"
            " chr(20000 + i %% 3000) || chr(20001 + i * 7 %% 3001) || chr(20002 + i * 13 %% 2999)"
            " || '食品有限公司', '', '', 'company', '', '', '', '', 'active', '', false, ''"
            " FROM generate_series(1, %s) AS i",
            [ROWS],
        )
    with test_database.cluster.connect(test_database.name) as administrator:
        administrator.execute("ANALYZE registry_enterprise")
        yield administrator


LIST = "SELECT id, name FROM registry_enterprise ORDER BY id DESC LIMIT 50"
COUNT = "SELECT count(*) FROM registry_enterprise"
NAME = (
    "SELECT id, name FROM registry_enterprise WHERE name_grams @@ registry_gram_query('乐山')"
    " AND name_plain LIKE '%乐山%' LIMIT 20"
)


def test_a_county_list_is_read_by_the_index_of_place(owner):
    with scope.acting(scope.staff(330106_000000)):
        for query in (LIST, COUNT):
            shown = plan(query)
            assert "enterprise_place" in shown and "Seq Scan" not in shown, shown


def test_the_planner_knows_how_much_an_official_sees(owner):
    def expected(place):
        with scope.acting(scope.staff(place)):
            shown = plan("SELECT id FROM registry_enterprise")
        return int(re.search(r"rows=(\d+)", shown).group(1))

    assert expected(330000_000000) > ROWS * 0.95
    assert expected(330106_000000) < ROWS * 0.05


@pytest.mark.parametrize("eyes", [scope.PUBLIC, scope.staff(330000_000000), scope.staff(330100_000000)])
def test_a_fragment_of_a_name_is_read_by_its_pairs_of_characters(owner, eyes):
    with scope.acting(eyes):
        shown = plan(NAME)
    assert "enterprise_name_grams" in shown and "Seq Scan" not in shown, shown


@pytest.mark.parametrize("eyes", [scope.PUBLIC, scope.staff(330000_000000)])
def test_the_beginning_of_a_name_and_a_code_are_read_by_their_indexes(owner, eyes):
    with scope.acting(eyes):
        begins = plan("SELECT id FROM registry_enterprise WHERE name_plain LIKE '乐山%'")
        code = plan("SELECT id FROM registry_enterprise WHERE uscc = '91330100723456781Y' AND NOT uscc = ''")
    assert "enterprise_name_plain" in begins, begins
    assert "enterprise_uscc" in code, code


def test_without_the_leakproof_mark_the_index_of_names_would_not_serve_officials(owner):
    owner.execute("ALTER FUNCTION ts_match_vq(tsvector, tsquery) NOT LEAKPROOF")
    with scope.acting(scope.staff(330000_000000)):
        assert "enterprise_name_grams" not in plan(NAME)
