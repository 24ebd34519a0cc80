"""Roles and privileges that the rest relies on."""

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from jinzhi.foundation.places import scope
from jinzhi.runtime import provision

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser(test_database, db):
    with test_database.cluster.connect(test_database.name) as server:
        yield server


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def test_provisioning_again_changes_nothing(test_database, superuser):
    provision.provision(test_database.cluster, test_database.name)
    assert provision.missing(superuser) == []


def test_an_unmarked_function_is_found(superuser):
    with superuser.transaction(force_rollback=True):
        superuser.execute(f"ALTER FUNCTION {provision.LEAKPROOF[0]} NOT LEAKPROOF")
        assert any("LEAKPROOF" in problem for problem in provision.missing(superuser))


@pytest.mark.unscoped
def test_the_runtime_role_inherits_no_face():
    assert run("SELECT current_user, rolinherit FROM pg_roles WHERE rolname = current_user") == [
        ("jinzhi_app", False)
    ]


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE mine (n int)", "DROP TABLE places_division", "ALTER TABLE places_division ADD x int"],
)
def test_the_runtime_role_cannot_change_tables(statement):
    for face in (scope.NOBODY, scope.SYSTEM):
        with scope.acting(face), pytest.raises(ProgrammingError), transaction.atomic():
            run(statement)


def test_new_tables_and_functions_of_the_owner_serve_the_runtime_role(test_database, superuser):
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET ROLE jinzhi_owner")
        superuser.execute("CREATE TABLE later (id bigserial PRIMARY KEY)")
        superuser.execute("CREATE FUNCTION later_count() RETURNS bigint LANGUAGE sql RETURN (SELECT 1)")
        for role in (provision.APP_ROLE, *provision.FACES):
            superuser.execute(f"SET ROLE {role}")
            superuser.execute("INSERT INTO later DEFAULT VALUES")
            superuser.execute("SELECT later_count()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), superuser.transaction():
                superuser.execute("TRUNCATE later")


def test_faces_are_separate_a_face_cannot_become_another():
    with scope.acting(scope.PUBLIC):
        (session_user, current_user) = run("SELECT session_user, current_user")[0]
    assert (session_user, current_user) == ("jinzhi_app", "jinzhi_public")
