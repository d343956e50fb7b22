"""Whoever decided a request neither agrees to a word on its outcome nor disagrees with it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_guard_second() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT billing_is_owner(TG_RELID) AND EXISTS (
        SELECT FROM billing_decision d
         WHERE d.change_id = NEW.change_id AND d.checker_id IN (NEW.seconded_by_id, NEW.disagreed_by_id)) THEN
        RAISE EXCEPTION 'UPDATE on billing_resolution refused: the second person has decided this request'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER a_second_person_has_not_decided BEFORE UPDATE ON billing_resolution FOR EACH ROW
    WHEN ((OLD.seconded_by_id, OLD.disagreed_by_id) IS DISTINCT FROM (NEW.seconded_by_id, NEW.disagreed_by_id))
    EXECUTE FUNCTION billing_guard_second();
ALTER TABLE billing_resolution ENABLE ALWAYS TRIGGER a_second_person_has_not_decided;
"""
BACKWARD = """
DROP FUNCTION billing_guard_second() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0039_the_record_by_names_as_they_were")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
