"""Whose eyes the database sees with: the face and jurisdiction of the current request or job.

A connection signs in as a role that may see no scoped row at all; entering a scope switches to one of
four faces (PostgreSQL roles) whose row-level-security policies say what is visible. Forgetting to enter
one therefore shows nothing. The scope is re-applied whenever a pooled connection is taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connection
from django.db.backends.signals import connection_created
from django.db.utils import InternalError

PLACE_DIGITS = 12


@dataclass(frozen=True)
class Scope:
    """A face (`""` = none: no scoped row) with the place range of a post or the key of an enterprise."""

    face: str = ""
    lo: int = 0
    hi: int = -1
    enterprise: str = ""

    @property
    def role(self) -> str:
        return f"jinzhi_{self.face}" if self.face else "none"


NOBODY = Scope()
PUBLIC = Scope("public")
SYSTEM = Scope("system")  # background jobs and operator commands


def jurisdiction(place: int) -> tuple[int, int]:
    """First and last 12-digit place code inside `place`.

    >>> jurisdiction(330100000000)
    (330100000000, 330199999999)
    >>> jurisdiction(0)
    (0, 999999999999)
    """
    digits = f"{place:0{PLACE_DIGITS}d}"
    for width in (0, 2, 4, 6, 9):
        if not digits[width:].strip("0"):
            return place, place + 10 ** (PLACE_DIGITS - width) - 1
    return place, place


def staff(place: int) -> Scope:
    """The face of an official whose agency answers for `place`."""
    lo, hi = jurisdiction(place)
    return Scope("staff", lo, hi)


def enterprise(key: object) -> Scope:
    """The face of an enterprise: its own records only."""
    return Scope("enterprise", enterprise=str(key))


_current: ContextVar[Scope] = ContextVar("jinzhi_scope", default=NOBODY)

_APPLY = (
    "SELECT set_config('role', %s, false), set_config('jinzhi.lo', %s, false),"
    " set_config('jinzhi.hi', %s, false), set_config('jinzhi.enterprise', %s, false)"
)


def current() -> Scope:
    return _current.get()


def _apply(scope: Scope) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_APPLY, [scope.role, str(scope.lo), str(scope.hi), scope.enterprise])


def enter(scope: Scope) -> None:
    """Make `scope` the one in force here until another is entered."""
    _current.set(scope)
    if connection.connection is not None:
        _apply(scope)


@contextmanager
def acting(scope: Scope) -> Iterator[Scope]:
    """Enter `scope` for a block and return to the former one after it."""
    former = current()
    if scope == former:  # a page of the public inside a request of the public: nothing to tell the database
        yield scope
        return
    enter(scope)
    try:
        yield scope
    finally:
        _current.set(former)
        # In a transaction that must be rolled back the rollback itself restores the former settings.
        if connection.connection is not None and not connection.needs_rollback:
            try:
                _apply(former)
            except InternalError:
                if not connection.in_atomic_block:
                    raise


def _on_connection(sender, connection, **kwargs) -> None:
    if connection.alias == "default" and current() is not NOBODY:
        with connection.cursor() as cursor:
            scope = current()
            cursor.execute(_APPLY, [scope.role, str(scope.lo), str(scope.hi), scope.enterprise])


connection_created.connect(_on_connection, dispatch_uid="jinzhi.scope")
