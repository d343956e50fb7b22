"""PostgreSQL refuses to change or delete what the record says. The triggers fire even for a replica session."""

from django.db import migrations

FORWARD = """
ALTER TABLE billing_auditevent ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX audit_by_transaction ON billing_auditevent (xid, id);

CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: these rows are only ever added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON billing_auditevent
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
ALTER TABLE billing_auditevent ENABLE ALWAYS TRIGGER audit_is_append_only;
"""

BACKWARD = """
DROP TRIGGER audit_is_append_only ON billing_auditevent;
DROP FUNCTION billing_refuse_change();
ALTER TABLE billing_auditevent DROP COLUMN xid;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
