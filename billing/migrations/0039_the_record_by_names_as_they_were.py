"""A customer's events are found by the name that it had then."""

from django.db import migrations, models

from billing.lists.text import Folded


class Migration(migrations.Migration):
    dependencies = [("billing", "0042_lists_of_a_customer_in_one_text")]
    operations = [
        migrations.AddIndex(
            "auditevent",
            models.Index(
                Folded("customer_name"),
                models.F("customer_id"),
                condition=models.Q(customer_id__isnull=False),
                name="audit_by_customer_name",
            ),
        ),
    ]
