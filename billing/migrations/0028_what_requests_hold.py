"""What a request writes to: parts of things under their owners, held until it is settled, busy while applied.

Nothing was released with the holds sealed as before: a database with such requests is a trial, as in 0023.
Whoever proposes takes a lock for each owner (64 of them, in their order), so that of two who propose at once the
second one sees the first one's holds.
"""

import django.db.models.deletion
from django.db import migrations, models

REFUSE_OLDER = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM billing_changerequest WHERE jsonb_typeof(sealed::jsonb -> 'holds' -> 0) = 'string') THEN
        RAISE EXCEPTION 'this database holds requests of a version before 1.0.0, which are not carried on:'
            ' begin with an empty database (make clean forgets a demo)';
    END IF;
END $$;
"""

FORWARD = """
CREATE FUNCTION billing_guard_overlap() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE clash record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('billing_hold'), bucket)
       FROM (SELECT DISTINCT hashtext(owner) & 63 AS bucket FROM fresh ORDER BY 1) AS locks;
    SELECT n.thing, n.field_group, h.change_id INTO clash
      FROM fresh n JOIN billing_hold h ON h.owner = n.owner AND h.is_open AND h.change_id <> n.change_id
     WHERE n.is_open AND (
           (h.thing = n.thing AND (h.field_group = n.field_group OR '*' IN (h.field_group, n.field_group)))
           OR (h.thing = h.owner AND h.field_group = '*') OR (n.thing = n.owner AND n.field_group = '*'))
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% of % is held by another open request', clash.field_group, clash.thing
            USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER holds_never_meet AFTER INSERT ON billing_hold REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION billing_guard_overlap();
ALTER TABLE billing_hold ENABLE ALWAYS TRIGGER holds_never_meet;

CREATE TRIGGER hold_is_sealed BEFORE INSERT ON billing_hold
    FOR EACH ROW EXECUTE FUNCTION billing_guard_sealed_part();
ALTER TABLE billing_hold ENABLE ALWAYS TRIGGER hold_is_sealed;

CREATE FUNCTION billing_guard_hold() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.is_open AND NOT OLD.is_open)
       OR (NEW.id, NEW.change_id, NEW.owner, NEW.thing, NEW.field_group)
       IS DISTINCT FROM (OLD.id, OLD.change_id, OLD.owner, OLD.thing, OLD.field_group) THEN
        RAISE EXCEPTION 'what a request holds is sealed with it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_stays BEFORE UPDATE OR DELETE ON billing_hold
    FOR EACH ROW EXECUTE FUNCTION billing_guard_hold();
ALTER TABLE billing_hold ENABLE ALWAYS TRIGGER hold_stays;

CREATE FUNCTION billing_guard_held() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    request billing_changerequest%ROWTYPE;
    is_held boolean;
    is_busy boolean;
BEGIN
    SELECT * INTO request FROM billing_changerequest WHERE id = NEW.change_id;
    SELECT h.is_open, h.is_busy INTO is_held, is_busy FROM billing_hold h WHERE h.id = NEW.id;
    IF NOT is_held AND request.settled_at IS NULL THEN
        RAISE EXCEPTION 'a hold ends only once its request is settled' USING ERRCODE = 'restrict_violation';
    END IF;
    IF is_held AND request.settled_at IS NOT NULL THEN
        RAISE EXCEPTION 'a settled request holds nothing' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.is_busy AND NOT is_busy AND request.status IN ('applying', 'unknown', 'partly_applied') THEN
        RAISE EXCEPTION 'what request % writes to is busy until it is known what became of it', request.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF is_busy AND request.status NOT IN ('applying', 'unknown', 'partly_applied', 'blocked') THEN
        RAISE EXCEPTION 'nobody is busy for a request that is %', request.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hold_goes_with_its_request AFTER UPDATE ON billing_hold
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_guard_held();
ALTER TABLE billing_hold ENABLE ALWAYS TRIGGER hold_goes_with_its_request;

CREATE FUNCTION billing_guard_busy() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE now_is text;
BEGIN
    SELECT status INTO now_is FROM billing_changerequest WHERE id = NEW.id;
    IF now_is IN ('applying', 'unknown', 'partly_applied') AND EXISTS (
        SELECT FROM billing_hold h WHERE h.change_id = NEW.id AND NOT EXISTS (
            SELECT FROM billing_hold b WHERE b.change_id = NEW.id AND b.owner = h.owner AND b.is_busy)) THEN
        RAISE EXCEPTION 'request % goes on only while what it writes to is busy with it', NEW.reference
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER owners_are_busy AFTER UPDATE ON billing_changerequest
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.status <> OLD.status AND NEW.status IN ('applying', 'unknown', 'partly_applied'))
    EXECUTE FUNCTION billing_guard_busy();
ALTER TABLE billing_changerequest ENABLE ALWAYS TRIGGER owners_are_busy;
"""

BACKWARD = """
DROP FUNCTION billing_guard_busy() CASCADE;
DROP FUNCTION billing_guard_held() CASCADE;
DROP FUNCTION billing_guard_hold() CASCADE;
DROP FUNCTION billing_guard_overlap() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0027_requests_by_what_they_write_to")]

    operations = [
        migrations.RunSQL(REFUSE_OLDER, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner", models.TextField()),
                ("thing", models.TextField()),
                ("group", models.TextField(db_column="field_group")),
                ("is_open", models.BooleanField(default=True)),
                ("is_busy", models.BooleanField(default=False)),
                (
                    "change",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="billing.changerequest",
                    ),
                ),
            ],
        ),
        migrations.DeleteModel(name="Subject"),
        migrations.AddIndex(
            model_name="hold", index=models.Index(fields=["owner", "is_open"], name="holds_by_owner")
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                fields=("change", "thing", "group"), name="a_request_holds_a_part_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_busy", True)), fields=("owner",), name="one_busy_request_per_owner"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_busy", False), ("is_open", True), _connector="OR"),
                name="what_is_busy_is_held",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
