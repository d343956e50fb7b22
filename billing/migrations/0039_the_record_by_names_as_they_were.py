"""A customer's events are found by the name that it had then."""

from django.db import migrations, models

from billing.lists.text import Folded


class Migration(migrations.Migration):
    dependencies = [("billing", "0045_rate_cards_packages_and_products")]
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
