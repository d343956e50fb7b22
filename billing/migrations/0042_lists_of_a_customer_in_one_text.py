"""Every customer's aliases and plans, each as one text: for files of all customers, which join them once."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE VIEW billing_heldaliases AS
SELECT customer_id, jsonb_agg(alias ORDER BY alias)::text AS aliases, count(*)::integer AS number
  FROM billing_ingestalias GROUP BY customer_id;
CREATE VIEW billing_heldplans AS
SELECT customer_id, to_jsonb(array_agg(name ORDER BY name, id))::text AS names,
       to_jsonb(array_agg(id ORDER BY name, id))::text AS ids
  FROM (SELECT DISTINCT s.customer_id, p.name, p.id
          FROM billing_customerplan s JOIN billing_plan p ON p.id = s.plan_id
         WHERE s.missing_since IS NULL AND (s.ending_before IS NULL OR s.ending_before > now())) held
 GROUP BY customer_id;
"""
BACKWARD = "DROP VIEW billing_heldplans; DROP VIEW billing_heldaliases;"
CUSTOMER = {
    "primary_key": True,
    "serialize": False,
    "to": "billing.customer",
    "on_delete": django.db.models.deletion.DO_NOTHING,
}


class Migration(migrations.Migration):
    dependencies = [("billing", "0038_contracts_and_their_queue")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.CreateModel(
            name="HeldAliases",
            fields=[
                ("customer", models.OneToOneField(related_name="held_aliases", **CUSTOMER)),
                ("aliases", models.TextField()),
                ("number", models.IntegerField()),
            ],
            options={"managed": False, "db_table": "billing_heldaliases"},
        ),
        migrations.CreateModel(
            name="HeldPlans",
            fields=[
                ("customer", models.OneToOneField(related_name="held_plans", **CUSTOMER)),
                ("names", models.TextField()),
                ("ids", models.TextField()),
            ],
            options={"managed": False, "db_table": "billing_heldplans"},
        ),
    ]
