"""Who sees and writes which rows, and what nobody may change."""

from django.db import migrations

from jinzhi.foundation.places import rls

OWN_CASE = (
    f"EXISTS (SELECT 1 FROM casework_case c WHERE c.id = case_id AND c.enterprise_id = {rls.ENTERPRISE})"
)
OWN_CLOCK = "EXISTS (SELECT 1 FROM casework_clock k WHERE k.id = clock_id)"
# What may never be changed keeps the place where it was written; whoever has the case now reads all of it.
WITH_CASE = f"EXISTS (SELECT 1 FROM casework_case c WHERE c.id = case_id AND c.place BETWEEN {rls.LO} AND {rls.HI})"

IMMUTABLE = """
CREATE FUNCTION casework_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a published procedure is immutable: publish a new version';
END $$;
CREATE TRIGGER casework_published BEFORE UPDATE OR DELETE ON casework_procedureversion
  FOR EACH ROW EXECUTE FUNCTION casework_published();
"""

# A case of a registered enterprise is found through the register's own search; the others by pairs of characters.
SUBJECTS = """
ALTER TABLE casework_case ADD COLUMN subject_grams tsvector
  GENERATED ALWAYS AS (CASE WHEN enterprise_id IS NULL THEN registry_grams(subject_name) END) STORED;
CREATE INDEX case_subject ON casework_case USING gin (subject_grams);
"""

# At the province: the files of a case and a case by its number, among millions of documents of other nodes.
RECEIVED = """
CREATE INDEX exchanged_case_files ON exchange_document ((body ->> 'subject'))
  WHERE dataset IN ('casework.attachment', 'casework.document');
CREATE INDEX exchanged_case_number ON exchange_document ((body ->> 'number')) WHERE dataset = 'casework.case';
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0001_initial"), ("registry", "0001_initial"), ("exchange", "0001_initial")]

    operations = [
        rls.scoped("casework_case", enterprise=f"enterprise_id = {rls.ENTERPRISE}"),
        rls.scoped("casework_submission", staff=WITH_CASE, enterprise=OWN_CASE),
        rls.scoped("casework_step", enterprise=OWN_CASE),
        rls.scoped("casework_clock", enterprise=OWN_CASE),
        rls.scoped("casework_clockpause", enterprise=OWN_CLOCK),
        rls.scoped("casework_event", staff=WITH_CASE, enterprise=f"public AND {OWN_CASE}"),
        rls.scoped("casework_service", enterprise=OWN_CASE),
        rls.scoped("casework_caselink", enterprise=OWN_CASE, enterprise_writes=False),
        rls.scoped("casework_bulkrun"),
        rls.scoped("casework_bulkitem"),
        rls.scoped("casework_carboncopy"),
        rls.scoped("casework_draft", staff="", enterprise=f"enterprise_id = {rls.ENTERPRISE}"),
        rls.scoped("casework_answered", staff=""),  # the interface keeps and reads it as the system
        rls.append_only("casework_event"),
        rls.append_only("casework_submission"),
        migrations.RunSQL(SUBJECTS, "ALTER TABLE casework_case DROP COLUMN subject_grams"),
        migrations.RunSQL(RECEIVED, "DROP INDEX exchanged_case_files; DROP INDEX exchanged_case_number"),
        migrations.RunSQL(
            IMMUTABLE,
            "DROP TRIGGER casework_published ON casework_procedureversion; DROP FUNCTION casework_published()",
        ),
    ]
