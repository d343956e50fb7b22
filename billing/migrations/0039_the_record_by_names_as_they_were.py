"""A customer's events are found by the name that it had then."""

from django.db import migrations, models

from billing.lists.text import Folded


class Migration(migrations.Migration):
    dependencies = [("billing", "0036_what_requests_came_to")]
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
