"""What a guard reads is the real table: its functions look into pg_catalog and public before anything temporary.

The application needs no temporary tables, so PUBLIC loses the right to them. The record's time, transaction and
number are the database's own for everybody but the owner of the table, who restores backups.
"""

from django.db import migrations

FORWARD = """
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_proc
              WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'billing_') LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', f);
    END LOOP;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

CREATE FUNCTION billing_stamp_audit() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RETURN NEW;
    END IF;
    NEW.occurred_at := now();
    NEW.xid := pg_current_xact_id();
    IF NEW.id IS DISTINCT FROM currval(pg_get_serial_sequence(TG_RELID::regclass::text, 'id')) THEN
        RAISE EXCEPTION 'the record numbers its own rows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_is_stamped BEFORE INSERT ON billing_auditevent
    FOR EACH ROW EXECUTE FUNCTION billing_stamp_audit();
ALTER TABLE billing_auditevent ENABLE ALWAYS TRIGGER audit_is_stamped;
"""

BACKWARD = """
DROP TRIGGER audit_is_stamped ON billing_auditevent;
DROP FUNCTION billing_stamp_audit();
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_proc
              WHERE pronamespace = 'public'::regnamespace AND starts_with(proname, 'billing_') LOOP
        EXECUTE format('ALTER FUNCTION %s RESET search_path', f);
    END LOOP;
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_approvals_that_still_count")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
