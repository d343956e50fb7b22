"""A customer's events are found by the name that it had then."""

from django.db import migrations, models

from billing.lists.text import Folded


class Migration(migrations.Migration):
    dependencies = [("billing", "0037_the_mirror_keeps_what_it_reads")]
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
