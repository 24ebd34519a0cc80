"""Who may see which row and column of what stands behind an archive; run by the migration.

Public: former and current values of public fields, published entries, lineage. The enterprise: its own, save
complaints not yet published (who informed is nobody's but the handler's). Everything else: officials of the place.
"""

from django.db import migrations

from jinzhi.foundation.places import rls
from jinzhi.registry.facts import PUBLIC_FIELDS

PUBLIC_FACT = (
    "id", "enterprise_id", "field", "value", "state", "valid_from", "valid_to", "source", "source_on", "rank",
    "received_at", "removed_at", "name_plain", "name_grams",
)  # fmt: skip
PUBLIC_ENTRY = (
    "id", "place", "enterprise_id", "section", "title", "facts", "state", "occurred_on", "valid_from", "valid_to",
    "source", "source_key", "agency_name", "published", "updated_at",
)  # fmt: skip
PUBLIC_LINEAGE = ("id", "from_enterprise_id", "to_enterprise_id", "kind", "on", "undone_at")

_OWN = f"enterprise_id = {rls.ENTERPRISE}"
_FIELDS = ", ".join(f"'{field}'" for field in PUBLIC_FIELDS)
_HERE = f"place BETWEEN {rls.LO} AND {rls.HI}"
_EITHER = f"({_HERE} OR other_place BETWEEN {rls.LO} AND {rls.HI})"


def _quoted(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'"{column}"' for column in columns)


POLICIES = [
    rls.scoped(
        "registry_fact",
        enterprise=_OWN,
        enterprise_writes=False,
        public=f"field IN ({_FIELDS}) AND state IN ('former', 'chosen', 'locked')",
        public_columns=_quoted(PUBLIC_FACT),
    ),
    rls.scoped(
        "registry_entry",
        enterprise=f"{_OWN} AND (published OR section <> 'complaints')",
        enterprise_writes=False,
        public="published",
        public_columns=_quoted(PUBLIC_ENTRY),
    ),
    rls.scoped(
        "registry_lineage",
        staff=_EITHER,
        enterprise=f"from_enterprise_id = {rls.ENTERPRISE} OR to_enterprise_id = {rls.ENTERPRISE}",
        enterprise_writes=False,
        public="true",
        public_columns=_quoted(PUBLIC_LINEAGE),
    ),
    rls.scoped("registry_mergelog", staff=_EITHER),
    rls.scoped("registry_suspicion", staff=_EITHER),
    rls.scoped("registry_correction", enterprise=_OWN, enterprise_writes=False),
    # an enterprise asks, and never answers itself
    migrations.RunSQL(
        "CREATE POLICY enterprise_asks ON registry_correction FOR INSERT TO jinzhi_enterprise"
        f" WITH CHECK ({_OWN} AND state = 'open' AND answer = '' AND answered_by = '' AND answered_on IS NULL)",
        "DROP POLICY IF EXISTS enterprise_asks ON registry_correction",
    ),
]
