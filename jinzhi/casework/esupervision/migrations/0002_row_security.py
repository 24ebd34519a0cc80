"""Who sees and writes which rows of e-supervision, and what nobody may change."""

from django.db import migrations

from jinzhi.foundation.places import rls

OWN = f"enterprise_id = {rls.ENTERPRISE}"
# Rated once, by its own applicant, when the case is over.
OWN_CLOSED = (
    f"{OWN} AND EXISTS (SELECT 1 FROM casework_case c WHERE c.id = case_id AND c.state = 'closed'"
    f" AND c.enterprise_id = {rls.ENTERPRISE})"
)
OWN_COMPLAINT = "EXISTS (SELECT 1 FROM esupervision_complaint c WHERE c.id = complaint_id)"

IMMUTABLE = """
CREATE FUNCTION esupervision_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'published' THEN
    RAISE EXCEPTION 'a published score is immutable: make a correction';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER esupervision_published BEFORE UPDATE OR DELETE ON esupervision_scoresheet
  FOR EACH ROW EXECUTE FUNCTION esupervision_published();

CREATE FUNCTION esupervision_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF array_position(ARRAY['green','blue','yellow','red'], NEW.colour)
     < array_position(ARRAY['green','blue','yellow','red'], OLD.colour) THEN
    RAISE EXCEPTION 'the colour of a signal does not fall';
  END IF;
  NEW.version := OLD.version + 1;
  NEW.changed_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER esupervision_changed BEFORE UPDATE ON esupervision_signal
  FOR EACH ROW EXECUTE FUNCTION esupervision_changed();
"""
UNDO = """
DROP TRIGGER esupervision_published ON esupervision_scoresheet; DROP FUNCTION esupervision_published();
DROP TRIGGER esupervision_changed ON esupervision_signal; DROP FUNCTION esupervision_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("esupervision", "0001_initial"), ("casework", "0002_row_security")]

    operations = [
        rls.scoped("esupervision_signal"),
        rls.scoped("esupervision_handling"),
        rls.scoped("esupervision_complaint", enterprise=OWN, enterprise_writes=False),
        rls.scoped("esupervision_complaintentry"),
        rls.scoped("esupervision_satisfaction", enterprise=OWN_CLOSED),
        rls.scoped("esupervision_followup"),
        rls.scoped("esupervision_adjustment"),
        rls.scoped("esupervision_scoresheet"),
        rls.append_only("esupervision_handling"),
        rls.append_only("esupervision_complaintentry"),
        rls.append_only("esupervision_satisfaction"),
        rls.append_only("esupervision_followup"),
        rls.append_only("esupervision_adjustment"),
        migrations.RunSQL(
            "REVOKE ALL ON esupervision_run FROM jinzhi_enterprise, jinzhi_public",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(IMMUTABLE, UNDO),
    ]
