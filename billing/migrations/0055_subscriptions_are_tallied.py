"""How many subscriptions of each plan end when, kept by triggers: a row a statement, plan and end, none changed.

As with customers: statement triggers with transition tables, which a restore that replays data leaves asleep.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION billing_tally_subscriptions() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO billing_plantally (plan_id, ending_before, number)
        SELECT plan_id, ending_before, count(*) FROM came WHERE missing_since IS NULL GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO billing_plantally (plan_id, ending_before, number)
        SELECT plan_id, ending_before, -count(*) FROM went WHERE missing_since IS NULL GROUP BY 1, 2;
    ELSE
        INSERT INTO billing_plantally (plan_id, ending_before, number)
        SELECT plan_id, ending_before, sum(number) FROM (
            SELECT plan_id, ending_before, 1 AS number FROM came WHERE missing_since IS NULL
            UNION ALL
            SELECT plan_id, ending_before, -1 FROM went WHERE missing_since IS NULL) moved
         GROUP BY 1, 2 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER subscriptions_that_came AFTER INSERT ON billing_customerplan
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION billing_tally_subscriptions();
CREATE TRIGGER subscriptions_that_moved AFTER UPDATE ON billing_customerplan
    REFERENCING OLD TABLE AS went NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION billing_tally_subscriptions();
CREATE TRIGGER subscriptions_that_went AFTER DELETE ON billing_customerplan
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION billing_tally_subscriptions();
INSERT INTO billing_plantally (plan_id, ending_before, number)
SELECT plan_id, ending_before, count(*) FROM billing_customerplan WHERE missing_since IS NULL GROUP BY 1, 2;
"""

BACKWARD = """
DROP TRIGGER subscriptions_that_went ON billing_customerplan;
DROP TRIGGER subscriptions_that_moved ON billing_customerplan;
DROP TRIGGER subscriptions_that_came ON billing_customerplan;
DROP FUNCTION billing_tally_subscriptions();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0058_access_tokens")]

    operations = [
        migrations.CreateModel(
            name="PlanTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ending_before", models.DateTimeField(null=True)),
                ("number", models.BigIntegerField()),
                (
                    "plan",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tallied",
                        to="billing.plan",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
