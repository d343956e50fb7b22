"""Who says that a creating call took effect names the thing, and what was named is never changed."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION billing_guard_named() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'UPDATE on billing_resolution refused: what a person named stays'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER what_was_named_stays BEFORE UPDATE ON billing_resolution FOR EACH ROW
    WHEN (OLD.made_id IS DISTINCT FROM NEW.made_id) EXECUTE FUNCTION billing_guard_named();
ALTER TABLE billing_resolution ENABLE ALWAYS TRIGGER what_was_named_stays;
"""
BACKWARD = """
DROP FUNCTION billing_guard_named() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0033_refreshes_asked_for_by_command")]

    operations = [
        migrations.AddField(
            model_name="resolution", name="made_id", field=models.UUIDField(null=True)
        ),
        migrations.AddConstraint(
            model_name="resolution",
            constraint=models.CheckConstraint(
                condition=models.Q(("made_id__isnull", True), ("verdict", "took_effect"), _connector="OR"),
                name="only_an_effect_made_something",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
