"""Who is asking: the account's posts of today, the post acted in, and its powers, read in one query.

Loaded afresh for every request, so a granted, delegated or revoked power holds from the next request.
"""

import json
from dataclasses import dataclass, field
from datetime import date

import psycopg
from django.db import connection

from .models import Agency, Department, Post, Power

# One row per post valid today (one row without a post when there is none).
_QUERY = """
SELECT EXISTS (SELECT 1 FROM mfa_authenticator m WHERE m.user_id = acc.id AND m.type = 'totp') AS totp,
       p.id, p.title, p.is_main, p.valid_from, p.valid_to, p.department_id, d.name AS department,
       to_jsonb(a) AS agency,
       (SELECT jsonb_agg(jsonb_build_array(w.id, w.role, w.procedure, w.step) ORDER BY w.id)
          FROM people_power w WHERE w.post_id = p.id) AS powers,
       (SELECT jsonb_agg(jsonb_build_array(w.id, w.role, w.procedure, w.step, f.id, f.title, f.account_id,
                                           fa.name, f.agency_id, g.procedures) ORDER BY w.id)
          FROM people_delegation g
          JOIN people_post f ON f.id = g.from_post_id
          JOIN people_account fa ON fa.id = f.account_id AND fa.is_active
          JOIN people_power w ON w.post_id = f.id
         WHERE g.to_post_id = p.id AND g.revoked_at IS NULL
           AND %(today)s BETWEEN g.starts AND g.ends
           AND f.valid_from <= %(today)s AND (f.valid_to IS NULL OR f.valid_to >= %(today)s)) AS delegated
  FROM people_account acc
  LEFT JOIN (people_post p
             JOIN people_agency a ON a.id = p.agency_id
              AND (a.valid_from IS NULL OR a.valid_from <= %(today)s)
              AND (a.valid_to IS NULL OR a.valid_to > %(today)s)
             LEFT JOIN people_department d ON d.id = p.department_id)
    ON p.account_id = acc.id AND p.valid_from <= %(today)s
   AND (p.valid_to IS NULL OR p.valid_to >= %(today)s)
 WHERE acc.id = %(account)s
 ORDER BY p.is_main DESC, p.id
"""


@dataclass
class Identity:
    """Posts of an account that are valid today; the one acted in with its own and delegated powers.

    A delegated `Power` has `on_behalf`, the post of the one who delegated it; an own power has None.
    """

    posts: list[Post] = field(default_factory=list)
    post: Post | None = None
    powers: list[Power] = field(default_factory=list)
    has_totp: bool = False

    @property
    def roles(self) -> set[str]:
        return {power.role for power in self.powers}

    def power_for(self, role: str, procedure: str = "", step: str = "") -> Power | None:
        """The power that covers this role at this step: an own one first, else a delegated one."""
        for power in self.powers:
            if power.role == role and power.procedure in ("", procedure) and power.step in ("", step):
                return power
        return None


def load(account, today: date, wanted_post: int | None = None) -> Identity:
    """The identity of `account` on `today`, acting in `wanted_post` if it is valid, else its main post."""
    rows = _rows({"account": account.pk, "today": today})
    identity = Identity(has_totp=bool(rows and rows[0]["totp"]))
    chosen = None
    for row in rows:
        if row["id"] is None:
            continue
        post = _post(account, row)
        identity.posts.append(post)
        if chosen is None or post.pk == wanted_post:
            chosen, identity.post = row, post
    if chosen is not None and identity.post is not None:
        identity.powers = _own(identity.post, chosen) + _delegated(identity.post, chosen)
    return identity


def _rows(parameters: dict) -> list[dict]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection, row_factory=psycopg.rows.dict_row)
        with cursor:
            return cursor.execute(_QUERY, parameters, prepare=True).fetchall()


def _json(value):
    return json.loads(value) if isinstance(value, str | bytes) else value


def _post(account, row: dict) -> Post:
    agency = _json(row["agency"])
    for key in ("valid_from", "valid_to"):
        agency[key] = agency[key] and date.fromisoformat(agency[key])
    post = Post(
        id=row["id"],
        account=account,
        agency=_stored(Agency(**agency)),
        title=row["title"],
        is_main=row["is_main"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
    )
    if row["department_id"]:
        department = Department(id=row["department_id"], agency=post.agency, name=row["department"])
        post.department = _stored(department)
    return _stored(post)


def _own(post: Post, row: dict) -> list[Power]:
    powers = []
    for key, role, procedure, step in _json(row["powers"]) or ():
        power = _stored(Power(id=key, post=post, role=role, procedure=procedure, step=step))
        powers.append(power)
    return powers


def _delegated(post: Post, row: dict) -> list[Power]:
    powers = []
    for key, role, procedure, step, from_id, title, account_id, name, agency_id, matters in (
        _json(row["delegated"]) or ()
    ):
        if agency_id != post.agency_id:
            continue  # a delegation ends when either side leaves the agency
        giver = Post(id=from_id, title=title, agency=post.agency)
        giver.account = _stored(type(post.account)(id=account_id, name=name))
        for matter in _handed_over(procedure, matters):
            power = _stored(Power(id=key, post=_stored(giver), role=role, procedure=matter, step=step))
            power.on_behalf = giver
            powers.append(power)
    return powers


def _handed_over(procedure: str, matters: list[str]) -> list[str]:
    """The matters a delegated power covers: all of its own, or those of them that were delegated."""
    if not matters:
        return [procedure]
    return [m for m in matters if procedure in ("", m)]


def _stored(instance):
    """Mark an instance built from a row as existing in the database."""
    instance._state.adding = False
    instance._state.db = "default"
    return instance
