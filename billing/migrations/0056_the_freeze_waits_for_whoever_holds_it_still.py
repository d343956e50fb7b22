"""Turning the freeze waits for the transactions that hold it still, which no longer wait for one another."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_await_freeze() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('countersign: the freeze', 0));
    RETURN NEW;
END $$;
CREATE TRIGGER a_turn_waits_for_who_holds_it_still BEFORE INSERT OR UPDATE ON billing_freeze
    FOR EACH ROW EXECUTE FUNCTION billing_await_freeze();
ALTER TABLE billing_freeze ENABLE ALWAYS TRIGGER a_turn_waits_for_who_holds_it_still;
"""
BACKWARD = """
DROP FUNCTION billing_await_freeze() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0050_ways_back_in")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
