"""What the database itself guarantees, whatever a view forgets: proven on every table that has a place."""

import pytest
from django.db import DatabaseError, connection
from uuid_utils.compat import uuid7

from jinzhi.foundation.files.models import Attachment, Blob
from jinzhi.foundation.places import scope

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = {"people_agency"}  # which bureau answers for which place is no secret
WESTLAKE, LINPING, NINGBO = 330106_000000, 330113_000000, 330203_000000


def ask(sql, parameters=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def scoped_tables():
    return {
        name
        for (name,) in ask(
            "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND a.attname = 'place' AND NOT a.attisdropped"
        )
    } - OPEN_TO_ALL


def test_every_table_with_a_place_is_under_forced_row_security():
    tables = scoped_tables()
    assert {"files_attachment", "files_generateddocument"} <= tables
    unprotected = ask(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relnamespace = 'public'::regnamespace"
        " AND NOT (relrowsecurity AND relforcerowsecurity)",
        [sorted(tables)],
    )
    assert unprotected == []


def test_every_table_with_a_place_says_what_officials_see_by_place():
    quals = dict(
        ask(
            "SELECT tablename, qual FROM pg_policies WHERE tablename = ANY(%s)"
            " AND 'jinzhi_staff' = ANY(roles) AND cmd IN ('ALL', 'SELECT')",
            [sorted(scoped_tables())],
        )
    )
    for table in scoped_tables():
        assert "place" in quals.get(table, ""), table


def test_no_policy_speaks_to_everybody():
    assert ask("SELECT tablename, policyname FROM pg_policies WHERE 'public' = ANY(roles)") == []


def first_columns(table):
    """The column each index of the table begins with; partial indexes do not serve every row."""
    return {
        column
        for (column,) in ask(
            "SELECT a.attname FROM pg_index AS i"
            " JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = %s::regclass AND i.indpred IS NULL",
            [table],
        )
    }


def parent_keys(table):
    """Columns that refer to another table with a place: the parent the row is reached through."""
    return {
        column
        for column, parent in ask(
            "SELECT a.attname, c.confrelid::regclass::text FROM pg_constraint AS c"
            " JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
            " WHERE c.contype = 'f' AND c.conrelid = %s::regclass",
            [table],
        )
        if parent in scoped_tables() - {table}
    }


def read_without_an_index(tables):
    return {t for t in tables if not first_columns(t) & ({"place"} | parent_keys(t))}


def test_every_scoped_table_has_the_index_its_rows_are_read_by():
    """By place, for what is listed by place; by its parent, for what is never asked for but through that.

    A case's events, submissions and copies and a clock's pauses are only ever read for one case: an index
    by place would be written with every act and read by nobody. The policy then looks at a handful of rows.
    """
    assert {"place"} <= first_columns("casework_case")
    assert parent_keys("casework_event") == {"case_id"}
    assert read_without_an_index(scoped_tables()) == set()


def test_a_scoped_table_without_such_an_index_is_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE unread (id bigint PRIMARY KEY, place bigint, case_id uuid)")
    assert read_without_an_index({"unread"}) == {"unread"}
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON unread (place) WHERE id > 5")
    assert read_without_an_index({"unread"}) == {"unread"}
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON unread (place, id)")
    assert read_without_an_index({"unread"}) == set()


def test_the_runtime_roles_own_nothing_and_cannot_pass_by():
    runtime = ["jinzhi_app", "jinzhi_staff", "jinzhi_enterprise", "jinzhi_public", "jinzhi_system"]
    roles = ask(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = ANY(%s)",
        [runtime],
    )
    assert len(roles) == 5 and not any(any(flags) for _, *flags in roles)
    assert (
        ask(
            "SELECT relname FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner"
            " WHERE rolname = ANY(%s)",
            [runtime],
        )
        == []
    )
    for role in runtime:
        assert ask("SELECT pg_has_role(%s, 'jinzhi_owner', 'MEMBER')", [role]) == [(False,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE jinzhi_owner",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE files_attachment DISABLE ROW LEVEL SECURITY",
        "DROP POLICY staff ON files_attachment",
    ],
)
def test_the_runtime_role_cannot_rid_itself_of_the_policies(statement):
    with pytest.raises(DatabaseError):
        ask(statement)


@pytest.fixture
def attachments(db):
    blob = Blob.objects.create(sha256="0" * 64, size=1, media_type="application/pdf")
    owners = {}
    for place in (WESTLAKE, WESTLAKE + 1000, LINPING, NINGBO, 330100_000000, 330000_000000, 320106_000000):
        owners[place] = uuid7()
        Attachment.objects.create(
            place=place, blob=blob, name=str(place), subject="case:x", enterprise_id=owners[place]
        )
    return owners


def seen():
    return set(Attachment.objects.values_list("place", flat=True))


def test_without_a_scope_nothing_is_seen_or_written(attachments):
    with scope.acting(scope.NOBODY):
        for table in scoped_tables():
            try:
                assert ask(f"SELECT count(*) FROM {table}") == [(0,)], table
            except DatabaseError:
                pytest.fail(f"{table} fails instead of showing nothing")
        assert Attachment.objects.update(name="x") == 0
        assert Attachment.objects.all().delete()[0] == 0


@pytest.mark.parametrize(
    ("post", "places"),
    [
        (330106_000000, {WESTLAKE, WESTLAKE + 1000}),
        (330113_000000, {LINPING}),
        (330100_000000, {WESTLAKE, WESTLAKE + 1000, LINPING, 330100_000000}),
        (330000_000000, {WESTLAKE, WESTLAKE + 1000, LINPING, NINGBO, 330100_000000, 330000_000000}),
        (320000_000000, {320106_000000}),
        (110000_000000, set()),
    ],
)
def test_officials_see_their_place_and_what_lies_inside(attachments, post, places):
    with scope.acting(scope.staff(post)):
        assert seen() == places


def test_an_official_cannot_write_into_another_place(attachments):
    with scope.acting(scope.staff(330106_000000)):
        assert Attachment.objects.filter(place=LINPING).update(name="x") == 0
        with pytest.raises(DatabaseError):
            Attachment.objects.filter(place=WESTLAKE).update(place=LINPING)


def test_an_official_cannot_make_a_record_of_another_place(attachments):
    blob = Blob.objects.get()
    with scope.acting(scope.staff(330106_000000)), pytest.raises(DatabaseError):
        Attachment.objects.create(place=LINPING, blob=blob, name="x", subject="case:y")


def test_an_enterprise_sees_its_own_only(attachments):
    with scope.acting(scope.enterprise(attachments[LINPING])):
        assert seen() == {LINPING}
        assert Attachment.objects.exclude(place=LINPING).delete()[0] == 0
    with scope.acting(scope.enterprise(uuid7())):
        assert seen() == set()


def test_the_public_has_no_face_of_attachments(attachments):
    with scope.acting(scope.PUBLIC), pytest.raises(DatabaseError):
        seen()


def test_a_scope_ends_with_its_block_even_after_an_error(attachments):
    before = seen()
    with pytest.raises(RuntimeError), scope.acting(scope.staff(330106_000000)):
        raise RuntimeError
    assert seen() == before


def test_entering_the_scope_one_is_in_asks_the_database_nothing(attachments, django_assert_num_queries):
    with scope.acting(scope.staff(330106_000000)):
        with django_assert_num_queries(0), scope.acting(scope.staff(330106_000000)):
            pass
        assert seen() == {WESTLAKE, WESTLAKE + 1000}


def test_words_in_a_scope_are_no_sql(attachments):
    with scope.acting(scope.enterprise("' OR true --")), pytest.raises(DatabaseError):
        seen()


def test_a_jurisdiction_is_all_codes_that_begin_alike():
    assert scope.jurisdiction(330106_001000) == (330106_001000, 330106_001999)
    assert scope.jurisdiction(330106_001203) == (330106_001203, 330106_001203)
    for lower, upper in ((WESTLAKE, 330100_000000), (330100_000000, 330000_000000), (330000_000000, 0)):
        (lo, hi), (LO, HI) = scope.jurisdiction(lower), scope.jurisdiction(upper)
        assert LO <= lo <= hi <= HI
